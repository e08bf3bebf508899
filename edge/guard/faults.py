"""The one fault table: what can go wrong, what follows, how fast, and who may end it. The guard executes these rows.

A row is asked at every decision whether its cause is present; the answer is empty or says it in words. Rows without
`latched` clear themselves `clear_s` after the cause was last present; latched rows stay until somebody releases them
on the box. A row that `removes` a sense decides only as far as the other sense may not stand in (basis RADIO, CAMERA).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from edge.config import BeamSection, GuardSection
from edge.guard.payload import Mode, State
from edge.guard.situation import ABSENT, FROZEN, JUMPED, REFUSED, Situation
from edge.records import SensorState

# Limits, seconds. Decisions are made at least every TICK_S; a row's `within_s` counts from the last good evidence.
TICK_S = 0.5
PICTURE_AGE_S = 5.5  # 2 s exposures: one lost picture changes nothing, a frozen camera ends the permit within 6 s
LONGEST_EXPOSURE_S = 5.0  # beyond, an airliner has crossed half the cone within one picture
RADIO_AGE_S = 3.0  # the radio reports once a second
POINTING_AGE_S = 1.0  # at least 5 Hz are promised
OBJECTS_AGE_S = 2.0  # the list of objects is made anew several times a second
CLOCK_ERROR_S = 0.1  # 0.1 s of the fastest aircraft are 1.2 deg
CLOCK_STEP_S = 0.1
FUTURE_S = 0.2  # evidence dated later than now is no evidence
LEASE_S = 1.5
DISAGREE_S = LEASE_S + 0.5  # the last permit's lease, and the way of two messages
HEALTHY_S = 10.0

Sense = Literal["camera", "radio"]
SensorName = Literal["camera", "radio", "clock", "plate", "pointing"]
HERE = "the laser safety officer, on the box"
ITSELF = "itself"


@dataclass(slots=True)
class Facts:
    """The situation and what the guard derived from it, as the rows read it."""

    situation: Situation
    now_mono_s: float
    beam: BeamSection
    section: GuardSection
    mode: Mode
    lost: set[Sense] = field(default_factory=set)  # grows while the rows are asked, in their order
    sectors_blind: str = ""
    inside: str = ""
    closing: str = ""
    clock_stepped: str = ""
    disagrees: str = ""
    failed: str = ""  # the guard's own exception at the decision before
    has_evidence: bool = False  # a basis has existed since the guard started

    def age_s(self, mono_s: float | None) -> float | None:
        if mono_s is None:
            return None
        age_s = self.now_mono_s - mono_s
        if not isfinite(age_s):
            raise ValueError("the time of some evidence is not a number")
        return age_s

    def too_old(self, mono_s: float | None, limit_s: float, what: str) -> str:
        age_s = self.age_s(mono_s)
        if age_s is None:
            return f"no {what} yet"
        if age_s < -FUTURE_S:
            return f"the newest {what} is dated {-age_s:.1f} s in the future"
        return f"the newest {what} is {age_s:.1f} s old" if age_s > limit_s else ""

    @property
    def alone(self) -> Sense | None:
        """The only sense left, where the configuration allows to go on with it."""
        if self.lost == {"camera"} and self.section.allow_radio_basis:
            return "radio"
        if self.lost == {"radio"} and self.section.allow_camera_basis:
            return "camera"
        return None


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


def _camera_cause(f: Facts) -> object:
    return f.situation.camera.details.get("cause")


def _camera_absent(f: Facts) -> str:
    return "this station has no camera" if _camera_cause(f) == ABSENT else ""


def _camera_frozen(f: Facts) -> str:
    return (f.situation.camera.reason or "every picture is the same") if _camera_cause(f) == FROZEN else ""


def _camera_dead(f: Facts) -> str:
    report = f.situation.camera
    named = _camera_cause(f) in (ABSENT, FROZEN)
    return (report.reason or "the camera is dead") if report.state is SensorState.DEAD and not named else ""


def _camera_stale(f: Facts) -> str:
    report = f.situation.camera
    if report.state is SensorState.STALE:
        return report.reason or "no new picture"
    if report.state is not SensorState.OK:  # other rows know better; a blind camera need not give judged pictures
        return ""
    return f.too_old(f.situation.picture_end_mono_s, PICTURE_AGE_S, "judged picture")


def _camera_blind(f: Facts) -> str:
    report = f.situation.camera
    return (report.reason or "the camera sees nothing") if report.state is SensorState.BLIND else ""


def _long_exposure(f: Facts) -> str:
    exposure_s = f.situation.picture_exposure_s
    if f.situation.camera.state is not SensorState.OK or 0 < exposure_s <= LONGEST_EXPOSURE_S:
        return ""
    return f"exposures of {exposure_s:.0f} s record, but come too late to guard"


def _plate_absent(f: Facts) -> str:
    report = f.situation.plate
    named = report.details.get("cause") in (REFUSED, JUMPED)
    if report.state is SensorState.OK or named or _camera_cause(f) == ABSENT:
        return ""
    return report.reason or "no plate solution: run `skyspotter calibrate`"


def _plate_refused(f: Facts) -> str:
    report = f.situation.plate
    return (
        (report.reason or "plate refused: run `skyspotter calibrate`") if report.details.get("cause") == REFUSED else ""
    )


def _plate_jumped(f: Facts) -> str:
    report = f.situation.plate
    return (report.reason or "the stars left their places") if report.details.get("cause") == JUMPED else ""


def _radio_absent(f: Facts) -> str:
    return "this station has no radio" if f.situation.radio.details.get("cause") == ABSENT else ""


def _radio(state: SensorState, words: str) -> Callable[[Facts], str]:
    def present(f: Facts) -> str:
        report = f.situation.radio
        return (report.reason or words) if report.state is state and not _radio_absent(f) else ""

    return present


def _radio_stale(f: Facts) -> str:
    report = f.situation.radio
    if report.state is SensorState.STALE:
        return report.reason or "the radio fell silent"
    if report.state is not SensorState.OK:
        return ""
    return f.too_old(f.situation.radio_heard_mono_s, RADIO_AGE_S, "good report of the radio")


def _needs_pointing(f: Facts) -> bool:
    return f.beam.region == "cone"


def _pointing_absent(f: Facts) -> str:
    absent = _needs_pointing(f) and f.situation.pointing is None
    return "the telescope has not said where it points" if absent else ""


def _pointing_stale(f: Facts) -> str:
    pointing = f.situation.pointing
    if not _needs_pointing(f) or pointing is None:
        return ""
    return f.too_old(pointing.received_mono_s, POINTING_AGE_S, "pointing")


def _pointing_garbage(f: Facts) -> str:
    if not _needs_pointing(f):
        return ""
    if f.situation.pointing_refused:
        return f.situation.pointing_refused
    p = f.situation.pointing
    if p is None:
        return ""
    numbers = (p.azimuth_deg, p.elevation_deg, p.azimuth_rate_dps, p.elevation_rate_dps)
    if not all(isfinite(number) for number in numbers):
        return "pointing: not a number"
    if not -5.0 <= p.elevation_deg <= 95.0:
        return f"pointing: elevation_deg {p.elevation_deg:.1f} is no direction of the sky"
    return ""


def _clock_bad(f: Facts) -> str:
    report, error_s = f.situation.clock, f.situation.clock_error_s
    if report.state is not SensorState.OK:
        return report.reason or "the clock is not synchronised"
    if error_s is None or not 0 <= error_s <= CLOCK_ERROR_S:  # also when it is not a number
        return (
            "the clock's error is unknown" if error_s is None else f"the clock may be wrong by {error_s * 1e3:.0f} ms"
        )
    return ""


def _objects_stale(f: Facts) -> str:
    return f.too_old(f.situation.objects_mono_s, OBJECTS_AGE_S, "list of objects")


def _primary_missing(f: Facts) -> str:
    if f.alone is None:
        return ""
    limit_s = f.section.primary_measure_timeout_s
    gone = f.too_old(f.situation.primary_heard_mono_s, limit_s, "heartbeat of the primary measure")
    return f"{f.alone} alone needs the primary measure: {gone}" if gone else ""


_STALE, _DEAD, _BLIND = SensorState.STALE, SensorState.DEAD, SensorState.BLIND

# Rows that remove a sense stand first: later rows ask which senses are left.
TABLE: tuple[Fault, ...] = (
    Fault("camera-absent", "the station is configured without camera", "HOLD", "camera is no basis", TICK_S,
          _camera_absent, removes="camera", sensor="camera", shows=_DEAD, released_by="configuration"),
    Fault("camera-dead", "the camera is gone or its process died", "FAULT", "camera is no basis; it is reopened",
          PICTURE_AGE_S + TICK_S, _camera_dead, removes="camera", sensor="camera", shows=_DEAD),
    Fault("camera-frozen", "pictures repeat", "FAULT", "camera is no basis; it is reopened", PICTURE_AGE_S + TICK_S,
          _camera_frozen, removes="camera", sensor="camera", shows=_DEAD),
    Fault("camera-stale", "the newest judged picture ended more than 5.5 s ago", "FAULT", "camera is no basis",
          PICTURE_AGE_S + TICK_S, _camera_stale, removes="camera", sensor="camera", shows=_STALE),
    Fault("camera-blind", "daylight, cloud, a cap", "HOLD", "camera is no basis", TICK_S,
          _camera_blind, removes="camera", sensor="camera", shows=_BLIND),
    Fault("camera-sectors", "the camera cannot see where the beam will sweep", "HOLD", "camera is no basis", TICK_S,
          lambda f: f.sectors_blind, removes="camera", sensor="camera", shows=_BLIND),
    Fault("camera-long-exposure", "exposures of more than 5 s", "HOLD", "camera is no basis", TICK_S,
          _long_exposure, removes="camera", sensor="camera", shows=_BLIND),
    Fault("plate-absent", "no plate solution", "HOLD", "camera is no basis: run `skyspotter calibrate`", TICK_S,
          _plate_absent, removes="camera", sensor="plate", shows=_DEAD),
    Fault("plate-refused", "the plate is damaged, or of another camera or region", "HOLD",
          "camera is no basis: run `skyspotter calibrate`", TICK_S,
          _plate_refused, removes="camera", sensor="plate", shows=_DEAD),
    Fault("radio-absent", "the station is configured without radio", "HOLD", "radio is no basis", TICK_S,
          _radio_absent, removes="radio", sensor="radio", shows=_DEAD, released_by="configuration"),
    Fault("radio-dead", "the dongle is gone or the radio's process died", "FAULT", "radio is no basis; it is reopened",
          RADIO_AGE_S + TICK_S, _radio(_DEAD, "the radio is dead"), removes="radio", sensor="radio", shows=_DEAD),
    Fault("radio-blind", "the receiver runs, but hears nothing that proves its antenna", "HOLD", "radio is no basis",
          TICK_S, _radio(_BLIND, "the radio hears nothing"), removes="radio", sensor="radio", shows=_BLIND),
    Fault("radio-stale", "no good report of the radio for more than 3 s", "FAULT", "radio is no basis",
          RADIO_AGE_S + TICK_S, _radio_stale, removes="radio", sensor="radio", shows=_STALE),
    Fault("primary-missing", "one sense alone, and no heartbeat of the primary measure", "HOLD", "no permit", 10.5,
          _primary_missing),
    Fault("plate-jumped", "the stars left the places that the plate gives them", "FAULT", "no permit", TICK_S,
          _plate_jumped, sensor="plate", shows=_DEAD, latched=True, released_by=HERE),
    Fault("pointing-absent", "no pointing was ever received", "HOLD", "no permit", TICK_S,
          _pointing_absent, sensor="pointing", shows=_DEAD),
    Fault("pointing-stale", "the newest pointing is more than 1 s old", "HOLD", "no permit", POINTING_AGE_S + TICK_S,
          _pointing_stale, sensor="pointing", shows=_STALE),
    Fault("pointing-garbage", "the newest pointing message is none", "HOLD", "no permit", TICK_S,
          _pointing_garbage, sensor="pointing", shows=_DEAD),
    Fault("clock-bad", "UTC not synchronised, or worse than 100 ms", "HOLD", "no permit", TICK_S,
          _clock_bad, sensor="clock", shows=_STALE),
    Fault("clock-stepped", "UTC was set while it was believed", "FAULT", "no permit", TICK_S,
          lambda f: f.clock_stepped, sensor="clock", shows=_DEAD, latched=True, released_by=HERE),
    Fault("objects-stale", "nobody has judged the sky for 2 s", "FAULT", "no permit", OBJECTS_AGE_S + TICK_S,
          _objects_stale),
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
