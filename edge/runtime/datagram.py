"""Records between processes by Unix datagram, JSON, one record a line: radio and camera health, aircraft states.

What ages, newest wins: the sender never waits. What the kernel does not take at once stands in a short queue until the
next send; beyond that the oldest is dropped and counted. A fresh network namespace lets only 10 datagrams wait
(net.unix.max_dgram_qlen), hence many records in one datagram: give all of one moment to one `send`.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections import deque
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from edge.records import DATAGRAM, Datagram
from edge.runtime.place import StartRefused

LONGEST_PATH = 107  # bytes: sockaddr_un.sun_path is 108 with its final zero, unix(7)
BUFFER_BYTES = 4 << 20
LARGEST_BYTES = 64 << 10
LARGEST_BATCH = 64  # datagrams per receive: a flood must not keep the reader from its other work


def _checked(path: Path) -> str:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise StartRefused(
            f"{path}: longer than the {LONGEST_PATH} bytes of a socket's path; set a shorter RUNTIME_DIRECTORY"
        )
    return str(path)


class DatagramSender:
    """Never waits, tolerates a missing reader; `dropped` counts what was lost. Raises StartRefused: path too long."""

    def __init__(self, path: Path, *, queue: int = 1024) -> None:
        self.dropped = 0
        self._path = _checked(path)
        self._waiting: deque[bytes] = deque()
        self._queue = queue
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)

    def send(self, *records: Datagram) -> bool:
        """False when one of these or an older one was lost."""
        before = self.dropped
        self._waiting.extend(record.model_dump_json().encode() for record in records)
        self.flush()
        while len(self._waiting) > self._queue:
            self._waiting.popleft()
            self.dropped += 1
        return self.dropped == before

    def flush(self) -> None:
        """Sends what waits, oldest first, as far as the kernel takes it."""
        while self._waiting:
            batch = self._next_batch()
            try:
                self._socket.sendto(b"\n".join(batch), self._path)
            except BlockingIOError:
                return  # the reader is behind: the next send tries again
            except (
                FileNotFoundError,
                ConnectionRefusedError,
            ):  # no reader: what waits would only be stale for the next
                self.dropped += len(self._waiting)
                self._waiting.clear()
                return
            except OSError:  # these cannot be sent (EMSGSIZE, ENOBUFS)
                self.dropped += len(batch)
            for _ in batch:
                self._waiting.popleft()

    def _next_batch(self) -> list[bytes]:
        """The oldest that fit into one datagram, one at least."""
        batch, size = [self._waiting[0]], len(self._waiting[0])
        for line in islice(self._waiting, 1, None):
            size += 1 + len(line)
            if size > LARGEST_BYTES:
                break
            batch.append(line)
        return batch

    def close(self) -> None:
        self._socket.close()


class DatagramReceiver:
    """Owns the socket file. `refused` counts lines that are no record of this version. Raises StartRefused."""

    def __init__(self, path: Path) -> None:
        self.refused = 0
        self._path = Path(_checked(path))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._path.unlink(missing_ok=True)  # left by a crash; the single-instance lock says that nobody listens there
        try:
            self._socket.bind(str(self._path))
        except OSError as err:
            self._socket.close()
            raise StartRefused(f"{path}: cannot listen there: {err.strerror}; set RUNTIME_DIRECTORY") from err
        self._arrived = select.poll()  # select() knows no descriptor beyond 1023
        self._arrived.register(self._socket, select.POLLIN)
        self._inode = self._path.stat().st_ino

    def receive(self, timeout_s: float) -> list[Datagram]:
        """All records waiting, oldest first; waits up to `timeout_s` for the first. Empty when there is none."""
        records: list[Datagram] = []
        deadline_mono_s = time.monotonic() + timeout_s
        while not records:
            left_s = max(0.0, deadline_mono_s - time.monotonic())
            if not self._arrived.poll(1e3 * left_s):
                break
            for _ in range(LARGEST_BATCH):
                try:
                    data = self._socket.recv(LARGEST_BYTES)
                except BlockingIOError:
                    break
                for line in data.split(b"\n"):
                    try:
                        records.append(DATAGRAM.validate_json(line))
                    except ValidationError:
                        self.refused += 1
        return records

    def close(self) -> None:
        """Safe to call twice. Removes the socket file unless a successor has put its own there."""
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
