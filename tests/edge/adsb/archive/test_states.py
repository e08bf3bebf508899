"""The recorder of states on a real disk, killed and full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.adsb.archive import states as module
from edge.adsb.archive.parquet import merged_into, read_columns, write_states
from edge.adsb.archive.shelf import Shelf
from edge.adsb.archive.states import StateRecorder
from edge.adsb.archive.tracks import tracks
from edge.records import AircraftState
from tests.edge.adsb.share.test_server import until

HOUR_NS = 3_600_000_000_000
NOON_NS = 1_795_262_400_000_000_000  # 2026-11-21 12:00 UTC
ALL = (0, 2**62)


def state(utc_ns: int, number: int = 1) -> tuple[int, AircraftState]:
    return utc_ns, AircraftState(
        key=f"icao:{number:06X}", icao=f"{number:06X}", latitude_deg=40.0, longitude_deg=-3.0, position_utc_ns=utc_ns,
        seen_mono_s=0.0, messages=5,
    )  # fmt: skip


def stamps(root: Path) -> list[int]:
    return sorted(
        stamp for path in root.rglob("*.parquet") for stamp in read_columns(path, ("utc_ns",), "utc_ns", *ALL)["utc_ns"]
    )


def test_rows_lie_by_the_utc_day_and_hour_of_their_message(tmp_path):
    recorder = StateRecorder(Shelf(tmp_path, 10**9), flush_s=60.0)
    rows = [state(NOON_NS + n * HOUR_NS // 2) for n in range(26)]
    for row in rows:
        recorder.offer([row])
    recorder.close()
    assert stamps(tmp_path) == [row[0] for row in rows]
    assert sorted(path.name for path in (tmp_path / "aircraft").iterdir()) == ["2026-11-21", "2026-11-22"]
    assert {path.name[:2] for path in tmp_path.rglob("2026-11-22/*")} == {"00"}
    assert (recorder.written, recorder.lost) == (26, 0)


def test_minutes_of_an_hour_that_is_over_become_one_file(tmp_path):
    recorder = StateRecorder(Shelf(tmp_path, 10**9), flush_s=0.0)
    for n in range(3):
        recorder.offer([state(NOON_NS + n)])
        until(lambda n=n: recorder.written == n + 1)
    recorder.offer([state(NOON_NS + HOUR_NS)])
    until((tmp_path / "aircraft/2026-11-21/12.parquet").exists)
    recorder.close()
    names = sorted(path.name for path in (tmp_path / "aircraft/2026-11-21").iterdir())
    assert len(names) == 2
    assert names[0] == "12.parquet"
    assert names[1].startswith("13-")
    assert len(stamps(tmp_path)) == 4


def test_killed_at_any_moment_it_leaves_only_whole_files_and_goes_on(tmp_path):
    """kill -9, twice over: what was flushed is there, once; the next one clears up."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tests.edge.adsb.archive.test_states import state, HOUR_NS, NOON_NS\n"
        "from edge.adsb.archive.shelf import Shelf; from edge.adsb.archive.states import StateRecorder\n"
        "shelf, n = Shelf(Path(sys.argv[1]), 10**9), int(sys.argv[2])\n"
        "recorder = StateRecorder(shelf, flush_s=0.02)\n"
        "while True:\n"
        "    n += 1; recorder.offer([state(NOON_NS + n * HOUR_NS // 20, n)]); time.sleep(0.002)\n"
        "    print(recorder.written, flush=True)\n"
    )
    flushed = 0
    for run in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(run * 1_000_000)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) > 30 + 7 * run:
                flushed += int(line)
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10.0)
        process.stdout.close()
    shelf = Shelf(tmp_path, 10**9)
    (tmp_path / "aircraft/2026-11-21/12-9.parquet.passing").write_bytes(b"PAR1 cut")
    recorder = StateRecorder(shelf, flush_s=0.0)
    until(lambda: not list(tmp_path.rglob("*.passing")))
    recorder.close()
    assert recorder.damaged == 0
    found = stamps(tmp_path)
    assert len(found) == len(set(found)) >= flushed > 60
    assert tracks(tmp_path, NOON_NS, NOON_NS + HOUR_NS)


def test_a_cut_between_the_hour_s_appearance_and_its_minutes_removal_doubles_nothing(tmp_path):
    recorder = StateRecorder(Shelf(tmp_path, 10**9), flush_s=0.0)
    recorder.offer([state(NOON_NS)])
    recorder.offer([state(NOON_NS + HOUR_NS)])
    hour = tmp_path / "aircraft/2026-11-21/12.parquet"
    until(hour.exists)
    recorder.close()
    left = hour.parent / next(iter(merged_into(hour)))
    write_states(left, [state(NOON_NS)])  # as if it had never been removed
    assert len(tracks(tmp_path, NOON_NS, NOON_NS + 1)[0].utc_ns) == 1
    StateRecorder(Shelf(tmp_path, 10**9)).close()
    assert not left.exists()
    assert stamps(tmp_path) == [NOON_NS, NOON_NS + HOUR_NS]


