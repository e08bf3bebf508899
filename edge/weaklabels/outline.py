"""A path on the picture as a polygon as wide as it is uncertain: down one side, back along the other.

Corner k and the k-th from the end face each other, so that the middle line can be had back from a polygon.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camera.plate import Plate

Vector = NDArray[np.float64]

_STEP_RAD = 1e-3


def ribbon(path_px: Vector, half_px: Vector) -> Vector:
    """(N, 2) path and (N,) half its width -> (2 (N + 2), 2) polygon, longer than the path by half its width at either
    end. The path must have a length."""
    along = np.gradient(path_px, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    path = np.vstack((path_px[0] - half_px[0] * along[0], path_px, path_px[-1] + half_px[-1] * along[-1]))
    along, half = np.vstack((along[:1], along, along[-1:])), np.concatenate((half_px[:1], half_px, half_px[-1:]))
    aside = half[:, None] * np.column_stack((-along[:, 1], along[:, 0]))
    return np.vstack((path + aside, (path - aside)[::-1]))


def px_per_rad(plate: Plate, unit_enu: Vector) -> Vector:
    """(N, 3) directions -> (N,) pixels of the picture per radian of the sky, in the direction in which there are most;
    NaN where the lens shows nothing."""
    helper = np.where(np.abs(unit_enu[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(unit_enu, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    here = plate.unit_to_pixel(unit_enu, (0, 0))
    moved = [plate.unit_to_pixel(unit_enu + _STEP_RAD * t, (0, 0)) for t in (first, np.cross(unit_enu, first))]
    slope = np.stack(moved, axis=-1) - here[..., None]  # (N, 2, 2)
    sure = np.nan_to_num(slope)
    return np.where(np.isfinite(slope).all(axis=(1, 2)), np.linalg.norm(sure, ord=2, axis=(1, 2)) / _STEP_RAD, np.nan)
