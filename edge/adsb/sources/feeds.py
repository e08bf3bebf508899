"""A feed of believed, timed frames, whatever it comes from; here from samples, through the demodulator."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Protocol

import numpy as np

from edge.adsb.ear import Heard, TimedFrame
from edge.adsb.frames import TICK_HZ
from edge.adsb.signal.demod import Demodulator
from edge.adsb.sources.gain import GainControl, Loudness
from edge.adsb.sources.iq import IqBlock, IqSource
from edge.adsb.sources.ladder import Plugged

log = logging.getLogger(__name__)


class Feed(Protocol):
    plugged: Plugged | None  # the device of this computer behind it, where there is one

    @property
    def lost_blocks(self) -> int: ...

    @property
    def gain_db(self) -> float | None: ...

    @property
    def counters(self) -> Counter[str]: ...

    def open(self) -> None:
        """Raises SourceRefused, SourceLost, SourceStuck or RecordingRefused."""

    def read(self, timeout_s: float) -> Heard:
        """Raises SourceTimeout or SourceLost."""

    def close(self) -> None: ...


class IqFeed:
    """A source of samples, a demodulator of its own for each opening, and the gain where it is ours to lead."""

    def __init__(self, source: IqSource, *, sky_rate: float, plugged: Plugged | None = None) -> None:
        self.plugged = plugged
        self._source, self._sky_rate = source, sky_rate
        self._demodulator = Demodulator(source.rate_hz)
        self._next_sample = 0
        self._gain: GainControl | None = None

    @property
    def lost_blocks(self) -> int:
        return self._source.lost_blocks

    @property
    def gain_db(self) -> float | None:
        return self._source.gain_db

    @property
    def counters(self) -> Counter[str]:
        return self._source.counters

    def open(self) -> None:
        self._source.open()
        if self._source.gains_db and self._gain is None:  # what it has learnt outlives an opening
            self._gain = GainControl(self._source.gains_db, self._source.gain_db)
        self._demodulator, self._next_sample = Demodulator(self._source.rate_hz), 0

    def read(self, timeout_s: float) -> Heard:
        block = self._source.read(timeout_s)
        ticks_per_sample = TICK_HZ / self._source.rate_hz
        if block.first_sample > self._next_sample:
            self._demodulator.skip(round((block.first_sample - self._next_sample) * ticks_per_sample))
        self._next_sample = block.first_sample + len(block.data) // 2
        first_tick = block.first_sample * ticks_per_sample
        frames = []
        pushed_out = self._demodulator.addresses.pushed_out
        for frame in self._demodulator.feed(block.data):
            after_s = (frame.sample - first_tick) / TICK_HZ
            utc_ns = block.utc_ns + round(after_s * self._sky_rate * 1e9)
            frames.append(TimedFrame(frame, block.mono_s + after_s, utc_ns))
        demodulator = self._demodulator
        self.counters["addresses_pushed_out"] += demodulator.addresses.pushed_out - pushed_out
        if self._gain is not None and demodulator.noise_dbfs is not None:
            levels_dbfs = [timed.frame.rssi_dbfs for timed in frames]
            self._lead_gain(self._gain, block, Loudness(demodulator.noise_dbfs, levels_dbfs, *_clipped(block)))
        return Heard(tuple(frames), len(block.data), demodulator.noise_dbfs, demodulator.strong_share)

    def _lead_gain(self, control: GainControl, block: IqBlock, heard: Loudness) -> None:
        gain_db = control.take(block.mono_s, heard)
        if gain_db is not None:
            log.info("event=gain gain_db=%.1f before=%s", gain_db, self._source.gain_db)
            self._source.set_gain(gain_db)
            self._source.counters["gain_steps"] += 1

    def close(self) -> None:
        self._source.close()


def _clipped(block: IqBlock) -> tuple[int, int]:
    """All bytes of a block, and those at either end of the converter's scale."""
    return len(block.data), int(np.count_nonzero(block.data + np.uint8(1) < 2))  # 255 + 1 is 0
