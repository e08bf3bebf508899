"""Recorded frames: whole, readable, within the quota, and never in the way."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camera.store.recorder
from camera.device import Frame
from camera.files import read_frame
from camera.store.recorder import FrameRecorder

START_UTC_NS = 1_781_473_500_250_000_000


def frame(seq: int, pixels: np.ndarray[Any, Any] | None = None, **changes: Any) -> Frame:
    if pixels is None:
        pixels = np.random.default_rng(seq).integers(0, 65535, (40, 60), dtype=np.uint16)
    fields: dict[str, Any] = dict(
        seq=seq, start_utc_ns=START_UTC_NS + seq * 2 * 10**9, end_mono_s=0.0, exposure_s=2.0, gain_setting=120,
        gain_e_per_adu=0.25, origin_px=(700, 4), mosaic="RGGB", white_adu=65532, sensor_celsius=-5.0,
        cooler_percent=40.0, pixels=pixels, camera_serial="51d0c0de00000001",
    )  # fmt: skip
    return Frame(**(fields | changes))


def test_what_was_recorded_reads_back_as_the_same_frame(tmp_path: Path):
    recorder = FrameRecorder(tmp_path, 10**9)
    original = frame(7)
    assert recorder.offer(original)
    recorder.close()
    (path,) = tmp_path.glob("*.fits")
    assert path.name == "20260614T214514.250Z-7.fits"
    read = read_frame(path)
    assert (read.pixels == original.pixels).all()
    for name in ("start_utc_ns", "exposure_s", "gain_setting", "gain_e_per_adu", "origin_px", "mosaic", "white_adu",
                 "sensor_celsius", "cooler_percent", "camera_serial"):  # fmt: skip
        assert getattr(read, name) == getattr(original, name), name


def test_colour_and_unknown_temperatures_are_recorded_too(tmp_path: Path):
    recorder = FrameRecorder(tmp_path, 10**9)
    pixels = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    recorder.offer(frame(1, pixels, mosaic="rgb", white_adu=255, sensor_celsius=float("nan")))
    recorder.close()
    read = read_frame(next(tmp_path.glob("*.fits")))
    assert (read.pixels == pixels).all()
    assert np.isnan(read.sensor_celsius)


def test_the_buffer_may_be_reused_as_soon_as_the_frame_was_offered(tmp_path: Path):
    pixels = np.full((40, 60), 1000, np.uint16)
    recorder = FrameRecorder(tmp_path, 10**9)
    recorder.offer(frame(1, pixels))
    pixels[:] = 7
    recorder.close()
    assert (read_frame(next(tmp_path.glob("*.fits"))).pixels == 1000).all()


def test_the_oldest_make_room_within_the_quota_and_after_a_restart(tmp_path: Path):
    one = camera.store.recorder._fits_bytes(frame(1))
    for first in (1, 3):  # the second recorder finds what the first one left
        recorder = FrameRecorder(tmp_path, 3 * one)
        for seq in (first, first + 1):
            recorder.offer(frame(seq))
        recorder.close()
    assert sorted(int(path.stem.split("-")[-1]) for path in tmp_path.glob("*.fits")) == [2, 3, 4]
    assert sum(path.stat().st_size for path in tmp_path.glob("*")) <= 3 * one
    assert recorder.expired == 1


def test_on_a_full_disk_old_frames_go_until_the_new_one_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recorder = FrameRecorder(tmp_path, 10**9)
    for seq in range(1, 4):
        recorder.offer(frame(seq))
    recorder.close()
    write = camera.store.recorder._write_fits

    def full(path: Path, what: Frame) -> None:
        if len(list(tmp_path.glob("*.fits"))) > 1:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, what)

    monkeypatch.setattr(camera.store.recorder, "_write_fits", full)
    recorder = FrameRecorder(tmp_path, 10**9)
    recorder.offer(frame(4))
    recorder.close()
    assert sorted(int(path.stem.split("-")[-1]) for path in tmp_path.glob("*")) == [3, 4]
    assert (recorder.written, recorder.dropped, recorder.expired) == (1, 0, 2)


def test_a_disk_that_fails_for_good_is_counted_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(path: Path, what: Frame) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(camera.store.recorder, "_write_fits", failing)
    recorder = FrameRecorder(tmp_path, 10**9)
    recorder.offer(frame(1))
    recorder.close()
    assert recorder.dropped == 1
    assert not list(tmp_path.iterdir())


def test_a_slow_disk_drops_frames_and_never_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import threading

    gate = threading.Event()
    monkeypatch.setattr(camera.store.recorder, "_write_fits", lambda path, what: (gate.wait(10), path.touch()))
    recorder = FrameRecorder(tmp_path, 10**9)
    taken = [recorder.offer(frame(seq)) for seq in range(20)]
    gate.set()
    recorder.close()
    assert not all(taken)
    assert recorder.dropped == taken.count(False)


def test_half_files_of_a_killed_recorder_are_removed(tmp_path: Path):
    (tmp_path / "20260614T214514.250Z-7.part").write_bytes(b"half")
    FrameRecorder(tmp_path, 10**9).close()
    assert not list(tmp_path.iterdir())
