"""Who was heard around an exposure, from what the station recorded. Some minutes are read at once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import Any

from pydantic import ValidationError

from edge.adsb.archive.rows import Archive
from edge.records import AircraftState

HEARD_NS = 20_000_000_000  # a position further from an instant than this does not tell where an aircraft was
_AHEAD_NS = 180_000_000_000
_COLUMNS = (
    "key", "icao", "callsign", "on_ground", "latitude_deg", "longitude_deg", "altitude_baro_m", "height_m",
    "height_sigma_m", "horizontal_sigma_m", "speed_mps", "track_deg", "vertical_rate_mps", "velocity_sigma_mps",
    "position_utc_ns", "velocity_utc_ns", "flags",
)  # fmt: skip
_KEY, _STAMP = _COLUMNS.index("key"), _COLUMNS.index("position_utc_ns")


class Heard:
    """Ask in order of time. `unusable` counts positions that mean nothing."""

    def __init__(self, archive: Archive) -> None:
        self.unusable = 0
        self._archive = archive
        self._span = (0, 0)
        self._rows: dict[str, dict[int, tuple[Any, ...]]] = {}
        self._stamps: dict[str, list[int]] = {}

    def around(self, begin_utc_ns: int, end_utc_ns: int) -> dict[str, list[AircraftState]]:
        """By aircraft, in order of time: every position from HEARD_NS before to HEARD_NS after. Raises OSError."""
        first, last = begin_utc_ns - HEARD_NS, end_utc_ns + HEARD_NS
        if not (self._span[0] <= first and last <= self._span[1]):
            self._read(first, last + _AHEAD_NS)
        found = {}
        for key, stamps in self._stamps.items():
            rows = self._rows[key]
            states = [self._state(rows[at]) for at in stamps[bisect_left(stamps, first) : bisect_right(stamps, last)]]
            if kept := [state for state in states if state is not None]:
                found[key] = kept
        return found

    def _read(self, begin_utc_ns: int, end_utc_ns: int) -> None:
        rows: dict[str, dict[int, tuple[Any, ...]]] = defaultdict(dict)
        for row in self._archive.rows(_COLUMNS, begin_utc_ns, end_utc_ns):
            rows[row[_KEY]].setdefault(row[_STAMP], row)  # the first message with that position
        self._rows, self._span = rows, (begin_utc_ns, end_utc_ns)
        self._stamps = {key: sorted(of) for key, of in rows.items()}

    def _state(self, row: tuple[Any, ...]) -> AircraftState | None:
        told = {name: value for name, value in zip(_COLUMNS, row, strict=True) if value is not None}
        try:
            return AircraftState(**told, seen_mono_s=0.0)
        except ValidationError:
            self.unusable += 1
            return None
