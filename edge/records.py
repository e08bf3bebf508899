"""Small frozen records that travel between the parts of the box. No behaviour beyond what a record knows of itself.

Two kinds: pydantic models for what crosses a process border (checked on arrival, versioned), dataclasses for what stays
inside one process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

DATAGRAM_VERSION = 1


class SensorState(StrEnum):
    """What a sensor can say of itself. Only OK may support a permit; an empty sky is only believed from OK."""

    OK = "OK"
    BLIND = "BLIND"  # works, but cannot see: daylight, cloud, cap closed; clears itself
    STALE = "STALE"  # was fine, its newest evidence is too old
    DEAD = "DEAD"  # broken, absent or never heard of


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# -- across processes: radio -> judgement, camera -> judgement -------------------------------------------------------


HeightBasis = Literal["gnss", "own-difference", "neighbours", "qnh", "baro"]


class AircraftState(Record):
    """Everything heard of one aircraft, at `position_utc_ns`. Metres, metres per second, degrees; feet stay in decode.

    `key` tells addresses of different kinds apart: "icao:4D2023", "tisb:...", "anon:...".
    """

    kind: Literal["aircraft"] = "aircraft"
    version: Literal[1] = 1
    key: str
    icao: str
    callsign: str | None = None
    squawk: str | None = None
    category: str | None = None
    on_ground: bool = False
    latitude_deg: float | None = Field(None, ge=-90, le=90)
    longitude_deg: float | None = Field(None, ge=-180, le=180)
    altitude_baro_m: float | None = None
    height_m: float | None = None  # above the WGS-84 ellipsoid: what direction on the sky needs
    height_sigma_m: float = 300.0
    height_basis: HeightBasis | None = None  # where `height_m` comes from, best first
    horizontal_sigma_m: float = 100.0
    speed_mps: float | None = None  # over ground
    track_deg: float | None = None
    vertical_rate_mps: float | None = None
    velocity_sigma_mps: float = 5.0  # each horizontal axis
    airspeed_mps: float | None = None  # told instead of the speed over ground by aircraft that have lost GNSS
    heading_deg: float | None = None
    emergency: str | None = None  # none, general, lifeguard, minfuel, nordo, unlawful, downed, reserved
    position_utc_ns: int | None = None  # sky time at which the position held
    position_mono_s: float | None = None  # the same on CLOCK_MONOTONIC, for its age
    velocity_utc_ns: int | None = None
    seen_mono_s: float  # last message of any kind
    messages: int = 0
    rssi_dbfs: float | None = None
    adsb_version: int | None = None  # 0 to 3 (DO-260, -A, -B, -C); None: not told
    nic: int | None = None  # integrity of its position, 0 (none) to 11
    rc_m: float | None = None  # radius that contains it but for the probability of `sil`; None: unknown
    vpl_m: float | None = None  # the same of its height
    nac_p: int | None = None  # accuracy of its position, 0 (unknown) to 11; not told by version 0
    epu_m: float | None = None  # 95 % of its horizontal error; None: unknown
    gva: int | None = None  # accuracy of its GNSS height, 0 (unknown) to 2
    nac_v: int | None = None  # accuracy of its velocity, 0 (unknown) to 4
    sil: int | None = None  # 0 (no integrity) to 3 (1e-7)
    sda: int | None = None  # design assurance of the equipment, 0 to 3
    flags: tuple[str, ...] = ()  # why its position deserves doubt: names of edge/adsb/aircraft


class RadioHealth(Record):
    """Once a second, also when the sky is empty: that the ear hears is evidence of its own."""

    kind: Literal["radio-health"] = "radio-health"
    version: Literal[1] = 1
    mono_s: float
    state: SensorState
    reason: str = ""
    bytes_per_s: float = 0.0
    messages_per_s: float = 0.0
    noise_dbfs: float | None = None
    strong_share: float | None = None
    gain_db: float | None = None
    aircraft: int = 0  # with a fresh position
    not_located: int = 0  # heard lately, but nobody can say where: transponders without ADS-B
    lost_blocks: int = 0
    warning: str = ""  # what a person should look at; never changes the state
    counters: dict[str, int] = Field(default_factory=dict)


class CameraHealth(Record):
    """Once a second from the capture process: a camera that gives no frame still says why."""

    kind: Literal["camera-health"] = "camera-health"
    version: Literal[1] = 1
    mono_s: float
    state: SensorState
    reason: str = ""
    frames: int = 0
    timeouts: int = 0
    reopened: int = 0
    dropped: int = 0
    sensor_celsius: float | None = None
    cooler_percent: float | None = None
    gap_ms: float | None = None  # from one exposure to the next, median of the last ones
    gap_worst_ms: float | None = None
    recovery: str = ""  # the rung of the ladder in use, "" when well
    cause: Literal["", "frozen"] = ""  # where the guard tells causes of one state apart
    counters: dict[str, int] = Field(default_factory=dict)


Datagram = Annotated[AircraftState | RadioHealth | CameraHealth, Field(discriminator="kind")]
DATAGRAM: TypeAdapter[Datagram] = TypeAdapter(Datagram)


# -- inside the judgement --------------------------------------------------------------------------------------------

# Look-ahead grid of the guard: every path is given as directions at these times after "now". A tenth of a second keeps
# the step of the fastest aircraft (11 deg/s, a helicopter at 300 m) near a degree; the guard widens by half a step.
HORIZON_S: NDArray[np.float64] = np.round(np.arange(0.0, 15.0 + 1e-9, 0.1), 3)


@dataclass(frozen=True, slots=True, eq=False)
class SkyTrail:
    """One trail of one frame, as directions, exposed from `begin_utc_ns` to `end_utc_ns`; which is first is open."""

    trail_class: str  # aircraft | satellite | meteor | unknown: the network's opinion
    score: float
    polyline_px: NDArray[np.float64]  # (N, 2) x, y in stored pixels
    unit_enu: NDArray[np.float64]  # (N, 3) directions from the camera
    begin_utc_ns: int
    end_utc_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """One possible path of one object over HORIZON_S, from the telescope: directions and how uncertain they are."""

    unit_enu: NDArray[np.float64]  # (len(HORIZON_S), 3)
    sigma_deg: NDArray[np.float64]  # (len(HORIZON_S),)


Identity = Literal["aircraft", "satellite", "meteor", "own-beam", "own-target", "unknown"]


@dataclass(frozen=True, slots=True, eq=False)
class SkyObject:
    """Something on the sky, whoever sensed it. Unknown counts as aircraft; an explanation needs evidence.

    `hypotheses` holds every path it may take: both directions of a single trail, camera and radio where they disagree.
    """

    id: str
    identity: Identity
    label: str  # callsign or address, satellite name, "" when nobody knows
    senses: tuple[Literal["camera", "radio"], ...]
    hypotheses: tuple[Hypothesis, ...]
    azimuth_deg: float  # now, best estimate, for people
    elevation_deg: float
    range_m: float | None = None
    age_s: float = 0.0  # of its newest evidence, monotonic
    state: Literal["tentative", "confirmed", "coasting"] = "confirmed"
    evidence: str = ""  # what the identity rests on, in words


@dataclass(frozen=True, slots=True)
class Pointing:
    """Where the telescope points and what it does, as its controller says (topic .../pointing)."""

    received_mono_s: float
    azimuth_deg: float
    elevation_deg: float
    azimuth_rate_dps: float
    elevation_rate_dps: float
    target_id: str
    laser_on: bool


@dataclass(frozen=True, slots=True)
class SensorReport:
    """What one sensor says, as it goes into the permission: state, reason in words, age of its newest good evidence."""

    state: SensorState
    reason: str = ""
    age_s: float | None = None
    details: dict[str, float | int | str] = field(default_factory=dict)
