"""Blind first guesses of where a camera looks: pairs of detections laid onto pairs of bright stars.

Two directions fix an attitude (TRIAD: Black, AIAA Journal 2, 1964, 1282). So every pair of bright detections is laid
onto every pair of bright stars as far apart, for a few lenses and both handednesses, and each attitude that comes of
it is asked how many other detections then stand on a star. True ones and nonsense differ by the sum of many such
answers, so hundreds of thousands of guesses cost a second: the sky is a table of "how near is a bright star", and each
answer a look into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.lens import unproject
from camera.solve.starfield import Circle

Vector = NDArray[np.float64]

# k1, k2, k3 of r = f theta and of r = 2 f sin(theta / 2): what fisheyes are built to, more or less.
FAMILIES: dict[str, tuple[float, float, float]] = {
    "equidistant": (0.0, 0.0, 0.0),
    "equisolid": (-1 / 24, 1 / 1920, -1 / 322560),
}
SCALES = (0.91, 0.94, 0.97, 1.0, 1.03, 1.06, 1.09)  # of the radius at 90 degrees: a skyline may hide the lens's edge
PAIR_DEG = (15.0, 100.0)
PAIR_TOLERANCE, PAIR_TOLERANCE_DEG = 0.02, 0.3
MATCH_DEG = 1.2
DISTINCT_DEG = 4.0
_ASKED_FIRST, _ASKED_THEN = 30, 160  # detections that vote on a guess
_TABLE_STARS = 170
_CELLS = 640  # a side of the table: 0.26 degrees
_EXTENT = 1.45  # its half-width in Lambert's zenithal equal-area projection; the horizon is at sqrt(2)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried."""

    detections: int  # the brightest, paired with each other
    stars: int  # likewise
    short_list: int  # of each lens, that all detections vote on
    kept: int


QUICK = Effort(30, 50, 120, 16)
THOROUGH = Effort(50, 60, 300, 40)  # at three times the cost: most bright detections are no stars


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """One attitude and lens that many detections speak for."""

    votes: float
    r0: Vector  # (3, 3) of camera.lens
    flip: int
    parameters: Vector  # (13,) of camera.lens; no rotation, no distortion beyond the family's


