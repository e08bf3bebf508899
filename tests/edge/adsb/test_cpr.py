import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pyModeS.position import _cpr as oracle

from edge.adsb import cpr

latitudes = st.floats(-86.5, 86.5)
longitudes = st.floats(-180, 179.999)
words = st.integers(0, 2**17 - 1)


def test_the_published_pair_decodes_to_the_published_position():
    # The 1090 MHz Riddle, 2nd edition, section 5.2: 52.25720 N, 3.91937 E from the even message, the newer one.
    assert cpr.decode_pair((93000, 51372), (74158, 50194), odd_is_newer=False) == pytest.approx(
        (52.25720, 3.91937), abs=1e-5
    )


@given(st.floats(-89.9, 89.9))
def test_longitude_zones_equal_those_of_pymodes(latitude):
    assume(min(abs(abs(latitude) - edge) for edge in oracle._NL_BOUNDARIES) > 1e-9)
    assert cpr.longitude_zones(latitude) == oracle.cprNL(latitude)


@example(0, 0, 3277, 64407, False)
@given(words, words, words, words, st.booleans())
def test_pairs_decode_as_in_pymodes(y0, x0, y1, x1, odd_is_newer):
    ours = cpr.decode_pair((y0, x0), (y1, x1), odd_is_newer=odd_is_newer)
    theirs = oracle.airborne_position_pair(y0, x0, y1, x1, even_is_newer=not odd_is_newer)
    if ours is None or theirs is None:
        assert theirs is None or max(abs(theirs[0]), 0) > 90 or ours is None
    else:
        assert ours[0] == pytest.approx(theirs[0], abs=1e-9)
        assert abs((ours[1] - theirs[1] + 180) % 360 - 180) < 1e-9  # 180 east is 180 west


@given(latitudes, longitudes, st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 1))
def test_what_is_encoded_is_decoded_near_any_reference_within_range(latitude, longitude, north, east, odd):
    y, x = cpr.encode(latitude, longitude, odd)
    got = cpr.decode_local(y, x, odd, (latitude + north, longitude + east))
    assert got[0] == pytest.approx(latitude, abs=4e-5)
    across = 360.0 / max(cpr.longitude_zones(latitude) - odd, 1) / 2**17
    assert abs((got[1] - longitude + 180) % 360 - 180) <= across


@given(latitudes, longitudes, st.booleans())
def test_a_pair_of_one_place_decodes_to_it(latitude, longitude, odd_is_newer):
    pair = [cpr.encode(latitude, longitude, odd) for odd in (0, 1)]
    got = cpr.decode_pair(*pair, odd_is_newer=odd_is_newer)
    if got is not None:  # None at a zone's border
        assert got[0] == pytest.approx(latitude, abs=1e-4)
        assert abs((got[1] - longitude + 180) % 360 - 180) < 0.02
