"""From the thread that must never wait to the one that demodulates: samples counted, stamped, watched.

What finds no room pushes out the oldest and is counted; the sample count goes on, so no time stamp slips. A stream that
stops, trickles, floods or repeats itself is lost.
"""

from __future__ import annotations

import queue
import zlib
from collections import Counter, deque

import numpy as np
from numpy.typing import NDArray

from edge.adsb.sources.gaps import GapFinder
from edge.adsb.sources.iq import BLOCK_SAMPLES, IqBlock, SampleClock, SourceLost, SourceTimeout
from edge.runtime.clock import Clock

STALL_S = 2.0  # without one byte
WAITING_BLOCKS = 32  # 1.7 s
_REMEMBERED_BLOCKS = 64  # librtlsdr works with 15 buffers; noise never comes twice
_FINGERPRINT_BYTES = 32_768  # of a block: as good as all of it, at an eighth of the price
_FLOW_S = 4.0
_TRICKLE = 0.5  # of the samples that are due
_OFF_RATE, _OFF_WINDOWS = 0.02, 3  # so far off and in a row: a busy computer catches up, a wrong rate never does
_FLOOD, _FLOOD_S = 1.1, 2.0  # more than that share, and so many seconds ahead


class Arrivals:
    """One opening of a source. `counters` outlive it: overload_blocks, gaps, gap_samples."""

    def __init__(
        self, name: str, rate_hz: int, clock: Clock, counters: Counter[str], *, sky_rate: float, least_gap_s: float
    ) -> None:
        self._name, self._rate_hz, self._clock, self._counters = name, rate_hz, clock, counters
        self._times = SampleClock(rate_hz, sky_rate=sky_rate)
        self._gaps = GapFinder(rate_hz, least_gap_s=least_gap_s)
        self._blocks: queue.Queue[tuple[int, float, int, NDArray[np.uint8]]] = queue.Queue(WAITING_BLOCKS)
        self._fingerprints: deque[int] = deque(maxlen=_REMEMBERED_BLOCKS)
        self._sample = 0
        self._failure = ""
        self._last_mono_s = clock.mono_s()
        self._first: tuple[int, float] | None = None  # end sample and arrival of the first block
        self._window: tuple[int, float, int] = (0, 0.0, 0)  # own end sample, arrival, samples missing till then
        self._off_rate: list[float] = []  # shares of the last windows, as long as they were off to one side

    @property
    def backlog(self) -> int:
        """Blocks that wait to be read."""
        return self._blocks.qsize()

    def put(self, data: NDArray[np.uint8]) -> None:
        """The reader's side: one block, which is ours from now on."""
        first = self._sample
        self._sample += len(data) // 2
        self._last_mono_s = self._clock.mono_s()
        block = (first, self._last_mono_s, self._clock.utc_ns(), data)
        while True:
            try:
                self._blocks.put_nowait(block)
            except queue.Full:
                try:
                    self._blocks.get_nowait()
                except queue.Empty:  # read in this very moment
                    continue
                self._counters["overload_blocks"] += 1
            else:
                return

    def end(self, why: str) -> None:
        """The reader's side: nothing more will come. The first reason counts."""
        self._failure = self._failure or why

    def get(self, timeout_s: float) -> IqBlock:
        """Raises SourceTimeout or SourceLost."""
        try:
            own_first, mono_s, utc_ns, data = self._blocks.get(timeout=timeout_s)
        except queue.Empty:
            if self._failure:
                raise SourceLost(f"{self._name} is gone: {self._failure}") from None
            silent_s = self._clock.mono_s() - self._last_mono_s
            if silent_s > STALL_S:
                raise SourceLost(f"{self._name} is stalled: no byte for {silent_s:.1f} s") from None
            raise SourceTimeout(f"no block in {timeout_s:.1f} s") from None
        self._check_fresh(data[:_FINGERPRINT_BYTES])
        own_end = own_first + len(data) // 2
        if lost := self._gaps.lost(own_end, mono_s):
            self._counters["gaps"] += 1
            self._counters["gap_samples"] += lost
        self._check_flow(own_end, mono_s)
        first, end = own_first + self._gaps.missing, own_end + self._gaps.missing
        self._times.arrived(end, mono_s, utc_ns)
        return IqBlock(first, *self._times.at(first), data)

    def _check_fresh(self, data: NDArray[np.uint8]) -> None:
        if data.min() == data.max():
            return  # silence may come twice: that it is deaf is for the judgement of the noise floor
        fingerprint = zlib.crc32(data.data)
        if fingerprint in self._fingerprints:
            raise SourceLost(f"{self._name} hangs: it gives the same samples again and again")
        self._fingerprints.append(fingerprint)

    def _check_flow(self, end_sample: int, mono_s: float) -> None:
        if self._first is None:
            self._first, self._window = (end_sample, mono_s), (end_sample, mono_s, 0)
            return
        ahead_s = (end_sample - self._first[0]) / self._rate_hz - _FLOOD * (mono_s - self._first[1])
        if ahead_s > _FLOOD_S:
            raise SourceLost(f"{self._name} gives more than {self._rate_hz} samples a second: is that its rate?")
        since_sample, since_mono_s, since_missing = self._window
        due = (mono_s - since_mono_s) * self._rate_hz
        if due < _FLOW_S * self._rate_hz:
            return
        share = (end_sample - since_sample) / due
        if share < _TRICKLE:
            raise SourceLost(f"{self._name} gives only {share:.0%} of its samples")
        self._check_rate(share + (self._gaps.missing - since_missing) / due)
        self._window = (end_sample, mono_s, self._gaps.missing)

    def _check_rate(self, share: float) -> None:
        """At another rate than ours every sample may arrive and nothing would be heard."""
        if abs(share - 1) < _OFF_RATE:
            self._off_rate = []
            return
        same_side = [other for other in self._off_rate if (other > 1) == (share > 1)]
        self._off_rate = [*same_side, share]
        if len(self._off_rate) >= _OFF_WINDOWS:
            raise SourceLost(
                f"{self._name} gives {share * self._rate_hz / 1e6:.2f} million samples a second instead of "
                f"{self._rate_hz / 1e6:.1f}: does it obey radio.sample_rate_hz?"
            )


def lost_blocks(counters: Counter[str]) -> int:
    """All blocks lost, wherever: without room, or missing in the stream (rounded up)."""
    return counters["overload_blocks"] + -(-counters["gap_samples"] // BLOCK_SAMPLES)
