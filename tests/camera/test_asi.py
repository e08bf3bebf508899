"""The real driver and the real package zwoasi over the simulated library."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import platform
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from camera.asi import AsiCamera, AsiSettings
from camera.device import CameraLost, CameraRefused, FrameTimeout
from camera.sim.asi_unit import Model
from camera.sim.sdk import SimulatedSdk
from camera.zwo.bus import FoundCamera, found_cameras, usb_refusal
from camera.zwo.controls import COOLER_ON, COOLER_POWER, DEW_HEATER, GAIN, HIGH_SPEED, TARGET_TEMP, WB_R, Controls
from camera.zwo.library import import_zwoasi, load_sdk
from edge.runtime.clock import SkyClock

EPOCH_UTC_NS = 1_781_473_500_000_000_000
EXPOSURE_S = 0.05
SERIAL = "51d0c0de00000001"


class NoiseScene:
    """Noise on a ramp; remembers what it was asked for."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.asked: list[tuple[int, float]] = []
        self.view: dict[str, Any] = {}
        self._takes_s = takes_s

    def __call__(self, **view: Any) -> Callable[[int, float], NDArray[np.uint16]]:
        self.view = view

        def render(start_utc_ns: int, exposure_s: float) -> NDArray[np.uint16]:
            self.asked.append((start_utc_ns, exposure_s))
            time.sleep(self._takes_s)
            rng = np.random.default_rng(start_utc_ns)
            return rng.integers(0, 500, (view["height_px"], view["width_px"]), dtype=np.uint16) * np.uint16(4)

        return render


Install = Callable[..., SimulatedSdk]


@pytest.fixture
def install() -> Iterator[Install]:
    sdks: list[SimulatedSdk] = []

    def make(scene: NoiseScene | None = None, rate: float = 1.0, **options: Any) -> SimulatedSdk:
        clock = SkyClock(EPOCH_UTC_NS, time.monotonic(), rate)
        sdk = SimulatedSdk(scene or NoiseScene(), clock, **({"sensor_px": (160, 120)} | options))
        sdk.install()
        sdks.append(sdk)
        return sdk

    yield make
    for sdk in sdks:
        sdk.uninstall()


def settings(**changes: Any) -> AsiSettings:
    return AsiSettings(**({"exposure_s": EXPOSURE_S, "width_px": 96, "height_px": 80} | changes))


@pytest.fixture
def camera() -> Iterator[AsiCamera]:
    camera = AsiCamera(settings())
    yield camera
    camera.close()


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


def test_nothing_sets_itself_and_every_control_is_what_was_asked_for(install: Install, camera: AsiCamera):
    sdk = install()
    camera.open()
    unit = sdk._units[0]
    assert not any(unit.autos.values())
    assert (unit.values[GAIN], unit.values[WB_R], unit.values[HIGH_SPEED]) == (120, 50, 0)


def test_the_exposure_changes_between_two_frames_and_never_within_one(install: Install, camera: AsiCamera):
    install()
    camera.open()
    camera.read(2.0)
    camera.expose(0.02, 60)
    frame = camera.read(2.0)
    assert (frame.exposure_s, frame.gain_setting) == (0.02, 60)
    assert frame.gain_e_per_adu == pytest.approx(3.89 * 10 ** (-60 / 200) / 4)
    assert frame.seq >= 2


def test_a_camera_that_was_unplugged_is_found_again_at_another_place(install: Install, tmp_path: Path):
    install(serials=(SERIAL, "51d0c0de00000002"), fault_file=tmp_path / "fault")
    camera = AsiCamera(settings(serial=SERIAL))
    camera.open()
    camera.read(2.0)
    (tmp_path / "fault").write_text("removed")
    with pytest.raises(CameraLost, match="removed"):
        camera.read(0.5)
    (tmp_path / "fault").unlink()
    assert found_cameras()[0].serial == "51d0c0de00000002"
    camera.open()
    assert camera.read(2.0).camera_serial == SERIAL
    camera.close()


