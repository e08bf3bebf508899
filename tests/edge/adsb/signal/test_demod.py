from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from camera.sim.scenario import night
from edge.adsb.frames import SQUITTERS
from edge.adsb.signal.demod import Demodulator
from edge.adsb.sim.signal import SkySignal

RATE = 2_400_000
NIGHT = night(1)


def demodulate(iq, rate_hz=RATE, block=2 * 131_072):
    demodulator = Demodulator(rate_hz)
    frames = [frame for i in range(0, len(iq), block) for frame in demodulator.feed(iq[i : i + block])]
    return frames + demodulator.finish(), demodulator


def off_s(frames, sent, start_s):
    """How far the worst time stamp is from the nearest sending of the same bytes."""
    return max(min(abs(f.sample / RATE - s.t_s + start_s) for s in sent if s.frame == f.data) for f in frames)


@pytest.fixture(scope="module")
def signal():
    return SkySignal(NIGHT)


@pytest.fixture(scope="module")
def two_seconds(signal):
    return signal.block(60 * RATE, 2 * RATE)


def test_it_hears_nearly_all_and_only_what_was_sent_when_it_was_sent(signal, two_seconds):
    frames, _ = demodulate(two_seconds)
    sent = signal.transmissions(60.0, 62.0)
    missed = Counter(item.frame for item in sent) - Counter(frame.data for frame in frames)
    assert not Counter(frame.data for frame in frames) - Counter(item.frame for item in sent)
    assert not [data for data in missed if data[0] >> 3 in SQUITTERS]
    squitters = [item for item in sent if item.frame[0] >> 3 in SQUITTERS]
    first_s = {item.icao: item.t_s for item in reversed(squitters)}
    early = Counter(item.frame for item in sent if item.t_s < first_s[item.icao])
    assert not missed - early  # only replies before the first squitter: their address was nobody's yet
    assert off_s(frames, sent, 60.0) < 0.5e-6


@pytest.mark.parametrize("samples", [301, 9_001, 131_072])
def test_block_borders_lose_and_double_no_squitter(two_seconds, samples):
    iq = two_seconds[: 2 * (100_000 if samples < 1000 else 1_000_000)]
    whole, parts = (
        [(frame.data, frame.sample) for frame in demodulate(iq, block=block)[0] if frame.data[0] >> 3 in SQUITTERS]
        for block in (len(iq), 2 * samples)
    )
    assert sorted(parts) == sorted(whole)


def test_two_megasamples_are_understood_by_resampling():
    signal = SkySignal(NIGHT, rate_hz=2_000_000)
    frames, _ = demodulate(signal.block(60 * 2_000_000, 4_000_000), rate_hz=2_000_000)
    sent = signal.transmissions(60.0, 62.0)
    squitters = {item.frame for item in sent if item.frame[0] >> 3 in SQUITTERS}
    heard = {frame.data for frame in frames}
    assert heard <= {item.frame for item in sent}
    assert len(heard & squitters) > 0.85 * len(squitters)  # 2.4 MS/s hears more: never choose 2.0
    assert off_s(frames, sent, 60.0) < 1e-6


def test_ten_seconds_of_noise_are_no_aircraft():
    rng = np.random.default_rng(20)
    gaussian = np.clip(np.rint(rng.standard_normal(1 << 16) * 6 + 127.5), 0, 255).astype(np.uint8)
    demodulator = Demodulator()
    for _ in range(10):
        block = gaussian[rng.integers(0, 1 << 16, RATE, dtype=np.uint16)]
        assert demodulator.feed(block) + demodulator.feed(block[::-1].copy()) == []
    assert demodulator.counters.samples == 10 * RATE
    assert demodulator.noise_dbfs == pytest.approx(10 * np.log10(2 * 36 / 127.5**2), abs=0.2)


def test_an_address_heard_once_is_not_believed(signal):
    item = next(s for s in signal.transmissions(60.0, 61.0) if s.kind == "position")
    first = int(item.t_s * RATE) - 2000
    frames, demodulator = demodulate(signal.block(first, 3000))
    assert frames == []
    assert demodulator.addresses.first_sightings == 1


def test_lost_samples_move_no_time_stamp(signal):
    demodulator = Demodulator()
    first = 60 * RATE
    demodulator.feed(signal.block(first, RATE))
    demodulator.skip(RATE)
    late = demodulator.feed(signal.block(first + 2 * RATE, RATE))
    assert len(late) > 30
    assert off_s(late, signal.transmissions(60.0, 63.0), 60.0) < 0.5e-6


def test_a_second_sighting_counts_only_from_another_transmission():
    strong = SkySignal(replace(NIGHT, aircraft=NIGHT.aircraft[:1]), clutter_hz=0.0, noise_counts=0.5)
    _, demodulator = demodulate(strong.block(60 * RATE, 2 * RATE))
    assert demodulator.addresses.first_sightings == 1


@pytest.mark.realdata
def test_the_real_recording_gives_its_one_aircraft_and_more_messages_than_readsb(real_data):
    # facts of other decoders on the same file: readsb 128 unique DF17 of 344 messages, dump1090-fa 127 of 325
    iq = np.fromfile(real_data / "iq" / "modes1.bin", dtype=np.uint8)
    frames, demodulator = demodulate(iq, rate_hz=2_000_000)
    squitters = {frame.data for frame in frames if frame.data[0] >> 3 in SQUITTERS}
    assert set(demodulator.addresses.known) == {0x4D2023}
    assert len(squitters) >= 138
    assert len(frames) >= 360
