"""One instance of each process on a box: a lock file that the kernel releases when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from edge.runtime.place import StartRefused, runtime_directory


@contextlib.contextmanager
def sole_instance(role: str) -> Iterator[None]:
    """Holds the lock of `role` ("capture", "vision", "radio", "station"). Raises StartRefused naming who holds it."""
    path = runtime_directory() / f"{role}.lock"
    with open(path, "a+", encoding="ascii") as file:  # the file stays: unlinking it would let two holders in
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise StartRefused(
                f"{path}: skyspotter {role} already runs on this box with pid {pid}; stop that one first"
            ) from err
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
