"""Another receiver's ticks as our time, as far as they can be believed.

What a slow network holds back arrives late and all at once: its ticks tell when it was heard, and a position ten
seconds old must not count as new. But ticks may also be zero, begin anew, come from several receivers in turn, or run
at a rate of their own. A message is late only as far as it can be: no later than the one before it, plus the silence
between the two, and a second. Whatever else they say, they say nothing, and the message is dated by its arrival.
"""

from __future__ import annotations

from edge.adsb.frames import TICK_HZ
from edge.adsb.sources.iq import SampleClock

APART_S = 1.0
DRIFT = 3e-4  # of a crystal, generously
_ANCHOR_S = 600.0  # a lag that grows is seen against the best of ten minutes


class ReceiverTicks:
    """One connection. Counts are those of `ModeSFrame.sample`."""

    def __init__(self, *, sky_rate: float = 1.0) -> None:
        self.distrusted = 0  # messages dated by their arrival
        self._sky_rate = sky_rate
        self._times = SampleClock(TICK_HZ, sky_rate=sky_rate, anchor_s=_ANCHOR_S)
        self._shift: float | None = None  # from their count to ours
        self._zero_mono_s = 0.0  # of our count
        self._trusted_mono_s = 0.0  # since when they run like our clock
        self._last_count, self._last_mono_s, self._late_s = -1.0, 0.0, 0.0

    def arrived(self, count: float, mono_s: float, utc_ns: int) -> float:
        """The count of a message that came now, as ours: it runs on with our clock whatever theirs does."""
        if self._shift is None:
            self._shift, self._zero_mono_s, self._trusted_mono_s = 0.0, mono_s - count / TICK_HZ, mono_s
            self._last_mono_s = mono_s
            self._times.arrived(count, mono_s, utc_ns)
        ours = count + self._shift
        late_s = mono_s - self._times.at(ours)[0]
        early_s = ours / TICK_HZ - (mono_s - self._zero_mono_s)
        earliest_s = APART_S + DRIFT * (mono_s - self._trusted_mono_s)
        latest_s = self._late_s + (mono_s - self._last_mono_s) + APART_S
        if count == self._last_count or early_s > earliest_s or late_s > latest_s:
            ours = (mono_s - self._zero_mono_s) * TICK_HZ
            self._shift, self._trusted_mono_s = ours - count, mono_s
            self._times = SampleClock(TICK_HZ, sky_rate=self._sky_rate, anchor_s=_ANCHOR_S)
            self.distrusted += 1
        self._times.arrived(ours, mono_s, utc_ns)
        self._late_s = mono_s - self._times.at(ours)[0]
        self._last_count, self._last_mono_s = count, mono_s
        return ours

    @property
    def late_s(self) -> float:
        """How late the newest message came."""
        return self._late_s

    def at(self, ours: float) -> tuple[float, int]:
        """CLOCK_MONOTONIC and sky time of a count of ours."""
        return self._times.at(ours)
