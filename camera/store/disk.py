"""The recorder's part of a disk: shelves with quotas, and the free space that must remain for everybody else.

    frames/     raw exposures: some 2 MB a second, compressed
    pictures/   previews, keograms, time-lapses
    evidence/   frames around events; goes by its own quota alone, never because the disk is low

What is heard has a shelf, a quota and an owner of its own: the radio's process (`edge.adsb.archive`).
Room is made by deleting before writing, which works on a full disk as well. A file appears whole or not at all.

*Why* the free space is measured once for each file and deletions are then added up: on file systems that give space
back later (btrfs, ZFS) measuring again and again would delete everything.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from camera.store.shelf import Shelf
from camera.whole import write_whole

Kind = Literal["frames", "pictures", "evidence"]
EXPENDABLE: tuple[Kind, ...] = ("frames", "pictures")  # in this order, when the disk is low
_FULL = (errno.ENOSPC, errno.EDQUOT)
_TRIES = 4  # of a write on a disk that is full although there should be room


class DiskLow(OSError):
    """Less than `keep_free_bytes` is free and nothing more may be deleted: others have filled the disk."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bytes."""

    frames: int = 20_000_000_000
    pictures: int = 5_000_000_000
    evidence: int = 5_000_000_000
    keep_free: int = 0


class Disk:
    """Owned by one thread of one process: whoever deletes must know all that is kept."""

    def __init__(self, directory: Path, quotas: Quotas) -> None:
        self.directory, self._keep_free = directory, quotas.keep_free
        self.shelves: dict[Kind, Shelf] = {
            "frames": Shelf(directory / "frames", quotas.frames),
            "pictures": Shelf(directory / "pictures", quotas.pictures),
            "evidence": Shelf(directory / "evidence", quotas.evidence, folders=True),
        }

    def take_stock(self) -> None:
        """Raises OSError when the directory cannot be used."""
        for shelf in self.shelves.values():
            shelf.take_stock()
            shelf.make_room(0)

    def keep(self, kind: Kind, name: str, content: bytes) -> Path:
        """A new file on a shelf. Raises OSError, with nothing of it left behind."""
        shelf = self.shelves[kind]
        if not shelf.make_room(len(content)):
            raise DiskLow(errno.ENOSPC, f"{len(content)} bytes do not fit the quota", os.fspath(shelf.folder))
        self.free(len(content))
        path = shelf.folder / name
        for left in reversed(range(_TRIES)):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, content)
                break
            except OSError as err:
                if err.errno not in _FULL or not left or not self._give_up(len(content)):
                    raise
        shelf.add(name, len(content))
        return path

    def free(self, wanted_bytes: int) -> None:
        """Makes room for a file beside the space that must stay free. Raises DiskLow when nothing is left to give."""
        missing = self._keep_free + wanted_bytes - self.free_bytes()
        if missing > 0 and self._keep_free and not self._give_up(missing):
            raise DiskLow(errno.ENOSPC, "less is free than recorder.keep_free_gb, not by recordings", self.directory)

    def free_bytes(self) -> int:
        status = os.statvfs(self.directory)
        return status.f_bavail * status.f_frsize

    def _give_up(self, wanted_bytes: int) -> bool:
        """Deletes `wanted_bytes`, class after class; False when there is not so much."""
        for kind in EXPENDABLE:
            while wanted_bytes > 0 and len(self.shelves[kind]):
                wanted_bytes -= self.shelves[kind].expire()
        return wanted_bytes <= 0