def guesses(xy_px: Vector, circle: Circle, star_enu: Vector, *, tilt_deg: float, effort: Effort = QUICK) -> list[Guess]:
    """The best different guesses, most votes first.

    Args: xy_px (N, 2) detections well inside the circle, brightest first, of the full sensor; star_enu (M, 3) unit
          vectors, apparent, brightest first; tilt_deg largest angle between the optical axis and the zenith.
    """
    if len(xy_px) < 4 or len(star_enu) < 4:
        return []
    table = _nearness(star_enu[:_TABLE_STARS])
    stars = _Pairs.ordered(star_enu[: effort.stars])
    found: list[Guess] = []
    for coefficients in FAMILIES.values():
        quarter = np.pi / 2
        reach = quarter * (1 + np.polyval((*coefficients[::-1], 0.0), quarter**2))
        for scale in SCALES:
            parameters = np.zeros(13)
            parameters[3:5] = circle.centre_px
            parameters[5] = circle.radius_px / reach * scale
            parameters[6:9] = coefficients
            for flip in (1, -1):
                seen = unproject(parameters, np.eye(3), flip, xy_px[:_ASKED_THEN])
                seen = seen[np.isfinite(seen).all(axis=1)]
                attitudes = _attitudes(seen[: effort.detections], stars, tilt_deg)
                if not len(attitudes):
                    continue
                first = _votes(table, attitudes, seen[:_ASKED_FIRST])
                few = np.argsort(-first)[: effort.short_list]
                votes = _votes(table, attitudes[few], seen)
                for number in np.argsort(-votes)[: effort.kept]:
                    found.append(Guess(float(votes[number]), attitudes[few[number]], flip, parameters))
    return _different(found, effort.kept)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs of directions, by the angle between them, each with the frame of axes it spans."""

    apart_rad: Vector  # (P,) ascending
    axes: Vector  # (P, 3, 3) columns: first, across, third

    @classmethod
    def of(cls, unit: Vector, i: NDArray[np.intp], j: NDArray[np.intp]) -> _Pairs:
        apart = np.arccos(np.clip((unit[i] * unit[j]).sum(axis=1), -1, 1))
        usable = (apart > np.radians(PAIR_DEG[0])) & (apart < np.radians(PAIR_DEG[1]))
        order = np.flatnonzero(usable)[np.argsort(apart[usable])]
        first, second = unit[i[order]], unit[j[order]]
        across = np.cross(first, second)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        return cls(apart[order], np.stack((first, across, np.cross(first, across)), axis=-1))

    @classmethod
    def ordered(cls, unit: Vector) -> _Pairs:
        """Every pair both ways round: which of two detections is which star is not known."""
        i, j = np.nonzero(~np.eye(len(unit), dtype=bool))
        return cls.of(unit, i, j)


def _attitudes(seen: Vector, stars: _Pairs, tilt_deg: float) -> Vector:
    """(A, 3, 3) rotations ENU -> camera that lay a pair of detections onto a pair of stars, not too far from level."""
    i, j = np.triu_indices(len(seen), 1)
    pairs = _Pairs.of(seen, i, j)
    width = PAIR_TOLERANCE * pairs.apart_rad + np.radians(PAIR_TOLERANCE_DEG)
    low = np.searchsorted(stars.apart_rad, pairs.apart_rad - width)
    count = np.searchsorted(stars.apart_rad, pairs.apart_rad + width) - low
    ours = np.repeat(np.arange(len(low)), count)
    theirs = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    # The camera's axis over the zenith is the last element of the rotation: asked before the rest is worked out.
    upright = (pairs.axes[ours, 2, :] * stars.axes[theirs, 2, :]).sum(axis=1) > np.cos(np.radians(tilt_deg))
    return np.asarray(pairs.axes[ours[upright]] @ stars.axes[theirs[upright]].transpose(0, 2, 1))


def _nearness(star_enu: Vector) -> NDArray[np.float32]:
    """(_CELLS + 1, _CELLS + 1) table over the upper hemisphere: 1 on a star, 0 from MATCH_DEG on."""
    table = np.zeros((_CELLS + 1, _CELLS + 1), np.float32)
    span = np.arange(-6, 7)
    at = _cell(star_enu)
    rows, columns = np.clip(at[:, :1] + span, 0, _CELLS - 1), np.clip(at[:, 1:] + span, 0, _CELLS - 1)
    rows, columns = np.broadcast_arrays(rows[:, :, None], columns[:, None, :])
    north, east = ((index + 0.5) / _CELLS * 2 * _EXTENT - _EXTENT for index in (rows, columns))
    rho_sq = np.minimum(east**2 + north**2, 2.0)
    shrink = np.sqrt(1 - rho_sq / 4)
    direction = np.stack((east * shrink, north * shrink, 1 - rho_sq / 2), axis=-1)
    far_sq = ((direction - star_enu[:, None, None]) ** 2).sum(axis=-1)
    near = np.maximum(1 - far_sq / np.radians(MATCH_DEG) ** 2, 0).astype(np.float32)
    np.maximum.at(table, (rows, columns), near)
    table[_CELLS, :] = table[:, _CELLS] = 0.0  # where what lies below the horizon is sent
    return table


def _cell(enu: NDArray[np.floating]) -> NDArray[np.int32]:
    """(..., 3) -> (..., 2) row and column of the table; the zero cell for directions below the horizon."""
    up = enu[..., 2]
    scale = np.sqrt(2 / np.maximum(1 + up, 1.0))[..., None]
    cell = ((enu[..., 1::-1] * scale + _EXTENT) * (_CELLS / 2 / _EXTENT)).astype(np.int32)
    return np.where((up > 0)[..., None], cell, _CELLS)


def _votes(table: NDArray[np.float32], attitudes: Vector, seen: Vector) -> Vector:
    """(A,) how well (N, 3) camera directions fall onto stars, for each of (A, 3, 3) rotations ENU -> camera."""
    votes = np.empty(len(attitudes))
    directions = seen.astype(np.float32)
    for begin in range(0, len(attitudes), 4096):
        chunk = attitudes[begin : begin + 4096].astype(np.float32)
        cell = _cell(directions @ chunk)
        votes[begin : begin + 4096] = table[cell[..., 0], cell[..., 1]].sum(axis=1)
    return votes


def _different(found: list[Guess], at_most: int) -> list[Guess]:
    """The `at_most` best that are not nearly the same attitude and handedness as a better one."""
    kept: list[Guess] = []
    for guess in sorted(found, key=lambda guess: -guess.votes):
        if all(guess.flip != other.flip or turn_deg(guess.r0, other.r0) > DISTINCT_DEG for other in kept):
            kept.append(guess)
            if len(kept) == at_most:
                break
    return kept


def turn_deg(a: Vector, b: Vector) -> float:
    """Angle of the rotation between two attitudes, degrees."""
    return float(np.degrees(np.arccos(np.clip((np.trace(a @ b.T) - 1) / 2, -1, 1))))
