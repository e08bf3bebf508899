"""One connection to the broker, from CONNECT to its end, on the link's thread. The only user of paho."""

from __future__ import annotations

import logging
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config import MqttSection
from edge.publish.mailbox import Mailbox
from edge.publish.messages import IN_FLIGHT, Delivery, Inbound, Outgoing

log = logging.getLogger(__name__)

KEEPALIVE_S = 5  # a half-open connection ends, and the will is published, within 1.5 times this
CONNECT_LIMIT_S = 5.0
LATE_S = 0.5  # a QoS 0 message not sent by then is dropped
_REFUSED_PROTOCOL = "Unsupported protocol version"

MqttVersion = Literal["5", "3.1.1"]


class ConnectionLost(Exception):
    """This connection is over; the message is the sentence for people."""


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """What one client says of itself and asks for at each of its connections."""

    section: MqttSection
    client_id: str
    will: Outgoing | None
    subscriptions: tuple[tuple[str, int], ...]
    greetings: Callable[[], Sequence[Outgoing]]  # asked anew, for fresh stamps
    password: str | None = field(repr=False)

    @property
    def where(self) -> str:
        return f"{self.section.host}:{self.section.port}"


class Connection:
    """One client from CONNECT to its end, which serves `mailbox`. Lives on the link's thread, callbacks included."""

    def __init__(self, terms: ClientTerms, protocol: MqttVersion, mailbox: Mailbox) -> None:
        self._terms, self._protocol, self._mailbox = terms, protocol, mailbox
        self.established = False
        self.refused_five = False
        self.unanswered = False  # the broker took the connection and never answered in MQTT
        self._verdict: ReasonCode | None = None  # of the broker, on CONNECT
        self._goodbye = ""
        self._granted = 0
        self._deaf = False  # a subscription was refused
        self._in_flight: dict[int, Outgoing] = {}
        self._client: Client | None = None

    def run(self) -> None:
        """Raises ConnectionLost with the sentence; returns when the link is being stopped."""
        section, where = self._terms.section, self._terms.where
        client = self._client = self._made()
        try:
            if self._protocol == "5":
                client.connect(section.host, section.port, KEEPALIVE_S, clean_start=True)
            else:
                client.connect(section.host, section.port, KEEPALIVE_S)
        except (OSError, ValueError) as err:
            raise ConnectionLost(_sentence(err, section)) from err
        deadline = time.monotonic() + CONNECT_LIMIT_S
        self.unanswered = True
        while not self._mailbox.stopping.is_set():
            self._turn(client, 0.25)
            if self._verdict is not None and not self.established:
                self.unanswered = False
                self._accept(client, self._verdict)
            if not self._mailbox.connected and time.monotonic() > deadline:
                what = "does not grant the subscriptions" if self.established else "does not speak MQTT"
                raise ConnectionLost(f"broker {where} accepts the connection but {what}")
        self._leave(client)

    def _made(self) -> Client:
        section, will = self._terms.section, self._terms.will
        five = self._protocol == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._terms.client_id,
            protocol=MQTTv5 if five else MQTTv311,
            clean_session=None if five else True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_LIMIT_S
        client.max_inflight_messages_set(IN_FLIGHT)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        if section.username is not None:
            client.username_pw_set(section.username, self._terms.password)
        if section.ca_file is not None:
            try:
                client.tls_set(
                    ca_certs=str(section.ca_file),
                    certfile=str(section.certificate_file) if section.certificate_file else None,
                    keyfile=str(section.key_file) if section.key_file else None,
                )
            except (OSError, ValueError) as err:
                raise ConnectionLost(f"mqtt.ca_file, certificate_file or key_file cannot be used: {err}") from err
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        return client

    def _accept(self, client: Client, verdict: ReasonCode) -> None:
        terms, mailbox = self._terms, self._mailbox
        if verdict.is_failure:
            if str(verdict) == _REFUSED_PROTOCOL and self._protocol == "5":
                self.refused_five = True
                raise ConnectionLost(f"broker {terms.where} does not speak MQTT 5: falling back to 3.1.1")
            raise ConnectionLost(_refusal(verdict, terms.where))
        self.established = True
        mailbox.connected = not terms.subscriptions  # else when the broker has granted them all
        mailbox.counters["connected"] += 1
        mailbox.state = f"connected to {terms.where}, MQTT {self._protocol}"
        log.info("mqtt up broker=%s protocol=%s", terms.where, self._protocol)
        for topic, qos in terms.subscriptions:
            client.subscribe(topic, qos)
        for message in terms.greetings():
            self._send(client, message)

    def _turn(self, client: Client, wait_s: float) -> None:
        """One round of select: sends, reads, keeps alive. Raises ConnectionLost."""
        wake = self._mailbox.wake_read
        sock: Any = client.socket()
        if sock is None:
            raise ConnectionLost(self._end_sentence())
        writing = [sock] if client.want_write() else []
        try:
            readable, writable, _ = select.select([sock, wake], writing, [], wait_s)
        except (OSError, ValueError) as err:
            raise ConnectionLost(self._end_sentence()) from err
        if wake in readable:
            self._mailbox.woken()
        codes = [client.loop_write()] if writable else []
        if self.established:
            self._send_waiting(client)
        if sock in readable:
            codes.append(client.loop_read())
            while client.socket() is not None and isinstance(sock, ssl.SSLSocket) and sock.pending():
                codes.append(client.loop_read())
        codes.append(client.loop_misc())
        if self._deaf:  # who cannot be told HOLD must not speak either: the broker says the will
            where = self._terms.where
            raise ConnectionLost(f"broker {where} refuses a subscription: check its access list for this user")
        if any(code != MQTTErrorCode.MQTT_ERR_SUCCESS for code in codes) and self._verdict is None:
            raise ConnectionLost(self._end_sentence())
        if self.established and client.socket() is None:
            raise ConnectionLost(self._end_sentence())

    def _send_waiting(self, client: Client) -> None:
        while self._mailbox.outgoing:
            handed_mono_s, message = self._mailbox.outgoing.popleft()
            late = time.monotonic() - handed_mono_s > LATE_S
            if message.qos == 0 and (late or client.want_write()):  # what cannot leave now must not leave later
                self._mailbox.counters["dropped"] += 1
            else:
                self._send(client, message)

    def _send(self, client: Client, message: Outgoing) -> None:
        properties = None
        if message.expiry_s is not None and self._protocol == "5":
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = message.expiry_s
        sent = client.publish(message.topic, message.payload, message.qos, message.retain, properties)
        if message.qos:
            self._in_flight[sent.mid] = message
        self._mailbox.counters["sent"] += 1

    def _leave(self, client: Client) -> None:
        """What was handed over before `stop` still goes out; at most a second is spent on it."""
        until = time.monotonic() + 1.0
        while self.established and time.monotonic() < until:
            if not (self._mailbox.outgoing or client.want_write() or self._in_flight):
                break
            self._turn(client, 0.05)
        client.disconnect()

    def unacknowledged(self) -> list[Outgoing]:
        return list(self._in_flight.values())

    def close(self) -> None:
        """Without a goodbye, unless one was said: then the broker says the will."""
        client, self._client = self._client, None
        if client is not None and (sock := client.socket()) is not None:
            sock.close()

    def _end_sentence(self) -> str:
        where = self._terms.where
        if self._goodbye and self._goodbye not in ("Success", "Unspecified error", "Normal disconnection"):
            return f"broker {where} ended the connection: {self._goodbye}"
        return f"broker {where} is gone; trying again" if self.established else f"broker {where} hung up at once"

    # -- callbacks: on this thread, they only note ---------------------------------------------------------------------

    def _on_connect(self, client: Client, data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self._verdict = reason

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        self._mailbox.arrived(Inbound(message.topic, bytes(message.payload), bool(message.retain), time.monotonic()))

    def _on_publish(self, client: Client, data: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        message = self._in_flight.pop(mid, None)
        if reason.is_failure:  # only MQTT 5 tells; with 3.1.1 the broker says Success and the message is gone
            self._mailbox.counters["refused"] += 1
            log.warning("mqtt refused topic=%s: %s", message.topic if message else "?", reason)
        if message is not None and message.token is not None:
            refused = str(reason) if reason.is_failure else ""
            self._mailbox.delivered(Delivery(message.token, not refused, refused))

    def _on_subscribe(self, client: Client, data: Any, mid: int, reasons: Any, properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._mailbox.counters["subscriptions_refused"] += 1
            self._deaf = True
        else:
            self._granted += 1
            self._mailbox.connected = self._granted >= len(self._terms.subscriptions)

    def _on_disconnect(self, client: Client, data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self._goodbye = str(reason)


def _refusal(verdict: ReasonCode, where: str) -> str:
    word = str(verdict)
    if word in ("Bad user name or password", "Not authorized"):
        return f"broker {where} refuses the user: check mqtt.username and the credential mqtt-password"
    if word == "Client identifier not valid":
        return f"broker {where} refuses the client id"
    return f"broker {where} refuses the connection: {word}"


def _sentence(err: Exception, section: MqttSection) -> str:
    where = f"{section.host}:{section.port}"
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"TLS: the certificate of broker {where} is not accepted with mqtt.ca_file: {err.verify_message}"
    if isinstance(err, ssl.SSLError):
        return f"TLS with broker {where} failed: {err.reason or err}"
    if isinstance(err, socket.gaierror):
        return f"the name of broker {section.host} is unknown: check mqtt.host"
    if isinstance(err, ConnectionRefusedError):
        return f"no broker listens at {where}: start it, or check mqtt.host and mqtt.port"
    if isinstance(err, TimeoutError):
        return f"broker {where} does not answer within {CONNECT_LIMIT_S:.0f} s"
    return f"broker {where} cannot be reached: {err}"
