"""Where 8-bit IQ comes from: the protocol of a source, its errors, time stamps by counting samples.

SourceError
+- SourceTimeout       nothing in time: go on
+- SourceLost          the device is gone, stalled or silent: close, back off, reopen
+- SourceRefused       library, device or setting cannot be used as configured: say why, try again later
|  +- SourceBusy       somebody else has the device: leave it alone
+- SourceStuck         the driver hangs and holds the device: a USB reset, else the end of the process frees it
+- RecordingRefused    a file that is no recording: one sentence, exit code 2
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

CENTRE_HZ = 1_090_000_000
BLOCK_SAMPLES = 131_072  # 55 ms at 2.4 MS/s; USB transfers are multiples of 512 bytes
_ANCHOR_S = 2.0
_ANCHORS = 32  # kept of that time: thousands of messages a second must not all be looked through for each


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
    """Sample counts to time. They arrive late, never early: of the last seconds the least late one is right."""

    def __init__(self, rate_hz: float, *, sky_rate: float = 1.0, anchor_s: float = _ANCHOR_S) -> None:
        self._rate_hz, self._sky_rate, self._anchor_s = rate_hz, sky_rate, anchor_s
        self._offsets_s: deque[tuple[float, float]] = deque()  # since when, and the least lateness of a 32nd of them
        self._now = (0.0, 0)

    def arrived(self, end_sample: float, mono_s: float, utc_ns: int) -> None:
        """The sample before `end_sample` was in our hands at this time of both clocks."""
        offset_s = mono_s - end_sample / self._rate_hz
        while self._offsets_s and mono_s - self._offsets_s[0][0] > self._anchor_s:
            self._offsets_s.popleft()
        if self._offsets_s and mono_s - self._offsets_s[-1][0] < self._anchor_s / _ANCHORS:
            since_s, least_s = self._offsets_s[-1]
            self._offsets_s[-1] = since_s, min(least_s, offset_s)
        else:
            self._offsets_s.append((mono_s, offset_s))
        self._now = (mono_s, utc_ns)

    def at(self, sample: float) -> tuple[float, int]:
        """CLOCK_MONOTONIC and sky time of a sample."""
        mono_s = min(offset_s for _, offset_s in self._offsets_s) + sample / self._rate_hz
        return mono_s, self._now[1] + round((mono_s - self._now[0]) * self._sky_rate * 1e9)
