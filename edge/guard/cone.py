"""How near does everything on the sky come to what the beam sweeps? Geometry only; no identity, no rule, no clock.

Three regions: a cone around the swept pointing, a cone around a fixed direction, the whole sky above an elevation.
`outside_deg` is the distance of an object from the region's border: negative inside, and already lessened by all that
is uncertain (3 sigma of track and plate, parallax of the camera-telescope baseline).

Between two samples of the horizon the difference of two directions is taken as a straight line; its least length has a
closed form. At 12 deg/s and 0.1 s the chord differs from the arc by 1.2^2/8 deg*rad = 0.003 deg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import azel_to_unit
from edge.config import BeamSection
from edge.records import HORIZON_S, Pointing, SkyObject

Array = NDArray[np.float64]
STEP_S = float(HORIZON_S[1] - HORIZON_S[0])
RING = 8  # directions on each ring around the beam that the camera must see as well
RING_STEP_DEG = 5.0  # between rings, out to the cone's edge: a third of the smallest sector that stars can vouch for


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """What is guarded over the horizon. `paths` is (P, T, 3): where the beam may be; empty for the whole sky."""

    paths: Array
    border_deg: float  # half angle of the cone, or the elevation from which on everything is guarded
    watched: Array  # (N, 3) directions that a camera must see to be a basis


@dataclass(frozen=True, slots=True, eq=False)
class Approaches:
    """(N,) per object, in the order given."""

    outside_deg: Array  # (N, T-1) least distance from the border within each step, worst hypothesis
    separation_deg: Array  # (N,) least distance from the beam's axis; whole sky: degrees below the guarded elevation
    closest_in_s: Array  # (N,) when

    def enters_in_s(self, margin_deg: float = 0.0) -> Array:
        """(N,) seconds until the object is nearer than `margin_deg` to the border; inf: not within the horizon."""
        near = self.outside_deg <= margin_deg
        return np.where(near.any(axis=1), HORIZON_S[np.argmax(near, axis=1)], np.inf)


def swept(pointing: Pointing, at_mono_s: float) -> Array:
    """(2, T, 3): where a beam that moves as it says will be, HORIZON_S after `at_mono_s`.

    Twice, because rates alone do not say which: along a great circle (a satellite; right through the zenith, where the
    azimuth's rate means nothing) and with both rates constant (an axis that slews). Both are guarded.
    """
    for value in (
        pointing.azimuth_deg,
        pointing.elevation_deg,
        pointing.azimuth_rate_dps,
        pointing.elevation_rate_dps,
    ):
        if not np.isfinite(value):
            raise ValueError("pointing is not finite")
    t = HORIZON_S + (at_mono_s - pointing.received_mono_s)
    by_axes = azel_to_unit(
        pointing.azimuth_deg + pointing.azimuth_rate_dps * t, pointing.elevation_deg + pointing.elevation_rate_dps * t
    )
    az, el = np.radians(pointing.azimuth_deg), np.radians(pointing.elevation_deg)
    east = np.array([np.cos(az), -np.sin(az), 0.0])
    up = np.array([-np.sin(el) * np.sin(az), -np.sin(el) * np.cos(az), np.cos(el)])
    motion = np.radians(pointing.azimuth_rate_dps) * np.cos(el) * east + np.radians(pointing.elevation_rate_dps) * up
    rate = float(np.linalg.norm(motion))
    here = azel_to_unit(pointing.azimuth_deg, pointing.elevation_deg)
    angle = (rate * t)[:, None]
    by_circle = np.cos(angle) * here + np.sin(angle) * (motion / rate if rate > 0 else motion)
    return np.stack((by_axes, by_circle))


def region_of(beam: BeamSection, pointing: Pointing | None, at_mono_s: float) -> Region | None:
    """None: a cone without pointing, so nobody knows what to guard. Raises ValueError for numbers that are none."""
    if beam.region == "whole-sky":
        elevation, azimuth = np.meshgrid(np.arange(beam.minimum_elevation_deg, 90.0, 10.0), np.arange(0.0, 360.0, 15.0))
        watched = azel_to_unit(azimuth.ravel(), elevation.ravel())
        return Region(np.empty((0, len(HORIZON_S), 3)), beam.minimum_elevation_deg, watched)
    if beam.region == "fixed":
        assert beam.azimuth_deg is not None
        assert beam.elevation_deg is not None
        paths = np.broadcast_to(azel_to_unit(beam.azimuth_deg, beam.elevation_deg), (1, len(HORIZON_S), 3))
    elif pointing is None:
        return None
    else:
        paths = swept(pointing, at_mono_s)
    axis = np.concatenate((paths[:, ::10], paths[:, -1:]), axis=1).reshape(-1, 3)  # one a second is dense enough
    radii = np.linspace(0.0, beam.cone_deg, int(np.ceil(beam.cone_deg / RING_STEP_DEG)) + 1)[1:]
    return Region(np.asarray(paths), beam.cone_deg, np.concatenate((axis, *(_ring(axis, r) for r in radii))))


def _ring(axis: Array, radius_deg: float) -> Array:
    """(N * n, 3) directions `radius_deg` away from each of (N, 3): n is RING, more where those are far apart."""
    helper = np.where(np.abs(axis[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    u = np.cross(axis, helper)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(axis, u)
    count = max(RING, int(np.ceil(360.0 * np.sin(np.radians(radius_deg)) / RING_STEP_DEG)))
    turn = np.linspace(0.0, 2 * np.pi, count, endpoint=False)[:, None, None]
    r = np.radians(radius_deg)
    return np.asarray(np.cos(r) * axis + np.sin(r) * (np.cos(turn) * u + np.sin(turn) * v)).reshape(-1, 3)


def approaches(
    objects: Sequence[SkyObject],
    region: Region,
    *,
    plate_sigma_deg: float,
    baseline_m: float,
    smallest_range_m: float,
    skip_s: float = 0.0,
) -> Approaches:
    """Closest approach of every hypothesis of every object.

    Args:    skip_s: how much of the horizon has already passed; times count from there.
             plate_sigma_deg, baseline_m: widen the region for what the camera saw; directions from the radio have
             neither error.
    Raises:  ValueError: a path that is not finite, of another length, or not of unit vectors; an unusable sigma.
    An object without any path may be anywhere: it counts as inside.
    """
    steps = len(HORIZON_S) - 1
    outside = np.full((len(objects), steps), np.inf)
    separation = np.full((len(objects), steps), np.inf)
    owner = np.array([i for i, o in enumerate(objects) for _ in o.hypotheses], dtype=np.intp)
    if len(owner):
        unit = np.stack([h.unit_enu for o in objects for h in o.hypotheses])  # (K, T, 3)
        sigma = np.stack([h.sigma_deg for o in objects for h in o.hypotheses])  # (K, T)
        if unit.shape[1:] != (len(HORIZON_S), 3) or sigma.shape != unit.shape[:2]:
            raise ValueError("a path does not follow the horizon's grid")
        squares = np.einsum("ktx,ktx->kt", unit, unit)
        if not (np.abs(squares - 1.0) < 1e-3).all() or not (np.isfinite(sigma).all() and (sigma >= 0).all()):
            raise ValueError("a path is not made of directions with an error")
        unit = unit / np.sqrt(squares)[..., None]
        seen = np.array(["camera" in objects[i].senses for i in owner])
        parallax = np.degrees([np.arctan2(baseline_m, _range_m(objects[i], smallest_range_m)) for i in owner])
        sigma_sq = sigma**2 + np.where(seen, plate_sigma_deg, 0.0)[:, None] ** 2
        widened = 3.0 * np.sqrt(np.maximum(sigma_sq[:, :-1], sigma_sq[:, 1:])) + parallax[:, None]
        if not np.isfinite(widened).all():
            raise ValueError("an error of plate or baseline is not a number")
        distance = _distance_deg(unit, region)  # (K, steps)
        border = region.border_deg if len(region.paths) else 0.0
        first_of = np.flatnonzero(np.diff(owner, prepend=-1))  # the hypotheses of one object stand together
        separation[owner[first_of]] = np.minimum.reduceat(distance, first_of, axis=0)
        outside[owner[first_of]] = np.minimum.reduceat(distance - border - widened, first_of, axis=0)
    lost = np.array([not o.hypotheses for o in objects], dtype=bool)
    outside[lost], separation[lost] = -180.0, 0.0
    first = min(int(max(skip_s, 0.0) / STEP_S), steps - 1)
    outside, separation = outside[:, first:], separation[:, first:]
    when = np.argmin(separation, axis=1) if len(objects) else np.empty(0, dtype=np.intp)
    least = separation.min(axis=1) if len(objects) else np.empty(0)
    return Approaches(outside, least, HORIZON_S[when])


def _range_m(thing: SkyObject, smallest_range_m: float) -> float:
    """What the baseline is seen from; directions that the radio gave already start at the telescope."""
    if "radio" in thing.senses:
        return float("inf")
    return smallest_range_m if thing.range_m is None else min(max(thing.range_m, 1.0), 1e9)


def _distance_deg(unit: Array, region: Region) -> Array:
    """(K, T-1): least distance from the beam's axis within each step; whole sky: degrees below the border."""
    if not len(region.paths):
        elevation = np.degrees(np.arcsin(np.clip(unit[..., 2], -1.0, 1.0)))
        return np.asarray(region.border_deg - np.maximum(elevation[:, :-1], elevation[:, 1:]))
    # |(1-s) a + s b|^2 of the differences a, b at both ends, written in dot products: no (K, T, 3) is made.
    object_turn = np.einsum("ktx,ktx->kt", unit[:, :-1], unit[:, 1:])
    least_sq = np.full(object_turn.shape, np.inf)
    for path in region.paths:
        apart_sq = 2.0 - 2.0 * np.einsum("ktx,tx->kt", unit, path)
        a_sq, b_sq = apart_sq[:, :-1], apart_sq[:, 1:]
        crossed = np.einsum("ktx,tx->kt", unit[:, :-1], path[1:]) + np.einsum("ktx,tx->kt", unit[:, 1:], path[:-1])
        ab = object_turn + np.einsum("tx,tx->t", path[:-1], path[1:]) - crossed
        change_sq = a_sq + b_sq - 2.0 * ab
        between = (a_sq > ab) & (b_sq > ab) & (change_sq > 1e-13)
        foot_sq = a_sq - np.square(a_sq - ab) / np.where(between, change_sq, 1.0)
        least_sq = np.minimum(least_sq, np.where(between, foot_sq, np.minimum(a_sq, b_sq)))
    return np.asarray(np.degrees(2 * np.arcsin(np.clip(np.sqrt(np.maximum(least_sq, 0.0)) / 2, 0.0, 1.0))))


def separation_now_deg(thing: SkyObject, region: Region | None, skip_s: float) -> float | None:
    """For people: the object's first hypothesis from the beam's axis, now: `region` starts now, the object's path
    started `skip_s` ago. None without a beam or a path."""
    if region is None or not len(region.paths) or not thing.hypotheses:
        return None
    i = min(int(max(skip_s, 0.0) / STEP_S), len(HORIZON_S) - 1)
    chord = float(np.linalg.norm(thing.hypotheses[0].unit_enu[i] - region.paths[0, 0]))
    return float(np.degrees(2 * np.arcsin(min(chord / 2, 1.0))))
