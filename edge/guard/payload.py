"""What the station says on the network: one model per message, strict both ways, JSON by `to_bytes`.

The safety message is the contract with the laser's side. Its reader is `guard/consumer.py`; its rules stand there.
`issued_at` is always the real wall clock, also in a simulation: it proves that the message is alive. `sky_utc` is the
calendar of the sky that was judged.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.config import Config
from edge.records import Identity, SensorReport, SensorState

State = Literal["CLEAR", "CAUTION", "HOLD", "FAULT"]
Basis = Literal["FULL", "RADIO", "CAMERA", "NONE"]
Mode = Literal["SHADOW", "ADVISORY", "ENFORCE"]

PERMITTING: frozenset[State] = frozenset({"CLEAR", "CAUTION"})
LEASE_MS: Literal[1500] = 1500
ROLE: Literal["independent second tier; never the sole measure"] = "independent second tier; never the sole measure"
Utc = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]  # RFC 3339, milliseconds, always UTC


def rfc3339(utc_ns: int) -> str:
    """2026-06-14T21:45:00.000Z; cut, not rounded, to milliseconds: a stamp never lies in the future."""
    whole_s, rest_ns = divmod(utc_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(whole_s, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns // 1_000_000:03d}Z"


class Message(BaseModel):
    """`schema` is written by its alias: pydantic keeps the plain name for itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    def to_bytes(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


class Reason(Message):
    """Why the state is not better: a code of the fault table, words for people, since when (real wall clock)."""

    code: str
    words: str
    since: Utc


class Sensor(Message):
    state: SensorState
    reason: str = ""
    age_s: float | None = None  # of its newest good evidence

    @classmethod
    def of(cls, report: SensorReport) -> Sensor:
        age_s = None if report.age_s is None else round(report.age_s, 2)
        return cls(state=report.state, reason=report.reason, age_s=age_s)


class Sensors(Message):
    camera: Sensor
    radio: Sensor
    clock: Sensor
    plate: Sensor
    pointing: Sensor


class Closest(Message):
    """The object that comes nearest to the guarded region within the horizon, explained ones that may pass left out."""

    id: str
    identity: Identity
    label: str
    separation_deg: float  # least distance from the beam; in region "whole-sky" degrees below the guarded elevation
    in_s: float


class SafetyMessage(Message):
    schema_: Literal["skyspotter.safety/1"] = Field("skyspotter.safety/1", alias="schema")
    station: str
    beam: str
    state: State
    permit: bool
    would_permit: bool
    mode: Mode
    basis: Basis
    reasons: tuple[Reason, ...]
    lease_ms: Literal[1500] = LEASE_MS  # counted on the consumer's own monotonic clock, from arrival
    issued_at: Utc
    seq: int = Field(ge=0)
    boot_id: str
    sensors: Sensors
    caution_in_s: float | None = None  # CAUTION: until the object enters the region, or is nearest to it
    closest: Closest | None = None
    config_sha: str
    model_sha: str
    plate_sha: str
    role: Literal["independent second tier; never the sole measure"] = ROLE
    simulated: bool
    sky_utc: Utc


class Stamp(Message):
    """Who speaks: the part of every message that does not change while the process lives."""

    station: str
    boot_id: str
    config_sha: str = ""
    model_sha: str = ""
    simulated: bool

    @classmethod
    def of_boot(cls, config: Config, model_sha: str) -> Stamp:
        """A fresh one, with a boot id of its own."""
        return cls(
            station=config.station.id,
            boot_id=str(uuid.uuid4()),
            config_sha=config.sha256(),
            model_sha=model_sha,
            simulated=config.simulation is not None,
        )


def last_will(stamp: Stamp, beam: str, mode: Mode, plate_sha: str, utc_ns: int) -> SafetyMessage:
    """What the broker says when the box has vanished. Its age does not matter: it can only take away."""
    words, now = "the box has vanished from the network", rfc3339(utc_ns)
    gone = Sensor(state=SensorState.DEAD, reason=words)
    return SafetyMessage(
        station=stamp.station,
        beam=beam,
        state="FAULT",
        permit=False,
        would_permit=False,
        mode=mode,
        basis="NONE",
        reasons=(Reason(code="vanished", words=words, since=now),),
        issued_at=now,
        seq=0,
        boot_id=stamp.boot_id,
        sensors=Sensors(camera=gone, radio=gone, clock=gone, plate=gone, pointing=gone),
        config_sha=stamp.config_sha,
        model_sha=stamp.model_sha,
        plate_sha=plate_sha,
        simulated=stamp.simulated,
        sky_utc=now,
    )


class Track(Message):
    id: str
    identity: Identity
    label: str = ""
    senses: tuple[Literal["camera", "radio"], ...]
    azimuth_deg: float
    elevation_deg: float
    separation_deg: float | None = None  # from the beam, now; None without a beam direction
    range_m: float | None = None
    age_s: float = Field(ge=0)
    state: Literal["tentative", "confirmed", "coasting"] = "confirmed"
    evidence: str = ""


class TracksMessage(Message):
    """Everything on the sky of one beam, 1 Hz. `tracks` is null, never empty, while a sense is blind, stale or dead.

    `picture_age_s` at `issued_at` is the age of the newest judged picture, from the end of its exposure.
    """

    schema_: Literal["skyspotter.tracks/1"] = Field("skyspotter.tracks/1", alias="schema")
    station: str
    beam: str
    issued_at: Utc
    boot_id: str
    simulated: bool
    sky_utc: Utc
    camera: SensorState
    radio: SensorState
    visible_fraction: float | None = None  # of the sky above 10 degrees, by stars
    picture_seq: int | None = None
    picture_age_s: float | None = None
    tracks: tuple[Track, ...] | None

    @model_validator(mode="after")
    def _empty_is_a_claim(self) -> TracksMessage:
        if self.tracks == () and (self.camera is not SensorState.OK or self.radio is not SensorState.OK):
            raise ValueError("tracks: an empty sky needs both senses OK; say null when nobody knows")
        return self


class HealthMessage(Message):
    """The facts behind the sensors, every few seconds; numbers by part, for trends and for the field engineer."""

    schema_: Literal["skyspotter.health/1"] = Field("skyspotter.health/1", alias="schema")
    station: str
    issued_at: Utc
    boot_id: str
    simulated: bool
    uptime_s: float
    parts: dict[str, dict[str, float | int | str | None]]


class EventMessage(Message):
    """Something that happened once and must not be lost: QoS 1 out of the outbox; `id` tells repeats apart."""

    schema_: Literal["skyspotter.event/1"] = Field("skyspotter.event/1", alias="schema")
    id: str
    station: str
    beam: str = ""
    kind: str
    words: str
    issued_at: Utc
    boot_id: str
    simulated: bool
    sky_utc: Utc
    details: dict[str, float | int | str | bool | None] = Field(default_factory=dict)


class StatusMessage(Message):
    """Retained: is the box on the network, and which boot of it. Repeated, so that two boxes of one name meet."""

    schema_: Literal["skyspotter.status/1"] = Field("skyspotter.status/1", alias="schema")
    station: str
    status: Literal["online", "offline"]
    boot_id: str
    issued_at: Utc
    simulated: bool
    version: str = ""

    @classmethod
    def of(cls, stamp: Stamp, status: Literal["online", "offline"], utc_ns: int, version: str) -> StatusMessage:
        return cls(
            station=stamp.station,
            status=status,
            boot_id=stamp.boot_id,
            issued_at=rfc3339(utc_ns),
            simulated=stamp.simulated,
            version=version,
        )
