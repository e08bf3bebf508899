"""The fisheye lens "kb13": directions to pixels and back, valid past 90 degrees from the axis.

Thirteen parameters: an odd polynomial in the angle from the optical axis (Kannala & Brandt, IEEE PAMI 28(8) 2006,
eq. 6, three terms beyond the first), a rotation, the centre, a decentring pair and an affine pair:

    c = exp([rx ry rz]) R0 v            theta = angle of c from +z     phi = atan2(c_y, flip c_x)
    r = f theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6)
    X, Y = r (cos phi, sin phi) (1 + (p1 X + p2 Y) / f)
    x = cx + (1 + b1) X + b2 Y          y = cy + Y

R0 (coarse attitude, from a blind solution) and flip are given, not fitted. flip is +1 for the picture of a camera that
looks up, its rows running downwards (turned so that north is up, east is left), and -1 for its mirror image.

*Why not* OpenCV's fisheye: it has the same polynomial but passes through the tangent plane, which ends at 90 degrees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

PARAMETERS = ("rx", "ry", "rz", "cx", "cy", "f", "k1", "k2", "k3", "p1", "p2", "b1", "b2")
THETA_MAX_RAD = 2.2  # no fisheye sees further than 126 degrees from its axis
SLOWEST_GROWTH = (
    0.02  # of the radius with the angle, relative to the centre: below it a pixel says little of a direction
)

STEPS = np.array([1e-6, 1e-6, 1e-6, 1e-3, 1e-3, 1e-3, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6])  # for slopes

_THETA_RAD = np.linspace(0.0, THETA_MAX_RAD, 1101)

Vector = NDArray[np.float64]


def rotation_matrix(rotation_vector_rad: ArrayLike) -> Vector:
    """(3, 3) rotation by |vector| about it: Rodrigues' formula."""
    x, y, z = np.asarray(rotation_vector_rad, dtype=float)
    angle = float(np.sqrt(x * x + y * y + z * z))
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    # np.sinc(t / pi) = sin(t) / t, finite at zero; (1 - cos t) / t^2 = sinc^2(t / 2) / 2.
    return np.asarray(np.eye(3) + np.sinc(angle / np.pi) * k + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (k @ k))


def theta_limit_rad(parameters: Vector) -> float:
    """Largest angle from the axis up to which the radius grows; beyond it the polynomial means nothing."""
    k1, k2, k3 = parameters[6:9]
    t2 = _THETA_RAD**2
    grows = 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * 7 * k3)) > SLOWEST_GROWTH
    return float(_THETA_RAD[-1] if grows.all() else _THETA_RAD[max(int(np.argmin(grows)) - 1, 0)])


def project(parameters: Vector, r0: Vector, flip: int, unit_enu: Vector) -> Vector:
    """Directions -> pixels.

    Args:    parameters (13,) in the order of PARAMETERS, pixels and radians; r0 (3, 3); flip +1 or -1;
             unit_enu (..., 3) east, north, up of the apparent (refracted) direction, any length.
    Returns: (..., 2) x, y of the full sensor, pixel centres on whole numbers; NaN beyond the lens's reach.
    """
    _, _, _, cx, cy, f, k1, k2, k3, p1, p2, b1, b2 = parameters
    c = unit_enu @ (rotation_matrix(parameters[:3]) @ r0).T
    across = np.hypot(c[..., 0], c[..., 1])
    theta = np.arctan2(across, c[..., 2])
    t2 = theta * theta
    r = f * theta * (1 + t2 * (k1 + t2 * (k2 + t2 * k3)))
    r_over_across = np.where(theta <= theta_limit_rad(parameters), r, np.nan) / np.where(across > 0, across, 1.0)
    x, y = r_over_across * flip * c[..., 0], r_over_across * c[..., 1]
    stretch = 1 + (p1 * x + p2 * y) / f
    x, y = x * stretch, y * stretch
    return np.stack((cx + (1 + b1) * x + b2 * y, cy + y), axis=-1)


def unproject(parameters: Vector, r0: Vector, flip: int, xy_px: Vector) -> Vector:
    """Pixels -> directions, the inverse of `project` to well under 0.01 px.

    Args:    as `project`; xy_px (..., 2) of the full sensor.
    Returns: (..., 3) unit vectors east, north, up; NaN outside the lens's reach.
    """
    _, _, _, cx, cy, f, k1, k2, k3, p1, p2, b1, b2 = parameters
    y = (xy_px[..., 1] - cy) / f
    x = (xy_px[..., 0] - cx - b2 * y * f) / (1 + b1) / f
    # Along a fixed phi the decentring scales the radius: s = u (1 + q u), a quadratic with a closed solution.
    s = np.hypot(x, y)
    safe = np.where(s > 0, s, 1.0)
    q = (p1 * x + p2 * y) / safe
    radius = 2 * s / (1 + np.sqrt(np.maximum(1 + 4 * q * s, 0.0)))
    limit = theta_limit_rad(parameters)
    limit_sq = limit * limit
    reach = limit * (1 + limit_sq * (k1 + limit_sq * (k2 + limit_sq * k3)))
    theta = np.minimum(radius, limit)
    for _ in range(8):  # Newton; the radius grows with theta, so it cannot leave the branch for long
        t2 = theta * theta
        error = theta * (1 + t2 * (k1 + t2 * (k2 + t2 * k3))) - radius
        slope = 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * 7 * k3))
        theta = np.clip(theta - error / np.maximum(slope, SLOWEST_GROWTH), 0.0, limit)
    theta = np.where(radius <= reach * (1 + 1e-9), theta, np.nan)
    sin = np.sin(theta) / safe
    c = np.stack((flip * sin * x, sin * y, np.cos(theta)), axis=-1)
    return np.asarray(c @ (rotation_matrix(parameters[:3]) @ r0))


def slope_px(parameters: Vector, r0: Vector, flip: int, unit_enu: Vector, numbers: Sequence[int]) -> Vector:
    """(K, 2, len(numbers)) derivative of the pixels of (K, 3) directions by those parameters; 0 beyond the lens."""
    here = project(parameters, r0, flip, unit_enu)
    slope = np.empty((*here.shape, len(numbers)))
    for column, number in enumerate(numbers):
        moved = parameters.copy()
        moved[number] += STEPS[number]
        slope[..., column] = (project(moved, r0, flip, unit_enu) - here) / STEPS[number]
    return np.nan_to_num(slope)
