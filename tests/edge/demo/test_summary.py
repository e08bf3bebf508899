"""The summary passes a station that did everything right, and names each single thing a station missed."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from edge.demo.items import Summary
from edge.demo.journals import Journals, JournalUnreadable, read_journals
from edge.demo.report import report
from edge.demo.summary import summarise
from edge.demo.truth import during, looking_ahead, sky_truth, spans
from tests.edge.demo import perfect

SCENARIO = night(1)
TRUTH = sky_truth(SCENARIO)
PLATE = simulated_plate(SCENARIO)
FRAMES = perfect.frame_truths(SCENARIO, TRUTH, PLATE)
GOOD = perfect.journals(SCENARIO, TRUTH, FRAMES)
FIRED = perfect.fired(SCENARIO, TRUTH)
SILENT = next(a for a in TRUTH.aircraft if not a.aircraft.transponder)
LOUD = TRUTH.aircraft[0]


def _spoiled() -> Any:
    return copy.deepcopy(GOOD)


def _judge(journals: Journals, fired: Any = FIRED, heard: int | None = None) -> Summary:
    heard = len(journals.safety) if heard is None else heard
    return summarise(TRUTH, FRAMES, journals, fired, PLATE, heard=heard)


def _objects(journals: Journals) -> list[Any]:
    return [o for line in journals.tracks for o in line["tracks"]]


def test_a_perfect_station_passes_and_is_asked_everything() -> None:
    summary = _judge(GOOD)
    assert summary.missed == ()
    asked = {item.name for item in summary.items if item.passed}
    for name in (
        "SIM126 heard", "SIM126 seen", "silent aircraft seen", "held for SIM126 in the beam", "SIM-SAT named",
        "held for silent aircraft in the beam", "no aircraft lit", "meteor reported", "cloud noticed",
        "names right", "silent aircraft never explained away", "permits a free sky", "few false trails",
        "does not hold on its own beam", "heard in the control room",
    ):  # fmt: skip
        assert name in asked, name
    json.dumps(summary.record(), allow_nan=False)


@pytest.mark.parametrize("share", [0.0, 0.8])
def test_a_station_that_the_control_room_does_not_hear_is_missed(share: float) -> None:
    heard = int(share * len(GOOD.safety))
    assert _judge(GOOD, heard=heard).missed == ("heard in the control room",)


def test_an_aircraft_not_heard_is_named() -> None:
    journals = _spoiled()
    for o in _objects(journals):
        if o["label"] == LOUD.name:
            o["senses"], o["label"], o["id"] = ["camera"], "", "T1"
    assert f"{LOUD.name} heard" in _judge(journals).missed


def test_a_position_that_is_off_is_not_good_enough() -> None:
    journals = _spoiled()
    for o in _objects(journals):
        o["azimuth_deg"] += 12.0
    assert f"{LOUD.name} heard" in _judge(journals).missed
    assert "names right" in _judge(journals).missed


def test_an_aircraft_not_seen_is_named_and_strangers_count_as_false() -> None:
    journals = _spoiled()
    for line in journals.detections:
        line["trails"] = [t for t in line["trails"] if t["class"] != "aircraft"] + [
            {"class": "aircraft", "score": 0.6, "polyline_px": [[5.0, 5.0], [60.0, 5.0]]}
        ]
    missed = _judge(journals).missed
    assert f"{SILENT.name} seen" in missed
    assert "few false trails" in missed


def test_a_silent_aircraft_explained_away_is_named() -> None:
    journals = _spoiled()
    for o in _objects(journals):
        if o["identity"] == "unknown":
            o["identity"] = "satellite"
    assert "silent aircraft never explained away" in _judge(journals).missed


@pytest.mark.parametrize("flown", [LOUD, SILENT])
def test_no_hold_while_somebody_crosses_is_named(flown: Any) -> None:
    journals = _spoiled()
    ((begin_s, end_s),) = spans(flown.from_beam_deg < 3.0, TRUTH.t_s)
    for line in journals.safety:
        if begin_s - 8 < SCENARIO.t_s(line["sky_utc_ns"]) < end_s + 3:
            line |= {"state": "CLEAR", "permit": True}
    summary = _judge(journals, (*FIRED, (begin_s, end_s)))
    assert set(summary.missed) == {f"held for {flown.name} in the beam", "no aircraft lit"}


@pytest.mark.parametrize("knows", [False, True])
def test_a_fault_is_a_hold_only_where_it_names_the_object(knows: bool) -> None:
    journals = _spoiled()
    for line in journals.safety:
        if line["state"] == "HOLD":
            line |= {"state": "FAULT", "reasons": [{"code": "camera-stale"}, *(line["reasons"] if knows else [])]}
    assert (f"held for {LOUD.name} in the beam" in _judge(journals).missed) is not knows


def test_a_station_that_always_holds_is_no_use() -> None:
    journals = _spoiled()
    for line in journals.safety:
        line |= {"state": "HOLD", "permit": False}
    missed = _judge(journals, ()).missed
    assert "permits a free sky" in missed
    assert "does not hold on its own beam" in missed


def test_satellite_meteor_and_cloud_are_asked_for() -> None:
    journals = _spoiled()
    for line in journals.tracks:
        line["tracks"] = [o for o in line["tracks"] if o["identity"] != "satellite"]
        line["visible_fraction"] = 0.97
    for line in journals.detections:
        line["trails"] = [t for t in line["trails"] if t["class"] != "meteor"]
    assert set(_judge(journals).missed) == {"SIM-SAT named", "meteor reported", "cloud noticed"}


def test_a_station_that_wrote_nothing_misses_everything_and_raises_nothing() -> None:
    summary = summarise(TRUTH, [], Journals(), (), PLATE, heard=0)
    assert "frames judged" in summary.missed
    assert f"held for {LOUD.name} in the beam" in summary.missed


def test_the_report_prints_in_any_width() -> None:
    summary = _judge(GOOD)
    for width in (60, 80, 200):
        console = Console(width=width, file=io.StringIO(), record=True)
        console.print(*report(summary))
        assert "PASSED" in console.export_text()


def test_journals_survive_a_crash_and_name_a_damaged_line(tmp_path: Path) -> None:
    (tmp_path / "tracks.jsonl").write_text('{"sky_utc_ns": 1, "tracks": null}\n{"sky_utc_ns": 2, "tra')
    journals = read_journals(tmp_path)
    assert len(journals.tracks) == 1
    assert journals.sightings().id == ()
    (tmp_path / "safety.jsonl").write_text('{"a": 1}\nrubbish\n')
    with pytest.raises(JournalUnreadable, match=r"safety.jsonl: line 2"):
        read_journals(tmp_path)


def test_small_helpers() -> None:
    t_s = np.arange(6.0)
    assert during(((1.0, 3.0),), t_s).tolist() == [False, True, True, False, False, False]
    assert looking_ahead(np.array([False, False, True, False]), 1).tolist() == [False, True, True, False]
    assert spans(np.array([True, True, False, True]), t_s[:4]) == [(0.0, 1.0), (3.0, 3.0)]
