"""What the ring of frames is made of: slots mapped from tmpfs, tickets that order them, bells that wake the other side.

Why locks and not a sequence counter: Python has no memory barriers, and on ARM a counter may be seen before the pixels
it stands for. `flock` orders both sides inside the kernel and vanishes with a killed process.
Why `posix_fallocate` and not sparse files: on a full tmpfs a sparse page kills the writer with SIGBUS; reserved pages
are refused beforehand, in a sentence.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import select
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.runtime.place import StartRefused

_TICKET = struct.Struct("<QQ")  # generation, number; number 0: not whole
_HEADER = struct.Struct("<QQQ")  # ticket, length of the JSON text that follows
_PIXELS_AT = 16384  # pages: the header and its JSON come before
LARGEST_TEXT = _PIXELS_AT - _HEADER.size
_TICK_S = 0.2  # a bell can be lost with its directory; look again at least this often
Ticket = tuple[int, int]


class Bell:
    """A FIFO that both sides keep open for reading and writing: ringing never waits, nobody ever sees its end."""

    def __init__(self, path: Path) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._rung = select.poll()  # select() knows no descriptor beyond 1023
        self._rung.register(self._fd, select.POLLIN)

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full of rings already
            os.write(self._fd, b"!")

    def wait(self, timeout_s: float) -> None:
        if self._rung.poll(1e3 * min(max(timeout_s, 0.0), _TICK_S)):
            with contextlib.suppress(BlockingIOError):
                os.read(self._fd, 65536)

    def close(self) -> None:
        os.close(self._fd)


class Slot:
    """One mapped file: header, JSON, pixels."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        status = os.fstat(fd)
        self.inode = status.st_ino
        self.capacity = status.st_size - _PIXELS_AT  # bytes of pixels
        self.map = mmap.mmap(fd, status.st_size)

    @classmethod
    def create(cls, path: Path, pixel_bytes: int) -> Slot:
        """A new file in place of the old one; whoever has the old one mapped keeps it."""
        temporary = path.with_name(f".{path.name}.new")
        temporary.unlink(missing_ok=True)
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, _PIXELS_AT + pixel_bytes)
            slot = cls(fd)
            os.replace(temporary, path)
        except OSError as err:
            os.close(fd)
            temporary.unlink(missing_ok=True)
            if err.errno == errno.ENOSPC:
                raise _no_space(path.parent, pixel_bytes) from err
            raise
        return slot

    @classmethod
    def open(cls, path: Path) -> Slot | None:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        return cls(fd)

    def ticket(self) -> Ticket:
        """Only the truth while locked, else a hint."""
        generation, number = _TICKET.unpack_from(self.map, 0)
        return generation, number

    def fill(self, ticket: Ticket, text: bytes, pixels: NDArray[Any] | None) -> None:
        """While locked. At most LARGEST_TEXT bytes of text, and pixels that fit `capacity`."""
        _TICKET.pack_into(self.map, 0, 0, 0)  # not whole, should we die inside
        self.map[_HEADER.size : _HEADER.size + len(text)] = text
        if pixels is not None:
            there = np.frombuffer(self.map, pixels.dtype, pixels.size, _PIXELS_AT).reshape(pixels.shape)
            np.copyto(there, pixels)
            del there  # an exported buffer would keep the map from being closed
        _HEADER.pack_into(self.map, 0, *ticket, len(text))

    def text(self) -> bytes:
        """While locked."""
        length = _HEADER.unpack_from(self.map, 0)[2]
        return self.map[_HEADER.size : _HEADER.size + length]

    def pixels(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """While locked: a copy."""
        return np.frombuffer(self.map, dtype, int(np.prod(shape)), _PIXELS_AT).reshape(shape).copy()

    @contextlib.contextmanager
    def locked(self) -> Iterator[bool]:
        """True when the slot is ours inside the block; never waits."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        self.map.close()
        os.close(self.fd)


def read_taken(directory: Path) -> Ticket:
    try:
        generation, number = _TICKET.unpack((directory / "taken").read_bytes())
    except (FileNotFoundError, struct.error):
        return (0, 0)
    return generation, number


def write_taken(directory: Path, ticket: Ticket) -> None:
    fd = os.open(directory / "taken", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(fd, _TICKET.pack(*ticket), 0)
    finally:
        os.close(fd)


def refuse_without_room(directory: Path, slots: int, pixel_bytes: int) -> None:
    """Raises StartRefused where so many slots do not fit; those that are there are freed as they are replaced."""
    needed = slots * (_PIXELS_AT + pixel_bytes)
    old = sum(path.stat().st_blocks * 512 for path in directory.glob("slot-*"))
    free = os.statvfs(directory)
    if free.f_bavail * free.f_frsize + old < needed:
        raise _no_space(directory, needed)


def _no_space(directory: Path, needed_bytes: int) -> StartRefused:
    free = os.statvfs(directory)
    free_bytes = free.f_bavail * free.f_frsize
    return StartRefused(
        f"{directory}: the frame ring needs {needed_bytes / 1e6:.0f} MB more and {free_bytes / 1e6:.0f} MB are free; "
        "enlarge that file system (in a container: --shm-size=256m) or set RUNTIME_DIRECTORY"
    )
