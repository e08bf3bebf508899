"""From the trails of one exposure to sightings: checked, evenly sampled, pieces of one line joined.

A strobe, a star or a cloud cuts the line of one aircraft into pieces. Pieces are joined only when they lie on one great
circle and almost touch, so that a joined sighting never strays from any of its pieces by more than the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.fusion.greatcircle import Vector, normalised
from edge.records import SkyTrail

POINTS = 5  # evenly along a trail; the middle one is its middle
JOIN_GAP_DEG = 1.5  # an airliner's light moves this far between two flashes
LINE_DEG = 0.5  # a shorter piece has no direction of its own


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One thing seen in one exposure."""

    points: Vector  # (POINTS, 3) unit vectors from the camera, from either end
    begin_utc_ns: int
    end_utc_ns: int
    trail_class: str
    pieces: int = 1

    @property
    def middle(self) -> Vector:
        return np.asarray(self.points[POINTS // 2])

    @property
    def middle_utc_ns(self) -> int:
        return self.begin_utc_ns + (self.end_utc_ns - self.begin_utc_ns) // 2

    @property
    def exposure_s(self) -> float:
        return (self.end_utc_ns - self.begin_utc_ns) / 1e9

    @property
    def length_deg(self) -> float:
        return float(np.degrees(arc_lengths(self.points).sum()))


def arc_lengths(points: Vector) -> Vector:
    """(N, 3) -> (N - 1,) angles between neighbours in radians."""
    chord = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.asarray(2 * np.arcsin(np.clip(chord / 2, 0.0, 1.0)))


def sample_evenly(points: Vector) -> Vector:
    """(N, 3) -> (POINTS, 3), at equal steps along the line."""
    if len(points) == 1:
        return np.repeat(points, POINTS, axis=0)
    along = np.concatenate(([0.0], np.cumsum(arc_lengths(points))))
    steps = np.linspace(0.0, along[-1], POINTS)
    sampled = normalised(np.stack([np.interp(steps, along, points[:, i]) for i in range(3)], axis=-1))
    lost = np.linalg.norm(sampled, axis=1) < 0.5  # between two opposite directions there is no middle
    sampled[lost] = points[0]
    return sampled


def sighting_of(trail: SkyTrail, begin_utc_ns: int, end_utc_ns: int) -> Sighting | None:
    """None when no point of the trail is a direction. The times are the exposure's, begin <= end."""
    points = np.asarray(trail.unit_enu, dtype=float).reshape(-1, 3)
    with np.errstate(over="ignore", invalid="ignore"):
        points = points[np.isfinite(points).all(axis=1)]
        points = normalised(points)
    points = points[np.abs(np.linalg.norm(points, axis=1) - 1.0) < 1e-6]
    if len(points) == 0:
        return None
    return Sighting(sample_evenly(points), begin_utc_ns, end_utc_ns, trail.trail_class)


def join_pieces(sightings: Sequence[Sighting], noise_rad: float) -> list[Sighting]:
    """Joins pieces of one line; all sightings are of one exposure. Nearest ends first."""
    pieces = list(sightings)
    apart: set[tuple[int, int]] = set()  # ids of pairs already refused; the sightings live on in `kept`
    kept = list(sightings)
    while len(pieces) > 1:
        ends = np.stack([s.points[[0, -1]] for s in pieces])  # (n, 2, 3)
        cosine = np.einsum("iax,jbx->ijab", ends, ends).max(axis=(2, 3))
        first, second = np.nonzero(np.triu(cosine > np.cos(np.radians(JOIN_GAP_DEG)), k=1))
        for index in np.argsort(-cosine[first, second]):
            i, j = int(first[index]), int(second[index])
            pair = (id(pieces[i]), id(pieces[j]))
            if pair in apart:
                continue
            gap_rad = float(np.arccos(np.clip(cosine[i, j], -1.0, 1.0)))
            joined = _joined(pieces[i], pieces[j], gap_rad, noise_rad)
            apart.add(pair)
            if joined is not None:
                kept.append(joined)
                pieces[i] = joined
                del pieces[j]
                break
        else:
            break
    return pieces


def _joined(a: Sighting, b: Sighting, gap_rad: float, noise_rad: float) -> Sighting | None:
    """One sighting of both, or None. The longer piece says where the line runs: a great circle through all points would
    bend towards a crossing one."""
    longer, shorter = (a, b) if a.length_deg >= b.length_deg else (b, a)
    pole = normalised(np.cross(longer.points[0], longer.points[-1]))
    if longer.length_deg < LINE_DEG:  # specks without direction: one only if they touch
        if gap_rad > 3 * noise_rad:
            return None
        pole = normalised(np.cross(longer.middle, shorter.middle))
    else:
        length = np.radians(longer.length_deg)
        reach = float(np.linalg.norm(shorter.points - longer.middle, axis=1).max()) / length
        if np.abs(shorter.points @ pole).max() > 2.5 * noise_rad * max(1.0, reach):
            return None
        if shorter.length_deg >= LINE_DEG:
            turn = abs(float(normalised(np.cross(shorter.points[0], shorter.points[-1])) @ pole))
            if turn < np.cos(max(np.radians(10.0), 3 * noise_rad / np.radians(shorter.length_deg))):
                return None
    both = np.concatenate((a.points, b.points))
    along = np.arctan2(both @ np.cross(pole, longer.middle), both @ longer.middle)
    ordered = both[np.argsort(along)]
    whole = sample_evenly(ordered[[0, len(ordered) // 2, -1]])
    return Sighting(whole, a.begin_utc_ns, a.end_utc_ns, longer.trail_class, a.pieces + b.pieces)


def on_one_line(a: Sighting, b: Sighting, longest_deg: float, noise_rad: float) -> bool:
    """Both within one arc not longer than `longest_deg`: what one aircraft can have drawn in the exposure."""
    both = np.concatenate((a.points, b.points))
    centre = normalised(both.sum(axis=0))
    if 2 * np.degrees(np.arccos(np.clip((both @ centre).min(), -1.0, 1.0))) > longest_deg:
        return False
    _, vectors = np.linalg.eigh(both.T @ both)
    return bool(np.abs(both @ vectors[:, 0]).max() <= 2.5 * noise_rad)


def stacked(sightings: Sequence[Sighting]) -> tuple[Vector, NDArray[np.int64], NDArray[np.int64]]:
    """(F, POINTS, 3) directions, (F,) begin and end of the exposures."""
    return (
        np.stack([s.points for s in sightings]),
        np.array([s.begin_utc_ns for s in sightings], dtype=np.int64),
        np.array([s.end_utc_ns for s in sightings], dtype=np.int64),
    )
