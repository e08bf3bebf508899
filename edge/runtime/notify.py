"""What a service says to whoever supervises it: ready, alive, what it is doing (sd_notify(3), the datagram protocol).

The same words go to systemd and to our own small supervisor; without $NOTIFY_SOCKET they go nowhere.
"""

from __future__ import annotations

import contextlib
import os
import socket

MORE_TIME_USEC = 60_000_000  # to get ready, from the last beat on


class Notifier:
    """Beats are the caller's promise that work was *finished* since the last one; never send them from a timer."""

    def __init__(self) -> None:
        name = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name  # "@...": abstract namespace
        self._ready = False
        usec = os.environ.get("WATCHDOG_USEC", "")
        self.watchdog_s: float | None = int(usec) / 1e6 if usec.isdigit() else None  # a later beat is too late

    def ready(self) -> None:
        """The first piece of work is finished."""
        self._ready = True
        self._send("READY=1")

    def beat(self) -> None:
        """Before `ready` it asks for more time as well: waiting for a device that is not there is no hang."""
        self._send("WATCHDOG=1" if self._ready else f"WATCHDOG=1\nEXTEND_TIMEOUT_USEC={MORE_TIME_USEC}")

    def status(self, text: str) -> None:
        """One line for people, shown by `systemctl status`."""
        self._send("STATUS=" + text.replace("\n", " "))

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as end:
            end.setblocking(False)
            with contextlib.suppress(OSError):  # a supervisor that is away must not stop the work
                end.sendto(text.encode(), self._address)
