"""Two clocks, never mixed: the sky's (UTC, may run fast in a simulation) and this machine's monotonic one.

Sky time stamps data and moves aircraft; leases, deadlines, ages and watchdogs use CLOCK_MONOTONIC, which all processes
of one boot share.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from edge.config import Config


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on all clocks: sky, wall (UTC of the operating system) and monotonic."""

    sky_utc_ns: int
    wall_utc_ns: int
    mono_s: float


class Clock(Protocol):
    """The only source of time inside the pure parts."""

    def mono_s(self) -> float: ...

    def utc_ns(self) -> int: ...


@dataclass(frozen=True)
class RealClock:
    """The field: UTC of the operating system."""

    def mono_s(self) -> float:
        return time.monotonic()

    def utc_ns(self) -> int:
        return time.time_ns()


@dataclass(frozen=True)
class SkyClock:
    """A simulated night: the sky's calendar starts at `epoch_utc_ns` when the machine's clock says `mono_zero_s`."""

    epoch_utc_ns: int
    mono_zero_s: float
    rate: float = 1.0

    def mono_s(self) -> float:
        return time.monotonic()

    def utc_ns(self) -> int:
        return self.utc_at(self.mono_s())

    def utc_at(self, mono_s: float) -> int:
        return self.epoch_utc_ns + round((mono_s - self.mono_zero_s) * self.rate * 1e9)

    def mono_at(self, utc_ns: int) -> float:
        return self.mono_zero_s + (utc_ns - self.epoch_utc_ns) / (1e9 * self.rate)


def clock_for(config: Config) -> Clock:
    """The field's clock, or the simulated sky's where the configuration has a [simulation]."""
    sky = config.simulation
    return RealClock() if sky is None else SkyClock(sky.epoch_utc_ns, sky.mono_zero_s, sky.rate)
