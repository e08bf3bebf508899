"""Where it is and how sure: against flights whose truth is known."""

from math import atan2, cos, degrees, hypot, radians, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.geodesy import Site, enu_to_geodetic, geodetic_to_enu
from edge.adsb.motion import GONE_S, STALE_S, Place, at
from edge.records import AircraftState

SITE = Site(40.5247, -3.0883, 980.0)


class Turning:
    """A flight in the station's plane: speed and turn rate change at random every twenty seconds, climbing or not."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.step_s = 0.05
        count = 2400
        bank = np.repeat(rng.choice([0.0, 0.0, 15.0, 25.0, -25.0], 6), 400)
        self.speed_mps = float(rng.uniform(60, 260))
        rate = np.where(bank == 0, 0.0, 9.81 * np.tan(np.radians(bank)) / self.speed_mps)
        self.track_rad = rng.uniform(0, 2 * np.pi) + np.cumsum(rate) * self.step_s
        self.climb_mps = float(rng.choice([0.0, 0.0, 8.0, -8.0]))
        moved = np.column_stack((np.sin(self.track_rad), np.cos(self.track_rad), np.zeros(count))) * self.speed_mps
        moved[:, 2] = self.climb_mps
        start = [*rng.uniform(-60e3, 60e3, 2), rng.uniform(4e3, 11e3)]
        self.enu_m = np.array(start) + np.cumsum(moved, axis=0) * self.step_s

    def state(self, t_s: float, rng: np.random.Generator, **more: object) -> AircraftState:
        """What it reports at `t_s`: NACp 8, NACv 1, its clock late by up to 0.4 s."""
        sigma_m, height_sigma_m, velocity_sigma_mps = 38.0, 30.0, 4.1
        i = int((t_s - rng.uniform(0, 0.4)) / self.step_s)
        noise = rng.normal(0, 1, 3) * (sigma_m, sigma_m, height_sigma_m)
        latitude, longitude, height_m = enu_to_geodetic(self.enu_m[i] + noise, SITE)
        east, north = (self.speed_mps * f(self.track_rad[i]) + rng.normal(0, velocity_sigma_mps) for f in (sin, cos))
        fields: dict[str, object] = {
            "speed_mps": hypot(east, north), "track_deg": degrees(atan2(east, north)) % 360,
            "vertical_rate_mps": self.climb_mps,
        }  # fmt: skip
        return AircraftState(
            key="icao:4D2023", icao="4D2023", latitude_deg=latitude, longitude_deg=longitude, height_m=height_m,
            horizontal_sigma_m=sigma_m, height_sigma_m=height_sigma_m, velocity_sigma_mps=velocity_sigma_mps,
            position_utc_ns=round(t_s * 1e9), position_mono_s=t_s, velocity_utc_ns=round(t_s * 1e9), seen_mono_s=t_s,
            **{**fields, **more},
        )  # fmt: skip

    def truth(self, t_s: float) -> np.ndarray:
        return self.enu_m[int(t_s / self.step_s)]


def off_sigmas(place: Place, truth_m: np.ndarray) -> float:
    """How many of its own sigmas the place is off, across and along the direction together."""
    here = geodetic_to_enu(place.latitude_deg, place.longitude_deg, place.height_m, SITE)
    scale = np.array([place.horizontal_sigma_m, place.horizontal_sigma_m, place.height_sigma_m])
    return float(np.linalg.norm((here - truth_m) / scale))


@pytest.mark.parametrize("velocity", [True, False])
def test_turning_flights_stay_within_three_sigma_of_where_they_are_said_to_be(velocity):
    rng = np.random.default_rng(7)
    misses = asked = 0
    for _ in range(60):
        flight = Turning(rng)
        t_s = rng.uniform(5, 50)
        state = flight.state(t_s, rng, **({} if velocity else {"track_deg": None}))
        for age_s in (0.0, 0.5, 1, 2, 5, 10, 20, 40, 59):
            place = at(state, SITE, round((t_s + age_s) * 1e9))
            assert isinstance(place, Place)
            assert place.age_s == pytest.approx(age_s, abs=1e-6)
            assert place.stale == (age_s > STALE_S)
            asked += 1
            misses += off_sigmas(place, flight.truth(t_s + age_s)) > 3.0
    assert asked == 540
    assert misses <= 0.01 * asked


def test_the_direction_is_within_three_of_its_own_sigmas_too():
    rng = np.random.default_rng(8)
    misses = 0
    for _ in range(200):
        flight, t_s, age_s = Turning(rng), rng.uniform(5, 50), rng.uniform(0, 15)
        place = at(flight.state(t_s, rng), SITE, round((t_s + age_s) * 1e9))
        truth = flight.truth(t_s + age_s)
        elevation, azimuth = radians(place.elevation_deg), radians(place.azimuth_deg)
        unit = np.array([cos(elevation) * sin(azimuth), cos(elevation) * cos(azimuth), sin(elevation)])
        apart_deg = degrees(float(np.linalg.norm(np.cross(unit, truth / np.linalg.norm(truth)))))
        misses += apart_deg > 3 * place.sigma_deg
    assert misses <= 2


def test_azimuth_elevation_and_range_are_those_of_the_ellipsoid():
    # 60 km east and 10 km up: a flat Earth would show it 0.27 deg too high.
    state = AircraftState(
        key="a",
        icao="a",
        latitude_deg=40.5247,
        longitude_deg=-2.38,
        height_m=10_980.0,
        position_utc_ns=0,
        seen_mono_s=0,
    )
    place = at(state, SITE, 0)
    assert place.azimuth_deg == pytest.approx(89.77, abs=0.01)
    flat_deg = degrees(atan2(10_000, 60_030))
    assert flat_deg - place.elevation_deg == pytest.approx(0.27, abs=0.01)
    assert (place.latitude_deg, place.longitude_deg, place.height_m) == pytest.approx((40.5247, -2.38, 10_980.0))


def test_who_is_gone_on_the_ground_or_nowhere_has_no_place_and_says_why():
    state = Turning(np.random.default_rng(1)).state(30.0, np.random.default_rng(1))
    assert at(state, SITE, round((30 + GONE_S + 1) * 1e9)) == "its last position is 61 s old"
    assert at(state.model_copy(update={"on_ground": True}), SITE, 30 * 10**9) == "on the ground"
    assert at(state.model_copy(update={"latitude_deg": None}), SITE, 30 * 10**9) == "no position"


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 60), st.floats(0, 60))
def test_the_older_the_less_sure(one_s, other_s):
    state = Turning(np.random.default_rng(2)).state(30.0, np.random.default_rng(2))
    near, far = (at(state, SITE, round((30 + age_s) * 1e9)) for age_s in sorted((one_s, other_s)))
    assert near.horizontal_sigma_m <= far.horizontal_sigma_m + 1e-6
    assert near.height_sigma_m <= far.height_sigma_m + 1e-6


def test_a_velocity_that_the_positions_contradict_is_no_velocity():
    state = Turning(np.random.default_rng(3)).state(30.0, np.random.default_rng(3))
    doubted = at(state.model_copy(update={"flags": ("velocity",)}), SITE, 32 * 10**9)
    assert at(state, SITE, 32 * 10**9).velocity_enu_mps is not None
    assert doubted.velocity_enu_mps is None
    assert doubted.horizontal_sigma_m > 300.0
