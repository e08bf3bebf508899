"""What may explain a sighting: satellite, meteor, own beam, own target. Pure rules; the unexplained is an aircraft.

The network's opinion alone explains nothing. Every rule asks for agreement in place *and* motion, and says no when in
doubt: a wrong "no" costs minutes of ranging, a wrong "yes" hides an aircraft.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.fusion.associate import offsets
from edge.fusion.greatcircle import Vector, normalised
from edge.fusion.satellites import SatellitePositions
from edge.fusion.sightings import LINE_DEG, Sighting

BEAM_TOLERANCE_DEG = 1.0
BEAM_TURN_DEG = 15.0
BEAM_LEAST_SHARE = 1 / 3  # of the beam's length that must be seen: an aircraft covers little of it in one exposure
BEAM_LEAST_DEG = 1.5  # a beam seen end-on is a dot, and a dot is not explained

SATELLITE_ACROSS_DEG = 0.3
SATELLITE_ALONG_DEG = 1.5  # at most; less for fresh elements
SATELLITE_ALONG_PER_DAY_DEG = 0.25  # 1-3 km a day of a low orbit's along-track error, seen from 600 km
SATELLITE_RATE_SHARE = 0.1
SATELLITE_TURN_DEG = 15.0

METEOR_RATE_DPS = 3.0
METEOR_MARGIN_DEG = 3.0
METEOR_GAP_EXPOSURES = 1.0  # the neighbouring exposures must follow this closely

TARGET_DEG = 0.5
TARGET_RATE_SHARE = 0.1
TARGET_RATE_DPS = 0.03
TARGET_LEAST_RATE_DPS = 0.1  # of the telescope: beside a beam at rest, an aircraft that comes straight at it rests, too
TARGET_LARGEST_RATE_SIGMA_DPS = 0.15  # a track that does not know its rate cannot prove it


# -- the station's own beam ----------------------------------------------------------------------------------------


def distance_to_deg(points: Vector, line: Vector) -> Vector:
    """(P,) from every point (P, 3) to the nearest of the line's points (B, 3)."""
    return np.asarray(np.degrees(np.arccos(np.clip((points @ line.T).max(axis=1), -1.0, 1.0))))


def on_own_beam(sightings: Sequence[Sighting], arcs: Sequence[Vector]) -> list[bool]:
    """Which sightings the beam explains. `arcs`: where it stood at several times of the exposure.

    A sighting must lie on the arcs with every point, run along them, and together such sightings must cover a good part
    of the beam. One that runs off the arc or beyond its end is not explained, whatever else it covers.
    """
    middle = arcs[len(arcs) // 2]
    length_deg = float(np.degrees(np.arccos(np.clip(middle[0] @ middle[-1], -1.0, 1.0))))
    if length_deg < BEAM_LEAST_DEG:
        return [False] * len(sightings)
    every = np.concatenate(arcs)
    pole = normalised(np.cross(middle[0], middle[-1]))
    fits, covered = [], np.zeros(len(middle), dtype=bool)
    for s in sightings:
        run = normalised(s.points[-1] - s.points[0])
        fit = (
            s.length_deg >= LINE_DEG
            and float(distance_to_deg(s.points, every).max()) <= BEAM_TOLERANCE_DEG
            and abs(float(run @ pole)) <= np.sin(np.radians(BEAM_TURN_DEG))
        )
        fits.append(fit)
        if fit:
            ends = np.sort(np.argmax(s.points[[0, -1]] @ middle.T, axis=1))
            covered[ends[0] : ends[1] + 1] = True
    return fits if float(covered.mean()) >= BEAM_LEAST_SHARE else [False] * len(sightings)


# -- satellites ----------------------------------------------------------------------------------------------------


def satellites_that_fit(
    sighting: Sighting, motion: Vector, rate_sigma: float, sky: SatellitePositions, noise_rad: float
) -> frozenset[str]:
    """Names of the element sets that agree with one sighting of a track: beside, ahead, direction, rate, sunlit.

    Args:
        motion: (3,) of the track at the middle of the exposure, rad/s; rate_sigma: rad/s.
        sky: positions at begin, middle and end of the exposure.
    """
    if not sky.names:
        return frozenset()
    exposure_s = max(sighting.exposure_s, 1e-3)
    unit = sky.unit_enu[:, 1]
    velocity = (sky.unit_enu[:, 2] - sky.unit_enu[:, 0]) / exposure_s
    velocity -= np.sum(velocity * unit, axis=-1, keepdims=True) * unit
    rate, seen = np.linalg.norm(velocity, axis=-1), float(np.linalg.norm(motion))
    off = offsets(sighting.points[None], unit, velocity)
    ahead_deg = np.minimum(SATELLITE_ALONG_DEG, 0.5 + SATELLITE_ALONG_PER_DAY_DEG * sky.age_days)
    fits = (
        off.near[0]
        & sky.sunlit.all(axis=1)
        & (np.abs(off.across[0]) <= np.radians(SATELLITE_ACROSS_DEG))
        & (off.tilt[0] <= 2 * noise_rad)
        & (np.abs(off.along[0]) <= np.radians(ahead_deg))
        & (np.abs(rate - seen) <= np.hypot(SATELLITE_RATE_SHARE * rate, 2 * rate_sigma))
        & (velocity @ motion >= rate * seen * np.cos(np.radians(SATELLITE_TURN_DEG)))
    )
    return frozenset(sky.names[i] for i in np.flatnonzero(fits))


# -- meteors -------------------------------------------------------------------------------------------------------


def fast_enough_for_a_meteor(sighting: Sighting) -> bool:
    return sighting.length_deg / max(sighting.exposure_s, 1e-3) > METEOR_RATE_DPS


def empty_along(sighting: Sighting, others: Sequence[Sighting], gap_s: float) -> bool:
    """Nothing in a neighbouring exposure where something with this path would have been, either way.

    The path is drawn on to both sides as far as its rate carries it through the gap and the neighbour.
    """
    if not others:
        return True
    start, end = sighting.points[0], sighting.points[-1]
    pole = normalised(np.cross(start, end))
    exposure_s = max(sighting.exposure_s, 1e-3)
    length = np.radians(sighting.length_deg)
    reach = min(length * (1.0 + (max(gap_s, 0.0) + exposure_s) / exposure_s), np.pi)
    angles = np.arange(-reach, length + reach, np.radians(1.0))[:, None]
    path = np.cos(angles) * start + np.sin(angles) * np.cross(pole, start)
    return bool(distance_to_deg(np.concatenate([o.points for o in others]), path).min() > METEOR_MARGIN_DEG)


# -- the station's own target --------------------------------------------------------------------------------------


def is_own_target(
    unit: Vector, motion: Vector, rate_sigma: float, pointing_unit: Vector, pointing_motion: Vector
) -> bool:
    """It stands where the telescope points and moves as the telescope moves. Directions (3,), motions (3,) in rad/s."""
    rate = float(np.linalg.norm(pointing_motion))
    if rate < np.radians(TARGET_LEAST_RATE_DPS) or rate_sigma > np.radians(TARGET_LARGEST_RATE_SIGMA_DPS):
        return False
    place = float(np.degrees(np.arccos(np.clip(unit @ pointing_unit, -1.0, 1.0))))
    allowed = max(np.radians(TARGET_RATE_DPS), TARGET_RATE_SHARE * rate, rate_sigma)
    return place < TARGET_DEG and float(np.linalg.norm(motion - pointing_motion)) <= allowed
