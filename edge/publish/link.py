"""The link to the broker: one thread that connects, reconnects and never makes anybody wait.

*Why no paho thread and no reconnecting client.* paho calls callbacks with its own locks held, ends its thread at an
exception, and sends what is in flight again in ways that depend on the version. Here one thread of ours owns the
socket, select and the client; no lock is shared with paho, and every connection is a new client with a clean session.
What was not acknowledged is given back to the outbox.

The caller never waits. QoS 0 messages are sent now or dropped and counted: a late CLEAR is worse than none.
MQTT 5; against a broker that speaks only 3.1.1 the link falls back by itself and says so.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from edge.config import MqttSection
from edge.publish.messages import Delivery, Inbound, Outgoing
from edge.publish.mqtt import Connection, ConnectionLost

log = logging.getLogger(__name__)

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
LARGEST_QUEUE = 1000
_T = TypeVar("_T")


def credential_password() -> str | None:
    """$CREDENTIALS_DIRECTORY/mqtt-password, as systemd `LoadCredential=` leaves it; None without one."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        return Path(folder, "mqtt-password").read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        return None


class MqttLink:
    """Safe to call from any thread. `greetings` is asked on the link's thread at each connection, for fresh stamps."""

    def __init__(
        self,
        section: MqttSection,
        *,
        client_id: str,
        will: Outgoing | None = None,
        subscriptions: Sequence[tuple[str, int]] = (),
        greetings: Callable[[], Sequence[Outgoing]] = tuple,
        password: str | None = None,
    ) -> None:
        self._section, self._client_id, self._will = section, client_id, will
        self._subscriptions, self._greetings, self._password = tuple(subscriptions), greetings, password
        self.protocol: Literal["5", "3.1.1"] = section.protocol
        self._guessed = False  # 3.1.1 is a guess from silence
        self.connected = False
        self.state = "not started"  # one sentence for people
        self.counters: Counter[str] = Counter()
        self.beat_mono_s = time.monotonic()  # of the thread's last turn, for a watchdog
        self._outgoing: deque[tuple[float, Outgoing]] = deque()
        self._inbound: deque[Inbound] = deque()
        self._delivered: deque[Delivery] = deque()
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread = threading.Thread(target=self._live, name=f"mqtt {client_id}", daemon=True)

    @property
    def where(self) -> str:
        return f"{self._section.host}:{self._section.port}"

    def start(self) -> None:
        self._thread.start()

    def publish(self, message: Outgoing) -> bool:
        """Hands over; False when it was dropped at once because there is no connection."""
        if not self.connected or len(self._outgoing) >= LARGEST_QUEUE:
            self._undelivered(message)
            return False
        self._outgoing.append((time.monotonic(), message))
        self._wake()
        return True

    def received(self, timeout_s: float = 0.0) -> list[Inbound]:
        """What arrived, oldest first; waits up to `timeout_s` for the first."""
        if timeout_s > 0 and not self._inbound:
            self._arrived.wait(timeout_s)
        self._arrived.clear()
        return _taken(self._inbound)

    def deliveries(self) -> list[Delivery]:
        return _taken(self._delivered)

    def stop(self, timeout_s: float = 2.0) -> None:
        """Sends what was handed over and says goodbye, so that the will stays unsaid. Safe to call twice."""
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._wake_read.close()
            self._wake_write.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: it has ended
            self._wake_write.send(b".")

    def _undelivered(self, message: Outgoing) -> None:
        if message.token is None:
            self.counters["dropped"] += 1
        else:
            self._delivered.append(Delivery(message.token, False))

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        pause_s = SHORTEST_PAUSE_S
        while not self._stopping.is_set():
            connection = Connection(self)
            try:
                connection.run()
                sentence = "stopped"
            except ConnectionLost as err:
                sentence = str(err)
            except Exception as err:  # a bug or paho's: the link must live on, and say it
                log.exception("mqtt failed broker=%s", self.where)
                sentence = f"broker {self.where}: {type(err).__name__}: {err}"
            self.connected = False
            connection.close()
            for message in connection.unacknowledged() + [message for _, message in _taken(self._outgoing)]:
                self._undelivered(message)
            if sentence not in (self.state, "stopped"):
                log.warning("mqtt down: %s", sentence)
            self.state = sentence
            self.counters["lost"] += connection.established
            if self._changed_protocol(connection):
                continue
            pause_s = SHORTEST_PAUSE_S if connection.established else min(2 * pause_s, LONGEST_PAUSE_S)
            until = time.monotonic() + pause_s
            while not self._stopping.is_set() and time.monotonic() < until:
                self.beat_mono_s = time.monotonic()
                self._stopping.wait(0.2)

    def _changed_protocol(self, connection: Connection) -> bool:
        """True: try again at once in 3.1.1. A broker that says so is believed for good; one that merely does not
        answer in MQTT 5 (amqtt, when a will is set) is asked anew each time."""
        if self.protocol == "5" and (connection.refused_five or connection.unanswered):
            self.protocol, self._guessed = "3.1.1", connection.unanswered
            log.warning("mqtt broker=%s falling back to MQTT 3.1.1", self.where)
            return True
        if self._guessed:
            self.protocol, self._guessed = "5", False
        return False


def _taken(queue: deque[_T]) -> list[_T]:
    """Everything in it now; others may append meanwhile."""
    return [queue.popleft() for _ in range(len(queue))]
