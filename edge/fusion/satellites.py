"""Which satellites stand on the sky: a watched folder of two-line element sets, propagated all at once.

Elements age: along their orbit by kilometres a day. What is older than the station allows never names anything.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sgp4.api import Satrec, SatrecArray

from camera.geodesy import Site
from camera.satellites import UNIX_EPOCH_JD, julian_dates, seen_from
from edge.fusion.greatcircle import Vector, normalised

log = logging.getLogger(__name__)

ERRORS_KEPT = 20


@dataclass(frozen=True, slots=True, eq=False)
class SatellitePositions:
    """S satellites above the horizon at M instants, from the station."""

    names: tuple[str, ...]
    unit_enu: Vector  # (S, M, 3)
    range_m: Vector  # (S, M)
    sunlit: NDArray[np.bool_]  # (S, M)
    age_days: Vector  # (S,) of the elements


def parse_elements(text: str, file: str) -> tuple[list[tuple[str, Satrec]], list[str]]:
    """Named element sets of one file, two or three lines each (format: https://celestrak.org/columns/v04n03/).

    Returns the good ones and one sentence `file:line: fault` for each bad line; a bad set never spoils its neighbours.
    """
    found: list[tuple[str, Satrec]] = []
    errors: list[str] = []
    name, first = "", ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip()
        kind = line[:2]
        if kind in ("1 ", "2 "):
            fault = _fault(line)
            if fault:
                errors.append(f"{file}:{number}: {fault}; fetch the elements again")
                first = ""
            elif kind == "1 ":
                first = line
            elif first[2:7] != line[2:7]:
                errors.append(f"{file}:{number}: line 2 without its line 1; fetch the elements again")
            else:
                satellite = Satrec.twoline2rv(first[:69], line[:69])
                if satellite.error:
                    errors.append(f"{file}:{number}: elements that no orbit has (SGP4 error {satellite.error})")
                else:
                    found.append((name or f"NORAD {line[2:7].strip()}", satellite))
            if kind == "2 ":
                name, first = "", ""
        elif line and not line.startswith("#"):
            name, first = line.removeprefix("0 ").strip()[:40], ""
    return found, errors


def _fault(line: str) -> str:
    if len(line) < 69:
        return f"{len(line)} characters where an element line has 69"
    if not line[:69].isascii() or line[68] != str(_checksum(line)):
        return f"checksum {line[68]!r} where {_checksum(line)} is due"
    numbers = (
        [line[18:32]]
        if line[0] == "1"
        else [line[8:16], line[17:25], line[26:33], line[34:42], line[43:51], line[52:63]]
    )
    try:
        for text in numbers:
            float(text.replace(" ", "0") if line[0] == "2" and text is numbers[2] else text)
    except ValueError:
        return "a number that cannot be read"
    return ""


def _checksum(line: str) -> int:
    return sum(int(c) if c in "0123456789" else c == "-" for c in line[:68]) % 10


class SatelliteBook:
    """The element sets of `*.tle` in a folder, read again when a file changes. What stands in a file never raises."""

    def __init__(self, directory: Path | None, maximum_age_days: float = 7.0) -> None:
        self._directory = directory
        self._maximum_age_days = maximum_age_days
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._names: tuple[str, ...] = ()
        self._satellites: list[Satrec] = []
        self._epoch_jd: Vector = np.empty(0)
        self.errors: tuple[str, ...] = ()  # the first of the bad lines, in words
        self.counters = {"tle_sets": 0, "tle_bad_lines": 0, "tle_files": 0, "tle_unreadable_files": 0}
        self.refresh()

    def refresh(self) -> None:
        """Reads the folder again if a file came, went or changed."""
        stamp, files = [], []
        try:
            if self._directory is not None:
                for path in sorted(self._directory.glob("*.tle")):
                    status = path.stat()
                    stamp.append((path.name, status.st_mtime_ns, status.st_size))
                    files.append(path)
        except OSError as err:  # a file that vanishes while we look: next time
            log.warning("satellite folder unreadable dir=%s error=%s", self._directory, err)
            return
        if tuple(stamp) == self._stamp:
            return
        self._stamp = tuple(stamp)
        newest: dict[str, tuple[str, Satrec]] = {}
        errors: list[str] = []
        unreadable = 0
        for path in files:
            try:
                found, faults = parse_elements(path.read_text(encoding="utf-8", errors="replace"), str(path))
            except OSError as err:
                found, faults = [], [f"{path}: cannot be read: {err}"]
                unreadable += 1
            errors += faults
            for name, satellite in found:
                key = satellite.satnum_str
                if key not in newest or _epoch(satellite) > _epoch(newest[key][1]):
                    newest[key] = (name, satellite)
        self._names = tuple(name for name, _ in newest.values())
        self._satellites = [satellite for _, satellite in newest.values()]
        self._epoch_jd = np.array([_epoch(s) for s in self._satellites])
        self.errors = tuple(errors[:ERRORS_KEPT])
        self.counters = {
            "tle_sets": len(newest), "tle_bad_lines": len(errors), "tle_files": len(files),
            "tle_unreadable_files": unreadable,
        }  # fmt: skip
        log.info("satellites read sets=%d bad_lines=%d files=%d", len(newest), len(errors), len(files))

    def age_days(self, utc_ns: int) -> float | None:
        """Of the freshest elements there are; None without any."""
        if not len(self._epoch_jd):
            return None
        return float(np.abs(UNIX_EPOCH_JD + utc_ns / 86_400e9 - self._epoch_jd).min())

    def predict(self, utc_ns: NDArray[np.int64], site: Site) -> SatellitePositions:
        """All satellites with fresh elements that stand above the horizon at every one of M instants."""
        whole, fraction = julian_dates(utc_ns)
        age = np.abs(whole[0] + fraction[0] - self._epoch_jd)
        fresh = np.flatnonzero(age <= self._maximum_age_days)
        m = len(whole)
        nothing = SatellitePositions((), np.empty((0, m, 3)), np.empty((0, m)), np.empty((0, m), bool), np.empty(0))
        if len(fresh) == 0:
            return nothing
        # Nine in ten of a whole catalogue are below the horizon: one instant sorts them out, with 3 deg to spare.
        errors, r_km, _ = SatrecArray([self._satellites[i] for i in fresh]).sgp4(whole[:1], fraction[:1])
        with np.errstate(invalid="ignore"):
            enu = seen_from(r_km * 1e3, whole[:1], fraction[:1], site).enu_m[:, 0]
            fresh = fresh[(errors[:, 0] == 0) & (enu[:, 2] > -0.05 * np.linalg.norm(enu, axis=1))]
        if len(fresh) == 0:
            return nothing
        errors, r_km, _ = SatrecArray([self._satellites[i] for i in fresh]).sgp4(whole, fraction)
        with np.errstate(invalid="ignore"):
            seen = seen_from(r_km * 1e3, whole, fraction, site)
            up = (errors == 0).all(axis=1) & (seen.enu_m[..., 2] > 0).all(axis=1)
        enu = seen.enu_m[up]
        return SatellitePositions(
            tuple(self._names[i] for i in fresh[up]), normalised(enu), np.linalg.norm(enu, axis=-1), seen.sunlit[up],
            age[fresh[up]],
        )  # fmt: skip


def _epoch(satellite: Satrec) -> float:
    return float(satellite.jdsatepoch + satellite.jdsatepochF)
