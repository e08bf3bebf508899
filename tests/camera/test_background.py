"""The sky's level and noise: true on simulated skies, finite on everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from camera.background import background, half_planes, normalised_planes
from camera.device import Frame, Mosaic
from camera.files import list_frames, read_frame


def frame_of(pixels: NDArray[Any], mosaic: Mosaic = "RGGB") -> Frame:
    return Frame(1, 0, 0.0, 2.0, 120, 0.25, (0, 0), mosaic, 65535, -5.0, 40.0, pixels)


def night(height: int = 900, width: int = 960, *, noise_adu: float = 20.0, seed: int = 1) -> NDArray[np.float64]:
    """A mosaic's sky with a glow and per-colour level, dark outside a circle."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(x - width / 2, y - height / 2) < 0.48 * width
    colour = np.array([[1.0, 1.8], [1.8, 0.7]])[y % 2, x % 2]
    sky = 120.0 + inside * colour * (400.0 + 0.3 * x)
    return np.asarray(sky + rng.normal(0, 1, sky.shape) * np.where(inside, noise_adu, 5.0))


def stored(light: NDArray[np.float64]) -> NDArray[np.uint16]:
    return np.clip(np.rint(light), 0, 65535).astype(np.uint16)


def test_half_planes_are_red_green_green_blue_at_half_resolution():
    pixels = np.arange(30, dtype=np.uint16).reshape(5, 6)
    planes = half_planes(frame_of(pixels))
    assert planes.dtype == np.float32
    assert planes.shape == (4, 2, 3)
    assert planes[:, 0, 0].tolist() == [0, 1, 6, 7]
    assert planes[:, 1, 2].tolist() == [16, 17, 22, 23]


def test_colour_gives_red_green_green_blue_and_grey_gives_four_equal_planes():
    colour = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert half_planes(frame_of(colour, "rgb"))[:, 0, 1].tolist() == [3, 4, 4, 5]
    assert half_planes(frame_of(colour[:, :, 0], "mono"))[:, 0, 1].tolist() == [3, 3, 3, 3]


def test_sky_level_and_noise_are_found_per_colour_in_spite_of_stars():
    light = night()
    rng = np.random.default_rng(2)
    for y, x in zip(rng.integers(5, 890, 800), rng.integers(5, 950, 800), strict=True):
        light[y : y + 2, x : x + 2] += 3000
    frame = frame_of(stored(light))
    sky = background(frame)
    truth = half_planes(frame_of(stored(night(noise_adu=0.0))))
    middle = (slice(None), slice(100, 350), slice(100, 380))
    planes = normalised_planes(frame, sky)[middle]
    assert np.median(np.abs(planes)) * 1.4826 == pytest.approx(1.0, abs=0.08)  # noise is the unit
    level = half_planes(frame)[middle] - planes * 20.0
    assert np.median(level - truth[middle], axis=(1, 2)) == pytest.approx([0, 0, 0, 0], abs=2.0)  # a tenth of the noise


def test_outside_the_circle_counts_as_outside_and_has_its_own_level():
    frame = frame_of(stored(night()))
    sky = background(frame)
    corner = sky.level_adu[:, :6, :6]
    assert sky.outside[:6, :6].all()
    middle_y, middle_x = sky.outside.shape[0] // 3, sky.outside.shape[1] // 3
    assert not sky.outside[middle_y : 2 * middle_y, middle_x : 2 * middle_x].any()
    assert corner == pytest.approx(np.full_like(corner, 120.0), abs=3.0)
    assert np.abs(normalised_planes(frame, sky)[:, :20, :20]).max() < 7


def test_a_sky_without_border_has_no_outside():
    flat = np.random.default_rng(3).normal(500, 20, (400, 500))
    assert not background(frame_of(stored(flat))).outside.any()


def test_a_trail_keeps_its_light():
    light = night()
    light[300:304, 200:700] += 200.0
    planes = normalised_planes(frame_of(stored(light)), background(frame_of(stored(light))))
    assert planes[:, 150:152, 110:340].mean() == pytest.approx(10.0, abs=1.0)


def test_a_hot_photosite_vanishes():
    light = night()
    light[401, 400] += 5000.0
    planes = normalised_planes(frame_of(stored(light)), background(frame_of(stored(light))))
    assert planes[:, 200, 200].max() < 5


@pytest.mark.parametrize("fwhm_px", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("peak_sigma", [15.0, 60.0, 1000.0])
def test_strobe_dots_as_wide_as_the_lens_makes_them_survive(fwhm_px: float, peak_sigma: float):
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:900, :960]
    light, centres = night(), rng.uniform(300, 600, (60, 2))
    for cx, cy in centres:
        light += peak_sigma * 20.0 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (fwhm_px / 2.3548) ** 2))
    planes = normalised_planes(frame_of(stored(light)), background(frame_of(stored(light))))
    for cx, cy in centres:
        around = planes[:, int(cy) // 2 - 1 : int(cy) // 2 + 3, int(cx) // 2 - 1 : int(cx) // 2 + 3]
        assert around.max() > 0.5 * min(peak_sigma, 60.0)


MOSAICS: tuple[Mosaic, ...] = ("RGGB", "rgb", "mono")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(MOSAICS), st.integers(2, 70), st.integers(2, 70), st.sampled_from([np.uint8, np.uint16]),
    st.sampled_from(["zero", "white", "noise", "sparse", "half"]), st.integers(0, 2**31),
)  # fmt: skip
def test_any_picture_gives_finite_planes(mosaic: Mosaic, height: int, width: int, kind: type, content: str, seed: int):
    rng = np.random.default_rng(seed)
    top = int(np.iinfo(kind).max)
    shape = (height, width, 3) if mosaic == "rgb" else (height, width)
    pixels = np.zeros(shape, kind)
    if content == "white":
        pixels[:] = top
    elif content == "noise":
        pixels[:] = rng.integers(0, top, shape)
    elif content == "sparse":
        pixels[rng.random(shape) < 0.02] = top
    elif content == "half":
        pixels[: height // 2] = top
    frame = frame_of(pixels, mosaic)
    planes = normalised_planes(frame, background(frame))
    assert planes.shape == half_planes(frame).shape
    assert np.isfinite(planes).all()


@pytest.mark.parametrize("value", [0, 1, 40_000, 65_535])
def test_a_constant_picture_is_all_sky(value: int):
    frame = frame_of(np.full((1200, 1000), value, np.uint16))
    assert np.abs(normalised_planes(frame, background(frame))).max() < 0.02  # rounding of float32 splines


@pytest.mark.realdata
def test_real_skies_have_unit_noise_inside_the_circle(real_data: Path):
    for path in list_frames([real_data / "sky"])[::3]:
        frame = read_frame(path)
        sky = background(frame)
        planes = normalised_planes(frame, sky)
        middle = planes[1, planes.shape[1] // 3 : -planes.shape[1] // 3, planes.shape[2] // 3 : -planes.shape[2] // 3]
        assert np.isfinite(planes).all(), path
        assert np.median(np.abs(middle)) * 1.4826 < 1.5, path  # JPEG and software may smooth it below one
        assert sky.outside.mean() < 0.7, path
