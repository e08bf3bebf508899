"""What the network may tell the guard: where the telescope points, HOLD, and that the primary measure is alive.

None of it can give a permission or release anything. A pointing that is wrong is refused with the field's name; a hold
that is unreadable is still a hold.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.records import Pointing

LARGEST_BYTES = 4096


class PointingRefused(Exception):
    """The message is no pointing; says which field and why."""


class _Inbound(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, strict=True, populate_by_name=True)


class PointingMessage(_Inbound):
    """Topic `<beam>/pointing`, at least 5 Hz, from the telescope's controller."""

    schema_: Literal["skyspotter.pointing/1"] = Field("skyspotter.pointing/1", alias="schema")
    azimuth_deg: Annotated[float, Field(ge=-360, le=720)]  # east of north; controllers unwind their cables
    elevation_deg: Annotated[float, Field(ge=-5, le=95)]
    azimuth_rate_dps: Annotated[float, Field(ge=-60, le=60)]  # left out, a moving beam would be guarded where it was
    elevation_rate_dps: Annotated[float, Field(ge=-60, le=60)]
    target_id: str = Field("", max_length=64)
    laser_state: Literal["on", "off"]

    def to_bytes(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


class HoldMessage(_Inbound):
    """Topic `<beam>/hold`: anyone may hold. There is no message that releases."""

    schema_: Literal["skyspotter.hold/1"] = Field("skyspotter.hold/1", alias="schema")
    by: str = Field("somebody", max_length=64)
    reason: str = Field("", max_length=200)

    def to_bytes(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


class PrimaryMessage(_Inbound):
    """Topic `primary`: the heartbeat of the station's own measure (radar, spotter, transponder array)."""

    schema_: Literal["skyspotter.primary/1"] = Field("skyspotter.primary/1", alias="schema")
    measure: str = Field(min_length=1, max_length=64)
    working: bool

    def to_bytes(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


def parse_pointing(payload: bytes, *, retained: bool, arrived_mono_s: float) -> Pointing:
    """Raises PointingRefused. A retained copy is refused: nobody knows how old it is."""
    if retained:
        raise PointingRefused("pointing: a retained message; publish it without retain")
    if len(payload) > LARGEST_BYTES:
        raise PointingRefused(f"pointing: {len(payload)} bytes are no pointing")
    try:
        message = PointingMessage.model_validate_json(payload)
    except ValidationError as err:
        fault = err.errors()[0]
        path = ".".join(str(part) for part in fault["loc"]) or "message"
        raise PointingRefused(f"pointing: {path}: {fault['msg']}") from err
    return Pointing(
        received_mono_s=arrived_mono_s,
        azimuth_deg=message.azimuth_deg % 360.0,
        elevation_deg=message.elevation_deg,
        azimuth_rate_dps=message.azimuth_rate_dps,
        elevation_rate_dps=message.elevation_rate_dps,
        target_id=message.target_id,
        laser_on=message.laser_state == "on",
    )


def parse_hold(payload: bytes) -> str:
    """Who holds and why, in words; never empty, except for an empty payload, which only clears a retained message."""
    if not payload:
        return ""
    try:
        message = HoldMessage.model_validate_json(payload[:LARGEST_BYTES])
    except ValidationError:
        return "an unreadable message on the hold topic"
    return f"{message.by}: {message.reason}" if message.reason else f"held by {message.by}"


def parse_primary(payload: bytes, *, retained: bool) -> bool:
    """True: the primary measure says now that it works. Anything else is no heartbeat."""
    if retained:
        return False
    try:
        return PrimaryMessage.model_validate_json(payload[:LARGEST_BYTES]).working
    except ValidationError:
        return False
