"""The two published views: what is a light stays, what is a fault of the sensor goes, and what is sky turns black."""

from __future__ import annotations

import numpy as np
import pytest

from camera.background import background
from camera.device import Frame
from camera.sim.splat import stamps
from camera.views import classical, enhanced

SIDE = 400


def frame_of(pixels: np.ndarray, mosaic: str = "RGGB", white: int = 65532) -> Frame:
    return Frame(1, 0, 0.0, 2.0, 120, 0.25, (0, 0), mosaic, white, 0.0, 0.0, pixels)  # type: ignore[arg-type]


def night_sky(*, hot: bool, star: bool) -> np.ndarray:
    """(SIDE, SIDE) a glow rising to the right, noise of 9 units, at (101.3, 200.6) a star, at (301, 90) a hot site."""
    sky = 1920 + np.linspace(250, 400, SIDE) + np.random.default_rng(1).normal(0, 9, (SIDE, SIDE))
    if star:
        where, light = stamps((SIDE, SIDE), np.array([[101.3, 200.6]]), np.array([[6000.0, 6000.0, 6000.0]]))
        np.add.at(sky.reshape(-1), where, light)
    if hot:
        sky[90, 301] += 3000
    return sky.astype(np.uint16)


def test_a_mosaic_comes_at_half_size_in_colour() -> None:
    frame = frame_of(night_sky(hot=False, star=True)[:, :301])
    for view in (classical(frame), enhanced(frame, background(frame))):
        assert view.shape == (200, 150, 3)
        assert view.dtype == np.uint8


def test_hot_pixels_go_and_stars_stay_in_both_views() -> None:
    for make in (classical, lambda frame: enhanced(frame, background(frame))):
        clean, spoilt = (make(frame_of(night_sky(hot=hot, star=True))) for hot in (False, True))
        assert np.abs(spoilt[44:47, 149:152].astype(int) - clean[44:47, 149:152]).max() < 60
        assert spoilt[99:102, 49:52].max(axis=(0, 1)).min() > 100  # the star, in every colour


def test_the_enhanced_view_takes_the_glow_away() -> None:
    frame = frame_of(night_sky(hot=False, star=False))
    old, new = (view[20:-20].astype(float) for view in (classical(frame), enhanced(frame, background(frame))))
    assert old[:, -40:].mean() - old[:, :40].mean() > 40
    assert abs(new[:, -40:].mean() - new[:, :40].mean()) < 25


def test_the_stretch_is_a_square_root() -> None:
    steps = np.repeat(np.linspace(2000, 42000, SIDE // 2), 2)
    view = classical(frame_of(np.tile(steps, (SIDE, 1)).astype(np.uint16)))[50, :, 1].astype(float)
    low, high = np.quantile(np.repeat(steps[::14], 29), (0.05, 0.9995))
    expected = 255 * np.sqrt(np.clip((steps[::2] - low) / (high - low), 0, 1))
    assert view == pytest.approx(expected, abs=3)


def test_the_noise_behind_a_cap_is_not_stretched_into_a_sky() -> None:
    capped = np.random.default_rng(2).normal(1920, 9, (SIDE, SIDE)).astype(np.uint16)
    assert np.median(classical(frame_of(capped))) < 100


@pytest.mark.parametrize(("mosaic", "shape"), [("rgb", (60, 80, 3)), ("mono", (60, 80))])
def test_photographs_keep_their_size(mosaic: str, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(3).integers(10, 30, shape).astype(np.uint8)
    frame = frame_of(picture, mosaic, white=255)
    assert classical(frame).shape == (60, 80, 3)
    assert enhanced(frame, background(frame)).shape == (60, 80, 3)