def test_a_damaged_file_is_set_aside_counted_and_holds_nobody_up(tmp_path):
    folder = tmp_path / "aircraft/2026-11-21"
    folder.mkdir(parents=True)
    write_states(folder / "12-1.parquet", [state(NOON_NS)])
    (folder / "12-2.parquet").write_bytes(b"PAR1" + bytes(100))
    recorder = StateRecorder(Shelf(tmp_path, 10**9), flush_s=0.0)
    recorder.offer([state(NOON_NS + HOUR_NS)])
    until((folder / "12.parquet").exists)
    recorder.close()
    assert recorder.damaged == 1
    assert (folder / "12-2.parquet.damaged").exists()
    assert stamps(tmp_path) == [NOON_NS, NOON_NS + HOUR_NS]


def test_the_oldest_hours_go_first_when_the_quota_is_full(tmp_path):
    shelf = Shelf(tmp_path, 200_000, reserve_bytes=0)
    recorder = StateRecorder(shelf, flush_s=0.0)
    for n in range(40):
        recorder.offer([state(NOON_NS + n * HOUR_NS, k) for k in range(60)])
        until(lambda n=n: recorder.written == 60 * (n + 1))
    recorder.close()
    held = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert held <= 200_000
    assert shelf.expired > 0
    found = sorted(set(stamps(tmp_path)))
    assert found == [NOON_NS + n * HOUR_NS for n in range(40)][-len(found) :]
    assert recorder.lost == 0


def test_a_disk_below_its_low_water_is_a_warning_and_counted_and_then_clears(tmp_path, monkeypatch):
    free = [0]
    real = module.Shelf._fits
    monkeypatch.setattr(module.Shelf, "_fits", lambda self, *sizes: bool(free[0]) and real(self, *sizes))
    recorder = StateRecorder(Shelf(tmp_path, 10**9, reserve_bytes=0), flush_s=0.0)
    recorder.offer([state(NOON_NS)])
    until(lambda: recorder.lost)
    assert recorder.failure.endswith("no room within recorder.radio_quota_gb, or the disk is full")
    free[0] = 1
    recorder.offer([state(NOON_NS + 1)])
    until(lambda: recorder.written)
    recorder.close()
    assert recorder.failure == ""
    assert stamps(tmp_path) == [NOON_NS + 1]


def test_a_folder_that_cannot_be_made_is_a_warning_not_an_end(tmp_path):
    (tmp_path / "aircraft").write_text("a file where the folder should be")
    recorder = StateRecorder(Shelf(tmp_path, 10**9), flush_s=0.0)
    recorder.offer([state(NOON_NS)])
    until(lambda: recorder.lost)
    assert "cannot be written" in recorder.failure
    recorder.close()


def test_a_recorder_that_is_behind_loses_rows_counted_and_never_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WAITING", 64)
    monkeypatch.setattr(StateRecorder, "_take", lambda self, rows: time.sleep(0.2))
    recorder = StateRecorder(Shelf(tmp_path, 10**9))
    begin_s = time.monotonic()
    for n in range(500):
        recorder.offer([state(NOON_NS + n)] * 3)
    assert time.monotonic() - begin_s < 5.0
    assert recorder.lost >= 3 * 400
    recorder.close(0.1)


@pytest.mark.parametrize("name", ["notes", "2026-13-41", "2026-11-21.old"])
def test_what_people_put_there_is_left_alone(tmp_path, name):
    (tmp_path / "aircraft" / name).mkdir(parents=True)
    (tmp_path / "aircraft" / name / "12.parquet").write_bytes(b"theirs")
    shelf = Shelf(tmp_path, 1, reserve_bytes=0)
    assert shelf.make_room(1)
    assert not shelf.make_room(2)
    assert (tmp_path / "aircraft" / name / "12.parquet").exists()


def test_a_disk_that_others_filled_costs_no_recording(tmp_path):
    recorder = StateRecorder(Shelf(tmp_path, 10**9), flush_s=0.0)
    recorder.offer([state(NOON_NS)])
    recorder.close()
    full = Shelf(tmp_path, 10**9, reserve_bytes=10**18)
    assert not full.make_room(1)
    assert stamps(tmp_path) == [NOON_NS]
    assert full.expired == 0


def test_an_error_nobody_foresaw_costs_its_rows_and_no_more(tmp_path, monkeypatch):
    def wrong(*_):
        raise RuntimeError("unforeseen")

    recorder = StateRecorder(Shelf(tmp_path, 10**9), flush_s=0.0)
    with monkeypatch.context() as broken:
        broken.setattr(module, "write_states", wrong)
        recorder.offer([state(NOON_NS)])
        until(lambda: recorder.lost == 1)
    assert "unforeseen" in recorder.failure
    recorder.offer([state(NOON_NS + 1)])
    until(lambda: recorder.written == 1)
    recorder.close()
    assert recorder.failure == ""
