"""The way between reports, and the polygon around it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.geodesy import Site, geodetic_to_enu
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from edge.records import AircraftState
from edge.weaklabels.outline import px_per_rad, ribbon
from edge.weaklabels.project import INSTANTS, VOUCHED_S, Silent, Way, instants, ways
from models.lineoflight import middle_line

S = 1_000_000_000
BEGIN = 1_781_473_500 * S
SITE = Site(40.5247, -3.0883, 980.0)
MPS_PER_DEG = 111_030.0  # of latitude, here and at 11 km


def northbound(t_s: float, **more) -> AircraftState:
    """At 222 m/s along the meridian, 11 km high."""
    fields = dict(
        key="icao:A00001", icao="A00001", latitude_deg=40.4 + 0.002 * t_s, longitude_deg=-3.0, height_m=11_000.0,
        height_sigma_m=30.0, horizontal_sigma_m=20.0, speed_mps=0.002 * MPS_PER_DEG, track_deg=0.0,
        vertical_rate_mps=0.0, velocity_sigma_mps=1.0, position_utc_ns=BEGIN + round(t_s * S),
        velocity_utc_ns=BEGIN + round(t_s * S), seen_mono_s=0.0,
    )  # fmt: skip
    return AircraftState(**(fields | more))


def way(*states: AircraftState) -> Way | Silent:
    (found,) = ways({"icao:A00001": states}, SITE, instants(BEGIN, BEGIN + 2 * S))
    return found


@given(first_s=st.floats(-15.0, -0.01), last_s=st.floats(2.01, 17.0))
def test_between_two_reports_it_flies_where_it_flew(first_s: float, last_s: float):
    found, at_s = way(northbound(first_s), northbound(last_s)), np.linspace(0, 2, INSTANTS)
    assert isinstance(found, Way)
    assert found.away_s == pytest.approx(np.minimum(at_s - first_s, last_s - at_s).max())
    for t_s, unit, range_m in zip(at_s, found.unit_enu, found.range_m, strict=True):
        true_m = geodetic_to_enu(40.4 + 0.002 * t_s, -3.0, 11_000.0, SITE)
        assert np.linalg.norm(unit * range_m - true_m) < 20.0


def test_the_longer_it_was_silent_the_wider_it_is():
    sigmas = [way(northbound(-t_s), northbound(2 + t_s)).sigma_rad.max() for t_s in (0.1, 1.0, 2.0, 4.0)]
    assert sigmas == sorted(sigmas)


def test_a_report_on_one_side_is_vouched_for_a_few_seconds_and_then_vague_and_then_nothing():
    assert way(northbound(-2.0)).away_s < VOUCHED_S
    late = way(northbound(-10.0))
    assert late.away_s > VOUCHED_S
    assert late.sigma_rad.max() > 3 * way(northbound(-2.0)).sigma_rad.max()
    assert isinstance(way(northbound(-19.0)), Silent)


def test_one_doubted_position_makes_the_whole_way_doubted():
    assert way(northbound(-1.0, flags=("jump",)), northbound(0.5), northbound(2.5)).doubted
    assert not way(northbound(-1.0), northbound(0.5), northbound(2.5)).doubted


@pytest.mark.parametrize(
    ("more", "why"), [({"on_ground": True}, "on the ground"), ({"latitude_deg": None}, "no position")]
)
def test_who_has_no_place_on_the_sky_is_told_so(more, why):
    found = way(northbound(0.5, **more))
    assert isinstance(found, Silent)
    assert why in found.why


def test_a_ribbon_gives_its_middle_line_back():
    path = np.column_stack((np.linspace(100, 300, 5), 50 + np.linspace(-8, 8, 5) ** 2))
    middle, half = middle_line(ribbon(path, np.full(5, 10.0)))
    assert middle[1:-1] == pytest.approx(path)
    assert half == pytest.approx(10.0)
    assert np.linalg.norm(middle[0] - path[0]) == pytest.approx(10.0)


def test_a_radian_of_the_sky_is_the_focal_length_in_the_middle_of_the_picture():
    plate = simulated_plate(night(1))
    assert px_per_rad(plate, np.array([[0.0, 0.0, 1.0]])) == pytest.approx([plate.parameters.f], rel=0.02)
