"""Where 8-bit IQ comes from: the protocol of a source, its errors, time stamps by counting samples, and recordings.

SourceError
+- SourceTimeout       nothing in time: go on
+- SourceLost          the device is gone, stalled or silent: close, back off, reopen
+- SourceRefused       library, device or setting cannot be used as configured: say why, try again later
|  +- SourceBusy       somebody else has the device: leave it alone
+- SourceStuck         the driver hangs and holds the device: a USB reset, else the end of the process frees it
+- RecordingRefused    a file that is no recording: one sentence, exit code 2
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.adsb.sources.beast import BeastParser
from edge.runtime.clock import Clock

CENTRE_HZ = 1_090_000_000
BLOCK_SAMPLES = 131_072  # 55 ms at 2.4 MS/s; USB transfers are multiples of 512 bytes
RECORDING_ENDED = "the recording has ended"
_PROBE_BYTES = 1 << 20
_ANCHOR_S = 2.0


class SourceError(Exception):
    """Root of everything a source raises on purpose."""


class SourceTimeout(SourceError):
    """Nothing in time: go on."""


class SourceLost(SourceError):
    """The device is gone, stalled or silent: close, back off, reopen."""


class SourceRefused(SourceError):
    """Library, device or setting cannot be used as configured: say why, try again later."""


class SourceBusy(SourceRefused):
    """Somebody else has the device: leave it alone."""


class SourceStuck(SourceError):
    """The driver hangs and holds the device: a USB reset, else the end of the process frees it."""


class RecordingRefused(SourceError):
    """A file that is no recording of the radio."""


@dataclass(frozen=True, slots=True, eq=False)
class IqBlock:
    """Consecutive samples; a `first_sample` beyond the last block's end means that samples were lost."""

    first_sample: int  # since the source was opened
    mono_s: float  # CLOCK_MONOTONIC of the first sample
    utc_ns: int  # sky time of the first sample
    data: NDArray[np.uint8]  # interleaved I and Q


class IqSource(Protocol):
    """All the radio process may ask: dongle, simulated dongle, rtl_tcp, recording."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def lost_blocks(self) -> int: ...

    @property
    def counters(self) -> Counter[str]: ...

    @property
    def gain_db(self) -> float | None: ...

    @property
    def gains_db(self) -> tuple[float, ...]:
        """The tuner's, where the gain is ours to lead; else empty."""

    def set_gain(self, gain_db: float) -> None:
        """While it runs. Raises SourceLost."""

    def open(self) -> None:
        """Raises SourceRefused, SourceLost or SourceStuck."""

    def read(self, timeout_s: float) -> IqBlock:
        """Raises SourceTimeout or SourceLost."""

    def close(self) -> None:
        """Safe to call twice, and after any error."""


class SampleClock:
    """Sample counts to time. Blocks arrive late, never early: of the last two seconds the least late one is right."""

    def __init__(self, rate_hz: float, *, sky_rate: float = 1.0) -> None:
        self._rate_hz, self._sky_rate = rate_hz, sky_rate
        self._offsets_s: deque[tuple[float, float]] = deque()
        self._now = (0.0, 0)

    def arrived(self, end_sample: float, mono_s: float, utc_ns: int) -> None:
        """The sample before `end_sample` was in our hands at this time of both clocks."""
        offset_s = mono_s - end_sample / self._rate_hz
        while self._offsets_s and mono_s - self._offsets_s[0][0] > _ANCHOR_S:
            self._offsets_s.popleft()
        self._offsets_s.append((mono_s, offset_s))
        self._now = (mono_s, utc_ns)

    def at(self, sample: float) -> tuple[float, int]:
        """CLOCK_MONOTONIC and sky time of a sample."""
        mono_s = min(offset_s for _, offset_s in self._offsets_s) + sample / self._rate_hz
        return mono_s, self._now[1] + round((mono_s - self._now[0]) * self._sky_rate * 1e9)


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


def read_cu8(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Blocks of interleaved I and Q. Raises RecordingRefused for a file that is empty, odd or no IQ at all."""
    _check_cu8(path)
    with path.open("rb") as file:
        while data := file.read(2 * BLOCK_SAMPLES):
            yield np.frombuffer(data, dtype=np.uint8)


def recording_kind(path: Path) -> Literal["beast", "iq"]:
    """What a file holds, by its content. Raises RecordingRefused where it is neither."""
    probe = _probe(path)
    if probe[:1] == b"\x1a" and probe[1:2] in b"1234" and len(probe) > 1:
        parser = BeastParser()
        parser.feed(probe[:65536])
        if parser.counters.skipped_bytes < 0.05 * min(len(probe), 65536):
            return "beast"
    _check_cu8(path)
    return "iq"


def _probe(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            probe = file.read(_PROBE_BYTES)
    except OSError as err:
        raise RecordingRefused(f"{path}: cannot be read: {err.strerror}") from err
    if not probe:
        raise RecordingRefused(f"{path}: the file is empty")
    return probe


def _check_cu8(path: Path) -> None:
    probe = _probe(path)
    data = np.frombuffer(probe[: len(probe) // 2 * 2], dtype=np.uint8).reshape(-1, 2)
    centre, spread = data.mean(axis=0), data.std(axis=0)
    if np.any(np.abs(centre - 127.5) > 12.0) or np.any(spread > 68.0) or np.any(spread == 0.0):
        raise RecordingRefused(
            f"{path}: neither Beast nor 8-bit IQ: mean {centre.mean():.0f} and spread {spread.mean():.0f}, "
            "where IQ has 127 and less than 68"
        )
    size = path.stat().st_size
    if size % 2:
        raise RecordingRefused(f"{path}: {size} bytes is an odd length, but cu8 is pairs of I and Q: the file is cut")
