"""One class of things kept on disk: so many bytes at most, the oldest go first.

An item is a file anywhere below the shelf's folder or, on a shelf of folders, a folder at its top. Names begin with
their UTC time, so their order is their age.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from camera.whole import PART


class Shelf:
    """Not thread-safe. `expired` counts items that made room, `swept` the leftovers of a process that was killed."""

    def __init__(self, folder: Path, quota_bytes: int, *, folders: bool = False) -> None:
        self.folder, self.quota_bytes = folder, quota_bytes
        self.bytes = self.expired = self.swept = 0
        self._items: OrderedDict[str, int] = OrderedDict()  # name below the folder -> bytes, oldest first
        self._folders = folders

    def __len__(self) -> int:
        return len(self._items)

    def take_stock(self) -> None:
        """What lies there; half files are removed. Raises OSError when the folder cannot be made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found: dict[str, int] = {}
        cut = len(os.fspath(self.folder)) + 1
        for path, status in _files_below(os.fspath(self.folder)):
            name = path[cut:]
            if name.endswith(PART) or not status.st_size:  # a power cut leaves empty files as well
                with contextlib.suppress(OSError):
                    os.unlink(path)
                    self.swept += 1
                continue
            if self._folders:
                name, below, _ = name.partition(os.sep)
                if not below:
                    continue  # a loose file is no item
            found[name] = found.get(name, 0) + status.st_size
        tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y%m%d}"
        # What a clock that ran ahead has named goes first: else everything new would make room for it, for years.
        ahead = {name for name in found if (day := name[:10].replace("-", "")[:8]).isdigit() and day > tomorrow}
        order = sorted(found, key=lambda name: (name not in ahead, name))
        self._items = OrderedDict((name, found[name]) for name in order)
        self.bytes = sum(self._items.values())

    def add(self, name: str, size_bytes: int) -> None:
        """A new item, or one that has grown by so much."""
        self.put(name, self._items.get(name, 0) + size_bytes)

    def put(self, name: str, size_bytes: int) -> None:
        """An item, and how large it is now; what grows is the newest, and goes last."""
        self.bytes += size_bytes - self._items.pop(name, 0)
        self._items[name] = size_bytes

    def make_room(self, wanted_bytes: int, *, sparing: str = "") -> bool:
        """Expires until `wanted_bytes` more fit the quota; False when they never will. The item `sparing` stays."""
        while self.bytes + wanted_bytes > self.quota_bytes:
            if not self._items or next(iter(self._items)) == sparing:
                return False
            self.expire()
        return True

    def expire(self) -> int:
        """Removes the oldest item; the bytes the disk got back: none of a file that has another name."""
        name, size = self._items.popitem(last=False)
        self.bytes -= size
        self.expired += 1
        path = self.folder / name
        if self._folders:
            freed = sum(status.st_size for _, status in _files_below(os.fspath(path)) if status.st_nlink == 1)
            shutil.rmtree(path, ignore_errors=True)
            return freed
        freed = 0
        with contextlib.suppress(OSError):  # somebody else removed it
            status = path.stat()
            path.unlink()
            freed = status.st_size if status.st_nlink == 1 else 0
        if path.parent != self.folder:
            with contextlib.suppress(OSError):  # not empty yet
                path.parent.rmdir()
        return freed

    def between(self, first: str, last: str) -> list[str]:
        """Items, newest first, whose base name begins with something in [first, last]; where names are times."""
        found = []
        for name in reversed(self._items):
            base = name.rpartition(os.sep)[2]
            if base[: len(first)] < first:
                break
            if base[: len(last)] <= last:
                found.append(name)
        return found


def _files_below(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Files with their status, folders descended into, links left alone; what vanishes meanwhile is not there."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path)
            elif entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    yield entry.path, entry.stat(follow_symlinks=False)
