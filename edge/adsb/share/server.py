"""One TCP port that gives the same stream to any number of clients, none of which can slow the ear.

The ear only puts messages down; one thread carries them to the clients. Each client has a queue of its own: a slow one
loses its oldest messages (counted), one that never catches up is closed (counted). A port that is taken costs a
sentence and a counter, and is tried again.

*Why off unless asked for:* a box that guards a laser opens no port by itself, and on many the port already belongs to
the readsb it listens to. One key turns it on, for this box alone; another opens it to the network.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence

from edge.adsb.sources.tcp import KEEPALIVE

log = logging.getLogger(__name__)

CLIENTS = 32
QUEUED_MESSAGES = 16_384  # about 400 kB of Beast: 8 s of the busiest sky
HANDED_OVER = 65_536
BEHIND_S = 10.0  # of losing messages without ever catching up
HEARTBEAT_S = 30.0
RETRY_S = 10.0
_KERNEL_BYTES = 128 << 10  # so that it is our queue, which counts, that fills
_PART_BYTES = 32 << 10
_TICK_S, _PAUSE_S = 0.5, 0.05


class StreamServer:
    """`name` in counters and logs; port 0 takes any. Of `counters`, "overrun" belongs to the ear's thread."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        *,
        heartbeat: bytes = b"",
        queued: int = QUEUED_MESSAGES,
        behind_s: float = BEHIND_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.counters: Counter[str] = Counter(clients=0, dropped=0, overrun=0, closed=0, turned_away=0, failed=0)
        self.failure = ""
        self.port = port
        self._name, self._host, self._heartbeat = name, host, heartbeat
        self._queued, self._behind_s, self._retry_s = queued, behind_s, retry_s
        self._clients: dict[socket.socket, _Client] = {}
        self._handed: deque[bytes] = deque(maxlen=HANDED_OVER)
        self._sent_mono_s = time.monotonic()
        self._ending = threading.Event()
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def wanted(self) -> bool:
        """Is anybody listening? If not, messages need not be made."""
        return bool(self._clients)

    def offer(self, messages: Sequence[bytes]) -> None:
        """Never waits."""
        if not messages or not self.wanted:
            return
        self.counters["overrun"] += max(0, len(self._handed) + len(messages) - HANDED_OVER)
        self._handed.extend(messages)
        with contextlib.suppress(BlockingIOError):  # it is awake already
            self._wake.send(b"\0")

    def close(self, timeout_s: float = 2.0) -> None:
        """Closes the port and every client. Safe to call twice."""
        self._ending.set()
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")
        self._thread.join(timeout_s)
        for end in (self._wake, self._woken):
            end.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            try:
                listener = socket.create_server((self._host, self.port), family=family, backlog=8)
            except (OSError, UnicodeError) as err:  # the latter: a name that cannot be one
                why = str(getattr(err, "strerror", err)).partition(" (while")[0]  # the address again
                failure = f"{self._name}: port {self.port} of {self._host} cannot be opened: {why}"
                if failure != self.failure:
                    log.warning("%s; free it or set another in [share]", failure)
                self.failure = failure
                self.counters["failed"] += 1
                self._ending.wait(self._retry_s)
                continue
            self.failure, self.port = "", listener.getsockname()[1]
            with listener, selectors.DefaultSelector() as selector:
                self._serve(listener, selector)

    def _serve(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(self._woken, selectors.EVENT_READ)
        while not self._ending.is_set():
            for key, events in selector.select(_TICK_S):
                if key.fileobj is listener:
                    self._accept(listener, selector)
                elif key.fileobj is self._woken:
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(4096)
                elif events & selectors.EVENT_READ and not _alive(self._clients[key.data].socket):
                    self._close(self._clients[key.data], selector)
            self._carry(selector)
        for client in list(self._clients.values()):
            self._close(client, selector)

    def _accept(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # it has thought better of it, or we have no descriptor left: do not spin
            self._ending.wait(_PAUSE_S)
            return
        if len(self._clients) >= CLIENTS:
            self.counters["turned_away"] += 1
            connection.close()
            return
        connection.setblocking(False)
        with contextlib.suppress(OSError):  # gone already: the first read finds out
            for option in KEEPALIVE:  # or who vanished without a word would keep its place
                connection.setsockopt(*option)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        self._clients[connection] = _Client(connection, self._queued)
        selector.register(connection, selectors.EVENT_READ, connection)
        self.counters["clients"] = len(self._clients)

    def _carry(self, selector: selectors.BaseSelector) -> None:
        """What was handed over into every queue, and as much of each as the kernel takes."""
        now_s = time.monotonic()
        messages = [self._handed.popleft() for _ in range(len(self._handed))]
        if messages:
            self._sent_mono_s = now_s
        elif self._heartbeat and now_s - self._sent_mono_s > HEARTBEAT_S:
            messages, self._sent_mono_s = [self._heartbeat], now_s
        for client in list(self._clients.values()):
            self.counters["dropped"] += client.put(messages, now_s)
            if not client.send():
                self._close(client, selector)
            elif client.behind_since_s is not None and now_s - client.behind_since_s > self._behind_s:
                log.info("%s: a client is closed, %.0f s behind", self._name, now_s - client.behind_since_s)
                self.counters["closed"] += 1
                self._close(client, selector)
            else:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
                selector.modify(client.socket, events, client.socket)

    def _close(self, client: _Client, selector: selectors.BaseSelector) -> None:
        selector.unregister(client.socket)
        del self._clients[client.socket]
        self.counters["clients"] = len(self._clients)
        client.socket.close()


class _Client:
    def __init__(self, socket_: socket.socket, queued: int) -> None:
        self.socket = socket_
        self.behind_since_s: float | None = None  # first loss since it had last caught up
        self._limit = queued
        self._messages: deque[bytes] = deque()
        self._part = memoryview(b"")  # on its way; always ends with a whole message

    @property
    def waiting(self) -> bool:
        return bool(self._messages) or bool(self._part)

    def put(self, messages: Sequence[bytes], now_s: float) -> int:
        """How many old ones were lost for it."""
        self._messages.extend(messages)
        lost = max(0, len(self._messages) - self._limit)
        for _ in range(lost):
            self._messages.popleft()
        if lost and self.behind_since_s is None:
            self.behind_since_s = now_s
        return lost

    def send(self) -> bool:
        """False when the client is gone."""
        while self.waiting:
            if not self._part:
                self._part = memoryview(self._next_part())
            try:
                self._part = self._part[self.socket.send(self._part) :]
            except BlockingIOError:
                return True
            except OSError:
                return False
        self.behind_since_s = None
        return True

    def _next_part(self) -> bytes:
        part, size = [], 0
        while self._messages and size < _PART_BYTES:
            part.append(self._messages.popleft())
            size += len(part[-1])
        return b"".join(part)


def _alive(connection: socket.socket) -> bool:
    """Whatever clients say (readsb's send settings) is read and passed over; False when they have gone."""
    try:
        return bool(connection.recv(4096))
    except BlockingIOError:
        return True
    except OSError:
        return False
