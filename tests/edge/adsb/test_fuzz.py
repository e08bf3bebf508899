"""Whatever arrives: no exception, bounded memory, nothing absurd believed."""

import time
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
from edge.records import AircraftState

SITE = Site(40.5, -3.1, 900.0)
TRUE = 0x4D2023
FIELD = st.integers(0, (1 << 17) - 1)


def check(state):
    """A state that was told is plausible, or says nothing."""
    if state.latitude_deg is not None:
        place = Fix(state.latitude_deg, state.longitude_deg, 0, 0.0)
        assert distance_m(Fix(SITE.latitude_deg, SITE.longitude_deg, 0, 0.0), place) <= RANGE_M
    for value in (state.altitude_baro_m, state.height_m, state.speed_mps, state.track_deg, state.vertical_rate_mps):
        assert value is None or isfinite(value)


@settings(deadline=None)
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


class Flood:
    """Ten thousand invented addresses a second, each said twice, and one true aircraft that says its place twice a
    second: at first alone, so that it is known."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.ear, self.addresses = Ear(SITE, 0.0, expected_bytes_per_s=None), AddressBook()
        self.t_s, self.sent, self.told = 0.0, 0, set()
        for _ in range(10):
            self.half_second(0)

    def half_second(self, invented: int) -> None:
        own = position(TRUE, 40.9, -3.0 + 0.001 * self.t_s, 35000, self.sent & 1)
        self.hear(own)
        for icao in 2 * self.rng.integers(0, 1 << 24, invented).tolist():
            self.t_s += 0.5 / (2 * invented)
            self.hear(squitter(icao, self.rng.bytes(7)))
        self.t_s = round(self.t_s, 1) if invented else self.t_s + 0.5
        self.sent += 1
        self.told |= {state.icao for state in self.ear.due(self.t_s) if state.latitude_deg is not None}
        assert len(self.addresses.known) <= ADDRESS_LIMIT
        assert len(self.addresses._pending) <= PENDING_LIMIT
        assert len(self.ear.table) <= 1000
        assert len(self.ear._told_mono_s) <= 1000
        assert len(self.ear.table._signals._heard) <= 1000

    def hear(self, data: bytes) -> None:
        frame = ModeSFrame(data, self.t_s * TICK_HZ, -10.0)
        self.addresses.forget(frame.sample)
        utc_ns = round(self.t_s * 1e9)
        self.ear.learn([TimedFrame(one, self.t_s, utc_ns) for one in self.addresses.judge(frame)])

    def true_place(self) -> AircraftState:
        return next(state for state in self.ear.table.states() if state.icao == f"{TRUE:06X}")


def test_a_flood_of_ten_thousand_addresses_a_second_pushes_out_itself_and_not_who_was_there():
    flood = Flood(4)
    for _ in range(3):
        flood.half_second(5000)
        assert TRUE in flood.addresses.known
        assert flood.true_place().position_mono_s == pytest.approx(flood.t_s - 0.5)
    assert flood.told == {f"{TRUE:06X}"}
    assert flood.addresses.pushed_out > 0
    assert flood.ear.table.counters.turned_away > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_minute_of_that_flood_is_survived_and_the_true_aircraft_is_located_all_the_time():
    flood, began_s = Flood(5), time.process_time()
    for _ in range(120):
        flood.half_second(5000)
        assert flood.true_place().position_mono_s == pytest.approx(flood.t_s - 0.5)
    print(f"{120 * 10_000} messages in {time.process_time() - began_s:.1f} s of CPU, making them included")
    assert flood.told == {f"{TRUE:06X}"}
    for _ in range(150):  # and when it is over, whoever is new is heard again
        flood.half_second(0)
    assert len(flood.ear.table) == 1


@pytest.mark.parametrize("minutes", [2])
def test_a_full_table_gives_the_places_of_the_silent_to_others(minutes):
    table = AircraftTable(SITE, limit=50)
    for i in range(minutes * 60):
        report = decode(ModeSFrame(squitter(0x300000 + i, bytes(7)), 0.0, -10.0))
        table.update(report, round(i * 1e9), float(i))
        table.forget(float(i))
        assert len(table) <= 50
    assert table.counters.turned_away == 0
