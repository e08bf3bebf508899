"""Changes to an image and its mask together, for training: where things are, how bright they are, what lies behind.

Every function is pure: (H, W, 3) uint8 and (H, W) class numbers in, new arrays out, chance only from the generator it
is given. Geometry moves both alike; light changes the image alone. Randomised histogram matching: Yaras et al. 2021,
"Randomized Histogram Matching: A Simple Augmentation for Unsupervised Domain Adaptation in Overhead Imagery".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Image = NDArray[np.uint8]  # (H, W, 3) red, green, blue
Labels = NDArray[np.uint8]  # (H, W)
IGNORE = 255


Share = Annotated[float, Field(ge=0, le=1)]
Degrees = Annotated[float, Field(ge=0, lt=90)]


class Augmentation(BaseModel):
    """How far each change may go; 0 is never. Shares are probabilities that a change happens at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zoom: float = Field(0.0, ge=0, le=3)  # 0.2: from 1 / 1.2 to 1.2 times as large
    shear_deg: Degrees = 0.0
    rotation_deg: float = Field(0.0, ge=0, le=180)
    shift: Share = 0.0  # of the side
    flip_horizontal: bool = False
    flip_vertical: bool = False
    quarter_turns: bool = False
    gamma: float = Field(0.0, ge=0, le=3)  # 0.3: exponents from 1 / 1.3 to 1.3
    hsv: Share = 0.0  # 0.1: hue, saturation and value by up to a tenth
    equalise_share: Share = 0.0
    match_share: Share = 0.0  # histogram of another patch of the set
    noise: Share = 0.0  # largest sigma, of full scale
    blur_px: float = Field(0.0, ge=0, le=20)  # largest sigma
    background_share: Share = 0.0  # a patch without labels of the set lies behind the trails


def augment(
    image: Image, labels: Labels, how: Augmentation, rng: np.random.Generator,
    others: Sequence[Image] = (), empty: Sequence[Image] = (),
) -> tuple[Image, Labels]:  # fmt: skip
    """All changes that `how` allows. `others` lend their histograms, `empty` (no labels) their backgrounds."""
    if how.background_share and empty and rng.random() < how.background_share:
        image = swap_background(image, labels, _same_size(empty[int(rng.integers(len(empty)))], image))
    image, labels = move(image, labels, how, rng)
    if how.match_share and others and rng.random() < how.match_share:
        image = match_histogram(image, others[int(rng.integers(len(others)))], float(rng.random()))
    if how.equalise_share and rng.random() < how.equalise_share:
        image = equalise(image)
    if how.gamma:
        image = gamma(image, float((1 + how.gamma) ** rng.uniform(-1, 1)))
    if how.hsv:
        image = shift_hsv(image, *rng.uniform(-how.hsv, how.hsv, 3))
    if how.blur_px:
        image = blur(image, float(rng.uniform(0, how.blur_px)))
    if how.noise:
        image = noise(image, float(rng.uniform(0, how.noise)), rng)
    return image, labels


def move(image: Image, labels: Labels, how: Augmentation, rng: np.random.Generator) -> tuple[Image, Labels]:
    """One affine map for both; what comes in from outside is the mirror image of what is inside."""
    if how.flip_horizontal and rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    if how.flip_vertical and rng.random() < 0.5:
        image, labels = image[::-1], labels[::-1]
    if how.quarter_turns and image.shape[0] == image.shape[1]:
        turns = int(rng.integers(4))
        image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if how.zoom or how.shear_deg or how.rotation_deg or how.shift:
        height, width = labels.shape
        scale = (1 + how.zoom) ** rng.uniform(-1, 1)
        turn, shear = np.radians(rng.uniform(-1, 1, 2) * (how.rotation_deg, how.shear_deg))
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        linear = linear @ np.array([[1.0, np.tan(shear)], [0.0, 1.0]])
        offset = middle - linear @ middle + rng.uniform(-how.shift, how.shift, 2) * (width, height)
        matrix, size, outside = np.column_stack([linear, offset]), (width, height), cv2.BORDER_REFLECT_101
        image = cv2.warpAffine(np.ascontiguousarray(image), matrix, size, flags=cv2.INTER_LINEAR, borderMode=outside)
        labels = cv2.warpAffine(np.ascontiguousarray(labels), matrix, size, flags=cv2.INTER_NEAREST, borderMode=outside)
    return np.ascontiguousarray(image), np.ascontiguousarray(labels)


def gamma(image: Image, exponent: float) -> Image:
    curve = np.round(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return curve[image]


def shift_hsv(image: Image, hue: float, saturation: float, value: float) -> Image:
    """Shares of the full circle and of full scale, positive or negative."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL).astype(np.int16)
    hsv[..., 0] = (hsv[..., 0] + round(256 * hue)) % 256
    hsv[..., 1:] += np.round(255 * np.array([saturation, value])).astype(np.int16)
    return np.asarray(cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB_FULL))


def equalise(image: Image) -> Image:
    """Every brightness as frequent as any other; colours keep their hue (the Y of YCrCb is equalised)."""
    ycc = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    ycc[..., 0] = cv2.equalizeHist(ycc[..., 0])
    return np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB))


def match_histogram(image: Image, like: Image, strength: float = 1.0) -> Image:
    """Each channel gets the distribution of `like`, by `strength` of the way there."""
    matched = np.empty_like(image)
    levels = np.arange(256)
    for channel in range(3):
        ours, theirs = (np.bincount(x[..., channel].ravel(), minlength=256).cumsum() for x in (image, like))
        curve = np.interp(ours / ours[-1], theirs / theirs[-1], levels)
        mixed = (1 - strength) * levels + strength * curve
        matched[..., channel] = np.round(mixed).astype(np.uint8)[image[..., channel]]
    return matched


def noise(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    added = image + rng.normal(0, 255 * sigma, image.shape).astype(np.float32)
    return np.clip(np.round(added), 0, 255).astype(np.uint8)


def blur(image: Image, sigma_px: float) -> Image:
    return image if sigma_px < 0.3 else np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px))


def swap_background(image: Image, labels: Labels, behind: Image) -> Image:
    """What was labelled, with its glow, in front of another sky: its light above its own surroundings is added."""
    if not ((labels > 0) & (labels != IGNORE)).any():
        return image
    labelled = ((labels > 0) & (labels != IGNORE)).astype(np.uint8)
    side = max(5, min(31, min(labels.shape) // 4)) | 1  # several trail widths: the median forgets the trail
    light = np.maximum(image.astype(np.float32) - cv2.medianBlur(np.ascontiguousarray(image), side), 0)
    near = cv2.GaussianBlur(cv2.dilate(labelled, np.ones((5, 5), np.uint8)).astype(np.float32), (0, 0), 1.5)
    near = np.maximum(near, labelled)
    return np.clip(np.round(behind + light * near[..., None]), 0, 255).astype(np.uint8)


def _same_size(picture: Image, like: Image) -> Image:
    height, width = like.shape[:2]
    return picture if picture.shape == like.shape else np.asarray(cv2.resize(picture, (width, height)))
