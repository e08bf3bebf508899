"""Files that are there with all their bytes or not at all: neither a full disk nor a power cut leaves half of one."""

from __future__ import annotations

import os
import shutil
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


def second_name(source: Path, target: Path) -> None:
    """A hard link, or a copy on file systems that know none (exFAT) or from one disk to another. Raises OSError,
    FileNotFoundError where `source` is gone; a `target` that is there already stays."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except FileNotFoundError:
        raise
    except OSError:
        temporary = target.with_name(f".{target.name}{PART}")
        try:
            shutil.copyfile(source, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """A new name outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
