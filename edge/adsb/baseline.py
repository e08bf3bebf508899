"""How many messages are usual at this hour: learned over days, to notice an ear that slowly grows deaf.

Warns, never judges: traffic is no proof of a receiver and its absence no proof against one; noise floor and bytes say
whether the ear hears (`edge.adsb.health`), from the first minute. Hours are of UTC. Each keeps an exponentially
weighted mean of its rates; an hour with little traffic counts little, so that a broken antenna is not taken for the new
normal within days, while a real change is learned within months.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camera.whole import write_whole
from edge.adsb.worker import Worker

log = logging.getLogger(__name__)

HOURS = 24
DAYS_TO_SPEAK = 3
WEIGHT, WEIGHT_OF_LITTLE = 0.2, 0.02  # of a new day against all before
LITTLE = 0.1  # of the usual rate
WINDOW_S = 600.0
LEAST_EXPECTED = 100.0  # messages in a window, below which their absence says nothing
COVERED_S = 3000.0  # of an hour, to be learned
_FORMAT = "skyspotter message baseline 1"


class BaselineDamaged(Exception):
    """The stored baseline cannot be read: begin anew."""


@dataclass(slots=True)
class _Hour:
    per_s: float = 0.0
    days: int = 0

    def learn(self, per_s: float) -> None:
        if self.days < DAYS_TO_SPEAK:  # a plain mean at first
            weight = 1 / (self.days + 1)
        else:
            weight = WEIGHT_OF_LITTLE if per_s < LITTLE * self.per_s else WEIGHT
        self.per_s += weight * (per_s - self.per_s)
        self.days += 1


class Baseline:
    """Give `take` every second; it is pure but for that."""

    def __init__(self, stored: str | None = None) -> None:
        """Raises BaselineDamaged."""
        self._hours = _read(stored) if stored is not None else [_Hour() for _ in range(HOURS)]
        self._number: int | None = None  # the hour being counted, since 1970
        self._covered_s, self._messages = 0.0, 0.0
        self._window: deque[tuple[float, float]] = deque()

    def take(self, utc_ns: int, elapsed_s: float, messages: int, *, hears: bool) -> bool:
        """`messages` of the last `elapsed_s`, which count only while the ear hears. True when an hour was learned."""
        number, learned = utc_ns // 3_600_000_000_000, False
        if number != self._number:
            if self._number is not None and self._covered_s >= COVERED_S:
                self._hours[self._number % HOURS].learn(self._messages / self._covered_s)
                learned = True
            self._number, self._covered_s, self._messages = number, 0.0, 0.0
        if not hears:
            self._window.clear()
            return learned
        self._covered_s, self._messages = self._covered_s + elapsed_s, self._messages + messages
        self._window.append((elapsed_s, messages))
        while sum(item[0] for item in self._window) - self._window[0][0] >= WINDOW_S:
            self._window.popleft()
        return learned

    def usual_per_s(self) -> float | None:
        """The least of this hour and its neighbours, which also know days enough; None before."""
        if self._number is None:
            return None
        near = [self._hours[(self._number + step) % HOURS] for step in (-1, 0, 1)]
        return min(hour.per_s for hour in near) if all(hour.days >= DAYS_TO_SPEAK for hour in near) else None

    def warning(self) -> str:
        """One sentence while the last ten minutes brought far less than usual; "" else."""
        usual_per_s, covered_s = self.usual_per_s(), sum(item[0] for item in self._window)
        if usual_per_s is None or covered_s < WINDOW_S or usual_per_s * covered_s < LEAST_EXPECTED:
            return ""
        per_s = sum(item[1] for item in self._window) / covered_s
        if per_s >= LITTLE * usual_per_s:
            return ""
        return (
            f"{per_s:.1f} messages a second, where {usual_per_s:.0f} are usual at this hour: "
            "is the antenna connected and dry, has a filter or amplifier failed?"
        )

    def stored(self) -> str:
        hours = [{"per_s": round(hour.per_s, 3), "days": hour.days} for hour in self._hours]
        return json.dumps({"format": _FORMAT, "hours": hours})


def _read(text: str) -> list[_Hour]:
    try:
        document: Any = json.loads(text)
        if document["format"] != _FORMAT:
            raise BaselineDamaged(f"the baseline is of another format: {document['format']!r}")
        hours = [_Hour(float(hour["per_s"]), int(hour["days"])) for hour in document["hours"]]
    except (ValueError, TypeError, KeyError, OverflowError) as err:
        raise BaselineDamaged(f"the baseline is no baseline: {err!r}") from err
    if len(hours) != HOURS or not all(math.isfinite(hour.per_s) and min(hour.per_s, hour.days) >= 0 for hour in hours):
        raise BaselineDamaged("the baseline has not 24 hours of plausible rates")
    return hours


class BaselineKeeper:
    """A baseline that outlives the process, in one small file; written once an hour, by a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.counters = Counter(baseline_damaged=0, baseline_unwritten=0)
        self._path, self._warns = path, False
        self.baseline = self._stored()
        self._worker: Worker[bytes] = Worker("baseline", self._write, waiting=1)

    def take(self, utc_ns: int, elapsed_s: float, messages: int, *, hears: bool) -> str:
        """As `Baseline.take`; the warning, logged when it comes and when it goes."""
        if self.baseline.take(utc_ns, elapsed_s, messages, hears=hears):
            self._worker.offer(self.baseline.stored().encode())
        warning = self.baseline.warning()
        if bool(warning) != self._warns:
            log.warning("event=few-messages %s", warning) if warning else log.info("event=messages-as-usual")
            self._warns = bool(warning)
        return warning

    def close(self, timeout_s: float = 5.0) -> None:
        """Writes what waits. Safe to call twice."""
        self._worker.close(timeout_s)

    def _stored(self) -> Baseline:
        try:
            return Baseline(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Baseline()
        except (OSError, UnicodeDecodeError, BaselineDamaged) as err:
            log.warning("event=baseline-anew file=%s reason=%s", self._path, err)
            self.counters["baseline_damaged"] += 1
            return Baseline()

    def _write(self, data: bytes) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, data)
        except OSError as err:
            log.warning("event=baseline-unwritten file=%s error=%s", self._path, err)
            self.counters["baseline_unwritten"] += 1
