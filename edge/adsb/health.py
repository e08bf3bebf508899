"""Does the ear hear? An empty sky is only believed of a receiver that proves it: bytes flow, noise is plausible."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.records import SensorState

WINDOW_S = 5.0
SILENT_S = 2.0
LEAST_SHARE = 0.9  # of the bytes that are due; 2.048 of 2.4 MS/s, at which nothing is heard, are 0.85
QUIETEST_DBFS, LOUDEST_DBFS = -42.0, -12.0  # 8-bit rounding alone is about -47 dBFS; above, few aircraft stand out
BEAST_SILENT_S = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    state: SensorState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the source at one moment; None where this kind of source cannot say."""

    failure: str  # why there is no open source, "" when there is one
    age_s: float  # of the newest bytes; inf: none since the source was opened
    bytes_per_s: float
    expected_bytes_per_s: float | None
    noise_dbfs: float | None
    lost_blocks: int  # within the window
    turned_away: int = 0  # messages of aircraft for which there was no room, within the window


class RateMeter:
    """Sums per second over the last WINDOW_S."""

    def __init__(self, mono_s: float) -> None:
        self._start_s = mono_s
        self._items: deque[tuple[float, float]] = deque()

    def add(self, mono_s: float, amount: float) -> None:
        self._items.append((mono_s, amount))

    def total(self, mono_s: float) -> float:
        while self._items and mono_s - self._items[0][0] > WINDOW_S:
            self._items.popleft()
        return sum(amount for _, amount in self._items)

    def per_s(self, mono_s: float) -> float:
        return self.total(mono_s) / min(WINDOW_S, max(1.0, mono_s - self._start_s))


def judge(seen: Evidence) -> Verdict:
    """The state of the ear, worst cause first. Anything that is not a number is no proof."""
    if seen.failure:
        return Verdict(SensorState.DEAD, seen.failure)
    silent_s = SILENT_S if seen.expected_bytes_per_s is not None else BEAST_SILENT_S
    if seen.age_s == float("inf"):
        return Verdict(SensorState.STALE, "nothing received yet")
    if not seen.age_s <= silent_s:
        return Verdict(SensorState.STALE, f"nothing received for {seen.age_s:.1f} s")
    if seen.turned_away:
        return Verdict(SensorState.BLIND, "more addresses than can be followed: jammed with invented aircraft?")
    if seen.expected_bytes_per_s is None:
        return Verdict(SensorState.OK)
    if not seen.bytes_per_s >= LEAST_SHARE * seen.expected_bytes_per_s:
        if seen.bytes_per_s == 0:
            return Verdict(SensorState.STALE, "no samples yet")
        share = seen.bytes_per_s / seen.expected_bytes_per_s
        return Verdict(SensorState.STALE, f"only {share:.0%} of the samples arrive")
    if seen.lost_blocks:
        return Verdict(SensorState.STALE, f"{seen.lost_blocks} blocks of samples lost: computer or link too slow")
    if seen.noise_dbfs is None or not seen.noise_dbfs >= QUIETEST_DBFS:
        level = "unknown" if seen.noise_dbfs is None else f"{seen.noise_dbfs:.0f} dBFS"
        return Verdict(SensorState.BLIND, f"noise floor {level}: is the antenna connected, is gain_db high enough?")
    if not seen.noise_dbfs <= LOUDEST_DBFS:
        return Verdict(SensorState.BLIND, f"noise floor {seen.noise_dbfs:.0f} dBFS: jammed, or gain_db too high")
    return Verdict(SensorState.OK)