def test_the_sensor_is_cooled_at_the_pace_of_the_configuration(install: Install):
    sdk = install()
    camera = AsiCamera(settings(target_celsius=-10, cooler_ramp_celsius_per_min=600.0))  # ten degrees a second
    camera.open()
    setpoints = []
    begun = time.monotonic()
    while time.monotonic() < begun + 1.0:
        camera.read(2.0)
        setpoints.append(sdk._units[0].values[TARGET_TEMP])
    camera.close()
    assert setpoints[0] >= 15
    assert setpoints == sorted(setpoints, reverse=True)
    assert setpoints[-1] < 13


def test_closing_for_good_takes_the_coolers_power_away_in_steps_and_reopening_does_not(
    install: Install, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("camera.zwo.cooler.WARM_UP_S", 0.3)
    unit = install()._units[0]
    camera = AsiCamera(settings(target_celsius=-5, cooler_ramp_celsius_per_min=1e6))
    camera.open()
    camera.read(2.0)
    camera.close()
    assert (unit.values[COOLER_ON], unit.values[TARGET_TEMP]) == (1, -5)
    camera.open()
    camera.read(2.0)
    camera.close(for_good=True)
    assert unit.values[COOLER_ON] == 0
    assert unit.values[TARGET_TEMP] > 0


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Model(bayer=3), "does not begin with red"),
        (Model(bits=20), "20 bits"),
        (Model(formats=(0, 1)), "RAW16"),
        (Model(bins=(2,)), "without binning"),
        (Model(name="ZWO ASI999MC", e_per_adu_at_gain_0=0.0), "how many electrons"),
    ],
)
def test_a_camera_whose_pictures_cannot_be_read_is_refused_with_why(
    install: Install, camera: AsiCamera, model: Model, says: str
):
    install(model=replace(model, size_px=(160, 120)))
    with pytest.raises(CameraRefused, match=says):
        camera.open()


def test_another_colour_camera_works_by_what_it_reports(install: Install):
    plain = Model(
        name="ZWO ASI178MC", size_px=(160, 120), bits=12, e_per_adu_at_gain_0=0.9,
        without=frozenset({COOLER_ON, COOLER_POWER, TARGET_TEMP, DEW_HEATER}),
    )  # fmt: skip
    install(model=plain)
    camera = AsiCamera(settings(dew_heater=True, gain_setting=0))
    camera.open()
    frame = camera.read(2.0)
    camera.close()
    assert frame.white_adu == 65520
    assert frame.gain_e_per_adu == pytest.approx(0.9 / 16)
    assert frame.cooler_percent == 0.0
    with pytest.raises(CameraRefused, match="has no cooler"):
        AsiCamera(settings(target_celsius=-5)).open()


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


def test_a_warm_sensor_shows_in_temperature_and_cooler(install: Install, tmp_path: Path):
    (tmp_path / "fault").write_text("warm")
    install(fault_file=tmp_path / "fault")
    camera = AsiCamera(settings(target_celsius=-10, cooler_ramp_celsius_per_min=1e5))
    camera.open()
    frame = camera.read(2.0)
    camera.close()
    assert frame.sensor_celsius > 15
    assert frame.cooler_percent == 100


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


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("no-camera", CameraLost, "no camera is connected"),
        ("permission", CameraLost, "does another program use it"),
        ("old-library", CameraRefused, "too old"),
    ],
)
def test_what_keeps_a_camera_from_opening_is_told(
    install: Install, camera: AsiCamera, tmp_path: Path, fault: str, error: type[Exception], says: str
):
    (tmp_path / "fault").write_text(fault)
    install(fault_file=tmp_path / "fault")
    with pytest.raises(error, match=says):
        camera.open()


