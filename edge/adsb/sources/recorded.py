"""Recorded samples as a source, at the pace they were made with."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.adsb.sources.cu8 import read_cu8, recording_kind
from edge.adsb.sources.iq import IqBlock, RecordingRefused, SampleClock, SourceLost, SourceRefused, SourceTimeout
from edge.adsb.sources.rate import recorded_rate_hz
from edge.runtime.clock import Clock

RECORDING_ENDED = "the recording has ended"


class RecordedIq:
    """cu8 recordings, one after the other, at the pace they were made with."""

    lost_blocks = 0
    gain_db: float | None = None
    gains_db: tuple[float, ...] = ()

    def __init__(self, paths: tuple[Path, ...], rate_hz: int, clock: Clock, *, sky_rate: float = 1.0) -> None:
        self.rate_hz = rate_hz
        self.counters: Counter[str] = Counter()
        self._paths, self._clock = paths, clock
        self._times = SampleClock(rate_hz, sky_rate=sky_rate)
        self._blocks: Iterator[NDArray[np.uint8]] = iter(())
        self._next: NDArray[np.uint8] | None = None
        self._sample, self._start_mono_s = 0, 0.0
        self._ended = False

    def open(self) -> None:
        """Raises RecordingRefused; SourceRefused once it has been played."""
        if self._ended:
            raise SourceRefused(RECORDING_ENDED)
        for path in self._paths:
            if recording_kind(path) != "iq":
                raise RecordingRefused(f'{path}: this is a Beast recording; set radio.source = "beast"')
            recorded_rate_hz(path, self.rate_hz)
        self._blocks = (block for path in self._paths for block in read_cu8(path))
        self._sample, self._start_mono_s = 0, self._clock.mono_s()
        self._next = next(self._blocks, None)

    def read(self, timeout_s: float) -> IqBlock:
        if self._next is None:
            self._ended = True
            raise SourceLost(RECORDING_ENDED)
        data, count = self._next, len(self._next) // 2
        wait_s = self._start_mono_s + (self._sample + count) / self.rate_hz - self._clock.mono_s()
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            raise SourceTimeout("the recording's next block is not due yet")
        time.sleep(max(0.0, wait_s))
        first, self._sample = self._sample, self._sample + count
        self._times.arrived(self._sample, self._clock.mono_s(), self._clock.utc_ns())
        self._next = next(self._blocks, None)
        return IqBlock(first, *self._times.at(first), data)

    def set_gain(self, gain_db: float) -> None:
        """It was recorded with the gain it has."""

    def close(self) -> None:
        self._blocks, self._next = iter(()), None
