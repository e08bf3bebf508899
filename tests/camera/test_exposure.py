"""The exposure law: a bright sky is left at once, a dark one is returned to, and a steady one changes nothing."""

from __future__ import annotations

from itertools import pairwise
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.device import Frame
from camera.exposure import (
    HIGH_LEVEL,
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
        return SkyLevel(
            taken, float(np.quantile(light, 0.95)), float(np.mean(light >= 0.98)), float(np.mean(light >= 0.4))
        )


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
    assert step(fixed, ExposureState(0), SkyLevel(Setting(2.0, 120), 1.0, 1.0, 1.0)) == ExposureState(0)
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
    settled = np.diff(rungs[20 + 3 * BOTTOM // 2 :])
    assert (settled <= 0).all()  # never down again
    assert np.abs(settled).sum() <= 1  # up at most once, when the jitter allowed it for long enough
    assert level.bright <= 1.1 * HIGH_LEVEL or state.rung == BOTTOM


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
    state = step(LIMITS, state, SkyLevel(Setting(2.0, 120), 1.0, 0.9, 0.9))
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
        assert (level.bright, level.near_white) == (pytest.approx(1.0), pytest.approx(0.1, abs=0.03))
