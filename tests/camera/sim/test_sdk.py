"""The simulated library keeps the vendor's rules, asked through the real package zwoasi."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from camera.asi import AsiCamera, AsiSettings
from camera.gap import GapMeter
from camera.sim.asi_faults import spoilt
from camera.sim.asi_unit import CONTROLS
from camera.sim.sdk import FAULTS, SimulatedSdk
from camera.zwo.library import load_sdk
from edge.runtime.clock import SkyClock


def counting_scene(**view: Any) -> Callable[[int, float], NDArray[np.uint16]]:
    shape = (view["height_px"], view["width_px"])
    return lambda start_utc_ns, exposure_s: np.full(shape, start_utc_ns // 10**6 % 60000, np.uint16)


@pytest.fixture
def zwoasi() -> Iterator[Any]:
    sdk = SimulatedSdk(counting_scene, SkyClock(10**18, time.monotonic()), sensor_px=(64, 40))
    sdk.install()
    yield load_sdk(None)
    sdk.uninstall()


@pytest.fixture
def camera(zwoasi: Any) -> Iterator[Any]:
    camera = zwoasi.Camera(0)
    camera.set_roi(width=32, height=20, bins=1, image_type=zwoasi.ASI_IMG_RAW16)
    camera.set_control_value(zwoasi.ASI_EXPOSURE, 20_000)
    yield camera
    camera.close()


def code_of(zwoasi: Any, call: Callable[[], object]) -> int:
    with pytest.raises(zwoasi.ZWO_IOError) as caught:
        call()
    return int(caught.value.error_code)


def test_snap_mode_works_through_the_package(camera: Any):
    picture = camera.capture()
    assert picture.shape == (20, 32)
    assert picture.min() == picture.max()


def test_snap_and_video_exclude_each_other(zwoasi: Any, camera: Any):
    camera.start_exposure()
    assert code_of(zwoasi, camera.start_video_capture) == 15
    assert code_of(zwoasi, lambda: camera.get_video_data(timeout=10)) == 12
    camera.stop_exposure()
    camera.start_video_capture()
    camera.start_video_capture()  # already started: success
    assert code_of(zwoasi, camera.start_exposure) == 14


def test_the_region_is_centred_and_cannot_change_while_capturing(zwoasi: Any, camera: Any):
    assert camera.get_roi() == [16, 10, 32, 20]
    camera.start_video_capture()
    assert code_of(zwoasi, lambda: camera.set_roi_format(16, 10, 1, zwoasi.ASI_IMG_RAW16)) == 14
    camera.set_roi_start_position(0, 0)
    assert code_of(zwoasi, lambda: camera.set_roi_start_position(40, 0)) == 10


def test_a_buffer_too_small_is_refused(zwoasi: Any, camera: Any):
    camera.start_video_capture()
    assert code_of(zwoasi, lambda: camera.get_video_data(timeout=500, buffer_=bytearray(100))) == 13


def test_a_value_out_of_range_is_clipped_and_called_a_success(zwoasi: Any, camera: Any):
    camera.set_control_value(zwoasi.ASI_GAIN, 9999)
    assert camera.get_control_value(zwoasi.ASI_GAIN) == [570, False]
    assert code_of(zwoasi, lambda: camera.set_control_value(zwoasi.ASI_TEMPERATURE, 5)) == 3
    assert len(camera.get_controls()) == len(CONTROLS)


def test_a_reader_that_sleeps_loses_the_oldest_frames_and_the_counter_says_so(camera: Any):
    camera.start_video_capture()
    time.sleep(0.3)
    camera.get_video_data(timeout=500)
    assert camera.get_dropped_frames() >= 3


def test_closing_a_closed_camera_succeeds_and_the_rest_is_refused(zwoasi: Any, camera: Any):
    camera.close()
    camera.close()
    assert code_of(zwoasi, camera.get_num_controls) == 4


def test_an_unknown_fault_in_the_file_is_told_and_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "fault").write_text("gremlins")
    sdk = SimulatedSdk(counting_scene, SkyClock(0, 0.0), fault_file=tmp_path / "fault")
    assert sdk.fault() == ""
    assert "no such fault: gremlins" in caplog.text
    (tmp_path / "fault").write_text("warm\n")
    assert sdk.fault() == "warm"
    assert "warm" in FAULTS


def made_and_ended(sdk: SimulatedSdk) -> tuple[int, int]:
    return sdk.ledger["made"], sum(sdk.ledger[name] for name in ("handed", "told", "failed", "cut"))


@pytest.mark.parametrize("fault", ["", "dropped", "stalls", "timeout", "wrong-buffer", "removed", "frozen", "short"])
def test_every_exposure_is_in_the_account_once(zwoasi: Any, camera: Any, tmp_path: Path, fault: str):
    sdk = zwoasi.zwolib
    sdk._fault_file._path = tmp_path / "fault"
    camera.start_video_capture()
    for number in range(8):
        if number == 3 and fault:
            (tmp_path / "fault").write_text(fault)
        with contextlib.suppress(zwoasi.ZWO_IOError):
            camera.get_video_data(timeout=60)
            camera.get_dropped_frames()
    (tmp_path / "fault").unlink(missing_ok=True)
    sdk.close_all()
    made, ended = made_and_ended(sdk)
    assert made == ended > 0


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("frozen", lambda new, old: old),
        ("half-written", lambda new, old: np.concatenate((new[:10], old[10:]))),
        ("short", lambda new, old: np.concatenate((new[:10], np.zeros_like(new[10:])))),
        ("black", lambda new, old: np.zeros_like(new)),
        ("white", lambda new, old: np.full_like(new, 65532)),
        ("", lambda new, old: new),
    ],
)
def test_a_spoilt_picture_is_spoilt_as_its_name_says(fault: str, expected: Any):
    rng = np.random.default_rng(1)
    new, old = (rng.integers(0, 65535, (20, 32), dtype=np.uint16) for _ in range(2))
    assert np.array_equal(spoilt(fault, new, old, 65532), expected(new, old))


def test_displaced_rows_keep_every_pixel_and_the_upper_half():
    picture = np.random.default_rng(1).integers(0, 65535, (20, 32), dtype=np.uint16)
    shifted = spoilt("shifted", picture, None, 65532)
    assert np.array_equal(shifted[:10], picture[:10])
    assert not np.array_equal(shifted[10:], picture[10:])
    assert sorted(shifted.ravel()) == sorted(picture.ravel())


def test_automatisms_are_on_until_they_are_told_otherwise(zwoasi: Any, camera: Any):
    assert camera.get_control_value(zwoasi.ASI_BANDWIDTHOVERLOAD) == [50, True]
    camera.set_control_value(zwoasi.ASI_BANDWIDTHOVERLOAD, 80)
    assert camera.get_control_value(zwoasi.ASI_BANDWIDTHOVERLOAD) == [80, False]


def test_the_gap_of_the_sensor_is_what_the_constructor_says():
    sdk = SimulatedSdk(counting_scene, SkyClock(10**18, time.monotonic()), sensor_px=(64, 40), gap_s=0.05)
    sdk.install()
    camera = AsiCamera(AsiSettings(exposure_s=0.05, width_px=32, height_px=20))
    meter = GapMeter()
    camera.open()
    for _ in range(8):
        meter.add(camera.read(2.0))
    camera.close()
    sdk.uninstall()
    assert meter.usual_ms == pytest.approx(50.0, abs=20.0)


@pytest.mark.parametrize(
    ("fault", "does"),
    [("confused", "close_all"), ("wedged", "usb_reset"), ("unpowered", "power_cycle")],
)
def test_what_a_fault_needs_ends_it_and_less_does_not(tmp_path: Path, fault: str, does: str):
    (tmp_path / "fault").write_text(fault)
    sdk = SimulatedSdk(counting_scene, SkyClock(0, 0.0), sensor_px=(64, 40), fault_file=tmp_path / "fault")
    assert sdk.fault() == fault, "a library just loaded does not cure it"
    if does == "power_cycle":
        sdk.usb_reset()
        assert sdk.fault() == fault
    if does == "close_all":
        sdk.install()
        load_sdk(None).Camera(0).close()
        sdk.uninstall()
    else:
        getattr(sdk, does)()
    assert sdk.fault() == ""


def test_a_fresh_library_cures_what_only_a_fresh_process_can(tmp_path: Path):
    (tmp_path / "fault").write_text("poisoned")
    sdk = SimulatedSdk(counting_scene, SkyClock(0, 0.0), sensor_px=(64, 40), fault_file=tmp_path / "fault")
    assert sdk.fault() == ""
