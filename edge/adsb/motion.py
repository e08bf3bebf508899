"""Where an aircraft is at an instant, and how sure that is: the only home of what happens between two reports.

Position and velocity are turned once into the station's east-north-up metres (WGS-84); after that a path is a straight
line (the Earth's curvature under 20 km of flight is 8 m). Sky time moves the aircraft. What is not known of it grows
with the age of the report: its own accuracy, when its position held, its velocity's accuracy, a turn that was missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import Site, enu_axes, enu_to_azel, enu_to_geodetic, geodetic_to_enu
from edge.records import AircraftState

Vector = NDArray[np.float64]

STALE_S = 10.0  # no longer vouched for
GONE_S = 60.0  # forgotten
TURN_MPS2 = 4.6  # 25 deg of bank: g tan(25 deg)
UNKNOWN_SPEED_MPS = 150.0  # 1 sigma when nothing is known of the velocity
UNKNOWN_HEIGHT_M, UNKNOWN_HEIGHT_SIGMA_M = 6000.0, 3000.0  # within three sigma whatever an airliner can fly at
BARO_SIGMA_M = 300.0  # of a barometric altitude that nothing corrects
LATENCY_S = 0.3  # 1 sigma of when the position held
DOUBTFUL_FACTOR = 3.0  # for a position its own source, or the table, doubts
OLDEST_VELOCITY_S = 30.0
DOUBTED_VELOCITY = "velocity"  # the flag of an aircraft whose positions go elsewhere than its velocity says


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """One aircraft with a position: east, north, up of the station, at `utc_ns`."""

    state: AircraftState
    utc_ns: int
    position_m: Vector  # (3,)
    velocity_mps: Vector | None  # (3,), None: unknown
    horizontal_sigma_m: float
    height_sigma_m: float

    def age_s(self, now_mono_s: float) -> float:
        mono = self.state.position_mono_s
        return max(now_mono_s - (self.state.seen_mono_s if mono is None else mono), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """K aircraft at M instants from one place."""

    unit_enu: Vector  # (K, M, 3)
    motion: Vector  # (K, M, 3) rad/s, perpendicular to unit_enu
    range_m: Vector  # (K, M)
    sigma_rad: Vector  # (K, M)
    horizontal_sigma_m: Vector  # (K, M) each horizontal axis
    height_sigma_m: Vector  # (K, M)


@dataclass(frozen=True, slots=True)
class Place:
    """One aircraft at one instant, from one station."""

    latitude_deg: float
    longitude_deg: float
    height_m: float  # above the ellipsoid
    velocity_enu_mps: tuple[float, float, float] | None
    azimuth_deg: float
    elevation_deg: float
    range_m: float
    horizontal_sigma_m: float
    height_sigma_m: float
    sigma_deg: float  # of its direction
    age_s: float  # of the report behind it, in seconds of the sky
    stale: bool


def at(state: AircraftState, site: Site, utc_ns: int) -> Place | str:
    """Where it is at that instant, seen from `site`, or why nobody can say."""
    found = locate(state, site)
    if isinstance(found, str):
        return found
    age_s = abs(utc_ns - found.utc_ns) / 1e9
    if age_s > GONE_S:
        return f"its last position is {age_s:.0f} s old"
    here = np.zeros(3)
    path = paths([found], np.array([utc_ns], dtype=np.int64), utc_ns, here)
    enu_m = path.unit_enu[0, 0] * path.range_m[0, 0]
    azimuth_deg, elevation_deg = enu_to_azel(enu_m).tolist()
    velocity = None
    if found.velocity_mps is not None:
        east, north, up = found.velocity_mps.tolist()
        velocity = (east, north, up)
    return Place(
        *enu_to_geodetic(enu_m, site),
        velocity,
        azimuth_deg,
        elevation_deg,
        float(path.range_m[0, 0]),
        float(path.horizontal_sigma_m[0, 0]),
        float(path.height_sigma_m[0, 0]),
        float(np.degrees(path.sigma_rad[0, 0])),
        age_s,
        age_s > STALE_S,
    )


def locate(state: AircraftState, site: Site) -> Located | str:
    """East-north-up position and velocity of one report, or why it has no place on the sky."""
    if state.on_ground:
        return "on the ground"
    if state.latitude_deg is None or state.longitude_deg is None or state.position_utc_ns is None:
        return "no position"
    height = state.height_m if state.height_m is not None else state.altitude_baro_m
    known = height is not None
    if height is None:  # its place on the map is known: anywhere above it, not nowhere
        height = UNKNOWN_HEIGHT_M
    position = geodetic_to_enu(state.latitude_deg, state.longitude_deg, height, site)
    velocity = None
    velocity_age_s = abs(state.position_utc_ns - (state.velocity_utc_ns or state.position_utc_ns)) / 1e9
    usable = velocity_age_s < OLDEST_VELOCITY_S and DOUBTED_VELOCITY not in state.flags
    if usable and state.speed_mps is not None and state.track_deg is not None:
        track = np.radians(state.track_deg)
        local = np.array(
            [state.speed_mps * np.sin(track), state.speed_mps * np.cos(track), state.vertical_rate_mps or 0.0]
        )
        there = enu_axes(Site(state.latitude_deg, state.longitude_deg, height))
        velocity = enu_axes(site) @ (there.T @ local)
    doubt = DOUBTFUL_FACTOR if state.flags else 1.0
    sigma_m = state.height_sigma_m if state.height_m is not None else max(state.height_sigma_m, BARO_SIGMA_M)
    if not known:
        sigma_m = UNKNOWN_HEIGHT_SIGMA_M
    return Located(
        state, state.position_utc_ns, position, velocity, doubt * state.horizontal_sigma_m, doubt * sigma_m
    )  # fmt: skip


def paths(located: Sequence[Located], utc_ns: NDArray[np.int64], now_utc_ns: int, observer_m: Vector) -> Paths:
    """Where they are at M instants, seen from `observer_m` (east, north, up of the station).

    A turn since the report (its age at `now_utc_ns`) may have been missed and counts in full; one in the time ahead
    will be heard twice a second, so the hardest turn is taken there for three sigma.
    """
    utc_ns = np.asarray(utc_ns, dtype=np.int64)
    zero = np.zeros(3)
    report_ns = np.array([one.utc_ns for one in located], dtype=np.int64).reshape(-1)
    known = np.array([one.velocity_mps is not None for one in located], dtype=bool).reshape(-1, 1)
    velocity = np.array([zero if one.velocity_mps is None else one.velocity_mps for one in located]).reshape(-1, 3)
    position = np.array([one.position_m for one in located]).reshape(-1, 3) - observer_m
    dt = (utc_ns[None, :] - report_ns[:, None]) / 1e9  # (K, M)
    enu = position[:, None, :] + dt[..., None] * velocity[:, None, :]
    distance = np.maximum(np.linalg.norm(enu, axis=-1), 1.0)
    unit = enu / distance[..., None]
    motion = (velocity[:, None, :] - np.sum(velocity[:, None, :] * unit, axis=-1, keepdims=True) * unit) / distance[
        ..., None
    ]

    age = np.abs(now_utc_ns - report_ns)[:, None] / 1e9
    missed_m = TURN_MPS2 / 2 * age**2
    ahead_m = np.maximum(TURN_MPS2 / 2 * dt**2 - missed_m, 0.0) / 3
    velocity_sigma_mps = np.array([one.state.velocity_sigma_mps for one in located]).reshape(-1, 1)
    moved_m = np.hypot(missed_m + ahead_m, velocity_sigma_mps * dt)
    drift_m = np.where(known, moved_m, UNKNOWN_SPEED_MPS * np.abs(dt))
    late_m = LATENCY_S * np.where(known, np.linalg.norm(velocity, axis=-1, keepdims=True), UNKNOWN_SPEED_MPS)
    horizontal_m = np.array([one.horizontal_sigma_m for one in located]).reshape(-1, 1)
    height_m = np.array([one.height_sigma_m for one in located]).reshape(-1, 1)
    grown_m = np.hypot(late_m, drift_m)
    horizontal_sigma_m, height_sigma_m = np.hypot(horizontal_m, grown_m), np.hypot(height_m, grown_m)
    across_m = np.hypot(horizontal_sigma_m, height_m * np.hypot(unit[..., 0], unit[..., 1]))
    return Paths(unit, motion, distance, np.arctan2(across_m, distance), horizontal_sigma_m, height_sigma_m)
