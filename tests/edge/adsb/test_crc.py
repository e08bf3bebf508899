import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyModeS.util import crc

from edge.adsb.crc import LONG_BITS, SHORT_BITS, remainder, remainders, single_error_bit, with_parity

LONG = bytes.fromhex("8D406B902015A678D4D220AA4BDA")  # The 1090 MHz Riddle, 2nd edition, section 9.2


def test_a_published_squitter_leaves_no_remainder():
    assert remainder(LONG) == 0


@given(st.binary(min_size=14, max_size=14))
def test_remainders_equal_those_of_pymodes(frame):
    assert remainder(frame) == crc(frame.hex())


@given(st.binary(min_size=4, max_size=4), st.integers(0, 0xFFFFFF))
def test_an_overlaid_address_comes_back_as_the_remainder(payload, address):
    assert remainder(with_parity(payload, address)) == address


def test_every_single_bit_error_behind_the_format_is_found():
    for bits, frame in ((LONG_BITS, LONG), (SHORT_BITS, with_parity(bytes.fromhex("5D4D2023")))):
        broken = np.frombuffer(frame, dtype=np.uint8)[None].repeat(bits, axis=0)
        broken[np.arange(bits), np.arange(bits) // 8] ^= (0x80 >> np.arange(bits) % 8).astype(np.uint8)
        found = single_error_bit(remainders(broken), bits)
        assert list(found) == [-1] * 5 + list(range(5, bits))
