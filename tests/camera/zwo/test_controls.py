"""Whatever camera it is: its settings are what was asked for, or it is refused in a sentence."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from camera.asi import AsiCamera
from camera.device import CameraRefused
from camera.sim.asi_unit import Model
from camera.zwo.controls import COOLER_ON, COOLER_POWER, DEW_HEATER, GAIN, HIGH_SPEED, TARGET_TEMP, WB_R
from tests.camera.zwo.noisy import Install, settings


def test_nothing_sets_itself_and_every_control_is_what_was_asked_for(install: Install, camera: AsiCamera):
    sdk = install()
    camera.open()
    unit = sdk._units[0]
    assert not any(unit.autos.values())
    assert (unit.values[GAIN], unit.values[WB_R], unit.values[HIGH_SPEED]) == (120, 50, 0)


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
