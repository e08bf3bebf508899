from math import cos, radians, sin

import pytest

from edge.adsb.aircraft.conduct import FLAG_S, Conduct
from edge.adsb.aircraft.positions import Fix

DEGREE_M = 111_195.0


def fly(conduct: Conduct, seconds: float, *, told_mps=200.0, flown_mps=200.0, turn_dps=0.0, sigma_mps=1.2, every_s=0.5):
    """Position and velocity every half second, heading north first; the flags at the end."""
    east_m = north_m = track_deg = t_s = 0.0
    while t_s <= seconds:
        utc_ns = round(t_s * 1e9)
        conduct.fly(told_mps, track_deg, sigma_mps, utc_ns, t_s)
        fix = Fix(40.0 + north_m / DEGREE_M, -3.0 + east_m / (DEGREE_M * cos(radians(40.0))), utc_ns, t_s)
        conduct.move(fix, sigma_mps)
        t_s += every_s
        track_deg += turn_dps * every_s
        east_m += flown_mps * sin(radians(track_deg)) * every_s
        north_m += flown_mps * cos(radians(track_deg)) * every_s
    return conduct.flags(t_s)


@pytest.mark.parametrize("turn_dps", [0.0, 3.0, 6.0])
@pytest.mark.parametrize("every_s", [0.5, 1.3, 2.9])
def test_an_honest_flight_is_not_flagged_turning_or_thinly_heard(turn_dps, every_s):
    assert fly(Conduct(), 120.0, turn_dps=turn_dps, every_s=every_s) == ()


def test_positions_that_go_elsewhere_than_the_velocity_says_are_flagged_and_cleared_once_they_agree():
    conduct = Conduct()
    assert fly(conduct, 30.0, told_mps=120.0) == ("velocity",)
    assert conduct.flags(30.0 + FLAG_S + 1) == ()


def test_an_imprecise_velocity_is_allowed_to_be_wrong():
    assert fly(Conduct(), 30.0, told_mps=170.0, sigma_mps=10.0) == ()


def test_what_no_aircraft_does_is_flagged_by_name():
    conduct = Conduct()
    conduct.fly(450.0, 0.0, 1.0, 0, 0.0)
    conduct.fly(450.0, 180.0, 1.0, 10**9, 1.0)
    conduct.climb(-130.0, 1.0)
    assert set(conduct.flags(1.0)) == {"speed", "acceleration", "climb"}
    assert conduct.flags(1.0 + FLAG_S) == ()


def test_a_hard_turn_of_a_fighter_is_flight():
    conduct = Conduct()
    for step in range(20):
        conduct.fly(250.0, (step * 6.0) % 360, 1.0, step * 500_000_000, step * 0.5)  # 5.3 g
    assert conduct.flags(10.0) == ()


def test_an_altitude_out_of_reach_waits_for_a_second_one_and_is_then_followed_and_flagged():
    conduct = Conduct()
    assert conduct.rise(10_000.0, 0, 0.0)
    assert not conduct.rise(3_000.0, 10**9, 1.0)
    assert conduct.rise(10_010.0, 2 * 10**9, 2.0)
    assert conduct.flags(2.0) == ()
    assert not conduct.rise(3_000.0, 3 * 10**9, 3.0)
    assert conduct.rise(3_010.0, 4 * 10**9, 4.0)
    assert conduct.flags(4.0) == ("altitude-jump",)
    assert conduct.rise(3_020.0, 5 * 10**9, 5.0)


def test_after_a_long_silence_any_altitude_is_in_reach():
    conduct = Conduct()
    conduct.rise(10_000.0, 0, 0.0)
    assert conduct.rise(3_000.0, 75 * 10**9, 75.0)
