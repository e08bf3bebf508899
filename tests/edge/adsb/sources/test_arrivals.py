from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.adsb.sources.arrivals import WAITING_BLOCKS, Arrivals, lost_blocks
from edge.adsb.sources.iq import BLOCK_SAMPLES, SourceLost, SourceTimeout

RATE = 2_400_000
BLOCK_S = BLOCK_SAMPLES / RATE


class Clock:
    now_s = 100.0

    def mono_s(self) -> float:
        return self.now_s

    def utc_ns(self) -> int:
        return round(self.now_s * 1e9)


class Stream:
    """A reader that puts ever new blocks, `pace` times as fast as it should."""

    def __init__(self) -> None:
        self.clock, self.counters, self.put = Clock(), Counter(), 0
        self.arrivals = Arrivals("it", RATE, self.clock, self.counters, sky_rate=1.0, least_gap_s=0.01)

    def block(self, pace: float = 1.0) -> None:
        self.clock.now_s += BLOCK_S / pace
        data = np.zeros(2 * BLOCK_SAMPLES, dtype=np.uint8)
        data[:8] = np.frombuffer(self.put.to_bytes(8, "big"), dtype=np.uint8)
        data[8] = 1
        self.arrivals.put(data)
        self.put += 1


@given(st.lists(st.integers(0, 50), max_size=6))
def test_every_block_is_either_read_in_order_or_counted(bursts):
    stream, read = Stream(), []
    for burst in bursts:
        for _ in range(burst):
            stream.block()
        for _ in range(min(burst, 20)):
            block = stream.arrivals.get(0.0) if stream.arrivals.backlog else None
            if block is not None:
                read.append(block)
    assert len(read) + stream.arrivals.backlog + lost_blocks(stream.counters) == stream.put
    assert stream.arrivals.backlog <= WAITING_BLOCKS
    numbers = [int.from_bytes(block.data[:8].tobytes(), "big") for block in read]
    assert numbers == sorted(numbers)
    for number, block in zip(numbers, read, strict=True):
        assert block.first_sample == number * BLOCK_SAMPLES
        assert block.mono_s == pytest.approx(100.0 + number * BLOCK_S, abs=1e-6)


@pytest.mark.parametrize(
    ("pace", "words"),
    [
        (0.3, "only 30%"),
        (1.5, "more than 2400000"),
        (20.0, "more than"),
        (2.048 / 2.4, r"2\.05 million samples a second instead of 2\.4"),
        (2.56 / 2.4, r"2\.56 million"),
    ],
)
def test_a_trickle_a_flood_and_another_rate_are_lost(pace, words):
    stream = Stream()

    def flow() -> None:
        for _ in range(400):
            stream.block(pace)
            stream.arrivals.get(0.0)

    with pytest.raises(SourceLost, match=words):
        flow()


def test_half_a_second_without_blocks_that_come_later_is_no_loss():
    stream = Stream()
    for k in range(300):
        stream.block(1e6 if k % 50 < 9 else 1.0)  # nine at once ...
        stream.arrivals.get(0.0)
        if k % 50 == 49:
            stream.clock.now_s += 9 * BLOCK_S  # ... after a pause
    assert lost_blocks(stream.counters) == 0


def test_the_first_reason_of_an_end_is_told_once_everything_was_read():
    stream = Stream()
    stream.block()
    stream.arrivals.end("pulled out")
    stream.arrivals.end("and closed")
    assert stream.arrivals.get(0.0).first_sample == 0
    with pytest.raises(SourceLost, match="it is gone: pulled out"):
        stream.arrivals.get(0.0)


def test_two_seconds_of_silence_are_a_stall_and_less_is_patience():
    stream = Stream()
    stream.clock.now_s += 1.9
    with pytest.raises(SourceTimeout):
        stream.arrivals.get(0.0)
    stream.clock.now_s += 0.2
    with pytest.raises(SourceLost, match=r"stalled: no byte for 2\.1 s"):
        stream.arrivals.get(0.0)
