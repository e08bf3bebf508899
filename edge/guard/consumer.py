"""The consumer's rule: what the laser's side may do with a safety message. Copy this file; it needs only Python.

    holder = PermitHolder(station="my-station", beam="main")
    holder.receive(payload, retained, time.monotonic(), time.time())    # for every message on .../<beam>/safety
    may_lase, why_not, remaining_s = holder.permitted(time.monotonic())  # before every shot

A permit lives for the lease of its message on this machine's monotonic clock, from the arrival of a live message.
Anything but a good live message ends it at once: a retained copy, a stamp more than 1 s from this machine's UTC (either
direction), a sequence number not newer than the last, garbage, a simulation, another station or beam. Silence ends it
with the lease. A boot_id not known before, also the first, permits only from its third good message on.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from math import isfinite
from typing import Any

SCHEMA = "skyspotter.safety/1"
LONGEST_LEASE_MS = 1500
CLOCK_LIMIT_S = 1.0
LIVE_MESSAGES = 3


class _Refused(Exception):
    """Why a message gives no permission."""


class PermitHolder:
    """Holds the permission of one beam. Not thread-safe. `simulation=True` accepts simulated messages only; `station`
    and `beam` are what the messages must name, whatever topic they came by ("": not looked at)."""

    def __init__(self, *, station: str = "", beam: str = "", simulation: bool = False) -> None:
        self.simulation = simulation
        self._whose = {name: value for name, value in (("station", station), ("beam", beam)) if value}
        self._why_not = "no message yet"
        self._received_mono_s = 0.0
        self._expires_mono_s: float | None = None
        self._boot_id = ""
        self._last_seq = -1
        self._live = 0  # good messages of this boot in a row, until they are enough

    def receive(self, payload: bytes, retained: bool, now_mono_s: float, now_utc_s: float) -> bool:
        """True when the message renewed the permit. Args: now_utc_s: Unix time of this machine, when it arrived."""
        self._expires_mono_s = None
        try:
            lease_s = self._lease_of(payload, retained, now_utc_s)
        except _Refused as why:
            self._why_not = str(why)
            return False
        except Exception as err:  # nothing in a message may ever raise on this side
            self._why_not = f"garbage: {type(err).__name__}"
            return False
        self._received_mono_s, self._expires_mono_s = now_mono_s, now_mono_s + lease_s
        return True

    def permitted(self, now_mono_s: float) -> tuple[bool, str, float]:
        """Whether to lase, else why not, and the seconds left of the lease (negative: since it expired; 0: none)."""
        if self._expires_mono_s is None:
            return False, self._why_not, 0.0
        remaining_s = self._expires_mono_s - now_mono_s
        if not now_mono_s >= self._received_mono_s:
            return False, "clock: the monotonic clock went back", 0.0
        if not remaining_s > 0.0:
            return False, f"permission expired {-remaining_s:.1f} s ago", remaining_s
        return True, "", remaining_s

    def _lease_of(self, payload: bytes, retained: bool, now_utc_s: float) -> float:
        try:
            message = json.loads(payload)
        except (ValueError, RecursionError) as err:
            raise _Refused("garbage: not JSON") from err
        if not isinstance(message, dict) or message.get("schema") != SCHEMA:
            raise _Refused(f"garbage: not {SCHEMA}")
        if message["simulated"] is not self.simulation:
            raise _Refused("simulated: not the sky" if not self.simulation else "real, but a simulation is watched")
        for name, value in self._whose.items():
            if message.get(name) != value:
                raise _Refused(f"of another {name}: not {value}")
        if retained:
            raise _Refused("retained copy: nobody knows how old")
        live = abs(now_utc_s - _unix_s(message["issued_at"])) <= CLOCK_LIMIT_S
        says = message["permit"] is True and message["state"] in ("CLEAR", "CAUTION") and message["basis"] != "NONE"
        if not says or message["mode"] == "SHADOW":  # at any age: it takes away
            with suppress(_Refused):
                if live:
                    self._count(message)
            raise _Refused(f"{_text(message['state'])}: no permit")
        if not live:
            raise _Refused("clock: issued_at and this machine differ by more than 1 s")
        lease_ms = message["lease_ms"]
        if type(lease_ms) not in (int, float) or not isfinite(lease_ms) or not 0 < lease_ms <= LONGEST_LEASE_MS:
            raise _Refused("garbage: lease_ms")
        self._count(message)
        if self._live < LIVE_MESSAGES:
            raise _Refused(f"new boot_id: live message {self._live} of {LIVE_MESSAGES}")
        return float(lease_ms) / 1000.0

    def _count(self, message: dict[str, Any]) -> None:
        """Knows a boot by its id and its rising numbers; a HOLD that is alive counts as a live message too."""
        boot_id, seq = _text(message["boot_id"]), message["seq"]
        if type(seq) is not int or seq < 0:
            raise _Refused("garbage: seq")
        if boot_id != self._boot_id:
            self._boot_id, self._last_seq, self._live = boot_id, -1, 0
        if seq <= self._last_seq:
            raise _Refused("older or repeated seq")
        self._last_seq = seq
        self._live = min(self._live + 1, LIVE_MESSAGES)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise _Refused("garbage: a text is missing")
    return value


def _unix_s(stamp: Any) -> float:
    when = datetime.fromisoformat(_text(stamp).replace("Z", "+00:00"))
    if when.tzinfo is None:
        raise _Refused("garbage: issued_at has no time zone")
    return when.timestamp()
