from hypothesis import given
from hypothesis import strategies as st
from pyModeS.util import crc

from edge.adsb.signal.crc import remainder, with_parity

LONG = bytes.fromhex("8D406B902015A678D4D220AA4BDA")  # The 1090 MHz Riddle, 2nd edition, section 9.2


def test_a_published_squitter_leaves_no_remainder():
    assert remainder(LONG) == 0


@given(st.binary(min_size=14, max_size=14))
def test_remainders_equal_those_of_pymodes(frame):
    assert remainder(frame) == crc(frame.hex())


@given(st.binary(min_size=4, max_size=4), st.integers(0, 0xFFFFFF))
def test_an_overlaid_address_comes_back_as_the_remainder(payload, address):
    assert remainder(with_parity(payload, address)) == address
