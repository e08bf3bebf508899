"""The one fault table: what can go wrong, what follows, how fast, and who may end it. The guard executes these rows.

A row is asked at every decision whether its cause is present; the answer is empty or says it in words. Rows without
`latched` clear themselves `clear_s` after the cause was last present; latched rows stay until somebody releases them
on the box. A row that `removes` a sense decides only as far as the other sense may not stand in (basis RADIO, CAMERA).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge.guard import causes
from edge.guard.facts import (
    DISAGREE_S,
    HEALTHY_S,
    OBJECTS_AGE_S,
    PICTURE_AGE_S,
    POINTING_AGE_S,
    RADIO_AGE_S,
    TICK_S,
    Facts,
    Sense,
)
from edge.guard.payload import State
from edge.records import SensorState

SensorName = Literal["camera", "radio", "clock", "plate", "pointing"]
HERE = "the laser safety officer, on the box"
ITSELF = "itself"


@dataclass(frozen=True, slots=True)
class Fault:
    code: str
    cause: str
    state: State | None  # None: an event only
    reaction: str
    within_s: float  # from the cause (or the last good evidence) to no permit, published
    present: Callable[[Facts], str]
    removes: Sense | None = None
    sensor: SensorName | None = None  # whose report in the safety message shows it
    shows: SensorState | None = None
    latched: bool = False
    clear_s: float = HEALTHY_S
    released_by: str = ITSELF


_STALE, _DEAD, _BLIND = SensorState.STALE, SensorState.DEAD, SensorState.BLIND

# Rows that remove a sense stand first: later rows ask which senses are left.
TABLE: tuple[Fault, ...] = (
    Fault("camera-absent", "the station is configured without camera", "HOLD", "camera is no basis", TICK_S,
          causes.camera_absent, removes="camera", sensor="camera", shows=_DEAD, released_by="configuration"),
    Fault("camera-dead", "the camera is gone or its process died", "FAULT", "camera is no basis; it is reopened",
          PICTURE_AGE_S + TICK_S, causes.camera_dead, removes="camera", sensor="camera", shows=_DEAD),
    Fault("camera-frozen", "pictures repeat", "FAULT", "camera is no basis; it is reopened", PICTURE_AGE_S + TICK_S,
          causes.camera_frozen, removes="camera", sensor="camera", shows=_DEAD),
    Fault("camera-stale", "the newest judged picture ended more than 5.5 s ago", "FAULT", "camera is no basis",
          PICTURE_AGE_S + TICK_S, causes.camera_stale, removes="camera", sensor="camera", shows=_STALE),
    Fault("camera-blind", "daylight, cloud, a cap", "HOLD", "camera is no basis", TICK_S,
          causes.camera_blind, removes="camera", sensor="camera", shows=_BLIND),
    Fault("camera-sectors", "the camera cannot see where the beam will sweep", "HOLD", "camera is no basis", TICK_S,
          lambda f: f.sectors_blind, removes="camera", sensor="camera", shows=_BLIND),
    Fault("camera-long-exposure", "exposures of more than 5 s", "HOLD", "camera is no basis", TICK_S,
          causes.long_exposure, removes="camera", sensor="camera", shows=_BLIND),
    Fault("plate-absent", "no plate solution", "HOLD", "camera is no basis: run `skyspotter calibrate`", TICK_S,
          causes.plate_absent, removes="camera", sensor="plate", shows=_DEAD),
    Fault("plate-refused", "the plate is damaged, or of another camera or region", "HOLD",
          "camera is no basis: run `skyspotter calibrate`", TICK_S,
          causes.plate_refused, removes="camera", sensor="plate", shows=_DEAD),
    Fault("radio-absent", "the station is configured without radio", "HOLD", "radio is no basis", TICK_S,
          causes.radio_absent, removes="radio", sensor="radio", shows=_DEAD, released_by="configuration"),
    Fault("radio-dead", "the dongle is gone or the radio's process died", "FAULT", "radio is no basis; it is reopened",
          RADIO_AGE_S + TICK_S, causes.radio_is(_DEAD, "the radio is dead"), removes="radio", sensor="radio",
          shows=_DEAD),
    Fault("radio-blind", "the receiver runs, but hears nothing that proves its antenna", "HOLD", "radio is no basis",
          TICK_S, causes.radio_is(_BLIND, "the radio hears nothing"), removes="radio", sensor="radio", shows=_BLIND),
    Fault("radio-stale", "no good report of the radio for more than 3 s", "FAULT", "radio is no basis",
          RADIO_AGE_S + TICK_S, causes.radio_stale, removes="radio", sensor="radio", shows=_STALE),
    Fault("primary-missing", "one sense alone, and no heartbeat of the primary measure", "HOLD", "no permit", 10.5,
          causes.primary_missing),
    Fault("plate-jumped", "the stars left the places that the plate gives them", "FAULT", "no permit", TICK_S,
          causes.plate_jumped, sensor="plate", shows=_DEAD, latched=True, released_by=HERE),
    Fault("pointing-absent", "no pointing was ever received", "HOLD", "no permit", TICK_S,
          causes.pointing_absent, sensor="pointing", shows=_DEAD),
    Fault("pointing-stale", "the newest pointing is more than 1 s old", "HOLD", "no permit", POINTING_AGE_S + TICK_S,
          causes.pointing_stale, sensor="pointing", shows=_STALE),
    Fault("pointing-garbage", "the newest pointing message is none", "HOLD", "no permit", TICK_S,
          causes.pointing_garbage, sensor="pointing", shows=_DEAD),
    Fault("clock-bad", "UTC not synchronised, or worse than 100 ms", "HOLD", "no permit", TICK_S,
          causes.clock_bad, sensor="clock", shows=_STALE),
    Fault("clock-stepped", "UTC was set while it was believed", "FAULT", "no permit", TICK_S,
          lambda f: f.clock_stepped, sensor="clock", shows=_DEAD, latched=True, released_by=HERE),
    Fault("objects-stale", "nobody has judged the sky for 2 s", "FAULT", "no permit", OBJECTS_AGE_S + TICK_S,
          causes.objects_stale),
    Fault("guard-failed", "an exception, or a number that is none, inside the guard", "FAULT", "no permit", TICK_S,
          lambda f: f.failed),
    Fault("object-inside", "something is inside the guarded region, or will be within 5 s", "HOLD", "no permit", TICK_S,
          lambda f: f.inside, clear_s=5.0),
    Fault("object-closing", "something will be inside or close within 15 s", "CAUTION", "permit, with the time left",
          TICK_S, lambda f: f.closing, clear_s=5.0),
    Fault("remote-hold", "somebody on the network said HOLD", "HOLD", "no permit", TICK_S,
          lambda f: f.situation.remote_hold, latched=True, released_by=HERE),
    Fault("local-hold", "somebody at the box said HOLD", "HOLD", "no permit", TICK_S,
          lambda f: f.situation.local_hold, clear_s=0.0, released_by="the operator, on the box"),
    Fault("start-up", "no evidence yet since the start", "HOLD", "no permit", TICK_S,
          lambda f: "" if f.has_evidence else "just started: no evidence yet"),
    Fault("twin", "another box uses this station's id", "FAULT", "no permit", TICK_S, lambda f: f.situation.twin),
    Fault("canary-missed", "a made-up aircraft was not found", "FAULT", "no permit", TICK_S,
          lambda f: f.situation.canary_missed, latched=True, released_by=HERE),
    Fault("beam-disagrees", "in mode ENFORCE: the laser is on without permit for longer than the lease", "FAULT",
          "no permit", DISAGREE_S + 2 * TICK_S, lambda f: f.disagrees, latched=True, released_by=HERE),
    Fault("parity-failed", "the network gives other answers than its golden ones", "FAULT", "no permit", TICK_S,
          lambda f: f.situation.parity_failed, latched=True, released_by=HERE),
    Fault("evidence-broken", "the chain of evidence does not join", "FAULT", "no permit", TICK_S,
          lambda f: f.situation.evidence_broken, latched=True, released_by=HERE),
    Fault("stopping", "the process is being stopped", "HOLD", "no permit", TICK_S,
          lambda f: "stopping, as asked" if f.situation.stopping else ""),
    Fault("disk-full", "no room for recordings or events", None, "an event; guarding goes on", TICK_S,
          lambda f: f.situation.disk_full),
)  # fmt: skip

BY_CODE = {fault.code: fault for fault in TABLE}
