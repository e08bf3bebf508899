"""A camera that was knocked, drifts, or shows a sky that no longer turns is noticed; clouds are not taken for that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from camera.device import Frame
from camera.lens import rotation_matrix
from camera.plate import Plate
from camera.platewatch import PlateHealth, PlateWatch, Turn, measure_turn
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import SimCloud, night
from camera.starcheck import check_stars

NIGHT = night(4)
FORTY_PERCENT = (SimCloud(-100.0, 1000.0, 200.0, 75.0, 0.02),)


def turned(plate: Plate, rotation_deg: tuple[float, float, float]) -> Plate:
    """The plate of a camera whose sky is turned by so much about east, north and up."""
    r0 = np.array(plate.r0) @ rotation_matrix(np.radians(rotation_deg))
    return plate.model_copy(update={"r0": tuple(map(tuple, r0))})


class Sky:
    """Frames of one camera, judged by a plate."""

    def __init__(self, *, scale: float, clouds: tuple[SimCloud, ...] = ()) -> None:
        self.night = replace(NIGHT, clouds=clouds)
        self.plate = simulated_plate(NIGHT, scale=scale)
        (width, height), self.origin = self.plate.region.size_px, self.plate.region.origin_px
        self._size = {"width_px": width, "height_px": height, "origin_px": self.origin, "gain_setting": 120}
        self._renderer = Renderer(self.night, self.plate, **self._size)

    def frame(self, t_s: float, *, said_s: float | None = None, noise: int = 0) -> Frame:
        """Exposed at `t_s`, said to be of `said_s`; `noise` is that of a picture shown again by a live sensor."""
        pixels = self._renderer.render(self.night.utc_ns(t_s), 2.0)
        if noise:
            live = np.random.default_rng(noise).normal(0.0, 20.0, pixels.shape)
            pixels = np.clip(pixels + live, 0, 65532).astype(np.uint16)
        said_s = t_s if said_s is None else said_s
        return Frame(
            seq=1, start_utc_ns=self.night.utc_ns(said_s), end_mono_s=said_s + 2.0, exposure_s=2.0, gain_setting=120,
            gain_e_per_adu=self._renderer.sensor.e_per_stored, origin_px=self.origin, mosaic="RGGB", white_adu=65532,
            sensor_celsius=0.0, cooler_percent=0.0, pixels=pixels,
        )  # fmt: skip


def watched(plate: Plate, watch: PlateWatch, frame: Frame) -> PlateHealth:
    return watch.add(frame.end_mono_s, measure_turn(frame, plate, check_stars(frame, plate)))


@pytest.mark.parametrize(
    ("clouds", "knock_deg"),
    [(FORTY_PERCENT, (0.0, 0.0, 0.3)), (FORTY_PERCENT, (0.3, 0.0, 0.0)), ((), (0.9, -0.6, 0.4))],
    ids=str,
)
def test_a_knock_of_a_third_of_a_degree_is_noticed_within_ten_seconds(clouds, knock_deg):
    sky = Sky(scale=1.0, clouds=clouds)
    before = turned(sky.plate, knock_deg)  # as if the camera had been knocked after this plate was made
    watch = PlateWatch(before)
    watch.add(18.0, None)
    frames = 0
    while True:
        frames += 1
        health = watched(before, watch, sky.frame(20.0 + 2.0 * frames))
        if health.state == "JUMPED":
            break
        assert frames < 5  # of 2 s
    assert health.shift_deg == pytest.approx(np.linalg.norm(knock_deg), abs=0.05)
    assert abs(health.rotation_deg) == pytest.approx(abs(knock_deg[2]), abs=0.05)
    assert health.tilt_deg == pytest.approx(np.hypot(*knock_deg[:2]), abs=0.05)
    assert "the camera was moved" in health.words


def test_clouds_alarm_nobody_and_a_closed_sky_is_not_taken_for_a_good_plate():
    banks = tuple(SimCloud(20.0 * i, 20.0 * i + 50.0, 70.0 * i, 60.0, 0.03) for i in range(1, 8))
    closed = SimCloud(200.0, 400.0, 0.0, 200.0, 0.001)
    sky = Sky(scale=0.5, clouds=(*banks, closed))
    watch = PlateWatch(sky.plate)
    states = [watched(sky.plate, watch, sky.frame(t_s)).state for t_s in np.arange(0.0, 290.0, 8.0)]
    assert set(states) == {"OK", "UNKNOWN"}
    assert states[:25] == ["OK"] * 25
    assert states[-1] == "UNKNOWN"


def test_a_picture_that_stands_still_under_live_noise_is_named():
    sky = Sky(scale=0.5)
    watch = PlateWatch(sky.plate)
    states = [watched(sky.plate, watch, sky.frame(t_s)).state for t_s in np.arange(0.0, 20.0, 2.0)]
    assert set(states) == {"OK"}
    for number, said_s in enumerate(np.arange(20.0, 60.0, 2.0).tolist()):
        health = watched(sky.plate, watch, sky.frame(20.0, said_s=said_s, noise=number + 1))
        if health.state == "STILL":
            break
    assert said_s <= 34.0
    assert "do not turn with the sky" in health.words


def turn(t_s: float, tilt_deg: float) -> Turn:
    return Turn(round(t_s * 1e9), np.array([tilt_deg, 0.0, 0.0]), 17 * tilt_deg, 0.2, 100, 100)


def test_a_slow_drift_is_reported_before_it_matters():
    plate = simulated_plate(NIGHT)
    watch = PlateWatch(plate)
    seen: dict[str, float] = {}
    for minute in range(60):  # 0.2 degrees in an hour
        for second in range(0, 60, 10):
            t_s = 60.0 * minute + second
            seen.setdefault(watch.add(t_s, turn(t_s, 0.2 * t_s / 3600)).state, 0.2 * t_s / 3600)
    assert list(seen) == ["OK", "SUSPECT", "JUMPED"]
    assert seen["SUSPECT"] < 0.07
    assert seen["JUMPED"] > 0.15


def test_one_frame_aside_is_no_jump_and_frames_without_stars_forgive_nothing():
    watch = PlateWatch(simulated_plate(NIGHT))
    assert [watch.add(2.0 * n, turn(2.0 * n, 0.5 if n == 5 else 0.0)).state for n in range(10)] == ["OK"] * 10
    assert watch.add(20.0, turn(20.0, 0.5)).state == "OK"
    watch.add(22.0, None)
    assert watch.add(24.0, turn(24.0, 0.5)).state == "OK"
    watch.add(26.0, None)
    health = watch.add(28.0, turn(28.0, 0.5))
    assert (health.state, health.since_mono_s) == ("JUMPED", 28.0)
    assert watch.add(30.0, None).since_mono_s == 28.0
