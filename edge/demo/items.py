"""What the demo's summary is made of: things that were asked, a row for each aircraft, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from camera.sim.renderer import TruthTrail


@dataclass(frozen=True, eq=False)
class FrameTruth:
    """What one judged frame really showed."""

    file: str
    start_utc_ns: int
    exposure_s: float
    trails: tuple[TruthTrail, ...]


@dataclass(frozen=True)
class Item:
    """One thing that was asked. `passed` is None where the night gave no fair chance."""

    name: str
    found: str
    passed: bool | None


@dataclass(frozen=True)
class AircraftRow:
    """What became of one aircraft."""

    name: str
    transponder: bool
    highest_deg: float
    heard_s: float
    heard_of_s: float
    error_deg: float | None
    seen_frames: int
    seen_of_frames: int
    nearest_deg: float
    named: str


@dataclass(frozen=True)
class Summary:
    items: tuple[Item, ...]
    aircraft: tuple[AircraftRow, ...]
    figures: Mapping[str, float | int | None]

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.items if item.passed is False)

    @property
    def passed(self) -> bool:
        return not self.missed

    def record(self) -> dict[str, Any]:
        """For summary.json."""
        return {"passed": self.passed, "missed": list(self.missed), **asdict(self)}
