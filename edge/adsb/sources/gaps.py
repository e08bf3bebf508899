"""Samples that vanish before they reach us - in the dongle, on the bus, in librtlsdr - leave no trace but time.

Fewer arrive than the clock says. A block is never early, so the lateness of the least late of a dozen is free of
jitter; where that rises for good, so much signal is missing. A busy computer shows otherwise: blocks come late and then
catch up, or later and later. The reference is only ten seconds old, so a crystal 200 ppm off moves it by 2 ms. It takes
0.7 s to be sure; until then stamps are early by the length of the gap.
"""

from __future__ import annotations

from collections import deque

REFERENCE_S = 10.0
RECENT_BLOCKS = 12
LEAST_GAP_S = 0.010
_STEADY_S = 0.004  # between the two halves of the recent blocks


class GapFinder:
    """Tell it every block. `missing` is the number of samples found lost so far: add it to your own count."""

    def __init__(self, rate_hz: float, *, least_gap_s: float = LEAST_GAP_S) -> None:
        self.missing = 0
        self._rate_hz, self._least_gap_s = rate_hz, least_gap_s
        self._earlier: deque[tuple[float, float]] = deque()  # arrival and lateness, both in seconds
        self._recent: deque[tuple[float, float]] = deque()

    def lost(self, end_sample: int, mono_s: float) -> int:
        """Samples that `missing` has grown by, now that the block before `end_sample` (own count) has come."""
        self._recent.append((mono_s, mono_s - (end_sample + self.missing) / self._rate_hz))
        if len(self._recent) > RECENT_BLOCKS:
            self._earlier.append(self._recent.popleft())
        while self._earlier and mono_s - self._earlier[0][0] > REFERENCE_S:
            self._earlier.popleft()
        if len(self._recent) < RECENT_BLOCKS or len(self._earlier) < RECENT_BLOCKS:
            return 0
        late_s = [late_s for _, late_s in self._recent]
        halves_s = min(late_s[: RECENT_BLOCKS // 2]), min(late_s[RECENT_BLOCKS // 2 :])
        if abs(halves_s[0] - halves_s[1]) > _STEADY_S:
            return 0
        before_s = sorted(late_s for _, late_s in self._earlier)
        usual_s = before_s[9 * len(before_s) // 10]  # nine in ten were less late than that
        gap_s = min(halves_s) - before_s[0]
        if gap_s < self._least_gap_s or min(halves_s) <= usual_s:
            return 0
        self._recent.clear()
        lost = round(gap_s * self._rate_hz)
        self.missing += lost
        return lost
