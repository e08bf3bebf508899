import random
from dataclasses import replace
from math import floor, log10

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.geodesy import Site
from edge.adsb import cpr
from edge.adsb.decode import CprField, Report
from edge.adsb.motion import GONE_S
from edge.adsb.quality import Codes
from edge.adsb.table import AircraftTable

SITE = Site(40.5247, -3.0883, 980.0)
PLANE = Report("icao:3409F1", "3409F1", 17)


def at(latitude: float, longitude: float, odd: int, **more) -> Report:
    y, x = cpr.encode(latitude, longitude, odd)
    return replace(
        PLANE, typecode=11, cpr=CprField(y, x, odd, False), altitude_baro_m=10_000.0, on_ground=False, **more
    )


def fly(table: AircraftTable, begin_s: float, count: int, latitude: float = 40.5, key: str = PLANE.key):
    """Half-second squitters heading east at 85 m/s; the last state."""
    state = None
    for i in range(count):
        t_s = begin_s + 0.5 * i
        state = table.update(replace(at(latitude, -3.0 + 0.001 * t_s, i % 2), key=key), round(t_s * 1e9), t_s)
    return state


def test_a_position_needs_a_pair_and_a_third_message_that_agrees():
    table = AircraftTable(SITE)
    assert fly(table, 0.0, 2).latitude_deg is None
    state = fly(table, 1.0, 1)
    assert (state.latitude_deg, state.longitude_deg) == pytest.approx((40.5, -2.999), abs=1e-4)
    assert (state.position_utc_ns, state.position_mono_s) == (1_000_000_000, 1.0)


def test_a_single_impossible_position_is_held_back():
    table = AircraftTable(SITE)
    before = fly(table, 0.0, 6)
    after = table.update(at(41.5, -3.0, 0), 3_000_000_000, 3.0)
    assert after.latitude_deg == before.latitude_deg
    assert after.position_mono_s == before.position_mono_s
    assert fly(table, 3.5, 2).latitude_deg == pytest.approx(40.5, abs=1e-4)
    assert table.counters.jumps == 0


def test_positions_beyond_the_horizon_are_not_believed_and_the_record_says_so():
    table = AircraftTable(SITE)
    state = fly(table, 0.0, 12, latitude=60.0)
    assert state.latitude_deg is None
    assert state.flags == ("range",)
    assert "range" not in fly(table, 20.0, 8).flags


def test_positions_that_never_agree_leave_a_flag_on_the_last_that_did():
    table = AircraftTable(SITE)
    before = fly(table, 0.0, 6)
    for k in range(20):
        t_s = 3.0 + 0.5 * k
        state = table.update(at(38.0 + (k * 7 % 5), -5.0 + (k * 3 % 7), k % 2), round(t_s * 1e9), t_s)
    assert state.latitude_deg == before.latitude_deg
    assert {"incoherent", "range"} & set(state.flags)


def test_an_aircraft_that_really_is_elsewhere_is_followed_and_flagged():
    table = AircraftTable(SITE)
    fly(table, 0.0, 6)
    state = fly(table, 3.0, 6, latitude=41.2)
    assert state.latitude_deg == pytest.approx(41.2, abs=1e-4)
    assert "jump" in state.flags
    assert "jump" not in fly(table, 20.0, 3, latitude=41.2).flags


def test_two_aircraft_of_one_address_are_both_seen_and_flagged():
    table, rng, seen = AircraftTable(SITE), random.Random(1), set()
    for i in range(80):
        latitude = rng.choice((40.2, 41.2))
        state = table.update(at(latitude, -3.0, rng.randrange(2)), round(i * 0.25e9), i * 0.25)
        if state.latitude_deg is not None:
            seen.add(round(state.latitude_deg, 2))
    assert seen == {40.2, 41.2}
    assert "duplicate-address" in state.flags


def test_positions_beyond_the_radio_horizon_are_refused():
    table = AircraftTable(SITE)
    assert fly(table, 0.0, 6, latitude=50.0).latitude_deg is None
    assert table.counters.out_of_range > 0


def test_an_even_and_an_odd_message_far_apart_in_time_are_no_pair():
    table = AircraftTable(SITE)
    for i in range(8):
        state = table.update(at(40.5, -3.0, i % 2), i * 11_000_000_000, i * 11.0)
    assert state.latitude_deg is None


def test_after_the_clock_was_set_back_an_hour_an_aircraft_is_located_again_at_once():
    table, hour_ns = AircraftTable(SITE), 3600 * 10**9
    fly(table, 3600.0, 6)
    for i in range(6):
        t_s = 3603.0 + 0.5 * i
        state = table.update(at(40.5, -3.0 + 0.001 * t_s, i % 2), round(t_s * 1e9) - hour_ns, t_s)
    assert state.position_mono_s == t_s
    assert table.counters.jumps == 0


