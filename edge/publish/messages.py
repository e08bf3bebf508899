"""What goes to the broker, what comes back, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IN_FLIGHT = 20  # messages of QoS 1 sent and not acknowledged, at most


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`token`: reported back by `deliveries`, for QoS 1 out of the outbox. `expiry_s` counts with MQTT 5 only."""

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 0
    retain: bool = False
    expiry_s: int | None = None
    token: int | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    topic: str
    payload: bytes
    retained: bool
    arrived_mono_s: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message with a token. `refused`: the broker's word, else empty; unconfirmed: send it again."""

    token: int
    acknowledged: bool
    refused: str = ""
