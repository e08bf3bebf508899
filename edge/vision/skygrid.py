"""Where the camera can see, as it is published: the star checks' sectors, ring by ring, and the plate's health.

A subscriber needs no code of ours to read it: every ring says its elevations and how many equal sectors it has, the
first of which begins at north, eastwards from there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from camera.platewatch import PlateHealth
from camera.platewatch import State as PlateState
from camera.sectors import FIRST, RING_EDGES_DEG, RING_SECTORS, RINGS
from camera.visibility import NEEDED_V_MAG, SectorState, Visibility
from edge.guard.payload import Message, Stamp, Utc, rfc3339

Sight = Literal["SEEN", "BLIND", "UNKNOWN", "MASKED"]  # only SEEN is vouched for


class SkyRing(Message):
    """Sectors of equal width between two elevations, from azimuth 0 eastwards."""

    elevation_from_deg: float
    elevation_to_deg: float
    state: tuple[Sight, ...]
    limiting_v_mag: tuple[float | None, ...]  # of a star at rest, over 30 s; null: too few stars

    @model_validator(mode="after")
    def _alike(self) -> SkyRing:
        if len(self.state) != len(self.limiting_v_mag):
            raise ValueError("state and limiting_v_mag must have one value per sector")
        return self


class PlateReport(Message):
    """Whether the plate still holds, by the stars of the newest pictures."""

    state: PlateState
    words: str
    shift_px: float | None
    rotation_deg: float | None  # about the zenith, eastwards positive
    tilt_deg: float | None
    stars: int
    since_s: float = Field(ge=0)  # how long it has been so


class SkyMessage(Message):
    """The sky above 10 degrees as the camera sees it. `rings` is empty without a plate or a picture."""

    schema_: Literal["skyspotter.sky/1"] = Field("skyspotter.sky/1", alias="schema")
    station: str
    issued_at: Utc
    boot_id: str
    simulated: bool
    sky_utc: Utc
    reason: str  # why the camera sees nothing at all; "" when it sees something
    visible_fraction: float  # by solid angle
    limiting_v_mag: float | None  # of the whole sky
    needed_v_mag: float = NEEDED_V_MAG  # a sector with a brighter limit is BLIND
    stars_expected: int
    stars_seen: int
    rings: tuple[SkyRing, ...]
    plate: PlateReport | None


def sky_message(
    view: Visibility | None, health: PlateHealth | None, stamp: Stamp, *, utc_ns: int, sky_utc_ns: int, mono_s: float
) -> SkyMessage:
    """Args: utc_ns: the real wall clock; sky_utc_ns: the calendar of the sky; mono_s: now, as the health's `since`."""
    return SkyMessage(
        station=stamp.station,
        issued_at=rfc3339(utc_ns),
        boot_id=stamp.boot_id,
        simulated=stamp.simulated,
        sky_utc=rfc3339(sky_utc_ns),
        reason="no plate or no picture yet" if view is None else view.reason,
        visible_fraction=0.0 if view is None else round(float(np.clip(view.fraction, 0.0, 1.0)), 3),
        limiting_v_mag=None if view is None else _magnitude(view.limiting_v_mag),
        stars_expected=0 if view is None else view.stars_expected,
        stars_seen=0 if view is None else view.stars_seen,
        rings=() if view is None else tuple(_ring(view, number) for number in range(RINGS)),
        plate=None if health is None else _plate(health, mono_s),
    )


def _ring(view: Visibility, number: int) -> SkyRing:
    mine = slice(int(FIRST[number]), int(FIRST[number] + RING_SECTORS[number]))
    names: dict[SectorState, Sight] = {
        SectorState.SEEN: "SEEN", SectorState.BLIND: "BLIND", SectorState.MASKED: "MASKED",
        SectorState.UNKNOWN: "UNKNOWN",
    }  # fmt: skip
    return SkyRing(
        elevation_from_deg=float(RING_EDGES_DEG[number]),
        elevation_to_deg=float(RING_EDGES_DEG[number + 1]),
        state=tuple(names[SectorState(state)] for state in view.sectors[mine].tolist()),
        limiting_v_mag=tuple(_magnitude(limit) for limit in view.limits_v_mag[mine].tolist()),
    )


def _plate(health: PlateHealth, mono_s: float) -> PlateReport:
    return PlateReport(
        state=health.state,
        words=health.words,
        shift_px=health.shift_px,
        rotation_deg=health.rotation_deg,
        tilt_deg=health.tilt_deg,
        stars=health.stars,
        since_s=round(max(mono_s - health.since_mono_s, 0.0), 1),
    )


def _magnitude(limit: float) -> float | None:
    return round(limit, 1) if np.isfinite(limit) else None
