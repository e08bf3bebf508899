"""Do two engines answer alike? Measured on golden tiles that are made here, so that it can be asked on any machine.

Why it is asked at every load: a runtime may compute a network wrongly at full speed and without a word (OpenVINO with
signed bytes through Concat; a driver that does not fit its library), and a wrong network sees an empty sky.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.contract import ModelRefused
from models.preprocess import ZERO

TILE_PX, MARGIN_PX = 384, 64  # the rim, where what lies around a tile still counts, is not compared
LEAST_IOU = 0.98  # of the two masks of trail
LARGEST_DIFFERENCE = 0.15  # mean of a logit, two steps of INT8; rounding sums later than the file does makes 0.02


class Infers(Protocol):
    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Parity:
    """How far two engines differ on the same planes, at even odds of trail."""

    trail_pixels: int  # of the first
    flipped: int
    iou: float
    mean_logit_difference: float


def trail_mask(logits: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(N, H, W): the likeliest class is a trail."""
    return np.asarray(logits[:, 1:4].max(axis=1) > np.maximum(logits[:, 0], logits[:, 4]))


def compare(first: Infers, second: Infers, samples: Sequence[NDArray[np.float32]], *, margin_px: int = 0) -> Parity:
    pixels = flipped = both = either = 0
    difference = 0.0
    for planes in samples:
        a, b = (_inside(engine.infer(planes), margin_px) for engine in (first, second))
        trail_a, trail_b = trail_mask(a), trail_mask(b)
        pixels += int(trail_a.sum())
        flipped += int((trail_a ^ trail_b).sum())
        both, either = both + int((trail_a & trail_b).sum()), either + int((trail_a | trail_b).sum())
        difference += float(np.abs(a - b).mean()) / len(samples)
    return Parity(pixels, flipped, both / max(either, 1), difference)


def golden_tiles(count: int = 2) -> list[NDArray[np.float32]]:
    """(1, 4, TILE_PX, TILE_PX) skies with trails of several strengths, as `preprocess` gives them."""
    tiles = []
    for seed in range(count):
        rng = np.random.default_rng((20_261_121, seed))
        tile = ZERO + rng.normal(0, 0.06, (4, TILE_PX, TILE_PX))
        y, x = np.mgrid[:TILE_PX, :TILE_PX]
        for _ in range(6):
            at, angle = rng.uniform(MARGIN_PX, TILE_PX - MARGIN_PX, 2), rng.uniform(0, np.pi)
            across = (x - at[0]) * np.sin(angle) - (y - at[1]) * np.cos(angle)
            along = np.abs((x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle))
            tile += rng.uniform(0.1, 0.5) * np.exp(-((across / 1.3) ** 2)) * (along < rng.uniform(25, 90))
        tiles.append(np.clip(tile, 0, 1)[None].astype(np.float32))
    return tiles


def demand_parity(engine: Infers, reference: Infers, what: str) -> Parity:
    """Raises ModelRefused where `engine` does not answer as `reference` does, or answers nothing worth comparing."""
    parity = compare(reference, engine, golden_tiles(), margin_px=MARGIN_PX)
    if parity.trail_pixels < 100:
        raise ModelRefused(f"{what}: finds no trail in the golden tiles: not a trained network")
    if not (parity.iou >= LEAST_IOU and parity.mean_logit_difference <= LARGEST_DIFFERENCE):  # also where it is NaN
        raise ModelRefused(
            f"{what}: computes another network than its file: overlap {parity.iou:.3f} (at least {LEAST_IOU}), "
            f"mean difference {parity.mean_logit_difference:.3f} (at most {LARGEST_DIFFERENCE}); "
            "use [network] engine = 'onnx'"
        )
    return parity


def _inside(logits: NDArray[np.float32], margin_px: int) -> NDArray[np.float32]:
    end = -margin_px or None
    return logits[:, :, margin_px:end, margin_px:end]
