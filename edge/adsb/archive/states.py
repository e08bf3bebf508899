"""The recorder of states: every decoded state of every aircraft, on a thread of its own.

A minute's rows are written at once, as a file of their own; hours that are over are merged into one. A killed process
loses the last half minute; what it left half-written is removed when the next one begins.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from edge.adsb.archive.parquet import SUFFIX, RecordingDamaged, merge, merged_into, write_states
from edge.adsb.archive.shelf import PASSING, Shelf, day_folders, utc_time
from edge.adsb.worker import Worker
from edge.records import AircraftState

log = logging.getLogger(__name__)

Row = tuple[int, AircraftState]  # utc_ns of the message, state after it
FLUSH_S = 30.0
FLUSH_ROWS = 20_000  # some 30 MB
_BYTES_PER_ROW, _BYTES_PER_FILE = 100, 24_000  # more than any has needed: the columns' names and statistics
_WAITING = 512  # reads, half a minute: longer than the busiest hour's merge
STREAM = "aircraft"


class StateRecorder:
    """Writes below `shelf.root/aircraft`. `written` and `lost` count rows."""

    def __init__(self, shelf: Shelf, *, flush_s: float = FLUSH_S) -> None:
        self.written = self.lost = self.damaged = 0
        self.failure = ""
        self._shelf, self._flush_s = shelf, flush_s
        self._rows: list[Row] = []
        self._number = time.time_ns()  # of the next minute's file; later than any that is there
        self._flushed_mono_s = time.monotonic()
        self._newest_utc_ns = 0
        self._tidy = False
        self._worker: Worker[Sequence[Row]] = Worker(
            "states", self._take, tick=self._flush_due, end=self._flush, waiting=_WAITING
        )

    def offer(self, rows: Sequence[Row]) -> None:
        """Returns at once; where the thread is behind, the rows are lost and counted."""
        if rows and not self._worker.offer(rows):
            self.lost += len(rows)

    def close(self, timeout_s: float = 5.0) -> None:
        """Writes what waits. Safe to call twice."""
        self._worker.close(timeout_s)

    def _take(self, rows: Sequence[Row]) -> None:
        self._rows += rows

    def _flush_due(self) -> None:
        if not self._tidy:
            self._guarded(self._clear_up)
            self._tidy = True
        if len(self._rows) < FLUSH_ROWS and time.monotonic() - self._flushed_mono_s < self._flush_s:
            return
        self._flush()
        self._guarded(self._merge_one)

    def _flush(self) -> None:
        self._flushed_mono_s = time.monotonic()
        by_hour: dict[int, list[Row]] = defaultdict(list)
        for row in self._rows:
            by_hour[row[0] // 3_600_000_000_000].append(row)
        self._rows = []
        for rows in by_hour.values():
            if not self._guarded(partial(self._write, rows)):
                self.lost += len(rows)

    def _write(self, rows: list[Row]) -> None:
        folder = self._shelf.day(STREAM, rows[0][0])
        if not self._shelf.make_room(_BYTES_PER_FILE + len(rows) * _BYTES_PER_ROW):
            raise OSError(28, "no room within recorder.radio_quota_gb, or the disk is full")
        self._number = max(self._number + 1, time.time_ns())
        write_states(folder / f"{utc_time(rows[0][0]):%H}-{self._number}{SUFFIX}", rows)
        self.written, self._newest_utc_ns = self.written + len(rows), rows[-1][0]
        if self.failure:
            log.info("event=recorder-back directory=%s", self._shelf.root)
        self.failure = ""

    def _merge_one(self) -> None:
        """One hour that is over, if there is any; the newest row says which is not."""
        now = utc_time(self._newest_utc_ns)
        for _, folder in day_folders(self._shelf.root / STREAM):
            for hour in sorted({path.name[:2] for path in folder.glob(f"??-*{SUFFIX}")}):
                if (folder.name, hour) != (f"{now:%Y-%m-%d}", f"{now:%H}"):
                    self._merge(folder, hour)
                    return

    def _merge(self, folder: Path, hour: str) -> None:
        target = folder / f"{hour}{SUFFIX}"
        minutes = sorted(folder.glob(f"{hour}-*{SUFFIX}"))
        try:
            merge([target, *minutes] if target.exists() else minutes, target)
        except RecordingDamaged as err:
            self._set_aside(err)

    def _set_aside(self, err: RecordingDamaged) -> None:
        """A file that cannot be read is kept under another name, for whoever can."""
        log.warning("event=recording-damaged error=%s", err)
        self.damaged += 1
        err.path.replace(err.path.with_name(err.path.name + ".damaged"))

    def _clear_up(self) -> None:
        """What a killed process left: half-written files, and minutes that their hour has taken in."""
        for _, folder in day_folders(self._shelf.root / STREAM):
            for half in folder.glob(f"*{PASSING}"):
                half.unlink()
            for hour in {folder / f"{path.name[:2]}{SUFFIX}" for path in folder.glob(f"??-*{SUFFIX}")}:
                if not hour.exists():
                    continue
                try:
                    merged = merged_into(hour)
                except RecordingDamaged as err:
                    self._set_aside(err)
                    continue
                for name in merged:
                    (folder / name).unlink(missing_ok=True)

    def _guarded(self, work: Callable[[], None]) -> bool:
        """False where it failed. Edges of trouble are logged, nothing between; rows that are written end it."""
        try:
            work()
        except OSError as err:
            self._fail(f"cannot be written: {err.strerror or err}")
            return False
        except Exception as err:
            log.exception("event=recorder-error")
            self._fail(f"recording fails: {err!r}")
            return False
        return True

    def _fail(self, why: str) -> None:
        if not self.failure:
            log.warning("event=recorder-failing directory=%s reason=%r", self._shelf.root, why)
        self.failure = f"{self._shelf.root}: {why}"
