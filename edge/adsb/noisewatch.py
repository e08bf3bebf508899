"""Has the noise at the antenna risen? A gain led by it hides a jammer: it turns the receiver down until all looks well.

Noise less gain is what comes in at the antenna, whatever the gain. It is compared with the quietest hour of the last
day; a rise of 12 dB shortens the range to a quarter. Warns, never judges, as `baseline` does: an amplifier that was
switched on looks the same, and is the new normal after a day.
"""

from __future__ import annotations

from collections import deque
from statistics import median

RISE_DB = 12.0
MEASURABLE_DBFS = -40.0  # below it is the converter's rounding, not the antenna
MINUTE_S, DAY_S = 60.0, 86_400.0
LEAST_LEVELS = 30  # of a minute
PERIODS = 24  # kept of a day: the quietest minute of each hour


class NoiseWatch:
    """Give `take` every second; pure."""

    def __init__(self) -> None:
        self._levels_db: list[float] = []
        self._minute_mono_s: float | None = None
        self._quietest: deque[tuple[float, float]] = deque()  # since when, and the quietest minute from there on
        self._warning = ""

    def take(self, mono_s: float, noise_dbfs: float | None, gain_db: float | None) -> str:
        """One sentence while the noise is far above the day's quietest; "" else, and where nothing new is known."""
        if noise_dbfs is None or gain_db is None or not noise_dbfs >= MEASURABLE_DBFS:
            self._levels_db, self._minute_mono_s = [], None
            return self._warning
        if self._minute_mono_s is None:
            self._minute_mono_s = mono_s
        self._levels_db.append(noise_dbfs - gain_db)
        if mono_s - self._minute_mono_s >= MINUTE_S:
            if len(self._levels_db) >= LEAST_LEVELS:
                self._judge(mono_s, median(self._levels_db), gain_db)
            self._levels_db, self._minute_mono_s = [], mono_s
        return self._warning

    def _judge(self, mono_s: float, level_db: float, gain_db: float) -> None:
        while self._quietest and mono_s - self._quietest[0][0] > DAY_S:
            self._quietest.popleft()
        if self._quietest and mono_s - self._quietest[-1][0] < DAY_S / PERIODS:
            since_s, least_db = self._quietest[-1]
            self._quietest[-1] = since_s, min(least_db, level_db)
        else:
            self._quietest.append((mono_s, level_db))
        rise_db = level_db - min(least_db for _, least_db in self._quietest)
        self._warning = (
            ""
            if rise_db < RISE_DB
            else f"noise {rise_db:.0f} dB above the quietest of the last day (gain now {gain_db:.1f} dB): "
            "jammed, or a transmitter beside the antenna?"
        )
