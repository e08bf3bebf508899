"""The exposure law: a bright sky is left at once, a dark one is returned to, and a steady one changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.device import Frame
from camera.exposure import (
    HIGH_LEVEL,
    PATIENCE_FRAMES,
    ExposureLimits,
    ExposureState,
    Setting,
    SkyLevel,
    begin,
    ladder,
    setting,
    sky_level,
    step,
)
from camera.sim.conditions import SimSky
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import night
from camera.sim.sensor import WHITE_STORED
from camera.sky import sun_elevation_deg

LIMITS = ExposureLimits(wanted_s=2.0, shortest_s=0.001, gain_setting=120, lowest_gain_setting=0)
BOTTOM = len(ladder(LIMITS)) - 1


def signal(of: Setting) -> float:
    """Relative to two seconds at gain 120."""
    return of.exposure_s / 2.0 * 10 ** ((of.gain_setting - 120) / 200)


class Scene:
    """A sky whose parts are so bright, in full scales of the wanted exposure; the camera answers `late` frames late."""

    def __init__(self, parts: list[float], *, late: int = 0, black: float = 0.03) -> None:
        self.parts, self.black = np.array(parts), black
        self.pending = [Setting(2.0, 120)] * late

    def frame(self, told: Setting, jitter: float = 1.0) -> SkyLevel:
        self.pending.append(told)
        taken = self.pending.pop(0)
        light = np.minimum(self.parts * jitter * signal(taken) + self.black, 1.0)
        return SkyLevel(taken, float(np.quantile(light, 0.95)))


def test_the_ladder_shortens_first_and_takes_gain_away_last() -> None:
    rungs = ladder(LIMITS)
    assert rungs[0] == Setting(2.0, 120)
    assert rungs[-1] == Setting(0.001, 0)
    signals = [signal(rung) for rung in rungs]
    assert signals == sorted(signals, reverse=True)
    assert max(log2(a / b) for a, b in pairwise(signals)) <= 1.01
    assert [rung.gain_setting for rung in rungs] == sorted((rung.gain_setting for rung in rungs), reverse=True)
    assert all(rung.exposure_s == 0.001 for rung in rungs if rung.gain_setting < 120)


def test_a_camera_without_room_has_one_rung() -> None:
    fixed = ExposureLimits(2.0, 2.0, 120, 120)
    assert ladder(fixed) == (Setting(2.0, 120),)
    assert step(fixed, ExposureState(0), SkyLevel(Setting(2.0, 120), 1.0)) == ExposureState(0)
    assert begin(fixed, 60.0) == ExposureState(0)


skies = st.lists(st.floats(-6, 4).map(lambda power: 10.0**power), min_size=20, max_size=60)


@given(skies, st.integers(0, BOTTOM), st.integers(0, 2), st.lists(st.floats(0.9, 1.1), min_size=80, max_size=80))
def test_a_steady_sky_is_found_within_a_minute_and_never_hunted(
    parts: list[float], rung: int, late: int, jitter: list[float]
) -> None:
    scene, state, rungs = Scene(parts, late=late), ExposureState(rung), []
    for share in jitter:
        level = scene.frame(setting(LIMITS, state), share)
        state = step(LIMITS, state, level)
        rungs.append(state.rung)
    settled = np.diff(rungs[3 * BOTTOM + 6 :])
    assert np.abs(settled).sum() <= 1  # once more at most, where the jitter crosses a threshold
    assert level.bright <= 1.1 * HIGH_LEVEL or state.rung == BOTTOM


@settings(max_examples=30)
@given(st.floats(-7, 3), st.floats(-7, 3), st.integers(0, 2))
def test_dusk_and_dawn_move_the_ladder_one_way(first: float, last: float, late: int) -> None:
    scene, state = Scene([1.0] * 20, late=late), begin(LIMITS, -18.0)
    rungs = []
    for power in np.concatenate((np.full(40, first), np.linspace(first, last, 400))):
        scene.parts[:] = 10.0**power
        state = step(LIMITS, state, scene.frame(setting(LIMITS, state)))
        rungs.append(state.rung)
    way = np.diff(rungs[40:])
    assert (way >= 0).all() or (way <= 0).all()


def test_a_flash_of_light_costs_a_few_frames() -> None:
    scene, state = Scene([1e-4] * 20), ExposureState(0)
    state = step(LIMITS, state, SkyLevel(Setting(2.0, 120), 1.0))
    assert state.rung == 3
    frames = 0
    while state.rung:
        state, frames = step(LIMITS, state, scene.frame(setting(LIMITS, state))), frames + 1
    assert frames == 9


def test_the_sun_is_a_hint_for_the_first_frame_only() -> None:
    assert begin(LIMITS, -18.0).rung == 0
    assert begin(LIMITS, 0.0).rung > 5
    assert setting(LIMITS, begin(LIMITS, 60.0)).exposure_s < 0.002


@pytest.mark.parametrize("shape", [(600, 600), (600, 600, 3), (20, 20)])
def test_the_level_of_a_frame_is_that_of_its_bright_part(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 6553, np.uint16)
    pixels[:, : shape[1] // 10] = 65532
    frame = Frame(1, 0, 0.0, 0.5, 60, 0.25, (0, 0), "mono", 65532, 0.0, 0.0, pixels)
    level = sky_level(frame)
    assert level.setting == Setting(0.5, 60)
    if shape[0] > 20:
        assert level.bright == pytest.approx(1.0)


def utc_ns(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp() * 1e9)


class RenderedStrip:
    """A strip of sky from horizon to horizon through the zenith, at the field camera's scale."""

    def __init__(self, begin_utc_ns: int, sky: SimSky) -> None:
        empty = replace(night(1), aircraft=(), satellites=(), meteors=(), clouds=())
        self.night = replace(empty, epoch_utc_ns=begin_utc_ns, sky=sky)
        self.plate = simulated_plate(self.night)
        self.renderers: dict[int, Renderer] = {}

    def level(self, told: Setting, minutes: float) -> SkyLevel:
        x, y = self.plate.region.origin_px
        origin = (x, y + 1380)
        gain = told.gain_setting
        if gain not in self.renderers:
            self.renderers[gain] = Renderer(
                self.night, self.plate, width_px=2744, height_px=64, origin_px=origin, gain_setting=gain
            )
        start = self.night.utc_ns(60 * minutes)
        pixels = self.renderers[gain].render(start, told.exposure_s)
        self.saturated = float(np.mean(pixels == WHITE_STORED))
        return sky_level(
            Frame(
                1, start, 0.0, told.exposure_s, told.gain_setting, 0.25, origin, "RGGB", 65532, 0.0, 0.0, pixels
            )
        )  # fmt: skip


