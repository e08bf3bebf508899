"""The ladder with a clock, a memory and the hands it needs: two threads climb it, one at a time."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from pathlib import Path

from edge.capture.ladder import ALWAYS, Rung, Step, Trouble, climb_on, picture
from edge.capture.memory import recall, remember
from edge.capture.shaker import Shaker

log = logging.getLogger(__name__)


class Climbing:
    """`counters` are those of the camera since boot; each rung used is one of them."""

    def __init__(self, path: Path, shaker: Shaker) -> None:
        memory = recall(path)
        self.counters: Counter[str] = Counter(memory.counters)
        self._climb = memory.climb
        self._last_frame_mono_s = memory.last_frame_mono_s
        self._path, self._shaker = path, shaker
        self._lock = threading.Lock()

    def next(self, trouble: Trouble) -> Step:
        """What to do about it, remembered before it is done."""
        able = ALWAYS | self._shaker.able()
        with self._lock:
            self._climb, step = climb_on(self._climb, trouble, time.monotonic(), able)
            self.counters[str(step.rung or Trouble.REFUSED)] += 1
        if step.rung is not Rung.RETRY:
            log.warning(
                "event=climb trouble=%s rung=%s in_s=%.1f", trouble, step.rung, step.at_mono_s - time.monotonic()
            )
        self.save()
        return step

    def picture(self, end_mono_s: float, period_s: float) -> None:
        """A good picture came; what would have fitted between it and the one before is missed."""
        with self._lock:
            self._climb = picture(self._climb, time.monotonic())
            if self._last_frame_mono_s is not None:
                self.counters["missed"] += max(0, round((end_mono_s - self._last_frame_mono_s) / period_s) - 1)
            self._last_frame_mono_s = end_mono_s

    def shake(self, rung: Rung) -> str:
        """As `Shaker.shake`."""
        if failed := self._shaker.shake(rung):
            self.counters[f"{rung}-failed"] += 1
        return failed

    def save(self) -> None:
        """A full tmpfs costs the memory of the climb, never the climb."""
        with self._lock, contextlib.suppress(OSError):
            remember(self._path, self._climb, self.counters, self._last_frame_mono_s)
