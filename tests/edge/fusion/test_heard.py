from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.geodesy import separation_deg
from camera.sim.scenario import YEBES, night
from edge.adsb.motion import GONE_S, Located, locate, paths
from edge.fusion.heard import HeardSky
from edge.records import AircraftState
from tests.edge.fusion.watch import MONO_ZERO_S, report

NIGHT = night(2)
HERE = np.zeros(3)


def located(**changes: object) -> Located:
    found = locate(report(NIGHT.aircraft[3], 60.0, 60.5, NIGHT).model_copy(update=changes), YEBES)
    assert isinstance(found, Located)
    return found


def at(
    one: Located, t_s: float, *, now_s: float | None = None, observer: np.ndarray = HERE
) -> tuple[np.ndarray, float]:
    when = np.array([NIGHT.utc_ns(t_s)])
    path = paths([one], when, NIGHT.utc_ns(t_s if now_s is None else now_s), observer)
    return path.unit_enu[0, 0], float(np.degrees(path.sigma_rad[0, 0]))


@pytest.mark.parametrize("number", range(8))
def test_a_report_carries_the_aircraft_fifteen_seconds_ahead(number):
    one = NIGHT.aircraft[number]
    found = locate(report(one, 60.0, 60.5, NIGHT), YEBES)
    for t_s in (55.0, 60.0, 76.0):
        truth = one.enu_m([t_s], YEBES)[0]
        assert float(separation_deg(at(found, t_s)[0], truth)) < 0.01


def test_from_the_telescope_the_aircraft_stands_elsewhere_than_from_the_camera():
    one, telescope = NIGHT.aircraft[3], np.array([300.0, -200.0, 10.0])
    truth = one.enu_m([60.0], YEBES)[0] - telescope
    unit, _ = at(located(), 60.0, observer=telescope)
    assert float(separation_deg(unit, truth)) < 1e-6
    assert float(separation_deg(unit, at(located(), 60.0)[0])) > 0.3


def test_the_older_the_report_the_less_certain_and_missed_turns_weigh_more_than_coming_ones():
    sigmas = [at(located(), 60.0 + age)[1] for age in range(0, 60, 5)]
    assert (np.diff(sigmas) > 0).all()
    assert at(located(), 75.0, now_s=61.0)[1] < at(located(), 75.0, now_s=75.0)[1]


def test_without_velocity_it_may_be_anywhere_around():
    still = located(track_deg=None)
    assert still.velocity_mps is None
    assert at(still, 75.0)[1] > 2 * at(located(), 75.0)[1]
    assert located(velocity_utc_ns=NIGHT.utc_ns(20.0)).velocity_mps is None


def test_a_doubtful_position_is_three_times_less_certain():
    assert at(located(flags=("nic",)), 60.0)[1] > 2 * at(located(), 60.0)[1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"on_ground": True}, "on the ground"),
        ({"latitude_deg": None}, "no position"),
        ({"position_utc_ns": None}, "no position"),
    ],
)
def test_what_has_no_place_on_the_sky_says_why(changes, reason):
    state = report(NIGHT.aircraft[3], 60.0, 60.5, NIGHT).model_copy(update=changes)
    assert locate(state, YEBES) == reason
    sky = HeardSky(YEBES)
    sky.hear([state])
    assert sky.without_position() == {state.key: reason}
    assert sky.located() == []


def test_a_barometric_height_alone_is_used_and_trusted_little():
    assert located(height_m=None, altitude_baro_m=10_000.0, height_sigma_m=10.0).height_sigma_m == 300.0


def test_an_aircraft_that_does_not_say_its_height_may_be_at_any_height_above_its_place():
    one, truth = located(height_m=None), NIGHT.aircraft[3].enu_m([60.0], YEBES)[0]
    unit, sigma_deg = at(one, 60.0)
    assert float(separation_deg(unit, truth)) < 3 * sigma_deg
    for height_m in (500.0, 3000.0, 13_000.0):
        there, _ = at(located(height_m=height_m), 60.0)
        assert float(separation_deg(unit, there)) < 3 * sigma_deg


def test_an_aircraft_is_forgotten_after_a_minute_of_silence_not_before():
    sky = HeardSky(YEBES)
    state = report(NIGHT.aircraft[3], 60.0, 60.5, NIGHT)
    sky.hear([state])
    sky.forget_old(MONO_ZERO_S + 60.0 + GONE_S - 1, 1.0)
    assert len(sky.located()) == 1
    sky.forget_old(MONO_ZERO_S + 60.0 + GONE_S + 1, 1.0)
    assert sky.located() == []
    sky.hear([state])
    sky.forget_old(MONO_ZERO_S + 60.0 + GONE_S / 10 + 1, 10.0)  # ten seconds of the sky in one of the machine
    assert sky.located() == []


def test_a_landed_aircraft_leaves_the_sky_but_one_message_without_position_does_not_remove_it():
    sky = HeardSky(YEBES)
    state = report(NIGHT.aircraft[3], 60.0, 60.5, NIGHT)
    sky.hear([state, state.model_copy(update={"latitude_deg": None})])
    assert len(sky.located()) == 1
    sky.hear([state.model_copy(update={"on_ground": True})])
    assert sky.located() == []


def test_a_flood_of_invented_aircraft_is_bounded_and_the_nearest_stay():
    sky = HeardSky(YEBES)
    near = report(NIGHT.aircraft[0], 60.0, 60.5, NIGHT)
    far = [near.model_copy(update={"key": f"icao:{k:06X}", "latitude_deg": 50.0}) for k in range(700)]
    sky.hear([near, *far])
    assert len(sky.located()) == 500
    assert near.key in {one.state.key for one in sky.located()}
    assert sky.counters["heard_over_limit"] == 201


numbers = st.one_of(st.none(), st.floats(-1e4, 1e5))


@settings(max_examples=200, deadline=None)
@given(
    latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), height=numbers, speed=numbers, track=numbers,
    climb=numbers, position=st.integers(0, 2 * 10**18), now=st.integers(0, 2 * 10**18),
)  # fmt: skip
def test_any_report_gives_finite_paths(latitude, longitude, height, speed, track, climb, position, now):
    state = AircraftState(
        key="icao:ABCDEF", icao="ABCDEF", latitude_deg=latitude, longitude_deg=longitude, height_m=height,
        speed_mps=speed, track_deg=track, vertical_rate_mps=climb, position_utc_ns=position, seen_mono_s=0.0,
    )  # fmt: skip
    found = locate(state, YEBES)
    if isinstance(found, Located):
        path = paths([found], np.array([now, now + 15 * 10**9]), now, HERE)
        for part in (path.unit_enu, path.motion, path.range_m, path.sigma_rad):
            assert np.isfinite(part).all()
