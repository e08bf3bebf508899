"""Feeds of believed, timed frames: IQ through the demodulator, or another receiver's Beast stream."""

from __future__ import annotations

import logging
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from edge.adsb.ear import Heard, TimedFrame
from edge.adsb.frames import TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.signal.demod import Demodulator
from edge.adsb.sources.beast import BeastParser
from edge.adsb.sources.gain import GainControl, Loudness
from edge.adsb.sources.iq import (
    IqBlock,
    IqSource,
    RecordingRefused,
    SampleClock,
    SourceLost,
    SourceRefused,
    SourceTimeout,
)
from edge.adsb.sources.ladder import Plugged
from edge.adsb.sources.recorded import RECORDING_ENDED
from edge.adsb.sources.tcp import connected
from edge.runtime.clock import Clock

log = logging.getLogger(__name__)

_TICKS_WRONG_S = 1.0
SILENT_S = 90.0  # without a byte; readsb and dump1090 send a heartbeat every minute at the latest


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
        for frame in self._demodulator.feed(block.data):
            after_s = (frame.sample - first_tick) / TICK_HZ
            utc_ns = block.utc_ns + round(after_s * self._sky_rate * 1e9)
            frames.append(TimedFrame(frame, block.mono_s + after_s, utc_ns))
        demodulator = self._demodulator
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


class BeastFeed:
    """A TCP stream of readsb or dump1090, or recordings played at their own pace."""

    lost_blocks = 0
    gain_db: float | None = None
    plugged: Plugged | None = None

    def __init__(
        self, clock: Clock, *, host: str = "", port: int = 0, files: tuple[Path, ...] = (), sky_rate: float = 1.0
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._clock, self._host, self._port, self._files, self._sky_rate = clock, host, port, files, sky_rate
        self._socket: socket.socket | None = None
        self._recorded: Iterator[ModeSFrame] = iter(())
        self._pending: ModeSFrame | None = None
        self._zero_mono_s = 0.0
        self._ended = False

    def open(self) -> None:
        self._parser, self._addresses = BeastParser(), AddressBook()
        self._times = SampleClock(TICK_HZ, sky_rate=self._sky_rate)
        if self._ended:
            raise SourceRefused(RECORDING_ENDED)
        if self._files:
            self._recorded = (frame for path in self._files for frame in read_beast(path))
            self._pending = next(self._recorded, None)
            if self._pending is not None:
                self._zero_mono_s = self._clock.mono_s() - self._pending.sample / TICK_HZ
            return
        self._socket = connected("Beast stream", self._host, self._port)
        self._last_mono_s = self._clock.mono_s()

    def read(self, timeout_s: float) -> Heard:
        frames, count = self._from_socket(timeout_s) if self._socket else self._from_files(timeout_s)
        mono_s, utc_ns = self._clock.mono_s(), self._clock.utc_ns()
        timed = []
        for frame in frames:
            self._addresses.forget(frame.sample)
            timed += [self._timed(believed, mono_s, utc_ns) for believed in self._addresses.judge(frame)]
        return Heard(tuple(timed), count)

    def _timed(self, frame: ModeSFrame, mono_s: float, utc_ns: int) -> TimedFrame:
        """By the receiver's ticks where they run as ours do; synthetic or restarted ones fall back to the arrival."""
        self._times.arrived(frame.sample, mono_s, utc_ns)
        at_mono_s, at_utc_ns = self._times.at(frame.sample)
        if not 0 <= mono_s - at_mono_s <= _TICKS_WRONG_S:
            self._times = SampleClock(TICK_HZ, sky_rate=self._sky_rate)
            return TimedFrame(frame, mono_s, utc_ns)
        return TimedFrame(frame, at_mono_s, at_utc_ns)

    def _from_socket(self, timeout_s: float) -> tuple[list[ModeSFrame], int]:
        assert self._socket is not None
        self._socket.settimeout(timeout_s)
        try:
            data = self._socket.recv(65536)
        except TimeoutError as err:
            silent_s = self._clock.mono_s() - self._last_mono_s
            if silent_s > SILENT_S:
                raise SourceLost(f"{self._host}:{self._port} has said nothing for {silent_s:.0f} s") from err
            raise SourceTimeout(f"no message in {timeout_s:.1f} s") from err
        except OSError as err:
            raise SourceLost(f"Beast stream of {self._host}:{self._port} broke: {err}") from err
        if not data:
            raise SourceLost(f"{self._host}:{self._port} closed its Beast stream")
        self._last_mono_s = self._clock.mono_s()
        frames = self._parser.feed(data)
        return frames, len(data) if frames else 0  # a receiver's heartbeat, or rubbish, is no proof that it hears

    def _from_files(self, timeout_s: float) -> tuple[list[ModeSFrame], int]:
        if self._pending is None:
            self._ended = True
            raise SourceLost(RECORDING_ENDED)
        due_s = self._zero_mono_s + self._pending.sample / TICK_HZ - self._clock.mono_s()
        if due_s > timeout_s:
            time.sleep(timeout_s)
            raise SourceTimeout("the recording's next message is not due yet")
        time.sleep(max(0.0, due_s))
        now_sample = (self._clock.mono_s() - self._zero_mono_s) * TICK_HZ
        frames = []
        while self._pending is not None and self._pending.sample <= now_sample:
            frames.append(self._pending)
            self._pending = next(self._recorded, None)
        return frames, 23 * len(frames)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def read_beast(path: Path) -> Iterator[ModeSFrame]:
    """All Mode S frames of a Beast recording, unjudged. Raises RecordingRefused."""
    parser = BeastParser()
    try:
        with path.open("rb") as file:
            while data := file.read(65536):
                yield from parser.feed(data)
    except OSError as err:
        raise RecordingRefused(f"{path}: cannot be read: {err.strerror}") from err


def believed(frames: Iterable[ModeSFrame]) -> Iterator[ModeSFrame]:
    """Those of another receiver's frames that may be believed."""
    addresses = AddressBook()
    for frame in frames:
        addresses.forget(frame.sample)
        yield from addresses.judge(frame)
