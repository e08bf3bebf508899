"""Frames around an event outlive the ring, whoever asked, whatever was restarted meanwhile."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from camera.store.disk import Disk, Quotas
from camera.store.evidence import MANIFEST, MOST_REQUESTS, Evidence, Request, ask, stamp
from tests.camera.store.frames import NIGHT, START_UTC_NS

S = 10**9


class Station:
    """Recorder and spool, frames of 100 bytes every two seconds."""

    def __init__(self, folder: Path, **quotas: int) -> None:
        self.folder, self.spool = folder / "record", folder / "spool"
        self.quotas = Quotas(**({"frames": 10**6, "evidence": 10**6} | quotas))
        self.start()

    def start(self) -> None:
        self.disk = Disk(self.folder, self.quotas)
        self.disk.take_stock()
        self.evidence = Evidence(self.spool, self.disk)

    def frame(self, number: int) -> None:
        utc_ns = START_UTC_NS + number * 2 * S
        self.disk.keep("frames", f"{NIGHT}/{stamp(utc_ns)}-{number}.fits.fz", bytes([number % 250 + 1]) * 100)
        self.evidence.tend(utc_ns)

    def frames(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self.frame(number)

    def kept(self, request: Request) -> list[int]:
        folder = self.folder / "evidence" / request.name
        return sorted(int(path.name.partition("-")[2].split(".")[0]) for path in folder.glob("*.fz"))

    def manifest(self, request: Request) -> dict[str, object]:
        return json.loads((self.folder / "evidence" / request.name / MANIFEST).read_text())


def request(first: int, last: int, kind: str = "hold") -> Request:
    return Request(kind, "aircraft in the cone", START_UTC_NS + first * 2 * S, START_UTC_NS + last * 2 * S)


def test_frames_before_and_after_the_event_are_kept_and_the_manifest_is_closed(tmp_path: Path):
    station, event = Station(tmp_path), request(3, 8)
    station.frames(0, 5)
    assert ask(station.spool, event)
    station.frames(6, 6)
    assert station.kept(event) == [3, 4, 5, 6]
    assert station.manifest(event)["complete"] is False
    station.frames(7, 25)
    assert station.kept(event) == [3, 4, 5, 6, 7, 8]
    manifest = station.manifest(event)
    assert manifest["complete"] is True
    assert (manifest["kind"], manifest["words"], len(manifest["frames"])) == ("hold", event.words, 6)
    assert not list(station.spool.iterdir())
    assert station.evidence.counters["events"] == 1
    assert station.evidence.counters["evidence_frames"] == 6


def test_a_later_request_with_the_same_begin_extends_the_first(tmp_path: Path):
    station = Station(tmp_path)
    ask(station.spool, request(3, 8))
    station.frames(0, 30)
    ask(station.spool, request(3, 12))
    station.frames(31, 31)
    assert station.kept(request(3, 8)) == list(range(3, 13))
    assert len(list((station.folder / "evidence").iterdir())) == 1
    assert station.evidence.counters["events"] == 1


def test_the_ring_forgets_its_own_name_only(tmp_path: Path):
    station, event = Station(tmp_path, frames=1000), request(1, 4)
    ask(station.spool, event)
    station.frames(0, 60)
    assert station.kept(event) == [1, 2, 3, 4]
    assert len(station.disk.shelves["frames"]) == 10
    content = next((station.folder / "evidence" / event.name).glob("*-3.fits.fz")).read_bytes()
    assert content == bytes([4]) * 100


def test_a_restart_of_the_recorder_between_event_and_end_loses_nothing(tmp_path: Path):
    station, event = Station(tmp_path), request(3, 8)
    station.frames(0, 5)
    ask(station.spool, event)
    station.frames(6, 6)
    station.start()
    station.frames(7, 25)
    assert station.kept(event) == [3, 4, 5, 6, 7, 8]
    assert station.manifest(event)["complete"] is True


def test_evidence_goes_by_its_own_quota_the_oldest_event_first(tmp_path: Path):
    station = Station(tmp_path, evidence=1000)
    events = [request(first, first + 3) for first in (0, 10, 20)]
    for event in events:
        ask(station.spool, event)
    station.frames(0, 60)
    assert [station.kept(event) for event in events] == [[], [10, 11, 12, 13], [20, 21, 22, 23]]
    assert station.disk.shelves["evidence"].expired == 1


def test_an_event_larger_than_the_quota_keeps_its_beginning_and_is_counted(tmp_path: Path):
    station, event = Station(tmp_path, evidence=350), request(0, 9)
    ask(station.spool, event)
    station.frames(0, 40)
    assert station.kept(event) == [0, 1, 2]
    assert station.evidence.counters["evidence_over_quota"] == 1
    assert not list(station.spool.iterdir())


def test_two_events_at_one_time_share_their_frames(tmp_path: Path):
    station, hold, meteor = Station(tmp_path), request(2, 5), request(4, 7, "meteor")
    ask(station.spool, hold)
    ask(station.spool, meteor)
    station.frames(0, 40)
    assert (station.kept(hold), station.kept(meteor)) == ([2, 3, 4, 5], [4, 5, 6, 7])


def test_nonsense_in_the_spool_is_removed_and_counted(tmp_path: Path):
    station = Station(tmp_path)
    station.spool.mkdir()
    for number, words in enumerate(
        ('{"kind": "hold"}', "[1, 2]", "half {", '{"kind":"../x","words":"","begin_utc_ns":1,"end_utc_ns":2}')
    ):
        (station.spool / f"{number}.json").write_text(words)
    station.frame(0)
    assert not list(station.spool.iterdir())
    assert station.evidence.counters["events_refused"] == 4
    assert not list((station.folder / "evidence").iterdir())


@pytest.mark.parametrize(
    "change", [{"kind": "a/b"}, {"kind": ""}, {"end_utc_ns": 1}, {"begin_utc_ns": -5}, {"end_utc_ns": 2**62}]
)
def test_a_request_that_makes_no_sense_is_refused_where_it_is_made(tmp_path: Path, change: dict[str, object]):
    with pytest.raises(ValueError, match="should"):
        ask(tmp_path / "spool", replace(request(1, 2), **change))  # type: ignore[arg-type]


def test_an_event_without_end_does_not_fill_the_spool(tmp_path: Path):
    taken = [ask(tmp_path, request(number, number + 1)) for number in range(MOST_REQUESTS + 5)]
    assert taken.count(False) == 5


def test_where_there_are_no_hard_links_the_frames_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(source: object, target: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    station, event = Station(tmp_path), request(1, 2)
    ask(station.spool, event)
    station.frames(0, 30)
    assert station.kept(event) == [1, 2]
    assert not list(station.folder.rglob("*.part"))
