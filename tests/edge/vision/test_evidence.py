"""What is asked to be kept: each event once, its minutes around it, and never so much that it hides what matters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.guard.faults import BY_CODE
from edge.guard.verdict import Verdict
from edge.records import SkyObject
from edge.runtime.clock import Moment
from edge.vision.evidence import CODES, MOST_PER_HOUR, EvidenceAsked
from tests.edge.vision.test_outward import verdict

UTC_NS = 1_781_473_500_000_000_000
S = 10**9


def thing(key: str, **changes: object) -> SkyObject:
    fields: dict[str, object] = dict(
        id=key, identity="unknown", label="", senses=("camera",), hypotheses=(), azimuth_deg=10.0, elevation_deg=50.0
    )
    return SkyObject(**(fields | changes))  # type: ignore[arg-type]


class Asked:
    def __init__(self, spool: Path) -> None:
        self.spool, self.asked = spool, EvidenceAsked(spool, 20.0)

    def at(
        self, seconds: float, what: Verdict, *objects: SkyObject, beam: str = "main"
    ) -> list[tuple[str, float, float]]:
        """New requests: (kind, begin, end), seconds."""
        self.asked.notice(beam, what, objects, Moment(UTC_NS + round(seconds * S), 0, seconds))
        found = []
        for path in sorted(self.spool.glob("*.json")) if self.spool.exists() else []:
            record = json.loads(path.read_text())
            found.append((record["kind"], *((record[key] - UTC_NS) / S for key in ("begin_utc_ns", "end_utc_ns"))))
            path.unlink()
        return found


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "spool")


INSIDE = verdict("HOLD", codes=("object-inside",))


def test_a_hold_is_asked_for_once_with_what_was_before_and_after(asked: Asked):
    assert asked.at(0, verdict()) == []
    assert asked.at(100, INSIDE) == [("hold", 80.0, 120.0)]
    assert asked.at(100.5, INSIDE) == []
    assert asked.at(160, verdict()) == [("hold", 80.0, 180.0)]  # the same begin: what was asked before is extended
    assert asked.at(200, INSIDE) == [("hold", 180.0, 220.0)]


def test_a_hold_that_lasts_for_hours_is_kept_for_its_first_only(asked: Asked):
    asked.at(100, INSIDE)
    assert asked.at(20_000, verdict()) == [("hold", 80.0, 80.0 + 3600.0)]


def test_holds_that_are_no_event_of_the_sky_are_not_asked_for(asked: Asked):
    for code in ("camera-blind", "pointing-stale", "radio-dead", "start-up"):
        assert asked.at(10, verdict("HOLD", codes=(code,))) == []


def test_a_meteor_and_what_nobody_can_explain_are_asked_for_by_when_they_were_seen(asked: Asked):
    assert asked.at(50, verdict(), thing("a", identity="meteor", age_s=3.0)) == [("meteor", 27.0, 70.0)]
    assert asked.at(51, verdict(), thing("a", identity="meteor", age_s=4.0), thing("b")) == [("unknown", 31.0, 71.0)]


@pytest.mark.parametrize(
    "changes", [{"identity": "aircraft"}, {"identity": "satellite"}, {"senses": ("radio",)}, {"state": "tentative"}]
)
def test_the_explained_the_unseen_and_the_unsure_are_not(asked: Asked, changes: dict[str, object]):
    assert asked.at(50, verdict(), thing("a", **changes)) == []


def test_a_tentative_object_is_asked_for_when_it_is_confirmed(asked: Asked):
    asked.at(50, verdict(), thing("a", state="tentative"))
    assert len(asked.at(52, verdict(), thing("a"))) == 1


def test_two_beams_that_hold_for_one_aircraft_ask_once(asked: Asked):
    assert len(asked.at(100, INSIDE)) == 1
    assert asked.at(100.1, INSIDE, beam="second") == []


def test_a_detector_gone_mad_is_cut_off_and_counted(asked: Asked):
    for number in range(MOST_PER_HOUR + 20):
        asked.at(40.0 * number, verdict(), thing(f"ghost-{number}"))
    assert asked.asked.counters["evidence_asked"] == MOST_PER_HOUR
    assert asked.asked.counters["evidence_too_many"] == 20
    assert len(asked.at(40.0 * MOST_PER_HOUR + 3600, verdict(), thing("later"))) == 1


def test_a_spool_that_cannot_be_written_costs_evidence_and_no_decision(tmp_path: Path):
    (tmp_path / "spool").write_text("a file")
    asked = EvidenceAsked(tmp_path / "spool", 20.0)
    asked.notice("main", INSIDE, (), Moment(UTC_NS, 0, 0.0))
    assert asked.counters["evidence_failed"] == 1


def test_every_code_is_one_of_the_fault_table():
    assert CODES.keys() <= BY_CODE.keys()
