"""Where every aircraft was during an exposure: the ground truth that a trail on a picture is compared with.

Reads what `states.py` has written, also while it writes; a running station's last half minute is not there yet.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.adsb.archive.rows import Archive

BESIDE_NS = 10_000_000_000  # a position this long before or after still tells the way through the exposure
_COLUMNS = (
    "key", "icao", "callsign", "on_ground", "position_utc_ns", "latitude_deg", "longitude_deg", "height_m",
    "horizontal_sigma_m", "height_sigma_m", "flags",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One aircraft's positions in order of time, one row each; all arrays (N,), N >= 1."""

    key: str
    icao: str
    callsign: str | None
    on_ground: bool  # at the last of them
    utc_ns: NDArray[np.int64]  # at which the position held
    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    height_m: NDArray[np.float64]  # above the ellipsoid; NaN: not told
    horizontal_sigma_m: NDArray[np.float64]
    height_sigma_m: NDArray[np.float64]
    flags: tuple[str, ...]  # every doubt about any of them


def tracks(directory: Path, begin_utc_ns: int, end_utc_ns: int) -> list[Track]:
    """Of every aircraft: positions between the two instants, and its nearest before and after within ten seconds.

    `directory` is the recorder's, with `aircraft/` in it. An aircraft without any such position is not listed. Files
    that are damaged are named in the log and passed over. Raises FileNotFoundError where nothing was ever recorded.
    """
    archive = Archive(directory)
    found: dict[str, dict[int, tuple[Any, ...]]] = defaultdict(dict)
    for row in archive.rows(_COLUMNS, begin_utc_ns - BESIDE_NS, end_utc_ns + BESIDE_NS):
        found[row[0]].setdefault(row[4], row)  # the first message with that position
    result = []
    for key in sorted(found):
        stamps = _through(sorted(found[key]), begin_utc_ns, end_utc_ns)
        if stamps:
            result.append(_track([found[key][stamp] for stamp in stamps]))
    return result


def _through(stamps: list[int], begin_utc_ns: int, end_utc_ns: int) -> list[int]:
    """Those within, the last one before, the first one after; none where all lie on one side."""
    before = [stamp for stamp in stamps if stamp < begin_utc_ns]
    within = [stamp for stamp in stamps if begin_utc_ns <= stamp <= end_utc_ns]
    after = [stamp for stamp in stamps if stamp > end_utc_ns]
    return before[-1:] + within + after[:1] if within or (before and after) else []


def _track(rows: list[tuple[Any, ...]]) -> Track:
    columns = list(zip(*rows, strict=True))
    latitude_deg, longitude_deg, height_m, horizontal_sigma_m, height_sigma_m = (
        np.array(column, dtype=np.float64)  # None becomes NaN
        for column in columns[5:10]
    )
    return Track(
        key=columns[0][-1],
        icao=columns[1][-1],
        callsign=next((name for name in reversed(columns[2]) if name), None),
        on_ground=columns[3][-1],
        utc_ns=np.array(columns[4], dtype=np.int64),
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        height_m=height_m,
        horizontal_sigma_m=horizontal_sigma_m,
        height_sigma_m=height_sigma_m,
        flags=tuple(sorted({flag for flags in columns[10] for flag in flags or ()})),
    )
