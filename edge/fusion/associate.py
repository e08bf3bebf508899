"""Does this trail belong to that path? One chi-square for camera tracks, heard aircraft and satellites alike.

Everything happens in the plane that touches the sphere where the path stands at the middle of the exposure (gnomonic:
great circles become straight lines, so a straight flight is exactly straight there). Four terms: the trail beside the
path, its tilt against it, its middle early or late, its length against the path's rate. Global nearest neighbour with
rows of its own for "belongs to nobody" (Blackman & Popoli, Design and Analysis of Modern Tracking Systems, 6.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from edge.fusion.greatcircle import Vector

GATE = 25.0
TIME_SIGMA_S = 0.6  # transponder latency (DO-260B, up to 0.6 s uncompensated) and the clipped ends of a trail
NEVER = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Offsets:
    """(S, K): trails against paths, radians in the plane touching the path's position."""

    across: Vector  # mean distance beside the path
    tilt: Vector  # standard deviation of that distance along the trail
    along: Vector  # of the trail's middle ahead of the path's position; its sign is "ahead in the direction of motion"
    span: Vector  # length of the trail along the path
    near: NDArray[np.bool_]  # the whole trail within 60 deg of the path's position: else the plane says nothing


def offsets(points: Vector, unit: Vector, motion: Vector) -> Offsets:
    """Args: points (S, P, 3) trails; unit (K, 3) where the paths stand; motion (K, 3) rad/s, perpendicular to unit."""
    rate = np.linalg.norm(motion, axis=-1)
    still = rate < 1e-7
    helper = np.where(np.abs(unit[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    aside = np.cross(unit, helper)
    forward = np.where(still[:, None], aside / np.linalg.norm(aside, axis=-1, keepdims=True), 0.0)
    forward[~still] = motion[~still] / rate[~still, None]
    side = np.cross(unit, forward)
    depth = np.einsum("spx,kx->skp", points, unit)
    near = depth.min(axis=-1) > 0.5
    depth = np.maximum(depth, 0.5)
    ahead = np.einsum("spx,kx->skp", points, forward) / depth
    beside = np.einsum("spx,kx->skp", points, side) / depth
    return Offsets(
        beside.mean(axis=-1), beside.std(axis=-1), ahead[..., ahead.shape[-1] // 2], np.ptp(ahead, axis=-1), near
    )


def chi_square(
    points: Vector, unit: Vector, motion: Vector, along_rad: Vector, across_rad: Vector, exposure_s: float,
    noise_rad: float,
) -> Vector:  # fmt: skip
    """(S, K) cost of every trail on every path; NEVER where the trail is far away.

    Args:
        points: (S, P, 3) trails; unit, motion: (K, 3) paths at the middle of the exposure.
        along_rad, across_rad: (K,) one sigma of the paths; noise_rad: one sigma of one direction of a trail.
    The last term, ln of the gate's area, keeps a vague path from winning against a precise one.
    """
    off = offsets(points, unit, motion)
    rate = np.linalg.norm(motion, axis=-1)
    across = np.hypot(across_rad, noise_rad)
    along = np.sqrt(along_rad**2 + noise_rad**2 + (rate * TIME_SIGMA_S) ** 2)
    tilt = np.hypot(noise_rad, 0.3 * across_rad)
    span = np.sqrt((1.5 * noise_rad) ** 2 + (rate * 0.5 * exposure_s) ** 2 + along_rad**2)
    cost = (
        (off.across / across) ** 2
        + (off.tilt / tilt) ** 2
        + (off.along / along) ** 2
        + ((off.span - rate * exposure_s) / span) ** 2
        + 2.0 * np.log(across * along / noise_rad**2)
    )
    return np.where(off.near & np.isfinite(cost), cost, NEVER)


def assign(cost: Vector, gate: float = GATE) -> list[tuple[int, int]]:
    """Rows to columns, each at most once, none dearer than `gate`: the cheapest whole. cost (S, K)."""
    rows, columns = cost.shape
    if rows == 0 or columns == 0:
        return []
    nobody = np.full((rows, rows), gate)
    chosen = linear_sum_assignment(np.hstack((np.minimum(cost, NEVER), nobody)))
    return [(int(i), int(j)) for i, j in zip(*chosen, strict=True) if j < columns]
