"""The guard of one beam: situations in, verdicts out, on whatever clock the caller holds. It never raises.

Pure: no device, no network, no clock of its own; its memory is when each row of the fault table was last present. Any
exception and any number that is none becomes FAULT. Not thread-safe: one thread decides.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from edge.config import BeamSection, GuardSection
from edge.guard.cone import Approaches, Region, approaches, region_of, separation_now_deg
from edge.guard.faults import BY_CODE, CLOCK_STEP_S, DISAGREE_S, HERE, POINTING_AGE_S, TABLE, Facts, Fault, Sense
from edge.guard.payload import (
    PERMITTING,
    Basis,
    Closest,
    Mode,
    Reason,
    SafetyMessage,
    Sensor,
    Sensors,
    Stamp,
    State,
    rfc3339,
)
from edge.guard.rules import passing_rule
from edge.guard.situation import Situation
from edge.records import Pointing, SensorReport, SensorState, SkyObject

log = logging.getLogger(__name__)

HOLD_LEAD_S = 5.0  # lease 1.5, tick 0.5, shutter 1, and one exposure of 2 s by which the path may be out of date
FREE_MARGIN_DEG = 2.0  # back to CLEAR only when the region is free by this much (and for `clear_s` of the row)
_BASIS: Mapping[frozenset[Sense], Basis] = {
    frozenset(): "FULL",
    frozenset({"camera"}): "RADIO",
    frozenset({"radio"}): "CAMERA",
    frozenset({"camera", "radio"}): "NONE",
}
_WORSE: tuple[State, ...] = ("CLEAR", "CAUTION", "HOLD", "FAULT")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard says now. `active` are all codes in force, also those that change nothing (events)."""

    state: State
    permit: bool
    would_permit: bool
    mode: Mode
    basis: Basis
    reasons: tuple[Reason, ...]
    sensors: Sensors
    active: frozenset[str]
    caution_in_s: float | None = None
    closest: Closest | None = None
    separations_deg: Mapping[str, float] | None = None  # by object id, from the beam's axis, now
    passed: Mapping[str, str] | None = None  # by object id: the rule that let it pass

    @property
    def key(self) -> tuple[object, ...]:
        """Changes exactly when the message should go out at once."""
        return self.state, self.permit, self.would_permit, self.basis, self.active


@dataclass(slots=True)
class _Memory:
    """Of one row: first and last presence of the spell that is in force."""

    since_utc: str
    last_mono_s: float
    words: str


