from math import hypot

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.adsb.aircraft.height import Air, HeightChain, Heights
from edge.adsb.quality import Codes

NEW, OLD = Codes(version=2, gva=2), Codes(version=0)
NOW_S = 10_000.0


def heard(baro_m: float | None = 10_000.0, difference_m: float | None = None) -> Heights:
    said = Heights(baro_m=baro_m, baro_mono_s=NOW_S)
    if difference_m is not None:
        said.difference(difference_m, NOW_S)
    return said


def best(said: Heights, codes: Codes = NEW, air: Air | None = None, chain: HeightChain | None = None, now_s=NOW_S):
    chain = HeightChain(Air() if air is None else air) if chain is None else chain
    return chain.best(said, codes, now_s, vouched=True)


def test_the_chain_goes_from_gnss_to_the_difference_of_others_to_pressure_and_each_step_knows_less():
    chain = HeightChain(Air())
    for k in range(5):
        chain.count(10_100.0 + 50 * k, 150.0 + k, NOW_S)
    said = heard(difference_m=160.0)
    said.gnss(10_170.0, None, 20.0, NOW_S)
    steps = [best(said, chain=chain)]
    said.gnss_mono_s = -1e9
    steps.append(best(said, chain=chain))
    said.difference_mono_s = -1e9
    steps.append(best(said, chain=chain))
    steps.append(best(said))
    assert [step.basis for step in steps] == ["gnss", "own-difference", "neighbours", "baro"]
    # The aircraft itself counts among its neighbours.
    assert [step.height_m for step in steps] == [10_170.0, 10_160.0, 10_152.5, 10_000.0]
    sigmas = [step.sigma_m for step in steps]
    assert sigmas == sorted(sigmas)
    assert sigmas[-1] == 300.0


def test_nothing_is_said_of_an_aircraft_that_says_nothing():
    assert best(heard(baro_m=None, difference_m=100.0)) is None


def test_neighbours_count_within_600_m_and_half_an_hour_and_once_a_minute():
    chain = HeightChain(Air())
    chain.count(12_000.0, 500.0, NOW_S)
    assert chain.neighbours(10_000.0, NOW_S) is None
    assert chain.neighbours(11_700.0, NOW_S)[0] == 500.0
    assert chain.neighbours(11_700.0, NOW_S + 1801.0) is None
    for second in range(30):
        best(heard(8_000.0, 80.0 + second), chain=chain, now_s=NOW_S)
    assert chain.neighbours(8_000.0, NOW_S + 10.0) is not None
    said = heard(5_000.0, 50.0)
    for second in range(120):
        said.difference(50.0, NOW_S + second)
        best(said, chain=chain, now_s=NOW_S + second)
    assert sum(len(layer) for layer in chain._layers.values()) == 1 + 30 + 2


def test_an_aircraft_that_is_doubted_does_not_teach_its_neighbours():
    chain = HeightChain(Air())
    chain.best(heard(difference_m=900.0), NEW, NOW_S, vouched=False)
    assert chain.neighbours(10_000.0, NOW_S) is None


def test_one_liar_among_neighbours_moves_nothing():
    chain = HeightChain(Air())
    for k in range(9):
        chain.count(10_000.0, 100.0 + k, NOW_S)
    chain.count(10_000.0, -950.0, NOW_S)
    middle, sigma_m = chain.neighbours(10_000.0, NOW_S)
    assert 100.0 <= middle <= 108.0
    assert sigma_m == 50.0


def test_before_version_2_nobody_knows_above_what_and_halfway_is_taken():
    said = heard(difference_m=100.0)
    known, unknown = best(said, OLD, Air(geoid_m=50.0)), best(said, OLD)
    assert (known.height_m, known.sigma_m) == (10_125.0, pytest.approx(hypot(30.0, 25.0)))
    assert (unknown.height_m, unknown.sigma_m) == (10_100.0, pytest.approx(50.0))
    assert best(said, NEW, Air(geoid_m=50.0)).height_m == 10_100.0
    for truth_m in (10_100.0, 10_150.0):  # it was above the ellipsoid; it was above the sea
        assert abs(truth_m - known.height_m) <= known.sigma_m


def test_pressure_and_temperature_move_an_altitude_as_the_textbook_says():
    # 8.3 m a hectopascal near the ground; 10 kelvin warmer than standard raise 35 000 ft by 430 m.
    air = Air(geoid_m=0.0, qnh_hpa=1023.25)
    low = best(heard(300.0), air=air)
    assert (low.height_m, low.basis) == (pytest.approx(383.0, abs=1.0), "qnh")
    high = best(heard(10_668.0), air=Air(geoid_m=0.0, qnh_hpa=1013.25, temperature_celsius=25.0))
    assert high.height_m - 10_668.0 == pytest.approx(430.0, abs=5.0)
    assert low.sigma_m < high.sigma_m <= 300.0
    assert best(heard(300.0), air=Air(geoid_m=52.0)).height_m == 352.0


@pytest.mark.parametrize(("feet_m", "metres_m", "height_m"), [(10_700.0, 2736.0, 10_700.0), (1500.0, 3300.0, 3300.0)])
def test_a_gnss_height_in_either_unit_is_told_by_the_barometric_altitude(feet_m, metres_m, height_m):
    said = heard(height_m - 100.0)
    said.gnss(feet_m, metres_m, 23.0, NOW_S)
    found = best(said)
    assert (found.height_m, found.sigma_m, found.basis) == (height_m, 23.0, "gnss")


def test_a_gnss_height_that_fits_no_altitude_is_left_aside_and_one_that_nothing_confirms_is_doubted():
    said = heard(5_000.0)
    said.gnss(10_000.0, 2000.0, 23.0, NOW_S)
    assert best(said).basis == "baro"
    alone = heard(None)
    alone.gnss(10_000.0, 2000.0, 23.0, NOW_S)
    assert (best(alone).height_m, best(alone).sigma_m) == (10_000.0, 1000.0)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-300, 38_000), st.floats(-2000, 2000), st.floats(0, 5000)), max_size=60),
    st.floats(-300, 38_000),
    st.none() | st.floats(870, 1090),
    st.none() | st.floats(-70, 60),
    st.none() | st.floats(-110, 90),
)
def test_any_air_gives_a_finite_height_within_reason(counts, baro_m, qnh_hpa, celsius, geoid_m):
    chain = HeightChain(Air(geoid_m, qnh_hpa, celsius, 900.0))
    for altitude_m, difference_m, at_s in counts:
        chain.count(altitude_m, difference_m, at_s)
    found = chain.best(heard(baro_m), OLD, 5000.0, vouched=True)
    assert abs(found.height_m - baro_m) < 16_000
    assert 10.0 <= found.sigma_m <= 1500.0
