"""Day folders of the archive and how much they may hold: `<root>/<stream>/2026-11-21/...`, the oldest going first.

Nothing is remembered between calls: what lies there is looked at each time (twice a minute, some thousand files), so a
person may delete or add whatever he likes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

STREAMS = ("aircraft", "messages")
RESERVE_BYTES = 1 << 30  # left free on the disk: the outbox of the judgement lives there too
PASSING = ".passing"  # suffix of a file that is being written


class Shelf:
    """All streams together hold at most `quota_bytes`. `expired` counts files that made room."""

    def __init__(self, root: Path, quota_bytes: int, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.root, self.expired = root, 0
        self._quota, self._reserve = quota_bytes, reserve_bytes

    def day(self, stream: str, utc_ns: int) -> Path:
        """The folder of that day, made where it is absent. Raises OSError."""
        folder = self.root / stream / f"{utc_time(utc_ns):%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def make_room(self, needed_bytes: int, *, keep: Path | None = None) -> bool:
        """Deletes the oldest files, but not `keep`, until so much more fits.

        False where it does not even then; where the disk is full of other things, nothing is given away for it.

        Raises OSError where `root` cannot be made.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        files = sorted(
            (folder.name, stat.st_mtime_ns, path, stat.st_size)
            for stream in STREAMS
            for _, folder in day_folders(self.root / stream)
            for path, stat in _files(folder)
        )
        held_bytes = sum(size for *_, size in files)
        ours_bytes = sum(size for _, _, path, size in files if path != keep)
        reachable_bytes = shutil.disk_usage(self.root).free + ours_bytes
        if needed_bytes > self._quota or reachable_bytes < self._reserve + needed_bytes:
            return False
        for _, _, path, size in files:
            if self._fits(held_bytes + needed_bytes, needed_bytes):
                return True
            if path == keep:
                continue
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                self.expired += 1
            held_bytes -= size
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # once it is empty
        return self._fits(held_bytes + needed_bytes, needed_bytes)

    def _fits(self, held_bytes: int, needed_bytes: int) -> bool:
        return held_bytes <= self._quota and shutil.disk_usage(self.root).free >= self._reserve + needed_bytes


def day_folders(stream: Path) -> Iterator[tuple[date, Path]]:
    """Oldest first; whatever is not named like a day is not ours."""
    for folder in sorted(stream.glob("????-??-??")):
        with contextlib.suppress(ValueError):
            yield date.fromisoformat(folder.name), folder


def utc_time(utc_ns: int) -> datetime:
    return datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.suffix != PASSING:
                yield path, path.stat()