def test_of_two_cameras_the_serial_chooses(install: Install):
    install(serials=(SERIAL, "51d0c0de00000002"))
    assert [found.serial for found in found_cameras()] == [SERIAL, "51d0c0de00000002"]
    with pytest.raises(CameraRefused, match=r"2 cameras are connected \(51d0c0de00000001, 51d0c0de00000002\)"):
        AsiCamera(settings()).open()
    with pytest.raises(CameraLost, match="camera 00ff is not connected"):
        AsiCamera(settings(serial="00ff")).open()
    camera = AsiCamera(settings(serial="51D0C0DE00000002"))
    camera.open()
    assert camera.read(2.0).camera_serial == "51d0c0de00000002"
    camera.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gain_setting": 600}, "camera.gain_setting = 600 is outside 0 to 570"),
        ({"offset_setting": 200}, "camera.offset_setting = 200"),
        ({"target_celsius": -45}, "camera.target_celsius = -45"),
        ({"width_px": 320}, "larger than the 160 x 120"),
    ],
)
def test_a_setting_the_library_would_clip_is_refused(install: Install, change: dict[str, Any], says: str):
    install()
    with pytest.raises(CameraRefused, match=says):
        AsiCamera(settings(**change)).open()


def test_closing_twice_and_reading_closed_are_harmless(install: Install, camera: AsiCamera):
    install()
    camera.open()
    camera.close()
    camera.close()
    with pytest.raises(CameraLost, match="not open"):
        camera.read(0.1)


def test_repeated_errors_keep_no_tracebacks(install: Install, camera: AsiCamera):
    install()
    camera.open()
    for _ in range(3):
        with pytest.raises(FrameTimeout):
            camera.read(0.001)
    assert import_zwoasi().zwo_errors[11].__traceback__ is None


def test_a_library_that_is_something_else_is_refused_with_what_to_do():
    with pytest.raises(CameraRefused, match=r"libASICamera2\.so .* put it into"):
        load_sdk(Path("libc.so.6"))
    with pytest.raises(CameraRefused, match="cannot be loaded"):
        load_sdk(Path("/nowhere/libASICamera2.so"))
    assert import_zwoasi().zwolib is None


def test_a_library_of_another_machine_is_named_as_such(tmp_path: Path):
    number, name = (183, "aarch64") if platform.machine() == "x86_64" else (62, "x86_64")
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, number, 1) + bytes(200)
    (tmp_path / "libASICamera2.so").write_bytes(header)
    with pytest.raises(CameraRefused, match=f"made for {name}, this is {platform.machine()}.*get libASICamera2"):
        load_sdk(tmp_path / "libASICamera2.so")


def test_a_missing_library_is_refused_with_where_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("camera.zwo.library.USUAL_PLACES", ())
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(CameraRefused, match="was not found: get libASICamera2"):
        found_cameras()


def test_importing_the_package_says_nothing_and_leaves_the_logging_alone():
    code = (
        "import logging; from camera.zwo.library import import_zwoasi; zwoasi = import_zwoasi(); "
        "assert zwoasi.zwolib is None and not logging.getLogger().handlers and not logging.getLogger().manager.disable"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_camera_whose_usb_node_may_not_be_opened_is_named(tmp_path: Path):
    device, nodes = tmp_path / "devices" / "2-1", tmp_path / "nodes"
    device.mkdir(parents=True)
    for name, text in (("idVendor", "03c3\n"), ("busnum", "2\n"), ("devnum", "7\n")):
        (device / name).write_text(text)
    assert "002/007 (the camera) may not be opened" in usb_refusal(tmp_path / "devices", nodes)
    (nodes / "002").mkdir(parents=True)
    (nodes / "002" / "007").touch()
    assert usb_refusal(tmp_path / "devices", nodes) == ""
    assert os.access(nodes, os.R_OK)


def test_the_doctor_sees_a_camera_that_another_program_has(install: Install, tmp_path: Path):
    (tmp_path / "fault").write_text("permission")
    install(fault_file=tmp_path / "fault")
    assert found_cameras() == [FoundCamera("ZWO ASI294MC Pro(simulated)", "")]
