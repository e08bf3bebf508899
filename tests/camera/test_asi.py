"""The real driver and the real package zwoasi over the simulated library: frames, and what may keep them away."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from camera.asi import AsiCamera
from camera.device import CameraLost, FrameTimeout
from camera.zwo.controls import Controls
from edge.runtime.clock import SkyClock
from tests.camera.zwo.noisy import EPOCH_UTC_NS, EXPOSURE_S, SERIAL, Install, NoiseScene, settings


def test_a_frame_carries_what_the_sensor_and_the_settings_say(install: Install):
    scene = NoiseScene()
    install(scene)
    camera = AsiCamera(settings(target_celsius=-5, gain_setting=120, cooler_ramp_celsius_per_min=1e5))
    camera.open()
    frames = [camera.read(2.0) for _ in range(3)]
    camera.close()
    frame = frames[-1]
    assert frame.pixels.shape == (80, 96)
    assert (frame.mosaic, frame.white_adu, frame.origin_px) == ("RGGB", 65532, (32, 20))
    assert scene.view == {
        "width_px": 96, "height_px": 80, "origin_px": (32, 20), "gain_setting": 120, "offset_setting": 30
    }  # fmt: skip
    assert frame.gain_e_per_adu == pytest.approx(0.244, abs=0.001)
    assert frame.sensor_celsius == pytest.approx(-5.0, abs=0.2)
    assert 0 < frame.cooler_percent <= 100
    assert frame.camera_serial == SERIAL
    assert [frame.seq for frame in frames] == [1, 2, 3]
    assert not frame.pixels.flags.writeable


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_the_stamp_is_the_start_of_the_exposure_in_sky_time(install: Install, rate: float):
    scene = NoiseScene()
    install(scene, rate)
    clock = SkyClock(EPOCH_UTC_NS, time.monotonic(), rate)
    camera = AsiCamera(settings(exposure_s=EXPOSURE_S * rate), utc_ns=clock.utc_ns, rate=rate)
    camera.open()
    frames = [camera.read(3.0) for _ in range(4)]
    camera.close()
    truth = [start for start, _ in scene.asked]
    for frame in frames:
        nearest = min(abs(frame.start_utc_ns - start) for start in truth)
        assert nearest < 0.5 * frame.exposure_s * 1e9  # to a scheduler's mercy; a wrong exposure would be off by one
        assert clock.utc_at(frame.end_mono_s) - frame.start_utc_ns == pytest.approx(frame.exposure_s * 1e9, abs=1e8)


@pytest.mark.parametrize("exposure_s", [0.05, 0.3])
def test_single_exposures_come_whole_however_short_the_wait(install: Install, exposure_s: float):
    install()
    camera = AsiCamera(settings(mode="snap", exposure_s=exposure_s))
    camera.open()
    ends: list[float] = []
    while len(ends) < 2:
        with contextlib.suppress(FrameTimeout):
            ends.append(camera.read(0.1).end_mono_s)
    camera.close()
    assert ends[1] - ends[0] >= exposure_s


def test_a_single_exposure_that_failed_is_counted_and_the_next_one_begun(install: Install, tmp_path: Path):
    sdk = install(fault_file=tmp_path / "fault")
    (tmp_path / "fault").write_text("timeout")
    camera = AsiCamera(settings(mode="snap"))
    camera.open()
    with pytest.raises(FrameTimeout, match="exposure failed"):
        camera.read(2.0)
    (tmp_path / "fault").unlink()
    assert camera.read(2.0).seq == 2
    camera.close()
    assert (camera.dropped, sdk.ledger["failed"]) == (1, 1)


def test_the_exposure_changes_between_two_frames_and_never_within_one(install: Install, camera: AsiCamera):
    install()
    camera.open()
    camera.read(2.0)
    camera.expose(0.02, 60)
    frame = camera.read(2.0)
    assert (frame.exposure_s, frame.gain_setting) == (0.02, 60)
    assert frame.gain_e_per_adu == pytest.approx(3.89 * 10 ** (-60 / 200) / 4)
    assert frame.seq >= 2


def test_a_picture_whose_temperature_cannot_be_read_any_more_is_counted_as_lost(
    install: Install, camera: AsiCamera, monkeypatch: pytest.MonkeyPatch
):
    install()
    camera.open()
    camera.read(2.0)

    def gone(*_: object) -> float:
        raise CameraLost("gone")

    monkeypatch.setattr(Controls, "get", gone)
    with pytest.raises(CameraLost):
        camera.read(2.0)
    assert camera.dropped == 1


def test_two_buffers_take_turns_and_nothing_is_copied(install: Install, camera: AsiCamera):
    install()
    camera.open()
    first, second, third = (camera.read(2.0) for _ in range(3))
    assert np.shares_memory(first.pixels, third.pixels)
    assert not np.shares_memory(first.pixels, second.pixels)
    assert not np.array_equal(second.pixels, third.pixels)


def test_slow_pictures_lengthen_the_gap_and_not_the_delay(install: Install):
    scene = NoiseScene(takes_s=0.12)
    install(scene)
    clock = SkyClock(EPOCH_UTC_NS, time.monotonic())
    camera = AsiCamera(settings(), utc_ns=clock.utc_ns)
    camera.open()
    frame = camera.read(5.0)
    camera.close()
    assert min(abs(frame.start_utc_ns - start) for start, _ in scene.asked[1:]) < 0.1e9


def test_lost_frames_leave_a_gap_in_the_numbers(install: Install, tmp_path: Path):
    (tmp_path / "fault").write_text("dropped\n")
    install(fault_file=tmp_path / "fault")
    camera = AsiCamera(settings())
    camera.open()
    numbers = [camera.read(3.0).seq for _ in range(3)]
    camera.close()
    assert numbers[-1] >= 5


@pytest.mark.parametrize(
    ("fault", "error"),
    [("timeout", FrameTimeout), ("removed", CameraLost), ("no-camera", CameraLost), ("wrong-buffer", CameraLost)],
)
def test_faults_in_reading_become_our_errors_and_pass(
    install: Install, camera: AsiCamera, fault: str, error: type[Exception], tmp_path: Path
):
    install(fault_file=tmp_path / "fault")
    camera.open()
    camera.read(2.0)
    (tmp_path / "fault").write_text(fault)
    with pytest.raises(error, match="reading a frame"):
        camera.read(0.1)
    (tmp_path / "fault").unlink()
    camera.close()
    camera.open()
    assert camera.read(2.0).pixels.any()


def test_a_scheduled_fault_strikes_its_frame_alone(install: Install, camera: AsiCamera):
    install(faults={3: "timeout", 5: "frozen"})
    camera.open()
    second = [camera.read(2.0).pixels.copy() for _ in range(2)][1]
    with pytest.raises(FrameTimeout):
        camera.read(0.1)
    fourth = camera.read(2.0).pixels.copy()
    fifth = camera.read(2.0).pixels.copy()
    assert not np.array_equal(second, fourth)
    assert np.array_equal(fourth, fifth)


@pytest.mark.parametrize(
    ("fault", "function"),
    [
        ("hang-open", "ASIOpenCamera"),
        ("hang-init", "ASIInitCamera"),
        ("hang-read", "ASIGetVideoData"),
        ("hang-stop", "ASIStopVideoCapture"),
        ("hang-close", "ASICloseCamera"),
    ],
)
def test_a_call_that_hangs_is_named_once_its_deadline_has_passed(
    install: Install, camera: AsiCamera, tmp_path: Path, fault: str, function: str
):
    sdk = install(fault_file=tmp_path / "fault")
    camera.open()
    camera.read(2.0)
    (tmp_path / "fault").write_text(fault)

    def use() -> None:
        with contextlib.suppress(CameraLost, FrameTimeout):
            camera.read(0.1)
        with contextlib.suppress(CameraLost):
            camera.open()

    user = threading.Thread(target=use, daemon=True)
    user.start()
    user.join(0.7)
    assert user.is_alive()
    assert camera.overdue(time.monotonic()) is None, "its deadline has not passed"
    overdue = camera.overdue(time.monotonic() + 60.0)
    assert overdue is not None
    assert overdue[0] == function
    (tmp_path / "fault").unlink()
    sdk.released.set()
    user.join(5.0)
    assert not user.is_alive()


def test_a_hung_call_holds_only_its_own_thread(install: Install, camera: AsiCamera, tmp_path: Path):
    sdk = install(fault_file=tmp_path / "fault")
    camera.open()
    (tmp_path / "fault").write_text("hang")
    errors: list[Exception] = []

    def read() -> None:
        try:
            camera.read(0.1)
        except CameraLost as err:
            errors.append(err)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(0.4)
    assert reader.is_alive()
    sdk.released.set()
    reader.join(5.0)
    assert errors


def test_closing_twice_and_reading_closed_are_harmless(install: Install, camera: AsiCamera):
    install()
    camera.open()
    camera.close()
    camera.close()
    with pytest.raises(CameraLost, match="not open"):
        camera.read(0.1)
