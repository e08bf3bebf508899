"""Aircraft heard on 1090 MHz as paths on the sky: from the telescope for the guard, from the camera for the trails.

Position and velocity are turned once into the station's east-north-up metres; after that a path is a straight line (the
Earth's curvature under 20 km of flight is 8 m). Sky time moves the aircraft; CLOCK_MONOTONIC says how old it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import Site, enu_axes, geodetic_to_enu
from edge.fusion.greatcircle import Vector
from edge.records import AircraftState

STALE_S = 10.0  # no longer vouched for
DROP_S = 60.0  # forgotten
LARGEST_COUNT = 500
MATTERS_M = 150_000.0  # farther away, the highest airliner stands 4 deg above the horizon
TURN_MPS2 = 4.6  # 25 deg of bank: g tan(25 deg)
UNKNOWN_SPEED_MPS = 150.0  # 1 sigma when nothing is known of the velocity
UNKNOWN_HEIGHT_M, UNKNOWN_HEIGHT_SIGMA_M = 6000.0, 3000.0  # within three sigma whatever an airliner can fly at
LATENCY_S = 0.3  # 1 sigma of when the position held
DOUBTFUL_FACTOR = 3.0  # for a position its own source doubts
OLDEST_VELOCITY_S = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One aircraft with a position: east, north, up of the camera, at `utc_ns`."""

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


def locate(state: AircraftState, site: Site) -> Heard | str:
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
    if state.speed_mps is not None and state.track_deg is not None and velocity_age_s < OLDEST_VELOCITY_S:
        track = np.radians(state.track_deg)
        local = np.array(
            [state.speed_mps * np.sin(track), state.speed_mps * np.cos(track), state.vertical_rate_mps or 0.0]
        )
        there = enu_axes(Site(state.latitude_deg, state.longitude_deg, height))
        velocity = enu_axes(site) @ (there.T @ local)
    doubt = DOUBTFUL_FACTOR if state.flags else 1.0
    sigma_m = state.height_sigma_m if state.height_m is not None else max(state.height_sigma_m, 300.0)
    if not known:
        sigma_m = UNKNOWN_HEIGHT_SIGMA_M
    return Heard(
        state, state.position_utc_ns, position, velocity, doubt * state.horizontal_sigma_m, doubt * sigma_m
    )  # fmt: skip


class HeardSky:
    """The newest report of every aircraft, until it is DROP_S old."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._located: dict[str, Heard] = {}
        self._unlocated: dict[str, tuple[AircraftState, str]] = {}
        self.counters = {"heard_states": 0, "heard_dropped": 0, "heard_over_limit": 0}
        self.left_out_mono_s = float("-inf")  # when somebody who matters was last left out

    def hear(self, states: Iterable[AircraftState]) -> None:
        for state in states:
            self.counters["heard_states"] += 1
            found = locate(state, self._site)
            if isinstance(found, Heard):
                self._located[state.key] = found
                self._unlocated.pop(state.key, None)
            elif found == "on the ground" or state.key not in self._located:
                self._located.pop(state.key, None)
                self._unlocated[state.key] = (state, found)
        while len(self._located) > LARGEST_COUNT:
            farthest = max(self._located.values(), key=lambda one: float(np.linalg.norm(one.position_m)))
            del self._located[farthest.state.key]
            self.counters["heard_over_limit"] += 1
            if float(np.linalg.norm(farthest.position_m)) < MATTERS_M:
                self.left_out_mono_s = max(self.left_out_mono_s, farthest.state.seen_mono_s)
        while len(self._unlocated) > LARGEST_COUNT:
            del self._unlocated[next(iter(self._unlocated))]
            self.counters["heard_over_limit"] += 1

    def forget_old(self, now_mono_s: float, sky_rate: float) -> None:
        """Drops what is older than DROP_S of the sky's seconds, judged by the machine's clock."""
        for key in [k for k, one in self._located.items() if one.age_s(now_mono_s) * sky_rate > DROP_S]:
            del self._located[key]
            self.counters["heard_dropped"] += 1
        for key in [k for k, (s, _) in self._unlocated.items() if (now_mono_s - s.seen_mono_s) * sky_rate > DROP_S]:
            del self._unlocated[key]

    def located(self) -> list[Heard]:
        return list(self._located.values())

    def without_position(self) -> dict[str, str]:
        """Key -> why: heard, but not to be drawn on the sky."""
        return {key: reason for key, (_, reason) in self._unlocated.items()}


def paths(heard: Sequence[Heard], utc_ns: NDArray[np.int64], now_utc_ns: int, observer_m: Vector) -> Paths:
    """Where they are at M instants, seen from `observer_m` (east, north, up of the camera).

    A turn since the report (its age at `now_utc_ns`) may have been missed and counts in full; one in the time ahead
    will be heard twice a second, so the hardest turn is taken there for three sigma.
    """
    utc_ns = np.asarray(utc_ns, dtype=np.int64)
    zero = np.zeros(3)
    report_ns = np.array([one.utc_ns for one in heard], dtype=np.int64).reshape(-1)
    known = np.array([one.velocity_mps is not None for one in heard], dtype=bool).reshape(-1)
    velocity = np.array([zero if one.velocity_mps is None else one.velocity_mps for one in heard]).reshape(-1, 3)
    position = np.array([one.position_m for one in heard]).reshape(-1, 3) - observer_m
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
    drift_m = np.where(known[:, None], missed_m + ahead_m, UNKNOWN_SPEED_MPS * np.abs(dt))
    horizontal_m = np.array([one.horizontal_sigma_m for one in heard]).reshape(-1, 1)
    height_m = np.array([one.height_sigma_m for one in heard]).reshape(-1, 1) * np.hypot(unit[..., 0], unit[..., 1])
    late_m = LATENCY_S * np.linalg.norm(velocity, axis=-1)[:, None]
    sigma_m = np.sqrt(horizontal_m**2 + height_m**2 + late_m**2 + drift_m**2)
    return Paths(unit, motion, distance, np.arctan2(sigma_m, distance))
