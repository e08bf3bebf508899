"""Where a camera looks, from the stars in one frame: blind, or from a plate it had before.

Site, moment and the circle that the lens throws are all that is known; orientation, handedness, tilt, centre and lens
come out, or a refusal that says why. A clock that is wrong by hours is looked for (`hour_that_fits`) but only told,
never believed; one wrong by less than about 20 minutes turns the sky about the pole by so little that a slightly
leaning camera explains it as well: a single frame cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from camera.device import Frame
from camera.geodesy import Site, azel_to_unit
from camera.lens import PARAMETERS
from camera.plate import LensParameters, Plate, Region, Station
from camera.sky import sun_elevation_deg
from camera.solve.accept import LEAST_SCORE, SCORED_STARS, Evidence, doubt, score, turned_score, weigh
from camera.solve.fit import (
    COARSE,
    FINE,
    FROM_PRIOR,
    Fit,
    Lens,
    Stage,
    StarSky,
    refine,
    refine_together,
    star_sky,
    with_covariance,
)
from camera.solve.guess import QUICK, THOROUGH, Effort, guesses
from camera.solve.refusal import LEAST_DETECTIONS, plainly, too_few
from camera.solve.starfield import Circle, StarField, find_stars

Vector = NDArray[np.float64]

DAYLIGHT_DEG = -3.0  # the Sun above this: no frame shows stars
WIDEST_TILT_DEG, WIDEST_ANY_TILT_DEG = 25.0, 80.0  # what is searched; what is believed is narrower
INNER = 0.86  # of the circle's radius: where guesses take their detections from, away from the skyline's lamps
DIFFERENT_DEG = 2.0  # median over the bright stars: another solution, not the same half-way fitted
MOVED_PX = 3.0  # median, between frames that are solved together
HOURS = tuple(sorted((h for h in range(-14, 15) if h), key=lambda h: (abs(h), -h)))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One attempt. `reason` is empty exactly when it is solved; fit and evidence are there when any fit was."""

    reason: str
    fit: Fit | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """One frame, solved or refused."""

    outcome: Outcome
    plate: Plate | None  # only of a solved frame
    field: StarField
    sky: StarSky
    utc_ns: int  # middle of the exposure

    @property
    def detections(self) -> cKDTree:
        return cKDTree(self.field.xy_px)

    @property
    def solved(self) -> bool:
        return self.plate is not None


def solve(
    frame: Frame, site: Site, *, utc_ns: int | None = None, prior: Plate | None = None, any_tilt: bool = False
) -> Solution:
    """Solves a frame blind, or from `prior` where that still fits.

    Args: utc_ns start of exposure, in place of the frame's own. Raises ValueError for a frame too small for a sky.
    """
    start_utc_ns = frame.start_utc_ns if utc_ns is None else utc_ns
    middle_utc_ns = start_utc_ns + round(frame.exposure_s * 5e8)
    field = find_stars(frame)
    sky = star_sky(middle_utc_ns, site)
    sun_deg = sun_elevation_deg(middle_utc_ns, site)
    if sun_deg > DAYLIGHT_DEG:
        when = datetime.fromtimestamp(middle_utc_ns / 1e9, UTC)
        outcome = Outcome(f"daylight: at {when:%Y-%m-%d %H:%M} UTC the Sun stands at {sun_deg:.0f} degrees there")
        return Solution(outcome, None, field, sky, middle_utc_ns)
    outcome = Outcome("")
    if prior is not None:
        outcome = solve_from(prior, field.xy_px, sky, any_tilt=any_tilt)
    if prior is None or outcome.reason:
        outcome = solve_blind(field.xy_px, field.circle, sky, any_tilt=any_tilt)
    outcome = replace(outcome, reason=plainly(outcome.reason, outcome.evidence, len(field.xy_px), sky, sun_deg))
    plate = None if outcome.reason else _plate(outcome, frame, start_utc_ns, site)
    return Solution(outcome, plate, field, sky, middle_utc_ns)


