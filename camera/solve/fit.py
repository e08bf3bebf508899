"""From a rough guess to thirteen parameters: match, fit, tighten, again; and what the fit leaves uncertain.

Robust least squares (Gauss-Newton, Cauchy weights) with more parameters and narrower gates from stage to stage. What a
lens may be like, loosely, is a prior on its parameters: few stars then give a plain lens with an honest covariance
instead of a wild one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from camera.geodesy import Site, azel_to_unit
from camera.lens import project, slope_px
from camera.sky import EXTINCTION_MAG_PER_AIRMASS, planets, star_azel
from camera.stars import load_stars

Vector = NDArray[np.float64]
Indices = NDArray[np.intp]

SMALLEST_GATE_PX = 1.0
# rx ry rz cx cy f k1 k2 k3 p1 p2 b1 b2: one sigma about the guess; centre in radii of the circle, f relative.
PRIOR_SIGMA = np.array([10, 10, 10, 0.05, 0.05, 0.1, 0.06, 0.02, 0.004, 0.006, 0.006, 0.002, 0.002])
_ROTATION, _CENTRE = (0, 1, 2), (3, 4)


@dataclass(frozen=True, slots=True, eq=False)
class StarSky:
    """The catalogue's M stars and planets above a site at one moment, brightest as seen first."""

    unit_enu: Vector  # (M, 3) apparent
    magnitude: Vector  # (M,) dimmed by the air


def star_sky(utc_ns: int, site: Site, *, lowest_deg: float = 8.0) -> StarSky:
    """Everything in the catalogue, and the naked-eye planets, above an elevation."""
    stars = load_stars()
    wanderers, wanderer_mag = planets(utc_ns, site)
    azel = np.concatenate((star_azel(stars, utc_ns, site), wanderers))
    magnitude = np.concatenate((stars.v_mag, wanderer_mag))
    up = azel[:, 1] > lowest_deg
    azel, magnitude = azel[up], magnitude[up]
    magnitude = magnitude + EXTINCTION_MAG_PER_AIRMASS * (1 / np.sin(np.radians(azel[:, 1])) - 1)
    order = np.argsort(magnitude)
    return StarSky(azel_to_unit(azel[order, 0], azel[order, 1]), magnitude[order])


@dataclass(frozen=True, slots=True)
class Stage:
    """One tightening: which stars, how near they must stand, what may move."""

    gate_deg: float
    stars: int  # so many of the brightest
    free: tuple[int, ...]
    rounds: int = 3


