"""Everything that goes out and comes in over MQTT, by kind and beam: links, topics and the outbox behind one door.

One connection per beam, whose last will is FAULT, and one for the station, whose will is offline. What ages is sent now
or dropped; events go through the outbox and are sent until the broker has them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.config import Config
from edge.guard.payload import EventMessage, Message, SafetyMessage, Stamp, StatusMessage
from edge.publish.link import MqttLink, credential_password
from edge.publish.messages import Outgoing
from edge.publish.outbox import Outbox
from edge.publish.topics import BEAM, EVENTS, HEALTH, HOLD, POINTING, PRIMARY, SAFETY, SKY, STATUS, TRACKS, Topic
from edge.runtime.place import record_directory, runtime_directory

KINDS: dict[str, Topic] = {
    "safety": SAFETY, "tracks": TRACKS, "pointing": POINTING, "hold": HOLD, "primary": PRIMARY, "sky": SKY,
    "health": HEALTH, "events": EVENTS, "status": STATUS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message from the network. `beam` is empty for the station's own topics."""

    kind: str
    beam: str
    payload: bytes
    retained: bool
    mono_s: float


class Publisher:
    """Owned by the judging thread."""

    def __init__(self, config: Config, stamp: Stamp, wills: Mapping[str, SafetyMessage], *, version: str) -> None:
        self._root, self._version, self._stamp = config.topic_root, version, stamp
        password = credential_password()
        name = f"{config.topic_root.replace('/', '-')}-{stamp.boot_id[:8]}"
        self._beams = {
            beam: MqttLink(
                config.mqtt,
                client_id=f"{name}-{beam}",
                will=self._outgoing("safety", beam, will),
                subscriptions=[(topic.path(self._root, beam), topic.qos) for topic in (POINTING, HOLD)],
                password=password,
            )
            for beam, will in wills.items()
        }
        self._station = MqttLink(
            config.mqtt,
            client_id=name,
            will=self._status("offline"),
            subscriptions=[(topic.path(self._root), topic.qos) for topic in (PRIMARY, STATUS)],
            greetings=lambda: [self._status("online")],
            password=password,
        )
        self._places = {
            topic.path(self._root, beam): (kind, beam if BEAM in topic.suffix else "")
            for kind, topic in KINDS.items()
            for beam in self._beams
        }
        self._outbox = Outbox(_outbox_path(config), self._station, maximum_rows=config.recorder.outbox_rows)
        self._unknown = Counter[str]()

    @property
    def disk_full(self) -> str:
        """Why events cannot be kept; "" while they can."""
        return self._outbox.trouble

    @property
    def counters(self) -> dict[str, int]:
        total = Counter(self._unknown)
        for link in self._links():
            total.update(link.counters)
        return dict(total) | {f"outbox_{key}": number for key, number in self._outbox.counters.items()}

    @property
    def state(self) -> str:
        """One sentence on the connection."""
        return self._station.state

    def start(self) -> None:
        for link in self._links():
            link.start()
        self._outbox.start()

    def publish(self, kind: str, beam: str, message: Message) -> bool:
        """Hands a message over; never waits. False: dropped (and counted)."""
        if isinstance(message, EventMessage):
            return self._outbox.put(KINDS[kind].path(self._root, beam), message.to_bytes())
        return self._link(beam).publish(self._outgoing(kind, beam, message))

    def receive(self) -> list[Arrived]:
        """What arrived since the last call."""
        found = []
        for link in self._links():
            for message in link.received():
                place = self._places.get(message.topic)
                if place is None:
                    self._unknown["unknown_topic"] += 1
                else:
                    found.append(Arrived(*place, message.payload, message.retained, message.arrived_mono_s))
        return found

    def close(self, timeout_s: float) -> None:
        """Gives what is owed `timeout_s` to leave; the rest waits in the outbox for the next start."""
        deadline_mono_s = time.monotonic() + timeout_s
        while self._station.connected and self._outbox.waiting and time.monotonic() < deadline_mono_s:
            time.sleep(0.05)
        for link in self._links():
            link.stop(1.5)
        self._outbox.stop()

    def _links(self) -> Sequence[MqttLink]:
        return [*self._beams.values(), self._station]

    def _link(self, beam: str) -> MqttLink:
        return self._beams[beam] if beam else self._station

    def _outgoing(self, kind: str, beam: str, message: Message) -> Outgoing:
        topic = KINDS[kind]
        path = topic.path(self._root, beam)
        return Outgoing(path, message.to_bytes(), topic.qos, topic.retain, topic.expiry_s)

    def _status(self, word: Literal["online", "offline"]) -> Outgoing:
        return self._outgoing("status", "", StatusMessage.of(self._stamp, word, time.time_ns(), self._version))


def _outbox_path(config: Config) -> Path:
    """In the state directory, which outlives a boot; a simulation's events need not outlive its runtime directory."""
    directory = record_directory(config.recorder.directory)
    if directory is None or config.simulation is not None:
        directory = runtime_directory()
    return directory / "outbox.sqlite"