def solve_blind(
    xy_px: Vector, circle: Circle, sky: StarSky, *, any_tilt: bool = False, thorough: bool = True
) -> Outcome:
    """Knows nothing but the circle. xy_px (N, 2) detections of the full sensor, brightest first.

    Args: thorough tries again with more guesses before it refuses.
    """
    if len(xy_px) < LEAST_DETECTIONS:
        return Outcome(too_few(len(xy_px)))
    outcome = _attempt(xy_px, circle, sky, any_tilt, QUICK)
    stands_out = outcome.evidence is not None and outcome.evidence.score >= LEAST_SCORE
    if outcome.reason and thorough and not stands_out:
        again = _attempt(xy_px, circle, sky, any_tilt, THOROUGH)
        if not again.reason:
            return again
    return outcome


def _attempt(xy_px: Vector, circle: Circle, sky: StarSky, any_tilt: bool, effort: Effort) -> Outcome:
    inner = xy_px[np.hypot(*(xy_px - circle.centre_px).T) < INNER * circle.radius_px]
    detections = cKDTree(xy_px)
    tried: list[tuple[float, Fit]] = []
    tilt_deg = WIDEST_ANY_TILT_DEG if any_tilt else WIDEST_TILT_DEG
    for guess in guesses(inner, circle, sky.unit_enu, tilt_deg=tilt_deg, effort=effort):
        lens = Lens.guessed(guess.parameters, guess.r0, guess.flip, circle.radius_px)
        fit = refine(lens, sky, detections, COARSE)
        if fit is not None:
            tried.append((score(fit.lens, sky, detections), fit))
    if not tried:
        return Outcome(f"no attitude puts bright stars onto the {len(xy_px)} detections: check site, time and focus")
    tried.sort(key=lambda one: -one[0])
    best, fit = tried[0]
    others = [points for points, other in tried[1:] if _differs(other.lens, fit.lens, sky)]
    return _judged(fit, best, max(others, default=0.0), sky, detections, any_tilt)


def solve_from(prior: Plate, xy_px: Vector, sky: StarSky, *, any_tilt: bool = False) -> Outcome:
    """Starts at a plate of the same camera, up to a degree or so away. xy_px as for `solve_blind`."""
    if len(xy_px) < LEAST_DETECTIONS:
        return Outcome(too_few(len(xy_px)))
    detections = cKDTree(xy_px)
    radius_px = float(prior.parameters.f) * np.pi / 2
    lens = Lens.guessed(prior.vector, np.array(prior.r0), prior.flip, radius_px)
    fit = refine(lens, sky, detections, FROM_PRIOR[:2])
    if fit is None:
        return Outcome("too few stars stand near where the earlier plate puts them")
    return _judged(fit, score(fit.lens, sky, detections), 0.0, sky, detections, any_tilt, FROM_PRIOR[2:])


def _judged(
    fit: Fit, scored: float, runner_up: float, sky: StarSky, detections: cKDTree, any_tilt: bool,
    stages: Sequence[Stage] = FINE,
) -> Outcome:  # fmt: skip
    fine = refine(fit.lens, sky, detections, stages) or fit
    fine = with_covariance(fine)
    scored = max(scored, score(fine.lens, sky, detections))
    turned = turned_score(fine.lens, sky, detections)
    evidence = weigh(fine, scored=scored, runner_up=runner_up, turned=turned)
    return Outcome(doubt(evidence, fine.lens.px_per_deg, any_tilt=any_tilt), fine, evidence)


