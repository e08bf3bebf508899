"""Files that are there with all their bytes or not at all: neither a full disk nor a power cut leaves half of one."""

from __future__ import annotations

import os
from pathlib import Path

PART = ".part"  # of a file that is not whole yet


def write_whole(path: Path, content: bytes) -> None:
    """The old file or the new one, on the disk when this returns. Raises OSError, with nothing left behind."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        with temporary.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
