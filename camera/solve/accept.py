"""Is this solution the truth? Believed only when what speaks for it could not come about by chance.

A small residual proves nothing: among enough stars, any lens finds neighbours. What tells is how many of the brightest
catalogue stars stand close to a detection (the score), against the same for the next best different attitude and for
the very lens turned about the zenith; then that the stars surround the camera, that it stands nearly level (a wrong
clock turns the sky about the pole, and so the camera), and that the fit says where the whole sky above 20 degrees is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from camera.geodesy import azel_to_unit, enu_to_azel, separation_deg
from camera.lens import rotation_matrix, unproject
from camera.solve.fit import Fit, Lens, StarSky, jacobian_px

Vector = NDArray[np.float64]

SCORED_STARS = 220
SCORE_GATE_DEG, SCORE_GATE_PX = 0.33, 2.0
LEAST_SCORE = 15.0
LEAST_RATIO = 2.5  # of the score to the runner-up's and to the turned lens's
LEAST_STARS = 20
LEAST_OCTANTS = 4
MOST_TILT_DEG = 5.0
MOST_RMS_DEG = 0.12
MOST_UNCERTAIN_DEG = 0.15  # one sigma, anywhere above 20 degrees
RING_EDGES_DEG = (8.0, 20.0, 30.0, 45.0, 60.0, 90.0)
_TURNS_DEG = (40, 80, 120, 160, 200, 240, 280, 320)


@dataclass(frozen=True, slots=True)
class Ring:
    """The matched stars between two elevations."""

    from_deg: float
    to_deg: float
    stars: int
    rms_px: float | None  # None without stars
    median_arcmin: float | None
    radial_px: float | None  # mean, outwards positive: what a lens model of too few terms leaves


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a fit, and against."""

    stars: int
    rms_px: float
    score: float  # of at most SCORED_STARS
    runner_up: float  # score of the next best different attitude
    turned: float  # largest score of this lens turned about the zenith
    octants: int  # of azimuth, that hold matched stars
    tilt_deg: float  # optical axis from the zenith
    uncertain_deg: float  # largest one-sigma error above 20 degrees, by the covariance
    rings: tuple[Ring, ...]


def score(lens: Lens, sky: StarSky, detections: cKDTree, *, turned_deg: float = 0.0) -> float:
    """How many of the brightest stars have a detection on them: 1 each when exactly, falling to 0 at the gate."""
    unit = sky.unit_enu[:SCORED_STARS] @ rotation_matrix((0.0, 0.0, np.radians(turned_deg))).T
    xy = lens.project(unit)
    xy = xy[np.isfinite(xy).all(axis=1)]
    gate_px = max(SCORE_GATE_DEG * lens.px_per_deg, SCORE_GATE_PX)
    distance, _ = detections.query(xy, distance_upper_bound=gate_px)
    return float(np.maximum(1 - (np.minimum(distance, gate_px) / gate_px) ** 2, 0).sum())


def turned_score(lens: Lens, sky: StarSky, detections: cKDTree) -> float:
    """The largest score of this lens turned about the zenith: what chance alone gives."""
    return max(score(lens, sky, detections, turned_deg=turn) for turn in _TURNS_DEG)


def weigh(fit: Fit, *, scored: float, runner_up: float, turned: float) -> Evidence:
    """All the evidence on a fit with covariance; its score, that of the next best and the turned one's are given."""
    lens = fit.lens
    azel = enu_to_azel(fit.unit_enu)
    octant = np.floor(azel[:, 0] / 45).astype(int)
    axis = (rotation_matrix(lens.parameters[:3]) @ lens.r0)[2]
    return Evidence(
        stars=len(fit.xy_px),
        rms_px=float(np.sqrt((fit.residual_px**2).sum(axis=1).mean())),
        score=scored,
        runner_up=runner_up,
        turned=turned,
        octants=int((np.bincount(octant, minlength=8) >= 2).sum()),
        tilt_deg=float(np.degrees(np.arccos(np.clip(axis[2], -1, 1)))),
        uncertain_deg=_uncertain_deg(fit),
        rings=_rings(fit, azel[:, 1]),
    )


def doubt(evidence: Evidence, px_per_deg: float, *, any_tilt: bool) -> str:
    """Why the fit is not to be believed, in a sentence; empty when it is."""
    e = evidence
    chance = max(e.runner_up, e.turned)
    if e.score < LEAST_SCORE or e.score < LEAST_RATIO * chance:
        return (
            f"no attitude stands out: the best scores {e.score:.0f}, chance alone {chance:.0f} (needed: "
            f"{max(LEAST_SCORE, LEAST_RATIO * chance):.0f}); check site and time, or take a clearer frame"
        )
    if e.stars < LEAST_STARS:
        return f"only {e.stars} stars match the catalogue, {LEAST_STARS} are needed: wait for a clearer or darker sky"
    if e.rms_px > max(MOST_RMS_DEG * px_per_deg, 0.7):
        return f"the stars stand {e.rms_px:.2f} px from where the lens model puts them: no fisheye of this kind"
    if e.tilt_deg > MOST_TILT_DEG and not any_tilt:
        return (
            f"the camera would lean by {e.tilt_deg:.1f} degrees (at most {MOST_TILT_DEG:.0f} is believed): a clock or "
            "longitude that is wrong turns the sky so; check them, or use --any-tilt if it really leans"
        )
    if e.octants < LEAST_OCTANTS:
        return f"stars in only {e.octants} of 8 directions, {LEAST_OCTANTS} are needed: wait for more open sky"
    if e.uncertain_deg > MOST_UNCERTAIN_DEG:
        return (
            f"the stars leave up to {e.uncertain_deg:.2f} degrees of doubt above 20 degrees "
            f"(at most {MOST_UNCERTAIN_DEG}): wait for more open sky, or give more frames"
        )
    return ""


def _uncertain_deg(fit: Fit) -> float:
    azimuth, elevation = np.meshgrid(np.arange(0, 360, 15), (20, 30, 45, 60, 80))
    unit = azel_to_unit(azimuth.ravel(), elevation.ravel())
    jacobian = jacobian_px(fit.lens, unit, tuple(range(13)))
    variance = np.einsum("nci,ij,ncj->n", jacobian, fit.covariance, jacobian)
    return float(np.sqrt(variance.max()) / fit.lens.px_per_deg)


def _rings(fit: Fit, elevation_deg: Vector) -> tuple[Ring, ...]:
    lens = fit.lens
    found = unproject(lens.parameters, lens.r0, lens.flip, fit.xy_px)
    off_arcmin = 60 * separation_deg(found, fit.unit_enu)
    outwards = fit.xy_px - lens.parameters[3:5]
    outwards = outwards / np.maximum(np.hypot(*outwards.T), 1.0)[:, None]
    radial = -(fit.residual_px * outwards).sum(axis=1)
    rings = []
    for low, high in pairwise(RING_EDGES_DEG):
        here = (elevation_deg >= low) & (elevation_deg < high)
        if not here.any():
            rings.append(Ring(low, high, 0, None, None, None))
            continue
        rms = float(np.sqrt((fit.residual_px[here] ** 2).sum(axis=1).mean()))
        rings.append(
            Ring(
                low,
                high,
                int(here.sum()),
                rms,
                float(np.median(np.nan_to_num(off_arcmin[here], nan=1e4))),
                float(radial[here].mean()),
            )
        )
    return tuple(rings)
