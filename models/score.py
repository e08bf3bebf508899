"""The one trail score: which labelled trails were found, which detections are false. Pure.

A labelled trail is found if at least half of its length is covered by detections; a detection is false if less than
half of its length lies on any label. Both within max(8 * width / 1000, 5) pixels, width of the stored image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Polyline = NDArray[np.float64]  # (N, 2) x, y in stored pixels
SHARE = 0.5


def tolerance_px(image_width_px: int) -> float:
    return max(8.0 * image_width_px / 1000.0, 5.0)


def covered_share(line: Polyline, others: Sequence[Polyline], tolerance: float) -> float:
    """The share of the length of `line` that lies within `tolerance` of any of `others`; a point counts as a length
    of one."""
    samples = every_pixel(np.asarray(line, float))
    covered = np.zeros(len(samples), bool)
    for other in others:
        todo = ~covered
        if not todo.any():
            break
        covered[todo] = _distance(samples[todo], np.asarray(other, float)) <= tolerance
    return float(covered.mean())


@dataclass(frozen=True, slots=True)
class Score:
    """Of one image, in the order given; sums over images are plain sums."""

    found: tuple[bool, ...]  # per labelled trail
    false: tuple[bool, ...]  # per detection


def score_image(labelled: Sequence[Polyline], detected: Sequence[Polyline], image_width_px: int) -> Score:
    tolerance = tolerance_px(image_width_px)
    return Score(
        tuple(covered_share(line, detected, tolerance) >= SHARE for line in labelled),
        tuple(covered_share(line, labelled, tolerance) < SHARE for line in detected),
    )


def length_px(line: Polyline) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def every_pixel(line: Polyline) -> Polyline:
    """Samples at most one pixel apart, evenly along the line, each standing for the same length."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    total = float(steps.sum())
    if total == 0.0:
        return line[:1]
    count = int(np.ceil(total))
    at = (np.arange(count) + 0.5) * total / count
    along = np.concatenate(([0.0], np.cumsum(steps)))
    return np.column_stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)])


def _distance(points: Polyline, line: Polyline) -> NDArray[np.float64]:
    """(N,) distance of points to the nearest segment of a polyline."""
    if len(line) == 1:
        return np.asarray(np.linalg.norm(points - line[0], axis=1))
    nearest = np.full(len(points), np.inf)
    for a, b in pairwise(line):
        along = b - a
        share = np.clip((points - a) @ along / max(float(along @ along), 1e-12), 0, 1)
        np.minimum(nearest, np.linalg.norm(points - a - share[:, None] * along, axis=1), out=nearest)
    return nearest
