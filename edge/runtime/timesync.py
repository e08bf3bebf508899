"""How good the clock is: what the kernel believes of its synchronisation, and whether UTC jumped.

An aircraft moves 250 m in a second: a station whose clock is wrong does not know where anybody is.
Source: adjtimex(2) and <linux/timex.h> (struct timex of 64-bit Linux, 208 bytes).
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass

_TIMEX_BYTES = 208
_MODES_TO_STATUS = struct.Struct("@I4xqqqqi4x")  # modes, offset, freq, maxerror_us, esterror_us, status
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5  # clock not synchronised
GOOD_ENOUGH_S = 0.1


@dataclass(frozen=True, slots=True)
class ClockQuality:
    """`error_s`: the kernel's bound on the error of UTC (maxerror), infinite when nobody disciplines the clock."""

    synchronised: bool
    error_s: float

    @property
    def good(self) -> bool:
        return self.synchronised and self.error_s <= GOOD_ENOUGH_S


def parse_timex(returned: int, timex: bytes) -> ClockQuality:
    """The answer of adjtimex(2), read-only call: its return value and the structure it filled."""
    _modes, _offset, _freq, maxerror_us, _esterror_us, status = _MODES_TO_STATUS.unpack_from(timex)
    synchronised = returned != _TIME_ERROR and not status & _STA_UNSYNC
    return ClockQuality(synchronised, maxerror_us / 1e6 if synchronised else float("inf"))


def clock_quality() -> ClockQuality:
    """Asks the kernel. An error of the call counts as not synchronised."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: read only, no privilege needed
    libc = ctypes.CDLL(None, use_errno=True)
    returned = libc.adjtimex(timex)
    if returned < 0:
        return ClockQuality(False, float("inf"))
    return parse_timex(returned, timex.raw)


def kernel_time_words() -> str:
    """For people, with what to do."""
    quality = clock_quality()
    if quality.good:
        return f"synchronised, within {quality.error_s * 1e3:.1f} ms"
    if quality.synchronised:
        return (
            f"synchronised, but only within {quality.error_s * 1e3:.0f} ms; use a nearer time server or a GNSS receiver"
        )
    return "not synchronised; install chrony and give it a time server or a GNSS receiver"


class StepDetector:
    """UTC against the monotonic clock: between two looks both advance alike, unless somebody set the clock.

    A disciplined clock slews at most 500 ppm (adjtimex(2)), 83000 ppm while chrony makes up for a large error.
    """

    def __init__(self, *, tolerance_s: float = 0.1) -> None:
        self._tolerance_s = tolerance_s
        self._last: tuple[int, float] | None = None
        self.steps = 0

    def look(self, utc_ns: int, mono_s: float) -> float | None:
        """The step in seconds (positive: forward) when there was one since the last look, else None."""
        last, self._last = self._last, (utc_ns, mono_s)
        if last is None:
            return None
        step_s = (utc_ns - last[0]) / 1e9 - (mono_s - last[1])
        if abs(step_s) <= self._tolerance_s:
            return None
        self.steps += 1
        return step_s
