"""Between the threads that publish and the one that owns the socket: neither waits for the other, drops are counted."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter, deque
from typing import TypeVar

from edge.publish.messages import Delivery, Inbound, Outgoing

LARGEST_QUEUE = 1000  # messages, each way
_T = TypeVar("_T")


class Mailbox:
    """`publish`, `received` and `deliveries` may be called from any thread, the rest by the socket's alone."""

    def __init__(self) -> None:
        self.connected = False
        self.state = "not started"  # one sentence for people
        self.counters: Counter[str] = Counter()
        self.outgoing: deque[tuple[float, Outgoing]] = deque()  # with the monotonic time it was handed over
        self.stopping = threading.Event()
        self.wake_read, self._wake_write = socket.socketpair()  # to be selected on beside the broker's
        self.wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._inbound: deque[Inbound] = deque()
        self._delivered: deque[Delivery] = deque()
        self._arrived = threading.Event()

    def publish(self, message: Outgoing) -> bool:
        """Hands over; False when it was dropped at once because there is no connection."""
        if not self.connected or len(self.outgoing) >= LARGEST_QUEUE:
            self.undelivered(message)
            return False
        self.outgoing.append((time.monotonic(), message))
        self.wake()
        return True

    def received(self, timeout_s: float = 0.0) -> list[Inbound]:
        """What arrived, oldest first; waits up to `timeout_s` for the first."""
        if timeout_s > 0 and not self._inbound:
            self._arrived.wait(timeout_s)
        self._arrived.clear()
        return _taken(self._inbound)

    def deliveries(self) -> list[Delivery]:
        return _taken(self._delivered)

    # -- the socket's side ---------------------------------------------------------------------------------------------

    def arrived(self, message: Inbound) -> None:
        """The oldest makes room."""
        if len(self._inbound) >= LARGEST_QUEUE:
            self._inbound.popleft()
            self.counters["inbound_dropped"] += 1
        self._inbound.append(message)
        self._arrived.set()

    def delivered(self, delivery: Delivery) -> None:
        self._delivered.append(delivery)

    def undelivered(self, message: Outgoing) -> None:
        """Back to the outbox where it came from there, else dropped."""
        if message.token is None:
            self.counters["dropped"] += 1
        else:
            self._delivered.append(Delivery(message.token, False))

    def give_back(self) -> None:
        """What nobody has sent."""
        for _, message in _taken(self.outgoing):
            self.undelivered(message)

    # -- waking the socket's thread ------------------------------------------------------------------------------------

    def wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: it has ended
            self._wake_write.send(b".")

    def woken(self) -> None:
        """Once `wake_read` is readable."""
        with contextlib.suppress(BlockingIOError):
            while self.wake_read.recv(4096):
                pass

    def close(self) -> None:
        self.wake_read.close()
        self._wake_write.close()


def _taken(queue: deque[_T]) -> list[_T]:
    """Everything in it now; others may append meanwhile."""
    return [queue.popleft() for _ in range(len(queue))]
