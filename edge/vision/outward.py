"""What one station says, in which words and how often. Builds messages and hands them to `send`; no network here.

safety   every 0.5 s and at once when the verdict changes, per beam
tracks   every second and at once after a judged picture, per beam
sky      every 4 s and at once when the plate's health changes; health and status every 2 s
events   on edges: a state, a sensor or a hold changed, somebody entered the region
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Literal

from edge.guard.payload import (
    EventMessage,
    HealthMessage,
    Message,
    SafetyMessage,
    Stamp,
    StatusMessage,
    Track,
    TracksMessage,
    rfc3339,
)
from edge.guard.verdict import Verdict, safety_message
from edge.publish.twins import STATUS_EVERY_S
from edge.records import SensorState, SkyObject
from edge.runtime.clock import Moment
from edge.vision.skygrid import sky_message
from edge.vision.station import Beam, Station

SAFETY_S, TRACKS_S, HEALTH_S, SKY_S = 0.5, 1.0, 2.0, 4.0

Send = Callable[[str, str, Message], None]  # topic kind, beam name ("" for the station's own topics), message


class _Every:
    """Due at once, then every `period_s`."""

    def __init__(self, period_s: float) -> None:
        self._period_s, self._next_mono_s = period_s, float("-inf")

    def due(self, mono_s: float, *, now: bool = False) -> bool:
        if not now and mono_s < self._next_mono_s:
            return False
        self._next_mono_s = mono_s + self._period_s
        return True


class Outward:
    """One per process. `say` is called after every decision."""

    def __init__(self, station: Station, stamp: Stamp, send: Send, *, version: str) -> None:
        self._station, self._stamp, self._send, self._version = station, stamp, send, version
        self._safety = {name: _Every(SAFETY_S) for name in station.beams}
        self._tracks = {name: _Every(TRACKS_S) for name in station.beams}
        self._health, self._status, self._sky = _Every(HEALTH_S), _Every(STATUS_EVERY_S), _Every(SKY_S)
        self._plate_state = "UNKNOWN"
        self._seq = dict.fromkeys(station.beams, 0)
        self._started_mono_s: float | None = None
        self._before: dict[str, Verdict] = {}
        self._picture_seq = dict.fromkeys(station.beams, -1)
        self.newest_safety: dict[str, SafetyMessage] = {}

    def say(self, name: str, verdict: Verdict, now: Moment) -> None:
        """Whatever is due of one beam."""
        before = self._before.get(name)
        self._before[name] = verdict
        changed = before is None or before.key != verdict.key
        if self._safety[name].due(now.mono_s, now=changed):
            self._seq[name] += 1
            message = safety_message(
                verdict,
                self._stamp,
                name,
                plate_sha="" if self._station.plate is None else self._station.plate.sha256,
                seq=self._seq[name],
                utc_ns=now.wall_utc_ns,
                sky_utc_ns=now.sky_utc_ns,
            )
            self.newest_safety[name] = message
            self._send("safety", name, message)
        judged = self._station.judged
        fresh = judged is not None and judged.frame.seq != self._picture_seq[name]
        if self._tracks[name].due(now.mono_s, now=fresh):
            if judged is not None:
                self._picture_seq[name] = judged.frame.seq
            self._send("tracks", name, self.tracks(self._station.beams[name], verdict, now))
        for kind, words, details in edges(before, verdict):
            self._send("events", name, self.event(kind, words, details, now, name))

    def station_wide(self, now: Moment, parts: Callable[[], dict[str, dict[str, float | int | str | None]]]) -> None:
        """Health and status, when due. `parts` is asked only then."""
        if self._started_mono_s is None:
            self._started_mono_s = now.mono_s
        if self._status.due(now.mono_s):
            self._send("status", "", self.status("online", now))
        self._say_sky(now)
        if self._health.due(now.mono_s):
            message = HealthMessage(
                station=self._stamp.station,
                issued_at=rfc3339(now.wall_utc_ns),
                boot_id=self._stamp.boot_id,
                simulated=self._stamp.simulated,
                uptime_s=round(now.mono_s - self._started_mono_s, 1),
                parts=parts(),
            )
            self._send("health", "", message)

    def _say_sky(self, now: Moment) -> None:
        judged, health = self._station.judged, self._station.plate_health
        state = self._plate_state if health is None else health.state
        changed = state != self._plate_state
        if changed and health is not None:
            words = f"plate {self._plate_state} -> {state}" + (f": {health.words}" if health.words else "")
            details = {"from": self._plate_state, "to": state, "shift_px": health.shift_px, "stars": health.stars}
            self._send("events", "", self.event("plate", words, details, now))
            self._plate_state = state
        if self._sky.due(now.mono_s, now=changed):
            view = None if judged is None else judged.visibility
            message = sky_message(
                view, health, self._stamp, utc_ns=now.wall_utc_ns, sky_utc_ns=now.sky_utc_ns, mono_s=now.mono_s
            )
            self._send("sky", "", message)

    def status(self, word: Literal["online", "offline"], now: Moment) -> StatusMessage:
        return StatusMessage.of(self._stamp, word, now.wall_utc_ns, self._version)

    def event(
        self, kind: str, words: str, details: dict[str, float | int | str | bool | None], now: Moment, beam: str = ""
    ) -> EventMessage:
        return EventMessage(
            id=str(uuid.uuid4()),
            station=self._stamp.station,
            beam=beam,
            kind=kind,
            words=words,
            issued_at=rfc3339(now.wall_utc_ns),
            boot_id=self._stamp.boot_id,
            simulated=self._stamp.simulated,
            sky_utc=rfc3339(now.sky_utc_ns),
            details=details,
        )

    def tracks(self, beam: Beam, verdict: Verdict, now: Moment) -> TracksMessage:
        """The list of objects; `None` instead of an empty list when not both senses can vouch for an empty sky.

        A camera that is OK vouches only with a plate: without directions its trails are no objects.
        """
        sensors = verdict.sensors
        senses = (sensors.camera, sensors.radio, sensors.plate)
        vouched = beam.objects_known and all(sense.state is SensorState.OK for sense in senses)
        separations = verdict.separations_deg or {}
        judged = self._station.judged
        fraction = self._station.visible_fraction()
        return TracksMessage(
            station=self._stamp.station,
            beam=beam.section.name,
            issued_at=rfc3339(now.wall_utc_ns),
            boot_id=self._stamp.boot_id,
            simulated=self._stamp.simulated,
            sky_utc=rfc3339(now.sky_utc_ns),
            camera=sensors.camera.state,
            radio=sensors.radio.state,
            visible_fraction=None if fraction is None else round(fraction, 3),
            picture_seq=None if judged is None else judged.frame.seq,
            picture_age_s=None if judged is None else round(max(now.mono_s - judged.frame.end_mono_s, 0.0), 4),
            tracks=None if not (beam.objects or vouched) else tuple(_tracks(beam.objects, separations)),
        )


def _tracks(objects: Iterable[SkyObject], separations_deg: object) -> Iterable[Track]:
    separations = separations_deg if isinstance(separations_deg, dict) else {}
    for thing in objects:
        yield Track(
            id=thing.id,
            identity=thing.identity,
            label=thing.label,
            senses=thing.senses,
            azimuth_deg=round(thing.azimuth_deg, 2),
            elevation_deg=round(thing.elevation_deg, 2),
            separation_deg=separations.get(thing.id),
            range_m=None if thing.range_m is None else round(thing.range_m),
            age_s=round(max(thing.age_s, 0.0), 2),
            state=thing.state,
            evidence=thing.evidence,
        )


Edge = tuple[str, str, dict[str, float | int | str | bool | None]]


def edges(before: Verdict | None, now: Verdict) -> list[Edge]:
    """What happened between two verdicts of one beam, as (kind, words, details). Pure."""
    found: list[Edge] = []
    why = "; ".join(reason.words for reason in now.reasons) or "nothing against it"
    if before is None or before.state != now.state:
        was = "" if before is None else before.state
        found.append(("state", f"{was or 'start'} -> {now.state}: {why}", {"from": was, "to": now.state}))
    if before is None:
        return found
    if before.basis != now.basis:
        found.append(("basis", f"{before.basis} -> {now.basis}", {"from": before.basis, "to": now.basis}))
    for sensor in type(now.sensors).model_fields:
        old, new = getattr(before.sensors, sensor), getattr(now.sensors, sensor)
        if old.state != new.state:
            words = f"{sensor} {old.state} -> {new.state}" + (f": {new.reason}" if new.reason else "")
            found.append(("sensor", words, {"sensor": sensor, "from": str(old.state), "to": str(new.state)}))
    for code in sorted(now.active - before.active):
        words = next((reason.words for reason in now.reasons if reason.code == code), code)
        found.append(("fault", f"{code}: {words}", {"code": code, "active": True}))
    for code in sorted(before.active - now.active):
        found.append(("fault", f"{code}: over", {"code": code, "active": False}))
    for key, rule in (now.passed or {}).items():
        if key not in (before.passed or {}):
            found.append(("passed", f"{key} need not hold: {rule}", {"object": key, "rule": rule}))
    return found
