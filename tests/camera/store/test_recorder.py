"""Recorded frames: whole, readable, within the quota, and never in the way of the camera."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import camera.store.disk
import camera.store.recorder
from camera.files import read_frame
from camera.geodesy import Site
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from camera.store.disk import Quotas
from camera.store.evidence import Request, ask
from camera.store.fitsfile import encode, read_plate
from camera.store.header import Origin
from camera.store.recorder import FrameRecorder, RecorderSettings
from tests.camera.store.frames import NIGHT, START_UTC_NS, eventually, frame

YEBES = Site(40.5247, -3.0883, 980.0)


def recorder_in(
    folder: Path, *, site: Site | None = None, quotas: Quotas | None = None, **settings: Any
) -> FrameRecorder:
    return FrameRecorder(
        RecorderSettings(folder, quotas or Quotas(), **settings), lambda: Origin(station="test", site=site)
    )


def kept(folder: Path) -> list[int]:
    return sorted(int(path.name.partition("-")[2].split(".")[0]) for path in folder.rglob("*.fits.fz"))


def test_what_was_recorded_reads_back_as_the_same_frame(tmp_path: Path):
    recorder = recorder_in(tmp_path)
    original = frame(7)
    assert recorder.offer(original)
    recorder.close()
    (path,) = tmp_path.rglob("*.fits.fz")
    assert path.relative_to(tmp_path).as_posix() == f"frames/{NIGHT}/20260614T214514.250Z-7.fits.fz"
    assert (read_frame(path).pixels == original.pixels).all()


def test_the_buffer_may_be_reused_as_soon_as_the_frame_was_offered(tmp_path: Path):
    pixels = np.full((40, 60), 1000, np.uint16)
    recorder = recorder_in(tmp_path)
    recorder.offer(frame(1, pixels))
    pixels[:] = 7
    recorder.close()
    assert (read_frame(next(tmp_path.rglob("*.fits.fz"))).pixels == 1000).all()


def test_the_oldest_make_room_within_the_quota_and_after_a_restart(tmp_path: Path):
    one = max(len(encode(frame(seq), Origin(station="test"))) for seq in range(1, 5))
    for first in (1, 3):  # the second recorder finds what the first one left
        recorder = recorder_in(tmp_path, quotas=Quotas(frames=3 * one))
        for seq in (first, first + 1):
            recorder.offer(frame(seq))
        recorder.close()
    assert kept(tmp_path) == [2, 3, 4]
    assert (recorder.written, recorder.expired, recorder.dropped) == (2, 1, 0)
    assert recorder.counters()["expired"] == 1


def test_a_disk_that_fails_is_counted_leaves_no_half_file_and_is_used_again(tmp_path: Path, monkeypatch):
    write, broken = camera.store.disk.write_whole, threading.Event()
    broken.set()

    def failing(path: Path, content: bytes) -> None:
        if broken.is_set():
            raise OSError(errno.EIO, "Input/output error")
        write(path, content)

    monkeypatch.setattr(camera.store.disk, "write_whole", failing)
    recorder = recorder_in(tmp_path)
    recorder.offer(frame(1))
    eventually(lambda: recorder.dropped == 1)
    eventually(lambda: recorder.counters()["record_failing"] == 1)
    broken.clear()
    recorder.offer(frame(2))
    recorder.close()
    assert kept(tmp_path) == [2]
    assert (recorder.written, recorder.counters()["record_failing"]) == (1, 0)


def test_a_disk_that_is_not_there_yet_costs_frames_and_nothing_else(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(camera.store.recorder, "_AGAIN_S", 0.0)
    place = tmp_path / "mounted"
    place.write_text("a file where the folder should be")
    recorder = recorder_in(place)
    recorder.offer(frame(1))
    eventually(lambda: recorder.dropped == 1)
    place.unlink()
    recorder.offer(frame(2))
    recorder.close()
    assert kept(place) == [2]


def test_a_slow_disk_drops_frames_and_never_waits(tmp_path: Path, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(
        camera.store.disk, "write_whole", lambda path, content: (gate.wait(10), path.write_bytes(content))
    )
    recorder = recorder_in(tmp_path)
    taken = [recorder.offer(frame(seq)) for seq in range(20)]
    gate.set()
    recorder.close()
    assert not all(taken)
    assert recorder.dropped == taken.count(False)
    assert recorder.written == taken.count(True)


def test_half_files_of_a_killed_recorder_are_removed_and_counted(tmp_path: Path):
    left = tmp_path / "frames" / NIGHT / ".20260614T214514.250Z-7.fits.fz.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    recorder = recorder_in(tmp_path)
    eventually(lambda: recorder.counters()["record_swept"] == 1)
    recorder.close()
    assert not left.exists()


def test_frames_of_the_day_are_counted_and_not_kept(tmp_path: Path):
    recorder = recorder_in(tmp_path, site=YEBES)
    recorder.offer(frame(1, start_utc_ns=START_UTC_NS + 14 * 3600 * 10**9))
    recorder.offer(frame(2))
    recorder.close()
    assert kept(tmp_path) == [2]
    assert recorder.counters()["record_by_day"] == 1


def test_evidence_asked_for_in_another_process_is_kept_by_this_one(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(camera.store.recorder, "_TEND_EVERY_S", 0.0)
    one = len(encode(frame(1), Origin(station="test")))
    spool = tmp_path / "spool"
    recorder = recorder_in(tmp_path, spool=spool, quotas=Quotas(frames=int(4.5 * one)))
    event = Request("meteor", "", START_UTC_NS + 3 * 10**9, START_UTC_NS + 9 * 10**9)
    for seq in range(1, 25):
        if seq == 4:
            ask(spool, event)
        recorder.offer(frame(seq))
        eventually(lambda: recorder.written == seq)  # noqa: B023
    recorder.close()
    assert kept(tmp_path / "evidence") == [2, 3, 4]
    assert kept(tmp_path / "frames") == [21, 22, 23, 24]
    assert recorder.counters()["events"] == 1


def test_a_plate_that_is_refined_at_night_is_in_the_frames_from_then_on(tmp_path: Path):
    plate = simulated_plate(night(1))
    width, height = plate.region.size_px
    sky = np.zeros((height, width), np.uint16)
    facts = {"camera_serial": plate.camera_serial, "origin_px": plate.region.origin_px}
    path = tmp_path / "plate.json"
    recorder = recorder_in(tmp_path, plate_file=path)
    recorder.offer(frame(1, sky, **facts))
    eventually(lambda: recorder.written == 1)
    plate.save(path)
    recorder.offer(frame(2, sky, **facts))
    recorder.close()
    first, second = sorted(tmp_path.rglob("*.fits.fz"))
    assert read_plate(first) is None
    assert read_plate(second) is not None


def test_without_raw_frames_only_those_that_become_pictures_are_copied(tmp_path: Path):
    recorder = recorder_in(tmp_path, keep_frames=False, preview_every_s=10.0)
    for seq in range(16):  # 32 seconds
        assert recorder.offer(frame(seq))
        eventually(lambda: recorder.counters()["previews"] == seq // 5 + 1)  # noqa: B023
    recorder.close()
    assert not kept(tmp_path)
    assert len(list((tmp_path / "pictures" / NIGHT).glob("*.jpg"))) == 4
    assert (tmp_path / "pictures" / "newest.jpg").stat().st_size > 100


def test_killed_at_any_moment_it_leaves_whole_files_only(tmp_path: Path):
    script = """
import sys, itertools
from pathlib import Path
from camera.store.recorder import FrameRecorder, RecorderSettings
from camera.store.disk import Quotas
from tests.camera.store.frames import frame
recorder = FrameRecorder(RecorderSettings(Path(sys.argv[1]), Quotas(frames=60_000), preview_every_s=2.0))
print("ready", flush=True)
for seq in itertools.count(int(sys.argv[2])):
    recorder.offer(frame(seq))
"""
    for first, wait_s in ((0, 0.11), (10_000, 0.17), (20_000, 0.23)):
        command = [sys.executable, "-c", script, str(tmp_path), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(wait_s)
            child.kill()
    recorder = recorder_in(tmp_path)
    eventually(lambda: (tmp_path / "evidence").is_dir())
    recorder.close()
    stored = list(tmp_path.rglob("*.fits.fz"))
    assert stored
    assert all(read_frame(path).pixels.shape == (40, 60) for path in stored)
    assert not list(tmp_path.rglob("*.part"))
