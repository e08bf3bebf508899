"""Whatever arrives: no exception, bounded memory, nothing absurd believed."""

from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.geodesy import Site
from edge.adsb import cpr
from edge.adsb.aircraft.positions import RANGE_M, Fix, distance_m, reachable
from edge.adsb.decode import decode
from edge.adsb.ear import Ear, TimedFrame
from edge.adsb.frames import ADDRESS_LIMIT, PARITY_FORMATS, PENDING_LIMIT, TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.signal.crc import with_parity
from edge.adsb.signal.demod import Demodulator
from edge.adsb.sim.encode import position, squitter
from edge.adsb.sources.beast import BeastParser
from edge.adsb.table import AircraftTable

SITE = Site(40.5, -3.1, 900.0)
FIELD = st.integers(0, (1 << 17) - 1)


def check(state):
    """A state that was told is plausible, or says nothing."""
    if state.latitude_deg is not None:
        place = Fix(state.latitude_deg, state.longitude_deg, 0, 0.0)
        assert distance_m(Fix(SITE.latitude_deg, SITE.longitude_deg, 0, 0.0), place) <= RANGE_M
    for value in (state.altitude_baro_m, state.height_m, state.speed_mps, state.track_deg, state.vertical_rate_mps):
        assert value is None or isfinite(value)


@given(st.lists(st.one_of(st.binary(max_size=60), st.just(b"\x1a"), st.just(b"\x1a3"), st.just(b"\x1a\x1a"))))
def test_a_beast_stream_of_anything_is_parsed_in_bounded_memory(parts):
    parser, whole = BeastParser(), BeastParser()
    frames = [frame for part in parts for frame in parser.feed(part)]
    assert frames == whole.feed(b"".join(parts))
    assert all(len(frame.data) in (7, 14) for frame in frames)
    assert len(parser._body) <= 21
    addresses = AddressBook()
    for frame in frames:
        for believed in addresses.judge(frame):
            decode(believed)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 60, 255]), st.lists(st.integers(0, 4000), max_size=8))
@settings(max_examples=25, deadline=None)
def test_any_bytes_as_samples_are_no_aircraft(seed, spread, lengths):
    rng, demodulator = np.random.default_rng(seed), Demodulator()
    for length in lengths:
        iq = rng.integers(127 - spread // 2, 128 + spread // 2 + 1, 2 * length, dtype=np.int64).astype(np.uint8)
        assert demodulator.feed(iq.repeat(1 + length % 3)) == []
    assert demodulator.finish() == []


@given(
    st.lists(st.tuples(st.sampled_from([0, 4, 5, 11, 16, 17, 17, 17, 18, 20, 21]), st.binary(min_size=11, max_size=11)))
)
@settings(deadline=None)
def test_well_formed_frames_that_say_anything_are_survived_and_nothing_absurd_is_told(frames):
    ear = Ear(SITE, 0.0, expected_bytes_per_s=None)
    for i, (format_, payload) in enumerate(frames):
        said = bytes([format_ << 3 | payload[0] & 7]) + payload[1:]
        data = with_parity(said if format_ >= 16 else said[:4], 0x4D2023 if format_ in PARITY_FORMATS else 0)
        ear.learn([TimedFrame(ModeSFrame(data, i * 0.3 * TICK_HZ, -10.0), i * 0.3, round(i * 0.3e9))])
    for state in ear.table.states():
        check(state)


@given(FIELD, FIELD, FIELD, FIELD, st.booleans())
def test_any_pair_of_fields_gives_a_place_on_earth_or_none(y0, x0, y1, x1, odd_is_newer):
    place = cpr.decode_pair((y0, x0), (y1, x1), odd_is_newer=odd_is_newer)
    assert place is None or (-90 <= place[0] <= 90 and -180 <= place[1] < 180)


@given(st.lists(st.tuples(st.sampled_from([5, 11, 11, 20]), FIELD, FIELD, st.integers(0, 1)), max_size=60))
@settings(deadline=None)
def test_adversarial_positions_never_move_an_aircraft_faster_than_one_flies_unflagged(fields):
    table, earlier = AircraftTable(SITE), None
    for i, (typecode, y, x, odd) in enumerate(fields):
        payload = (typecode << 51 | 0x381 << 36 | odd << 34 | y << 17 | x).to_bytes(7, "big")
        report = decode(ModeSFrame(squitter(0x4D2023, payload), 0.0, -10.0))
        state = table.update(report, round(i * 0.5e9), i * 0.5)
        check(state)
        if state.position_utc_ns == round(i * 0.5e9):
            place = Fix(state.latitude_deg, state.longitude_deg, state.position_utc_ns, i * 0.5)
            assert earlier is None or reachable(earlier, place, state.speed_mps) or "jump" in state.flags
            earlier = place


def test_ten_thousand_spoofed_addresses_a_second_leave_the_true_one_heard_and_memory_bounded():
    rng, ear, addresses = np.random.default_rng(4), Ear(SITE, 0.0, expected_bytes_per_s=None), AddressBook()
    spoofed = rng.choice(1 << 24, 10_000, replace=False).tolist()
    told = set()
    for tenth in range(-4, 10):  # the true one was there before
        t_s = 1 + tenth / 10
        messages = [squitter(icao, rng.bytes(7)) for icao in spoofed[max(tenth, 0) * 1000 : max(tenth + 1, 0) * 1000]]
        own = position(0x4D2023, 40.9, -3.0 + 0.0001 * tenth, 35000, tenth & 1)
        for i, data in enumerate([*messages, own, *messages]):  # each twice, and the true one
            frame = ModeSFrame(data, (t_s + i * 4e-5) * TICK_HZ, -10.0)
            addresses.forget(frame.sample)
            timed = [TimedFrame(one, t_s, round(t_s * 1e9)) for one in addresses.judge(frame)]
            ear.learn(timed)
        told |= {state.icao for state in ear.due(t_s) if state.latitude_deg is not None}
        assert len(addresses.known) <= ADDRESS_LIMIT
        assert len(addresses._pending) <= PENDING_LIMIT
        assert len(ear.table) <= 1000
        assert len(ear._told_mono_s) <= 1000
    assert told == {"4D2023"}
    assert 0x4D2023 in addresses.known
    assert addresses.pushed_out > 0
    assert ear.table.counters.turned_away > 0


@pytest.mark.parametrize("minutes", [2])
def test_a_full_table_gives_the_places_of_the_silent_to_others(minutes):
    table = AircraftTable(SITE, limit=50)
    for i in range(minutes * 60):
        report = decode(ModeSFrame(squitter(0x300000 + i, bytes(7)), 0.0, -10.0))
        table.update(report, round(i * 1e9), float(i))
        table.forget(float(i))
        assert len(table) <= 50
    assert table.counters.turned_away == 0
