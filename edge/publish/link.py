"""The link to the broker: one thread that connects, reconnects and never makes anybody wait.

*Why no paho thread and no reconnecting client.* paho calls callbacks with its own locks held, ends its thread at an
exception, and sends what is in flight again in ways that depend on the version. Here one thread of ours owns the
socket, select and the client; no lock is shared with paho, and every connection is a new client with a clean session.
What was not acknowledged is given back to the outbox.

The caller never waits. QoS 0 messages are sent now or dropped and counted: a late CLEAR is worse than none.
MQTT 5; against a broker that speaks only 3.1.1 the link falls back by itself and says so.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.config import MqttSection
from edge.publish.mailbox import Mailbox
from edge.publish.messages import Outgoing
from edge.publish.mqtt import ClientTerms, Connection, ConnectionLost, MqttVersion

log = logging.getLogger(__name__)

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0


def credential_password() -> str | None:
    """$CREDENTIALS_DIRECTORY/mqtt-password, as systemd `LoadCredential=` leaves it; None without one."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        return Path(folder, "mqtt-password").read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        return None


class MqttLink(Mailbox):
    """A mailbox, and the thread that serves it."""

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
        """Args: greetings: sent first at each connection; asked on the link's thread, for fresh stamps."""
        super().__init__()
        self._client = ClientTerms(section, client_id, will, tuple(subscriptions), greetings, password)
        self.protocol: MqttVersion = section.protocol
        self._guessed = False  # 3.1.1 is a guess from silence
        self._thread = threading.Thread(target=self._live, name=f"mqtt {client_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Sends what was handed over and says goodbye, so that the will stays unsaid. Safe to call twice."""
        self.stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self.close()

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        pause_s = SHORTEST_PAUSE_S
        while not self.stopping.is_set():
            connection = Connection(self._client, self.protocol, self)
            try:
                connection.run()
                sentence = "stopped"
            except ConnectionLost as err:
                sentence = str(err)
            except Exception as err:  # a bug or paho's: the link must live on, and say it
                log.exception("mqtt failed broker=%s", self._client.where)
                sentence = f"broker {self._client.where}: {type(err).__name__}: {err}"
            self.connected = False
            connection.close()
            for message in connection.unacknowledged():
                self.undelivered(message)
            self.give_back()
            if sentence not in (self.state, "stopped"):
                log.warning("mqtt down: %s", sentence)
            self.state = sentence
            self.counters["lost"] += connection.established
            if self._changed_protocol(connection):
                continue
            pause_s = SHORTEST_PAUSE_S if connection.established else min(2 * pause_s, LONGEST_PAUSE_S)
            self.stopping.wait(pause_s)

    def _changed_protocol(self, connection: Connection) -> bool:
        """True: try again at once in 3.1.1. A broker that says so is believed for good; one that merely does not
        answer in MQTT 5 (amqtt, when a will is set) is asked anew each time."""
        if self.protocol == "5" and (connection.refused_five or connection.unanswered):
            self.protocol, self._guessed = "3.1.1", connection.unanswered
            log.warning("mqtt broker=%s falling back to MQTT 3.1.1", self._client.where)
            return True
        if self._guessed:
            self.protocol, self._guessed = "5", False
        return False
