"""Is a signal as strong as the distance its sender claims allows? In free space it falls with the square of it.

Level and claimed range give what the sender would be heard at from one kilometre: the same for all but for transmitters
(70 to 500 W), antenna lobes and shadows, about 6 dB. The station learns the middle and the spread of it from everybody,
robustly. Two things are told as "signal-range":

- one aircraft far out of that law: much too strong for how far it claims to be, or much too weak for how near;
- many aircraft at one and the same steady level that claim very different ranges: one transmitter plays them all. A few
  of those among many true ones are only caught by the first rule.

What the ground rebroadcasts (TIS-B, ADS-R) comes from a tower whatever it tells of, and is not judged. Levels are dBFS
less the receiver's gain, so that a change of gain changes nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import log10
from statistics import median

JUDGED_KINDS = ("icao:", "anon:")
SAMPLES, ENOUGH_SAMPLES = 16, 8
JUDGE_EVERY_S = 5.0
FORGET_S, LEARNED_COUNT, ENOUGH_LEARNED = 3600.0, 500, 10
LEAST_SPREAD_DB, SPREADS = 4.0, 3.5
TOO_STRONG_DB, TOO_WEAK_DB = 15.0, 25.0  # never less: lobes, and overhead the antenna's own blind spot
CLIPPED_DBFS = -1.0  # what is stronger is not measured
NEAREST_M = 1000.0
ONE_PLACE_DB, ONE_PLACE_COUNT, ONE_PLACE_SHARE = 1.0, 6, 0.25  # levels alike, so many, of all of them
ONE_PLACE_RANGES_DB = 18.0  # a factor 8 between the nearest and the farthest


@dataclass(slots=True)
class _Heard:
    mono_s: float = -1e9
    levels_db: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    far_db: float = 0.0  # 20 log of the claimed range in kilometres
    clipped: bool = False


class SignalRange:
    """Of one station; `hear` for each position, `suspect` for who is flagged."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}
        self._learned: dict[str, tuple[float, float]] = {}  # key: (mono_s, level at 1 km)
        self._suspects: frozenset[str] = frozenset()
        self._judged_mono_s = -1e9

    def hear(self, key: str, rssi_dbfs: float, gain_db: float, range_m: float, mono_s: float) -> None:
        if not key.startswith(JUDGED_KINDS):
            return
        one = self._heard.get(key)
        if one is None:
            one = self._heard[key] = _Heard()
        one.mono_s, one.clipped = mono_s, rssi_dbfs > CLIPPED_DBFS
        one.far_db = 20 * log10(max(range_m, NEAREST_M) / 1000.0)
        one.levels_db.append(rssi_dbfs - gain_db)
        if not 0 <= mono_s - self._judged_mono_s < JUDGE_EVERY_S:
            self._judged_mono_s = mono_s
            self._judge(mono_s)

    def suspect(self, key: str) -> bool:
        return key in self._suspects

    def forget(self, key: str) -> None:
        self._heard.pop(key, None)

    def _judge(self, mono_s: float) -> None:
        """Everybody anew: what the station learned, and who does not fit it."""
        levels = {
            key: median(one.levels_db)
            for key, one in self._heard.items()
            if len(one.levels_db) >= ENOUGH_SAMPLES and mono_s - one.mono_s < 2 * JUDGE_EVERY_S
        }
        at_1_km = {key: level + self._heard[key].far_db for key, level in levels.items()}
        for key, value in at_1_km.items():
            self._learned.pop(key, None)  # so that the oldest come first
            if not self._heard[key].clipped:
                self._learned[key] = mono_s, value
        excess = len(self._learned) - LEARNED_COUNT
        old = [
            key for i, (key, (at_s, _)) in enumerate(self._learned.items()) if i < excess or mono_s - at_s > FORGET_S
        ]
        for key in old:
            del self._learned[key]
        self._suspects = frozenset(self._out_of_law(at_1_km) | self._of_one_place(levels))

    def _out_of_law(self, at_1_km: dict[str, float]) -> set[str]:
        if len(self._learned) < ENOUGH_LEARNED:
            return set()
        values = [value for _, value in self._learned.values()]
        middle = median(values)
        spread = max(LEAST_SPREAD_DB, 1.4826 * median(abs(value - middle) for value in values))
        strong, weak = max(TOO_STRONG_DB, SPREADS * spread), max(TOO_WEAK_DB, SPREADS * spread)
        return {
            key
            for key, value in at_1_km.items()
            if value - middle > strong or (middle - value > weak and not self._heard[key].clipped)
        }

    def _of_one_place(self, levels: dict[str, float]) -> set[str]:
        steady = sorted((level, key) for key, level in levels.items() if self._is_steady(key))
        needed = max(ONE_PLACE_COUNT, ONE_PLACE_SHARE * len(levels))
        suspects: set[str] = set()
        first = 0
        for last, (level, _) in enumerate(steady):
            while level - steady[first][0] > ONE_PLACE_DB:
                first += 1
            if last - first + 1 >= needed:
                alike = [key for _, key in steady[first : last + 1]]
                ranges_db = [self._heard[key].far_db for key in alike]
                if max(ranges_db) - min(ranges_db) >= ONE_PLACE_RANGES_DB:
                    suspects.update(alike)
        return suspects

    def _is_steady(self, key: str) -> bool:
        one = self._heard[key]
        return not one.clipped and max(one.levels_db) - min(one.levels_db) <= 2 * ONE_PLACE_DB
