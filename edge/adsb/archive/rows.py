"""Rows of the archive between two instants, from whatever files hold them: minutes, hours, and those being merged."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.adsb.archive.parquet import SUFFIX, RecordingDamaged, merged_into, read_columns
from edge.adsb.archive.shelf import day_folders, utc_time
from edge.adsb.archive.states import STREAM

log = logging.getLogger(__name__)

_LATE_NS = 120_000_000_000  # a message may be believed, and so written, up to a minute after it was received
_TRIES = 3


class Archive:
    """What a station's recorder of states has written, also while it writes. `damaged` names files passed over."""

    def __init__(self, directory: Path) -> None:
        """`directory` is the recorder's, with `aircraft/` in it. FileNotFoundError: it has none."""
        if not (directory / STREAM).is_dir():
            raise FileNotFoundError(
                f"{directory}: has no {STREAM}/ in it: give the folder that recorder.directory names"
            )
        self.damaged: set[Path] = set()
        self._stream = directory / STREAM

    def rows(self, columns: Sequence[str], begin_utc_ns: int, end_utc_ns: int) -> Iterator[tuple[Any, ...]]:
        """Of positions between the two instants, in order of files; a file that was merged into another meanwhile is
        looked for there."""
        for attempt in range(1, _TRIES + 1):
            rows: list[tuple[Any, ...]] = []
            try:
                for path in self._files(begin_utc_ns, end_utc_ns):
                    try:
                        found = read_columns(path, columns, "position_utc_ns", begin_utc_ns, end_utc_ns)
                    except RecordingDamaged as err:
                        self._pass_over(err)
                        continue
                    rows += zip(*(found[name] for name in columns), strict=True)
            except FileNotFoundError:
                if attempt == _TRIES:
                    raise
                continue
            yield from rows
            return

    def _files(self, begin_utc_ns: int, end_utc_ns: int) -> list[Path]:
        first = f"{utc_time(begin_utc_ns):%Y-%m-%d/%H}"
        last = f"{utc_time(end_utc_ns + _LATE_NS):%Y-%m-%d/%H}"
        files = []
        for _, folder in day_folders(self._stream):
            if not first[:10] <= folder.name <= last[:10]:
                continue
            taken_in: set[str] = set()
            for path in sorted(folder.glob(f"??{SUFFIX}")) + sorted(folder.glob(f"??-*{SUFFIX}")):
                if not first <= f"{folder.name}/{path.name[:2]}" <= last or path.name in taken_in:
                    continue
                if "-" not in path.name:
                    try:
                        taken_in |= merged_into(path)
                    except RecordingDamaged as err:
                        self._pass_over(err)
                        continue
                files.append(path)
        return files

    def _pass_over(self, err: RecordingDamaged) -> None:
        if err.path not in self.damaged:
            log.warning("%s", err)
        self.damaged.add(err.path)
