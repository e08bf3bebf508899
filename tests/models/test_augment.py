"""Image and mask stay together, chance comes from the seed alone, and nothing given is touched."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import augment as a

EVERYTHING = a.Augmentation(
    zoom=0.3, shear_deg=15, rotation_deg=20, shift=0.1, flip_horizontal=True, flip_vertical=True, quarter_turns=True,
    gamma=0.4, hsv=0.1, equalise_share=0.5, match_share=0.5, noise=0.05, blur_px=1.5, background_share=0.5,
)  # fmt: skip


def scene(seed: int = 0, height: int = 96, width: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """A trail of level 200 on a sky of about 40, and its mask."""
    image = np.random.default_rng(seed).normal(40, 4, (height, width, 3)).clip(0, 255).astype(np.uint8)
    labels = np.zeros((height, width), np.uint8)
    ends = (width // 6, height // 3), (5 * width // 6, 2 * height // 3)
    cv2.line(image, *ends, (200, 200, 200), 5)
    cv2.line(labels, *ends, 1, 3)
    return image, labels


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70),
    st.fixed_dictionaries({"zoom": st.floats(0, 2), "shear_deg": st.floats(0, 60), "noise": st.floats(0, 1)}),
)  # fmt: skip
def test_any_size_stays_what_it_is_and_the_seed_decides_everything(seed, height, width, limits):
    image, labels = np.full((height, width, 3), 40, np.uint8), np.zeros((height, width), np.uint8)
    labels[height // 2] = 2
    before = image.copy(), labels.copy()
    how = a.Augmentation(**{**EVERYTHING.model_dump(), **limits})
    once, again = (a.augment(image, labels, how, np.random.default_rng(seed), [image], [image]) for _ in range(2))
    assert (once[0] == again[0]).all()
    assert (once[1] == again[1]).all()
    assert once[0].shape[2:] == (3,)
    assert once[0].shape[:2] == once[1].shape
    assert sorted(once[1].shape) == sorted((height, width))
    assert (once[0].dtype, once[1].dtype) == (np.uint8, np.uint8)
    assert set(np.unique(once[1])) <= {0, 2}
    assert (image == before[0]).all()
    assert (labels == before[1]).all()


@pytest.mark.parametrize("seed", range(8))
def test_the_mask_follows_the_light(seed):
    how = a.Augmentation(zoom=0.3, shear_deg=15, rotation_deg=180, shift=0.1, flip_horizontal=True, quarter_turns=True)
    image, labels = a.augment(*scene(seed), how, np.random.default_rng(seed))
    assert (labels == 1).sum() > 100
    assert (image[labels == 1] > 150).all(axis=-1).mean() > 0.97
    assert (image[cv2.dilate(labels, np.ones((9, 9))) == 0] < 80).mean() > 0.99


def test_nothing_allowed_is_nothing_done():
    image, labels = scene()
    same = a.augment(image, labels, a.Augmentation(), np.random.default_rng(1), [image], [image])
    assert (same[0] == image).all()
    assert (same[1] == labels).all()


def test_gamma_bends_between_black_and_white():
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert (a.gamma(ramp, 1.0) == ramp).all()
    assert a.gamma(ramp, 2.0)[8, 0, 0] == round(255 * (128 / 255) ** 2)
    assert a.gamma(ramp, 2.0)[0, 0, 0] == 0
    assert a.gamma(ramp, 2.0)[15, 15, 0] == 255


def test_hue_turns_red_to_green():
    red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    assert a.shift_hsv(red, 1 / 3, 0, 0)[0, 0] == pytest.approx((0, 255, 0), abs=6)


def test_equalised_levels_fill_the_range():
    dull = np.random.default_rng(1).integers(100, 120, (64, 64)).astype(np.uint8)
    level = a.equalise(np.dstack([dull] * 3))[..., 0]
    assert level.min() < 10
    assert level.max() > 245


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_a_matched_histogram_goes_as_far_as_told(strength):
    rng = np.random.default_rng(3)
    dark, bright = (rng.normal(m, 8, (64, 64, 3)).clip(0, 255).astype(np.uint8) for m in (50, 150))
    matched = a.match_histogram(dark, bright, strength)
    assert matched.mean() == pytest.approx(50 + 100 * strength, abs=1.5)
    assert (a.match_histogram(dark, dark) == dark).mean() > 0.99


def test_noise_and_blur_are_as_strong_as_told():
    flat = np.full((128, 128, 3), 128, np.uint8)
    noisy = a.noise(flat, 0.05, np.random.default_rng(1))
    assert noisy.std() == pytest.approx(255 * 0.05, rel=0.02)
    assert a.blur(noisy, 2.0).std() < 0.3 * noisy.std()


def test_the_trail_moves_in_front_of_another_sky_and_nothing_else_does():
    image, labels = scene()
    image[5:8, 5:8] = 255  # a star that was not labelled
    swapped = a.swap_background(image, labels, np.full_like(image, 90))
    assert swapped[labels == 1].mean() == pytest.approx(90 + 160, abs=12)
    assert (swapped[cv2.dilate(labels, np.ones((15, 15))) == 0] == 90).all()
    assert (a.swap_background(image, labels * 0, image * 0) == image).all()
