"""The tuner's gain, led by what is heard. A pure law over windows of ten seconds; the tuner's own AGC is never used.

As much gain as lifts the noise of the antenna clear of the converter's rounding, and no more: beyond that nothing weak
is won and near aircraft are lost. Down where the noise floor is high, where too many messages come near full scale, or
where the converter clips on bursts that nobody could decode (an aircraft overhead, a transmitter next door). Up only
where the noise is low and the messages, shifted by the step, would still not be too strong. Silence is no proof of
too much gain: without messages the noise alone decides.

Why it does not hunt: up and down are 9 dB apart, twice the widest step of any tuner; the share of strong messages is
foretold before a step up; and a gain that was left for being too high is tried again only after a pause, which doubles
each time the trial fails. Why it always recovers: the pause ends, and nothing else is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

WINDOW_S = 10.0
SETTLE_S = 2.0  # blocks taken before a change may still wait to be read
START_DB = 38.6
LOW_DBFS, HIGH_DBFS = -33.0, -24.0  # of the noise; rounding to 8 bits is at -47
FAR_LOW_DBFS, FAR_HIGH_DBFS = -42.0, -15.0
STEP_DB, LEAP_DB = 3.0, 9.0  # leaps where it is far off
STRONG_DBFS = -3.0
MANY_STRONG = 0.10  # of the messages
NEVER_BELOW_DBFS = -40.0  # of the noise, for the sake of strong messages: they decode, the weak ones would not
LEAST_MESSAGES = 50  # in a window, to speak of a share
CLIPPED, FAR_CLIPPED, HARDLY_CLIPPED = (
    2.5e-4,
    2.5e-3,
    5e-5,
)  # of the bytes; 2.5e-4 is about seven lost messages a second
_CLIPPED_OF_STRONG = 200  # bytes that clip in one decoded message above full scale
FIRST_HOLD_S, LONGEST_HOLD_S = 120.0, 1800.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """What one block of samples said."""

    noise_dbfs: float
    rssi_dbfs: Sequence[float]  # of the decoded messages
    bytes: int
    clipped: int  # bytes at either end of the converter's scale


@dataclass(slots=True)
class _Window:
    start_mono_s: float
    noise_dbfs: list[float] = field(default_factory=list)
    rssi_dbfs: list[float] = field(default_factory=list)
    bytes: int = 0
    clipped: int = 0

    def add(self, block: Loudness) -> None:
        self.noise_dbfs.append(block.noise_dbfs)
        self.rssi_dbfs += block.rssi_dbfs
        self.bytes, self.clipped = self.bytes + block.bytes, self.clipped + block.clipped

    def strong_share(self, more_db: float = 0.0) -> float:
        """Of the messages, had the gain been so much higher."""
        if len(self.rssi_dbfs) < LEAST_MESSAGES:
            return 0.0
        return sum(level + more_db > STRONG_DBFS for level in self.rssi_dbfs) / len(self.rssi_dbfs)

    def clipped_share(self) -> float:
        """Of the bytes, without what decoded messages explain."""
        explained = _CLIPPED_OF_STRONG * sum(level > STRONG_DBFS for level in self.rssi_dbfs)
        return max(0, self.clipped - explained) / max(1, self.bytes)

    def wish_db(self) -> float:
        """How much more (or, negative, less) gain these ten seconds ask for; 0: it is right."""
        noise, clipped = median(self.noise_dbfs), self.clipped_share()
        if noise > FAR_HIGH_DBFS or clipped > FAR_CLIPPED:
            return -LEAP_DB
        if noise > HIGH_DBFS or clipped > CLIPPED:
            return -STEP_DB
        if noise > NEVER_BELOW_DBFS and self.strong_share() > MANY_STRONG:
            return -STEP_DB
        if noise >= LOW_DBFS or clipped > HARDLY_CLIPPED:
            return 0.0
        return LEAP_DB if noise < FAR_LOW_DBFS else STEP_DB


class GainControl:
    """Give it every block; it answers with the gain to set whenever that should change."""

    def __init__(self, gains_db: Sequence[float], start_db: float | None = None) -> None:
        self._gains_db = sorted(gains_db)
        start_db = START_DB if start_db is None else start_db
        self.gain_db = min(self._gains_db, key=lambda gain_db: abs(gain_db - start_db))
        self.steps = 0
        self._window: _Window | None = None
        self._settled_mono_s = float("-inf")
        self._ceiling_db, self._ceiling_until_mono_s = float("inf"), float("-inf")
        self._hold_s = FIRST_HOLD_S
        self._last_was_up, self._step_mono_s = False, float("-inf")

    def take(self, mono_s: float, block: Loudness) -> float | None:
        """The new gain in dB, or None while the present one is right."""
        if mono_s < self._settled_mono_s:
            return None
        if self._window is None:
            self._window = _Window(mono_s)
        self._window.add(block)
        if mono_s - self._window.start_mono_s < WINDOW_S:
            return None
        window, self._window = self._window, None
        gain_db = self._chosen(window, mono_s)
        if gain_db == self.gain_db:
            return None
        self._remember(gain_db, mono_s)
        self.gain_db, self.steps = gain_db, self.steps + 1
        self._settled_mono_s = mono_s + SETTLE_S
        return gain_db

    def _chosen(self, window: _Window, mono_s: float) -> float:
        wish_db = window.wish_db()
        if wish_db == 0:
            return self.gain_db
        if wish_db < 0:
            lower = [gain_db for gain_db in self._gains_db if gain_db < self.gain_db]
            return self._nearest(lower, wish_db)
        return self._nearest(
            [
                gain_db
                for gain_db in self._gains_db
                if self.gain_db < gain_db <= self._limit_db(mono_s)
                and window.strong_share(gain_db - self.gain_db) <= MANY_STRONG
            ],
            wish_db,
        )

    def _limit_db(self, mono_s: float) -> float:
        """The gain that was good when the one above was too much; once the pause is over, one above for a trial."""
        if self.gain_db > self._ceiling_db:
            return float("inf")  # the trial succeeded
        if mono_s < self._ceiling_until_mono_s:
            return self._ceiling_db
        return min((gain_db for gain_db in self._gains_db if gain_db > self._ceiling_db), default=self._ceiling_db)

    def _nearest(self, gains_db: list[float], wish_db: float) -> float:
        return min(gains_db, key=lambda gain_db: abs(gain_db - self.gain_db - wish_db), default=self.gain_db)

    def _remember(self, gain_db: float, mono_s: float) -> None:
        """A way down closes what lies above for a while: for longer each time, where it was a trial that failed."""
        is_up = gain_db > self.gain_db
        if not is_up:
            if self._last_was_up:
                lasted = mono_s - self._step_mono_s > 2 * self._hold_s
                self._hold_s = FIRST_HOLD_S if lasted else min(2 * self._hold_s, LONGEST_HOLD_S)
            self._ceiling_db, self._ceiling_until_mono_s = gain_db, mono_s + self._hold_s
        self._last_was_up, self._step_mono_s = is_up, mono_s
