"""Files that are there with all their bytes or not at all: neither a full disk nor a power cut leaves half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PART = ".part"  # of a file that is not whole yet


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """The old file or the new one, on the disk when this returns; readable by everybody. Raises OSError.

    Nothing is left behind by a failure. `durable=False` for files that need not survive a power cut: no waiting for the
    disk.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            if durable:
                out.flush()
                os.fsync(out.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A new name outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