def test_height_comes_from_the_best_there_is_and_says_from_where():
    table = AircraftTable(SITE)
    fly(table, 0.0, 3)
    alone = fly(table, 1.5, 1)
    assert (alone.height_m, alone.height_sigma_m, alone.height_basis) == (10_000.0, 300.0, "baro")
    fly(table, 2.0, 4, key="icao:340000")
    table.update(replace(PLANE, key="icao:340000", icao="340000", geo_minus_baro_m=90.0), 4_000_000_000, 4.0)
    state = fly(table, 7.0, 1)
    assert (state.height_m, state.height_sigma_m, state.height_basis) == (10_090.0, 120.0, "neighbours")
    table.update(replace(PLANE, geo_minus_baro_m=60.0), 8_000_000_000, 8.0)
    state = fly(table, 8.0, 1)
    assert (state.height_m, state.height_basis) == (10_060.0, "own-difference")
    assert state.height_sigma_m == pytest.approx(50.0)  # nobody knows above what: 30 m and 40 m
    state = table.update(replace(PLANE, typecode=20, height_m=10_055.0), 9_000_000_000, 9.0)
    assert (state.height_m, state.height_basis, fly(table, 9.0, 1).height_m) == (10_055.0, "gnss", 10_055.0)


def test_uncertainty_follows_what_the_aircraft_says_of_itself():
    table = AircraftTable(SITE)
    assert fly(table, 0.0, 4).horizontal_sigma_m == pytest.approx(37.8, abs=0.1)
    table.update(replace(PLANE, typecode=31, codes=Codes(nac_p=4, sil=3, sda=2, version=2)), 2_000_000_000, 2.0)
    state = fly(table, 2.0, 1)
    assert state.horizontal_sigma_m == pytest.approx(1852 / 2.4477, abs=1)
    assert (state.nic, state.rc_m, state.epu_m, state.sil, state.sda) == (8, pytest.approx(185.2), 1852.0, 3, 2)
    assert (state.adsb_version, state.nac_p, state.flags) == (2, 4, ("nacp",))


def test_codes_of_the_velocity_make_its_sigma_and_the_supplement_of_the_position_its_own_radius():
    table = AircraftTable(SITE)
    table.update(replace(PLANE, typecode=31, codes=Codes(nac_p=9, sil=3, version=2, supplement_a=True)), 0, 0.0)
    state = table.update(replace(PLANE, typecode=19, codes=Codes(nac_v=1), speed_mps=85.0, track_deg=90.0), 0, 0.0)
    assert (state.nac_v, state.velocity_sigma_mps) == (1, pytest.approx(10 / 2.4477))
    fly(table, 0.0, 4)
    state = table.update(at(40.5, -2.998, 0, supplement_b=True), 2_000_000_000, 2.0)
    assert (state.nic, state.rc_m, state.flags) == (9, 75.0, ())


def test_an_aircraft_whose_positions_go_elsewhere_than_its_velocity_is_kept_and_flagged():
    table = AircraftTable(SITE)
    for t_s in range(15):
        table.update(replace(PLANE, typecode=19, speed_mps=200.0, track_deg=0.0), round(t_s * 1e9), float(t_s))
        state = fly(table, t_s + 0.1, 2)
    assert state.flags == ("velocity",)
    assert state.position_mono_s == pytest.approx(14.6)


def test_a_signal_much_too_strong_for_its_claimed_distance_is_kept_and_flagged():
    table = AircraftTable(SITE)
    for t_s in range(20):
        for k in range(12):  # true ones 30 to 250 km north, as strong as free space lets them be
            latitude = 40.8 + 0.18 * k
            level = -10.0 - 20 * log10((latitude - 40.52) * 111.2 / 30)
            for half in (0, 1):
                report = replace(at(latitude, -3.0, half), key=f"icao:{k:06X}")
                table.update(report, round((t_s + half / 2) * 1e9), t_s + half / 2, level)
                spoofed = table.update(at(42.5, -3.0, half), round((t_s + half / 2) * 1e9), t_s + half / 2, -2.0)
    assert spoofed.flags == ("signal-range",)
    assert spoofed.position_mono_s == 19.5
    assert all(not state.flags for state in table.states() if state.key != PLANE.key)


def test_who_is_heard_without_a_position_is_counted_and_keeps_its_level():
    table = AircraftTable(SITE)
    fly(table, 0.0, 6)
    state = table.update(replace(PLANE, key="icao:000001", icao="000001", downlink_format=11), 10**9, 1.0, -21.5)
    assert (state.latitude_deg, state.rssi_dbfs) == (None, -21.5)
    assert (table.not_located(3.0), table.fresh(3.0)) == (1, 1)
    assert table.not_located(30.0) == 0


def on_the_ground(latitude: float, longitude: float, odd: int) -> Report:
    """DO-260B A.1.7.3 with a quarter of the airborne zones."""
    zone_deg = 90.0 / (60 - odd)
    y = floor(131072 * (latitude % zone_deg) / zone_deg + 0.5)
    zone_deg = 90.0 / max(cpr.longitude_zones(latitude) - odd, 1)
    x = floor(131072 * (longitude % zone_deg) / zone_deg + 0.5)
    field = CprField(y % 131072, x % 131072, odd, True)
    return replace(PLANE, typecode=7, cpr=field, on_ground=True, speed_mps=5.0, track_deg=90.0)