def solve_together(solutions: Sequence[Solution], *, any_tilt: bool = False) -> Solution:
    """One plate from solved frames of one camera: the stars' turn through a night fills the sky.

    Returns the best of them with a plate from all; refused when the camera moved, or another lens was in some.
    """
    best = max(solutions, key=lambda one: one.outcome.evidence.stars if one.outcome.evidence else 0)
    fit, evidence, plate = best.outcome.fit, best.outcome.evidence, best.plate
    if fit is None or evidence is None or plate is None:
        raise ValueError("only solved frames can be solved together")
    grid = azel_to_unit(*np.meshgrid(np.arange(0, 360, 30), (25, 50, 75))).reshape(-1, 3)
    for other in solutions:
        if other.plate is None or other.outcome.fit is None:
            raise ValueError("only solved frames can be solved together")
        apart_px = float(np.median(np.hypot(*(other.outcome.fit.lens.project(grid) - fit.lens.project(grid)).T)))
        if apart_px > MOVED_PX:
            words = f"the frame of {other.plate.date} looks {apart_px:.1f} px aside of that of {plate.date}"
            return replace(best, outcome=replace(best.outcome, reason=f"{words}: the camera moved"), plate=None)
    joint = with_covariance(refine_together(fit.lens, [(one.sky, one.detections) for one in solutions]))
    evidence = weigh(joint, scored=evidence.score, runner_up=evidence.runner_up, turned=evidence.turned)
    outcome = Outcome(doubt(evidence, joint.lens.px_per_deg, any_tilt=any_tilt), joint, evidence)
    newest = max(one.plate.date for one in solutions if one.plate is not None)
    solved = None if outcome.reason else plate_of(outcome, plate.camera_serial, plate.region, newest, plate.station)
    return replace(best, outcome=outcome, plate=solved)


def hour_that_fits(field: StarField, site: Site, utc_ns: int, *, any_tilt: bool = False) -> int | None:
    """Whole hours to add to a refused frame's time so that it solves; None when none does. For telling people only."""

    def at(hours: int) -> Outcome:
        moment = utc_ns + hours * 3_600_000_000_000
        if sun_elevation_deg(moment, site) > DAYLIGHT_DEG:
            return Outcome("daylight")
        return solve_blind(field.xy_px, field.circle, star_sky(moment, site), any_tilt=any_tilt, thorough=False)

    if len(field.xy_px) < LEAST_DETECTIONS:
        return None
    for hours in HOURS:
        found = at(hours)
        if not found.reason:
            near = {h: at(h) for h in (hours - 1, hours + 1) if h} | {hours: found}
            fits = {h: o.evidence.tilt_deg for h, o in near.items() if not o.reason and o.evidence is not None}
            return min(fits, key=lambda h: fits[h])
    return None


def _differs(a: Lens, b: Lens, sky: StarSky) -> bool:
    """Whether most stars stand elsewhere; two half-way fits to one truth, of different centres, do not differ."""
    apart = np.hypot(*(a.project(sky.unit_enu[:SCORED_STARS]) - b.project(sky.unit_enu[:SCORED_STARS])).T)
    return bool(np.median(np.nan_to_num(apart, nan=np.inf)) > DIFFERENT_DEG * b.px_per_deg)


def _plate(outcome: Outcome, frame: Frame, start_utc_ns: int, site: Site) -> Plate:
    region = Region(origin_px=frame.origin_px, size_px=(frame.width, frame.height))
    date = datetime.fromtimestamp(start_utc_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return plate_of(outcome, frame.camera_serial, region, date, Station.of(site))


def plate_of(outcome: Outcome, camera_serial: str, region: Region, date: str, station: Station) -> Plate:
    fit, evidence = outcome.fit, outcome.evidence
    assert fit is not None
    assert evidence is not None
    return Plate.sealed(
        parameters=LensParameters(**dict(zip(PARAMETERS, map(float, fit.lens.parameters), strict=True))),
        flip=fit.lens.flip,
        r0=fit.lens.r0.tolist(),
        covariance=fit.covariance.tolist(),
        camera_serial=camera_serial,
        region=region,
        date=date,
        station=station,
        rms_px=evidence.rms_px,
        stars=evidence.stars,
    )