@pytest.mark.parametrize("way", [1, -1])
def test_through_a_rendered_twilight_no_sky_saturates_and_nothing_is_hunted(way: int) -> None:
    strip = RenderedStrip(utc_ns(2026, 6, 14, 19, 9), SimSky())  # Sun at +5
    minutes = np.concatenate((np.arange(0, 90, 3), np.arange(90, 180, 30)))[::way]
    sun = [sun_elevation_deg(strip.night.utc_ns(60 * float(t)), strip.night.site) for t in (minutes[0], minutes[-1])]
    assert max(sun) > 4.9
    assert min(sun) < -16
    state, rungs = begin(LIMITS, sun[0]), []
    for number, t in enumerate(minutes):
        for _ in range(PATIENCE_FRAMES + 1):
            level = strip.level(setting(LIMITS, state), float(t))
            assert strip.saturated < 0.01 or number == 0
            before, state = state, step(LIMITS, state, level)
            if state == before:
                break
        rungs.append(state.rung)
    assert (np.diff(rungs) * way <= 0).all()
    assert sorted((rungs[0], rungs[-1])) in ([0, 11], [0, 12])


def test_a_rising_full_moon_changes_nothing() -> None:
    strip, state = RenderedStrip(utc_ns(2026, 6, 29, 20, 50), SimSky(moon=True)), ExposureState(0)
    for t in range(0, 200, 25):
        level = strip.level(setting(LIMITS, state), float(t))
        state = step(LIMITS, state, level)
        assert strip.saturated < 0.01
        assert state.rung == 0