def test_an_aircraft_on_the_ground_is_placed_near_the_station_by_both_zones_and_not_without_one():
    table, nowhere = AircraftTable(SITE), AircraftTable(None)
    for i in range(4):
        report = on_the_ground(40.4983, -3.5676, i % 2)
        state = table.update(report, round(i * 1e9), float(i), -20.0)
        assert (state.latitude_deg is None) == (i == 0)
        assert nowhere.update(report, round(i * 1e9), float(i)).latitude_deg is None
    assert (state.latitude_deg, state.longitude_deg) == (
        pytest.approx(40.4983, abs=1e-4),
        pytest.approx(-3.5676, abs=1e-4),
    )
    assert state.on_ground


def test_one_message_that_says_ground_does_not_take_a_fast_aircraft_from_the_sky():
    table = AircraftTable(SITE)
    fast = replace(PLANE, typecode=19, speed_mps=220.0, track_deg=90.0, on_ground=False)
    table.update(fast, 0, 0.0)
    fly(table, 0.0, 6)
    claims = [
        replace(PLANE, downlink_format=11, on_ground=True),
        on_the_ground(40.5, -3.0, 0),
        on_the_ground(40.5, -3.0, 1),
    ]
    for i, claim in enumerate(claims):
        state = table.update(claim, 3_000_000_000 + i, 3.0)
        assert (state.on_ground, state.speed_mps) == (False, 220.0)
    assert fly(table, 3.5, 2).flags == ("ground-claim",)
    assert table.counters.ground_claims == 3
    table.update(replace(fast, speed_mps=70.0), 5_000_000_000, 5.0)
    assert table.update(on_the_ground(40.5, -3.0, 0), 5_500_000_000, 5.5).on_ground  # as slow as what lands
    again = AircraftTable(SITE)
    again.update(fast, 0, 0.0)
    assert again.update(claims[0], 6_000_000_000, 6.0).on_ground  # nobody has said otherwise for long


def test_what_a_reply_alone_says_counts_when_it_is_said_twice():
    table = AircraftTable(SITE)
    reply = replace(PLANE, downlink_format=5, squawk="7700")
    assert table.update(reply, 0, 0.0).squawk is None
    assert table.update(reply, 1, 0.1).squawk == "7700"
    assert table.update(replace(reply, squawk="1234"), 2, 0.2).squawk == "7700"


def test_the_silent_are_forgotten_after_a_minute():
    table = AircraftTable(SITE)
    fly(table, 0.0, 6)
    assert table.fresh(5.0) == 1
    assert table.fresh(20.0) == 0
    assert table.forget(2.5 + GONE_S - 0.1) == []
    assert table.forget(2.5 + GONE_S + 0.1) == [PLANE.key]
    assert len(table) == 0


def test_the_number_of_aircraft_is_bounded():
    table = AircraftTable(SITE, limit=10)
    for i in range(100):
        table.update(replace(PLANE, key=f"icao:{i:06X}", icao=f"{i:06X}"), i, float(i) / 100)
    assert len(table) == 10
    assert table.counters.turned_away == 90


WORDS = st.integers(0, 131071)
CPR = st.builds(CprField, WORDS, WORDS, st.integers(0, 1), st.booleans())
CODES = st.builds(
    Codes,
    version=st.none() | st.integers(0, 3),
    nac_p=st.none() | st.integers(0, 15),
    nac_v=st.none() | st.integers(0, 7),
    sil=st.none() | st.integers(0, 3),
    supplement_a=st.none() | st.booleans(),
    supplement_c=st.none() | st.booleans(),
)
REPORTS = st.builds(
    Report,
    key=st.sampled_from(["icao:000001", "icao:000002", "tisb:000001"]),
    icao=st.just("000001"),
    downlink_format=st.sampled_from([0, 4, 5, 11, 17, 18, 20]),
    typecode=st.sampled_from([None, 4, 7, 9, 11, 18, 19, 22, 31]),
    altitude_baro_m=st.none() | st.floats(-300, 40_000),
    height_m=st.none() | st.floats(-300, 40_000),
    height_if_metres_m=st.none() | st.floats(0, 4095),
    geo_minus_baro_m=st.none() | st.floats(-1000, 1000),
    cpr=st.none() | CPR,
    speed_mps=st.none() | st.floats(0, 2000),
    track_deg=st.none() | st.floats(0, 360),
    vertical_rate_mps=st.none() | st.floats(-200, 200),
    codes=st.none() | CODES,
    squawk=st.none() | st.just("7000"),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(REPORTS, st.floats(-1, 70)), max_size=40), st.sampled_from([SITE, None, Site(89.9, 179.9, 0.0)])
)
def test_no_stream_of_reports_makes_an_invalid_record(stream, site):
    table, t_s = AircraftTable(site), 100.0
    for report, step_s in stream:
        t_s += step_s
        state = table.update(report, round(t_s * 1e9), t_s, -20.0)
        type(state).model_validate(state.model_dump())
        assert (state.latitude_deg is None) == (state.position_mono_s is None)
        table.forget(t_s)
