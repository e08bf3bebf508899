"""The guard of one beam: situations in, verdicts out, on whatever clock the caller holds. It never raises.

Pure: no device, no network, no clock of its own; its memory is when each row of the fault table was last present. Any
exception and any number that is none becomes FAULT. Not thread-safe: one thread decides.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import isfinite

import numpy as np

from edge.config import BeamSection, GuardSection
from edge.guard.cone import Region, region_of, separation_now_deg
from edge.guard.facts import CLOCK_STEP_S, DISAGREE_S, POINTING_AGE_S, Facts, Sense
from edge.guard.faults import BY_CODE, TABLE
from edge.guard.memory import FaultMemory, worst
from edge.guard.nearness import nearness
from edge.guard.payload import PERMITTING, Basis, Mode, Reason, Sensor, Sensors, rfc3339
from edge.guard.rules import passing_rule
from edge.guard.situation import Situation
from edge.guard.verdict import Verdict
from edge.records import Pointing, SensorState, SkyObject

log = logging.getLogger(__name__)

_BASIS: Mapping[frozenset[Sense], Basis] = {  # by the senses that are lost
    frozenset(): "FULL",
    frozenset({"camera"}): "RADIO",
    frozenset({"radio"}): "CAMERA",
    frozenset({"camera", "radio"}): "NONE",
}


class Guard:
    """`decide` at least every 0.5 s. `latched` is what an earlier process of this box left latched, code -> words."""

    def __init__(self, beam: BeamSection, section: GuardSection, *, latched: Mapping[str, str] | None = None) -> None:
        self.beam, self.section = beam, section
        self.mode: Mode = {"shadow": "SHADOW", "advisory": "ADVISORY", "enforce": "ENFORCE"}[section.mode]  # type: ignore[assignment]
        self._memory = FaultMemory(latched or {})
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
        return self._memory.latched

    def release(self, code: str, who: str) -> bool:
        """By a person on the box; never called for anything that came from the network. False: nothing latched."""
        found = self._memory.release(code)
        if found:
            log.warning("latch released code=%s by=%s beam=%s", code, who, self.beam.name)
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

    def _judged(self, s: Situation, now: float) -> Verdict:
        utc = rfc3339(s.utc_ns)
        if not 0 <= s.plate_sigma_deg < 90:
            raise ValueError("plate_sigma_deg is not an angle")
        memory = self._memory
        f = Facts(s, now, self.beam, self.section, self.mode, failed=self._failed, has_evidence=self._has_evidence)
        f.clock_stepped = self._stepped(s, now)
        pointing = self._usable_pointing(f)
        region = region_of(self.beam, pointing, now)
        f.sectors_blind = _sectors_blind(s, region)
        f.disagrees = self._disagreement(pointing)
        skip_s = f.age_s(s.objects_mono_s) or 0.0
        counted, passed = self._sorted(s.objects, now)
        near = nearness(f, counted, pointing, held="object-inside" in memory, cautioned="object-closing" in memory)
        f.inside, f.closing = near.inside, near.closing

        self._mono_s, self._utc = now, utc
        present: dict[str, str] = {}
        for fault in TABLE:
            words = fault.present(f)
            if words:
                present[fault.code] = words
            memory.note(fault, words, now, utc)
            if fault.removes and fault.code in memory:
                f.lost.add(fault.removes)
        basis = _BASIS[frozenset(f.lost)]
        self._has_evidence = self._has_evidence or basis == "FULL" or f.alone is not None
        states = memory.states(f)
        state = worst(states.values())
        would = state in PERMITTING
        separations = {thing.id: separation_now_deg(thing, region, skip_s) for thing in s.objects}
        return Verdict(
            state,
            would and self.mode != "SHADOW",
            would,
            self.mode,
            basis,
            memory.reasons(states, present, now),
            memory.sensors(f, present),
            memory.codes,
            near.caution_in_s if state == "CAUTION" else None,
            near.closest,
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
        before, after = self._clock, s.utc_ns / 1e9 - now
        self._clock = after if s.clock.state is SensorState.OK else None
        if before is None or abs(after - before) <= CLOCK_STEP_S:
            return ""
        return f"UTC jumped by {after - before:+.2f} s"

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
