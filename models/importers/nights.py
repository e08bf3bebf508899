"""Rendered nights as patches for the published networks: the same frames that the field network learns from, in a
published view at full resolution, with the masks that a person would draw, as the published ones were."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from camera.background import background
from camera.views import classical, enhanced
from models.contract import CLASSES
from models.importers.patches import Dataset, View, cut, part_of
from models.nights import training_night
from models.patch_method import in_colour
from models.rendered import label_map, plain_to_see, render

SPAN = (0.1, 0.95)  # of a night: the frames of training


def from_nights(
    seeds: Sequence[int], *, frames: int, view: View = "classical", size: int = 256, exposure_s: float = 2.0,
    empty_share: float = 1.0, shares: tuple[float, float] = (0.75, 0.25),
) -> Dataset:  # fmt: skip
    """`frames` of each training night, evenly; labels are those of the half-resolution planes, doubled."""
    data = Dataset(CLASSES, view, "night", size)
    for seed in seeds:
        scenario, group = training_night(seed, np.random.default_rng((seed, 8))), f"night-{seed}"
        edges = np.linspace(*SPAN, frames + 1) * scenario.duration_s
        times = [float((a + b) / 2) for a, b in pairwise(edges)]
        part = part_of(group, shares)
        for rendered in render(scenario, times, exposure_s=exposure_s):
            shown = in_colour(rendered.frame)
            picture = classical(shown) if view != "enhanced" else enhanced(shown, background(shown))
            height, width = picture.shape[:2]
            labels = label_map(rendered.truth, (height // 2, width // 2), taught=plain_to_see).repeat(2, 0).repeat(2, 1)
            data.parts[part] += cut(
                picture[: height // 2 * 2, : width // 2 * 2], labels, group, group, size, empty_share
            )
            data.pictures[part] += 1
    return data
