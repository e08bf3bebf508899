import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.adsb.signal.crc import remainders, with_parity
from edge.adsb.signal.repair import among, repair_replies, repair_squitters, surely_coded
from edge.adsb.sim.encode import all_call, altitude_reply, position

ADDRESS = 0x4D2023
KNOWN = np.array([0x3C4969, ADDRESS, 0xA00001], dtype=np.uint32)
SQUITTER = position(ADDRESS, 40.5, -3.1, 35000, 1)
COMM_B = with_parity(bytes.fromhex("A0001234AABBCCDDEEFF00"), ADDRESS)


def heard(frame, wrong=(), jammed=()):
    """(1, 7 or 14) bytes and (1, bits, 2) halves of a frame whose `wrong` bits are weakly inverted.

    Over `jammed` bits lies another's pulse of three times the level: on the half that should be silent.
    """
    bits = np.unpackbits(np.frombuffer(frame, dtype=np.uint8))
    halves = np.where(np.stack((bits, 1 - bits), axis=1) == 1, 20.0, 2.0).astype(np.float32)
    for bit in wrong:
        halves[bit] = (12.0, 10.0) if halves[bit, 0] < halves[bit, 1] else (10.0, 12.0)
    for bit in jammed:
        halves[bit, halves[bit].argmin()] = 60.0
    return np.packbits(halves[..., 0] > halves[..., 1])[None], halves[None]


@given(st.sets(st.integers(5, 111), max_size=8).filter(lambda bits: sum(8 <= bit < 32 for bit in bits) <= 3))
def test_a_squitter_with_a_few_unsure_bits_is_repaired_towards_its_known_address(wrong):
    rows, data = repair_squitters(*heard(SQUITTER, wrong), KNOWN)
    assert list(rows) == [0]
    assert data.tobytes() == SQUITTER


@given(st.sets(st.integers(32, 111), min_size=14, max_size=30))
def test_bits_under_a_stronger_transmission_are_read_from_the_half_it_did_not_reach(jammed):
    _, data = repair_squitters(*heard(SQUITTER, jammed=jammed), KNOWN)
    assert data.tobytes() == SQUITTER


@pytest.mark.parametrize("address", [0x123456, ADDRESS ^ 0xF])
def test_nothing_is_repaired_towards_an_address_nobody_had(address):
    rows, _ = repair_squitters(*heard(position(address, 40.5, -3.1, 35000, 1), (60, 70)), KNOWN)
    assert len(rows) == 0


@given(st.sets(st.integers(5, 55), max_size=4))
def test_short_squitters_and_replies_are_repaired(wrong):
    frame = all_call(ADDRESS)
    if sum(8 <= bit < 32 for bit in wrong) <= 3:
        assert repair_squitters(*heard(frame, wrong), KNOWN)[1].tobytes() == frame
    reply = altitude_reply(ADDRESS, 35000)
    assert repair_replies(*heard(reply, wrong), KNOWN)[1].tobytes() == reply
    assert repair_replies(*heard(COMM_B, wrong), KNOWN)[1].tobytes() == COMM_B


def test_noise_is_no_reply():
    rng = np.random.default_rng(3)
    halves = rng.rayleigh(3.0, (20_000, 112, 2)).astype(np.float32)
    halves[:, :5] = np.array([[9.0, 0.0]] + [[0.0, 9.0]] * 4, dtype=np.float32)
    rows, _ = repair_replies(np.packbits(halves[..., 0] > halves[..., 1], axis=1), halves, KNOWN)
    assert len(rows) == 0


def test_membership_equals_that_of_numpy():
    values = np.random.default_rng(1).integers(0, 50, 1000).astype(np.uint32)
    some = np.array([0, 3, 4, 49], dtype=np.uint32)
    assert np.array_equal(among(values, some), np.isin(values, some))


def test_an_interrogators_code_is_believed_only_where_its_bits_are_sure():
    plain, coded = all_call(ADDRESS), with_parity(all_call(ADDRESS)[:4], 5)
    data, halves = heard(coded)
    assert surely_coded(remainders(data), halves).all()
    data, halves = heard(plain, wrong=(53, 55))  # which is 5 as well
    assert data.tobytes() == coded
    assert not surely_coded(remainders(data), halves).any()
    assert repair_squitters(data, halves, KNOWN)[1].tobytes() == plain