class Guard:
    """`decide` at least every 0.5 s. `latched` is what an earlier process of this box left latched, code -> words."""

    def __init__(self, beam: BeamSection, section: GuardSection, *, latched: Mapping[str, str] | None = None) -> None:
        self.beam, self.section = beam, section
        self.mode: Mode = {"shadow": "SHADOW", "advisory": "ADVISORY", "enforce": "ENFORCE"}[section.mode]  # type: ignore[assignment]
        self._active: dict[str, _Memory] = {}
        self._inherited: dict[str, str] = {}
        for code, words in (latched or {}).items():
            if code in BY_CODE and BY_CODE[code].latched:
                self._inherited[code] = words
            else:  # another version's latch: nobody here knows what it meant, so it stays in force
                self._inherited["evidence-broken"] = f'left latched by another version: "{code}": {words}'
        self._mono_s = -np.inf
        self._utc = rfc3339(0)
        self._failed = ""
        self._has_evidence = False
        self._clock: float | None = None  # UTC minus monotonic at the last decision with a good clock
        self._unpermitted_mono_s: float | None = None
        self._laser_on_mono_s: float | None = None
        self._passed: dict[str, str] = {}

    @property
    def latched(self) -> dict[str, str]:
        """Code -> words of what only somebody at the box can release. To be kept over a restart."""
        mine = {code: memory.words for code, memory in self._active.items() if BY_CODE[code].latched}
        return {**self._inherited, **mine}

    def release(self, code: str, who: str) -> bool:
        """By a person on the box; never called for anything that came from the network. False: nothing latched."""
        found = code in self.latched
        if found:
            log.warning("latch released code=%s by=%s beam=%s", code, who, self.beam.name)
            self._active.pop(code, None)
            self._inherited.pop(code, None)
            self._clock = None
        return found

    def decide(self, situation: Situation, now_mono_s: float) -> Verdict:
        """Never raises; what goes wrong inside is FAULT now and for 10 s of health after."""
        try:
            if not isfinite(now_mono_s) or now_mono_s < self._mono_s:
                raise ValueError("the monotonic clock went back or is not a number")
            verdict = self._judged(situation, float(now_mono_s))
            self._failed = ""
        except Exception as err:
            words = f"{type(err).__name__}: {err}"
            if not self._failed:
                log.exception("the guard failed beam=%s", self.beam.name)
            self._failed = words
            verdict = self._broken(words)
        if verdict.permit:
            self._unpermitted_mono_s = None
        elif self._unpermitted_mono_s is None and isfinite(self._mono_s):
            self._unpermitted_mono_s = self._mono_s
        return verdict

    # -- the judgement -------------------------------------------------------------------------------------------------

    def _judged(self, s: Situation, now: float) -> Verdict:
        utc = rfc3339(s.utc_ns)
        if not 0 <= s.plate_sigma_deg < 90:
            raise ValueError("plate_sigma_deg is not an angle")
        f = Facts(s, now, self.beam, self.section, self.mode, failed=self._failed, has_evidence=self._has_evidence)
        f.clock_stepped = self._stepped(s, now)
        pointing = self._usable_pointing(f)
        region = region_of(self.beam, pointing, now)
        f.sectors_blind = _sectors_blind(s, region)
        f.disagrees = self._disagreement(pointing)
        skip_s = f.age_s(s.objects_mono_s) or 0.0
        counted, passed = self._sorted(s.objects, now)
        found = self._approaches(counted, pointing, s, now)
        caution_in_s, closest = self._describe(f, counted, found)

        self._mono_s, self._utc = now, utc
        present: dict[str, str] = {}
        for fault in TABLE:
            words = fault.present(f)
            if words:
                present[fault.code] = words
            self._remember(fault, words, now, utc)
            if fault.removes and fault.code in self._active:
                f.lost.add(fault.removes)
        basis: Basis = (
            "FULL" if not f.lost else "NONE" if len(f.lost) == 2 else "RADIO" if "camera" in f.lost else "CAMERA"
        )
        self._has_evidence = self._has_evidence or basis == "FULL" or f.alone is not None
        states = {code: _state_of(BY_CODE[code], f) for code in self._active}
        state = _WORSE[max((_WORSE.index(row) for row in states.values() if row is not None), default=0)]
        would = state in PERMITTING
        separations = {thing.id: separation_now_deg(thing, region, skip_s) for thing in s.objects}
        return Verdict(
            state,
            would and self.mode != "SHADOW",
            would,
            self.mode,
            basis,
            self._reasons(states, present, now),
            self._sensors(f, present),
            frozenset(self._active),
            caution_in_s if state == "CAUTION" else None,
            closest,
            {key: round(value, 2) for key, value in separations.items() if value is not None},
            passed,
        )

    def _usable_pointing(self, f: Facts) -> Pointing | None:
        pointing = f.situation.pointing
        if pointing is None or BY_CODE["pointing-garbage"].present(f) or BY_CODE["pointing-stale"].present(f):
            return None
        if pointing.laser_on and (f.age_s(pointing.received_mono_s) or 0.0) <= POINTING_AGE_S:
            self._laser_on_mono_s = f.now_mono_s
        return pointing

    def _stepped(self, s: Situation, now: float) -> str:
        """A step counts only against a clock that was believed: setting it for the first time is no fault."""
        if s.clock.state is not SensorState.OK:
            before, self._clock = self._clock, None
            return self._step_words(before, s.utc_ns / 1e9 - now)
        before, self._clock = self._clock, s.utc_ns / 1e9 - now
        return self._step_words(before, self._clock)

    @staticmethod
    def _step_words(before: float | None, after: float) -> str:
        moved = before is not None and not abs(after - before) <= CLOCK_STEP_S
        return f"UTC jumped by {after - before:+.2f} s" if moved and before is not None else ""

    def _disagreement(self, pointing: Pointing | None) -> str:
        since = self._unpermitted_mono_s
        if self.mode != "ENFORCE" or pointing is None or not pointing.laser_on or since is None:
            return ""
        late_s = pointing.received_mono_s - since
        return f"the laser is on {late_s:.1f} s after the permit ended" if late_s > DISAGREE_S else ""

    def _sorted(self, objects: tuple[SkyObject, ...], now: float) -> tuple[list[SkyObject], dict[str, str]]:
        """What counts, and what may pass by which rule. Every new pass is logged."""
        laser_age_s = None if self._laser_on_mono_s is None else now - self._laser_on_mono_s
        counted: list[SkyObject] = []
        passed: dict[str, str] = {}
        for thing in objects:
            rule = passing_rule(thing, self.section.explained_may_pass, laser_age_s)
            if rule is None:
                counted.append(thing)
            else:
                passed[thing.id] = rule
                if thing.id not in self._passed:
                    log.info("passes beam=%s object=%s label=%s rule=%s", self.beam.name, thing.id, thing.label, rule)
        self._passed = passed
        return counted, passed

    def _approaches(
        self, counted: list[SkyObject], pointing: Pointing | None, s: Situation, now: float
    ) -> Approaches | None:
        start = now if s.objects_mono_s is None else s.objects_mono_s
        region = region_of(self.beam, pointing, start)  # on the objects' own time: paths and beam at the same moments
        if region is None:
            return None
        beam = self.beam
        return approaches(
            counted,
            region,
            plate_sigma_deg=s.plate_sigma_deg,
            baseline_m=float(np.linalg.norm((beam.telescope_east_m, beam.telescope_north_m, beam.telescope_up_m))),
            smallest_range_m=self.section.smallest_range_m,
            skip_s=now - start,
        )

    def _describe(
        self, f: Facts, counted: list[SkyObject], found: Approaches | None
    ) -> tuple[float | None, Closest | None]:
        """Fills `inside` and `closing`; gives the time left and the nearest object."""
        if found is None or not counted:
            return None, None
        free = FREE_MARGIN_DEG
        enters_in_s = found.enters_in_s()
        hold_in_s = found.enters_in_s(free) if "object-inside" in self._active else enters_in_s
        margin_deg = self.beam.caution_deg - self.beam.cone_deg
        near_in_s = found.enters_in_s(margin_deg + (free if "object-closing" in self._active else 0.0))
        inside = [i for i in range(len(counted)) if hold_in_s[i] <= HOLD_LEAD_S]
        closing = [i for i in range(len(counted)) if np.isfinite(near_in_s[i]) or np.isfinite(enters_in_s[i])]
        f.inside = "; ".join(_words(counted[i], found, i) for i in inside[:5])
        f.closing = "; ".join(_words(counted[i], found, i) for i in closing[:5] if i not in inside)
        times = [enters_in_s[i] if np.isfinite(enters_in_s[i]) else found.closest_in_s[i] for i in closing]
        nearest = int(np.argmin(found.outside_deg.min(axis=1)))
        thing = counted[nearest]
        closest = Closest(
            id=thing.id,
            identity=thing.identity,
            label=thing.label,
            separation_deg=round(_finite(found.separation_deg[nearest]), 2),
            in_s=round(_finite(found.closest_in_s[nearest]), 1),
        )
        return (round(_finite(min(times)), 1) if times else None), closest

    # -- memory --------------------------------------------------------------------------------------------------------

    def _remember(self, fault: Fault, words: str, now: float, utc: str) -> None:
        memory = self._active.get(fault.code)
        if not words and (kept := self._inherited.pop(fault.code, None)) is not None:
            words = kept
        if words:
            if memory is None:
                self._active[fault.code] = _Memory(utc, now, words)
            else:
                memory.last_mono_s, memory.words = now, words
        elif memory is not None and not fault.latched and now - memory.last_mono_s >= fault.clear_s:
            del self._active[fault.code]

    def _reasons(
        self, states: Mapping[str, State | None], present: Mapping[str, str], now: float
    ) -> tuple[Reason, ...]:
        """Worst first."""
        rows = []
        for code, state in states.items():
            if state is None:
                continue
            fault, memory = BY_CODE[code], self._active[code]
            words = memory.words
            if code not in present:
                left_s = max(0.0, fault.clear_s - (now - memory.last_mono_s))
                words += f" (latched: released by {HERE})" if fault.latched else f" (over; waiting {left_s:.0f} s more)"
            rows.append((-_WORSE.index(state), Reason(code=code, words=words, since=memory.since_utc)))
        return tuple(reason for _, reason in sorted(rows, key=lambda row: row[0]))

    # -- the sensors as published --------------------------------------------------------------------------------------

    def _sensors(self, f: Facts, present: Mapping[str, str]) -> Sensors:
        s = f.situation
        pointing_ok = SensorReport(SensorState.OK, "" if self.beam.region == "cone" else f"region {self.beam.region}")
        pointing_age_s = None if s.pointing is None else f.age_s(s.pointing.received_mono_s)
        reports = {
            "camera": (s.camera, f.age_s(s.picture_end_mono_s)),
            "radio": (s.radio, f.age_s(s.radio_heard_mono_s)),
            "clock": (s.clock, s.clock.age_s),
            "plate": (s.plate, s.plate.age_s),
            "pointing": (pointing_ok, pointing_age_s),
        }
        shown: dict[str, Sensor] = {}
        for name, (report, age_s) in reports.items():
            rows = [fault for fault in TABLE if fault.sensor == name and fault.code in self._active]
            state, reason = report.state, report.reason
            if rows:
                now_rows = [fault for fault in rows if fault.code in present]
                state = (now_rows or rows)[0].shows or state
                reason = self._active[(now_rows or rows)[0].code].words + ("" if now_rows else " (over, being watched)")
            shown[name] = Sensor.of(SensorReport(state, reason, age_s))
        return Sensors(**shown)

    def _broken(self, words: str) -> Verdict:
        unknown = Sensor(state=SensorState.DEAD, reason="not judged: the guard failed")
        latches = [Reason(code=code, words=text, since=self._utc) for code, text in self.latched.items()]
        return Verdict(
            "FAULT",
            False,
            False,
            self.mode,
            "NONE",
            (Reason(code="guard-failed", words=words, since=self._utc), *latches),
            Sensors(camera=unknown, radio=unknown, clock=unknown, plate=unknown, pointing=unknown),
            frozenset({"guard-failed", *self.latched}),
        )


