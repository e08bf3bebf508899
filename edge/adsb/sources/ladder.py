"""What to do next about a source that fails, rung by rung: open it again with a growing pause, reset it on the USB bus,
switch its port off and on, and at last end the process, so that its supervisor starts a fresh one.

The pauses come first because most losses heal themselves. The rungs above are for a device that is on the bus and
does not work: one that is not plugged in is waited for, one that somebody else holds is left alone, and one at another
computer is not ours to reset. Ten seconds of samples, and the ladder stands at its foot again. Every rung is counted
and named in the words that the health record carries.
"""

from __future__ import annotations

import logging
from collections import Counter
from enum import Enum
from typing import Protocol

from edge.adsb.sources.iq import SourceStuck
from edge.runtime.usb import UsbError

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
WELL_AFTER_S = 10.0  # of samples
RESET_AT, POWER_AT, END_AT = 3, 5, 7  # failures in a row
RESET_AGAIN_S, POWER_AGAIN_S = 60.0, 300.0
END_AFTER_S = 45.0  # of trouble: a fresh process begins at the foot, so it ends no more often than that
_LAST_WORDS_S = 2.0  # for the health record to be told


class Plugged(Protocol):
    """A device of this computer, for the rungs that need its bus."""

    def is_plugged_in(self) -> bool: ...

    def usb_reset(self) -> None:
        """Raises UsbError."""

    def power_cycle(self) -> None:
        """Raises UsbError."""


class Rung(Enum):
    REOPEN = "reopen"
    RESET = "USB reset"
    POWER = "power cycle"
    END = "end of the process"


class Ladder:
    """Pure: failures and times in, rungs out."""

    def __init__(self) -> None:
        self.failures = 0  # in a row
        self._trouble_mono_s = float("inf")
        self._flowing_mono_s: float | None = None
        self._reset_mono_s = self._power_mono_s = float("-inf")

    def delivered(self, mono_s: float) -> None:
        """Samples came."""
        if self._flowing_mono_s is None:
            self._flowing_mono_s = mono_s
        if mono_s - self._flowing_mono_s >= WELL_AFTER_S:
            self.failures, self._trouble_mono_s = 0, float("inf")

    def failed(self, mono_s: float, *, may_climb: bool, stuck: bool) -> Rung:
        """What to do now; then wait for `pause_s`. `stuck`: it cannot even be opened again."""
        self.failures += 1
        self._flowing_mono_s, self._trouble_mono_s = None, min(self._trouble_mono_s, mono_s)
        reset_due = may_climb and mono_s - self._reset_mono_s >= RESET_AGAIN_S
        if stuck and not reset_due:
            return Rung.END
        if not may_climb:
            return Rung.REOPEN
        if self.failures >= END_AT and mono_s - self._trouble_mono_s >= END_AFTER_S:
            return Rung.END
        if self.failures >= POWER_AT and mono_s - self._power_mono_s >= POWER_AGAIN_S:
            self._power_mono_s = mono_s
            return Rung.POWER
        if reset_due and (stuck or self.failures >= RESET_AT):
            self._reset_mono_s = mono_s
            return Rung.RESET
        return Rung.REOPEN

    @property
    def pause_s(self) -> float:
        return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(10, max(0, self.failures - 1))))


class Recovery:
    """The ladder with hands. `counters`: usb_resets, power_cycles, usb_refused."""

    def __init__(self, plugged: Plugged | None, counters: Counter[str]) -> None:
        self._plugged, self._counters, self._ladder = plugged, counters, Ladder()
        self._retry_mono_s = float("-inf")
        self._last_words = ""
        self._told = ""

    def delivered(self, mono_s: float) -> None:
        self._ladder.delivered(mono_s)

    def is_due(self, mono_s: float) -> bool:
        """Whether to open it now. Raises SourceStuck at the end of the ladder."""
        if mono_s < self._retry_mono_s:
            return False
        if self._last_words:
            raise SourceStuck(self._last_words)
        return True

    def failed(self, why: Exception, mono_s: float, *, climb: bool = True) -> str:
        """Does what is next and says it: `why`, and what follows. `climb`: False where only waiting helps."""
        stuck = isinstance(why, SourceStuck)
        may_climb = climb and self._plugged is not None and self._plugged.is_plugged_in()
        rung = self._ladder.failed(mono_s, may_climb=may_climb, stuck=stuck)
        pause_s = self._ladder.pause_s
        words = f"{why}; {self._climb(rung)}again in {pause_s:.1f} s"
        if rung is Rung.END:
            pause_s = _LAST_WORDS_S
            self._last_words = words = f"{why}; nothing helped, the process ends so that a fresh one can try"
        self._retry_mono_s = mono_s + pause_s
        if str(why) != self._told or rung is not Rung.REOPEN:
            log.warning("event=radio-trouble rung=%r reason=%r", rung.value, words)
        self._told = str(why)
        return words

    def _climb(self, rung: Rung) -> str:
        if self._plugged is None or rung not in (Rung.RESET, Rung.POWER):
            return ""
        count, act = {
            Rung.RESET: ("usb_resets", self._plugged.usb_reset),
            Rung.POWER: ("power_cycles", self._plugged.power_cycle),
        }[rung]
        try:
            act()
        except UsbError as err:
            self._counters["usb_refused"] += 1
            return f"{err}; "
        self._counters[count] += 1
        return f"{rung.value} done, "