_PLAIN = (*_ROTATION, 5)
_CENTRED = (*_ROTATION, *_CENTRE, 5)
COARSE = (
    Stage(2.6, 60, _PLAIN),
    Stage(2.6, 90, _CENTRED),
    Stage(1.75, 130, _CENTRED),
    Stage(1.2, 180, (*_CENTRED, 6)),
    Stage(0.7, 220, (*_CENTRED, 6, 7)),
)
FINE = (
    Stage(0.58, 250, (*_CENTRED, 6, 7, 8)),
    Stage(0.35, 350, (*_CENTRED, 6, 7, 8, 9, 10)),
    Stage(0.23, 700, tuple(range(13))),
    Stage(0.15, 1100, tuple(range(13)), rounds=5),
)
FROM_PRIOR = (Stage(1.2, 120, _ROTATION), Stage(0.6, 220, _CENTRED), *FINE[1:])


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """A lens under fit, and what it was believed to be before."""

    parameters: Vector  # (13,) of camera.lens
    r0: Vector
    flip: int
    expected: Vector  # (13,) centre of the prior
    sigma: Vector  # (13,) its width

    @classmethod
    def guessed(cls, parameters: Vector, r0: Vector, flip: int, radius_px: float) -> Lens:
        sigma = PRIOR_SIGMA.copy()
        sigma[3:5] *= radius_px
        sigma[5] *= parameters[5]
        return cls(parameters, r0, flip, parameters, sigma)

    def with_parameters(self, parameters: Vector) -> Lens:
        return Lens(parameters, self.r0, self.flip, self.expected, self.sigma)

    def project(self, unit_enu: Vector) -> Vector:
        return project(self.parameters, self.r0, self.flip, unit_enu)

    @property
    def px_per_deg(self) -> float:
        """At the centre."""
        return float(self.parameters[5]) * np.pi / 180


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A lens and the K matches it was last fitted to."""

    lens: Lens
    unit_enu: Vector  # (K, 3) of the stars
    xy_px: Vector  # (K, 2) of their detections
    residual_px: Vector  # (K, 2) predicted minus found
    covariance: Vector = field(default_factory=lambda: np.zeros((13, 13)))


def match(lens: Lens, sky: StarSky, detections: cKDTree, gate_px: float, stars: int) -> tuple[Indices, Indices]:
    """Star and detection of each mutual nearest pair within the gate."""
    xy = lens.project(sky.unit_enu[:stars])
    here = np.flatnonzero(np.isfinite(xy).all(axis=1))
    distance, nearest = detections.query(xy[here], distance_upper_bound=gate_px)
    hit = np.flatnonzero(np.isfinite(distance))
    hit = hit[np.argsort(distance[hit], kind="stable")]
    _, first = np.unique(nearest[hit], return_index=True)
    return here[hit[first]], nearest[hit[first]]


def refine(lens: Lens, sky: StarSky, detections: cKDTree, stages: Sequence[Stage]) -> Fit | None:
    """Fits through the stages; None where too few stars match to go on."""
    unit = xy = np.empty((0, 3))
    for stage in stages:
        gate_px = max(stage.gate_deg * lens.px_per_deg, SMALLEST_GATE_PX)
        for _ in range(stage.rounds):
            star, detection = match(lens, sky, detections, gate_px, stage.stars)
            if len(star) < max(6, len(stage.free) // 2 + 3):
                return None
            unit, xy = sky.unit_enu[star], detections.data[detection]
            lens = _fitted(lens, unit, xy, stage.free, gate_px)
            if not np.isfinite(lens.parameters).all() or lens.parameters[5] < 1.0:
                return None
    residual = lens.project(unit) - xy
    return Fit(lens, unit, xy, residual) if np.isfinite(residual).all() else None


def refine_together(lens: Lens, frames: Sequence[tuple[StarSky, cKDTree]]) -> Fit:
    """One lens for several frames of the same camera, each with its own stars, from a lens that fits one of them."""
    last = FINE[-1]
    gate_px = max(last.gate_deg * lens.px_per_deg, SMALLEST_GATE_PX)
    unit = xy = np.empty((0, 3))
    for _ in range(last.rounds):
        pairs = [(sky, found, *match(lens, sky, found, gate_px, last.stars)) for sky, found in frames]
        unit = np.concatenate([sky.unit_enu[star] for sky, _, star, _ in pairs])
        xy = np.concatenate([found.data[detection] for _, found, _, detection in pairs])
        lens = _fitted(lens, unit, xy, last.free, gate_px)
    return Fit(lens, unit, xy, lens.project(unit) - xy)


def with_covariance(fit: Fit) -> Fit:
    """The fit, with the covariance (13, 13) of its parameters by the scatter of its residuals and the prior."""
    sigma_px = max(1.4826 * float(np.median(np.abs(fit.residual_px))), 0.05)
    information = np.diag(fit.lens.sigma**-2.0)
    for derivative in jacobian_px(fit.lens, fit.unit_enu, tuple(range(13))).transpose(1, 0, 2):
        information = information + derivative.T @ derivative / sigma_px**2
    return replace(fit, covariance=np.asarray(np.linalg.inv(information), dtype=np.float64))


def _fitted(lens: Lens, unit: Vector, xy: Vector, free: tuple[int, ...], gate_px: float) -> Lens:
    """Three Gauss-Newton steps with Cauchy weights whose width follows the residuals."""
    index = list(free)
    for _ in range(3):
        residual = lens.project(unit) - xy
        if not np.isfinite(residual).all():
            return lens
        far = np.hypot(*residual.T)
        width = float(np.clip(1.5 * np.median(far), 0.2, gate_px / 3))
        weight = 1 / (1 + (far / width) ** 2) / width**2
        jacobian = jacobian_px(lens, unit, free)
        weighted = jacobian * weight[:, None, None]
        normal = np.einsum("nci,ncj->ij", weighted, jacobian) + np.diag(lens.sigma[index] ** -2.0)
        slope = np.einsum("nci,nc->i", weighted, residual)
        slope += (lens.parameters - lens.expected)[index] / lens.sigma[index] ** 2
        parameters = lens.parameters.copy()
        try:
            parameters[index] -= np.linalg.solve(normal, slope)
        except np.linalg.LinAlgError:
            return lens
        lens = lens.with_parameters(parameters)
    return lens


def jacobian_px(lens: Lens, unit: Vector, free: tuple[int, ...]) -> Vector:
    """(K, 2, len(free)) derivative of the pixels by the parameters."""
    return slope_px(lens.parameters, lens.r0, lens.flip, unit, free)
