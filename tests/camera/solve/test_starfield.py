"""Points that may be stars, where they are; and the circle the lens throws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from camera.device import Frame
from camera.solve.starfield import find_circle, find_stars

SIDE, CENTRE, RADIUS = 600, (310.0, 290.0), 260.0
Y, X = np.mgrid[0:SIDE, 0:SIDE]


def sky(rng: np.random.Generator) -> NDArray[np.float64]:
    light = np.where(np.hypot(X - CENTRE[0], Y - CENTRE[1]) < RADIUS, 900.0, 100.0)
    return light + rng.normal(0, 5, light.shape)


def star(x: float, y: float, light: float = 3000.0) -> NDArray[np.float64]:
    return light / (2 * np.pi * 1.2**2) * np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * 1.2**2))


def frame_of(light: NDArray[np.float64], **changes: Any) -> Frame:
    fields: dict[str, Any] = dict(
        seq=0, start_utc_ns=0, end_mono_s=0.0, exposure_s=1.0, gain_setting=0, gain_e_per_adu=1.0, origin_px=(0, 0),
        mosaic="mono", white_adu=65535, sensor_celsius=0.0, cooler_percent=0.0,
        pixels=np.clip(light, 0, 65535).astype(np.uint16),
    )  # fmt: skip
    return Frame(**(fields | changes))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_stars_are_found_where_they_are_brightest_first(rng):
    truth = rng.uniform(180, 430, (12, 2)).round(2)
    light = sky(rng) + sum(star(*xy, light=3000 + 900 * n) for n, xy in enumerate(truth))
    found = find_stars(frame_of(light))
    for xy in truth:
        assert np.hypot(*(found.xy_px - xy).T).min() < 0.1
    assert np.hypot(*(found.xy_px[0] - truth[-1])) < 0.1


@pytest.mark.parametrize("mosaic", ["mono", "RGGB", "rgb"])
def test_the_origin_of_the_region_and_the_mosaic_move_nothing(rng, mosaic):
    light = sky(rng) + star(300.0, 300.5, 60_000)
    pixels = np.clip(light, 0, 65535).astype(np.uint16)
    pixels = np.repeat(pixels[..., None], 3, axis=2) if mosaic == "rgb" else pixels
    found = find_stars(frame_of(light, pixels=pixels, mosaic=mosaic, origin_px=(700, 8)))
    assert found.xy_px[0] == pytest.approx((1000.0, 308.5), abs=0.1)


def test_what_is_no_star_is_rejected(rng):
    light = sky(rng)
    light[250, 250] += 4000  # a hot pixel
    light[340, 200:240] += 400  # a trail
    light += star(350.0, 250.0)
    light[40:42, 30:32] += 3000  # outside the circle
    found = find_stars(frame_of(light))
    assert found.xy_px[0] == pytest.approx((350, 250), abs=0.1)
    for x, y in ((250, 250), (220, 340), (30.5, 40.5)):
        assert np.hypot(*(found.xy_px - (x, y)).T).min() > 20
    assert np.hypot(*(found.rejected_px - (250, 250)).T).min() < 1.0


def test_the_circle_is_found_behind_a_skyline(rng):
    light = sky(rng)
    angle = np.arctan2(Y - CENTRE[1], X - CENTRE[0])
    trees = (np.abs(angle - 1.0) < 0.7) & (np.hypot(X - CENTRE[0], Y - CENTRE[1]) > 200 + 30 * np.sin(9 * angle))
    light[trees] = 105
    circle = find_circle(light.astype(np.float32))
    assert circle.seen
    assert circle.centre_px == pytest.approx(CENTRE, abs=0.02 * RADIUS)
    assert circle.radius_px == pytest.approx(RADIUS, rel=0.02)


def test_without_a_dark_surround_the_circle_is_guessed_and_says_so(rng):
    circle = find_circle(rng.normal(900, 5, (400, 600)).astype(np.float32))
    assert not circle.seen
    assert circle.centre_px == (299.5, 199.5)


def test_nothing_is_found_in_a_black_or_white_frame():
    for value in (0.0, 65535.0):
        assert len(find_stars(frame_of(np.full((SIDE, SIDE), value))).xy_px) == 0


def test_a_frame_too_small_for_a_sky_is_refused():
    with pytest.raises(ValueError, match="too few"):
        find_stars(frame_of(np.zeros((20, 20))))