def _finite(value: float) -> float:
    """Nothing within the horizon is 180 deg away, in its last second."""
    return float(value) if np.isfinite(value) else 180.0


def _state_of(fault: Fault, f: Facts) -> State | None:
    return "CAUTION" if fault.removes and f.alone is not None else fault.state


def _sectors_blind(s: Situation, region: Region | None) -> str:
    """Where the beam goes the camera must see; asked only of a camera that says it sees at all."""
    if region is None or s.camera.state is not SensorState.OK:
        return ""
    if s.sees is None:
        return "nobody knows where the camera can see"
    sees = np.asarray(s.sees(region.watched))
    if sees.shape != (len(region.watched),) or sees.dtype != np.bool_:
        raise ValueError("`sees` must give one bool per direction")
    blind = int((~sees).sum())
    return f"the camera cannot see {blind / len(sees):.0%} of where the beam sweeps" if blind else ""


def _words(thing: SkyObject, found: Approaches, i: int) -> str:
    who = thing.label or f"{thing.identity} {thing.id}"
    in_s = _finite(found.closest_in_s[i])
    when = "now" if in_s < 0.5 else f"in {in_s:.0f} s"
    return f"{who}: nearest {when}, {_finite(found.separation_deg[i]):.1f} deg from the beam"


def safety_message(
    verdict: Verdict, stamp: Stamp, beam: str, *, plate_sha: str, seq: int, utc_ns: int, sky_utc_ns: int
) -> SafetyMessage:
    """Args: utc_ns: the real wall clock at the moment of sending; sky_utc_ns: the calendar of the sky judged."""
    return SafetyMessage(
        station=stamp.station,
        beam=beam,
        state=verdict.state,
        permit=verdict.permit,
        would_permit=verdict.would_permit,
        mode=verdict.mode,
        basis=verdict.basis,
        reasons=verdict.reasons,
        issued_at=rfc3339(utc_ns),
        seq=seq,
        boot_id=stamp.boot_id,
        sensors=verdict.sensors,
        caution_in_s=verdict.caution_in_s,
        closest=verdict.closest,
        config_sha=stamp.config_sha,
        model_sha=stamp.model_sha,
        plate_sha=plate_sha,
        simulated=stamp.simulated,
        sky_utc=rfc3339(sky_utc_ns),
    )
