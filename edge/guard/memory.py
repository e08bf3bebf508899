"""Which rows of the fault table are in force, since when, which latched; and that in words, for the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.guard.facts import Facts
from edge.guard.faults import BY_CODE, HERE, TABLE, Fault
from edge.guard.payload import Reason, Sensor, Sensors, State
from edge.records import SensorReport, SensorState

_SEVERITY: tuple[State, ...] = ("CLEAR", "CAUTION", "HOLD", "FAULT")


@dataclass(slots=True)
class _Spell:
    """Of one row: first and last presence of the cause."""

    since_utc: str
    last_mono_s: float
    words: str


class FaultMemory:
    """Of one beam. `latched` is what an earlier process of this box left latched, code -> words."""

    def __init__(self, latched: Mapping[str, str]) -> None:
        self._active: dict[str, _Spell] = {}
        self._inherited: dict[str, str] = {}
        for code, words in latched.items():
            if code in BY_CODE and BY_CODE[code].latched:
                self._inherited[code] = words
            else:  # another version's latch: nobody here knows what it meant, so it stays in force
                self._inherited["evidence-broken"] = f'left latched by another version: "{code}": {words}'

    def __contains__(self, code: str) -> bool:
        return code in self._active

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(self._active)

    @property
    def latched(self) -> dict[str, str]:
        """Code -> words, what was inherited and is not in force yet among them."""
        mine = {code: spell.words for code, spell in self._active.items() if BY_CODE[code].latched}
        return {**self._inherited, **mine}

    def release(self, code: str) -> bool:
        """False: nothing of that code is latched."""
        found = code in self.latched
        if found:
            self._active.pop(code, None)
            self._inherited.pop(code, None)
        return found

    def note(self, fault: Fault, words: str, now_mono_s: float, utc: str) -> None:
        """Once per row and decision; no words: its cause is not present."""
        spell = self._active.get(fault.code)
        if not words and (kept := self._inherited.pop(fault.code, None)) is not None:
            words = kept
        if words:
            if spell is None:
                self._active[fault.code] = _Spell(utc, now_mono_s, words)
            else:
                spell.last_mono_s, spell.words = now_mono_s, words
        elif spell is not None and not fault.latched and now_mono_s - spell.last_mono_s >= fault.clear_s:
            del self._active[fault.code]

    def states(self, f: Facts) -> dict[str, State | None]:
        """What every row in force asks for; None: an event only."""
        alone = f.alone is not None
        rows = (BY_CODE[code] for code in self._active)
        return {fault.code: "CAUTION" if fault.removes and alone else fault.state for fault in rows}

    def reasons(
        self, states: Mapping[str, State | None], present: Mapping[str, str], now_mono_s: float
    ) -> tuple[Reason, ...]:
        """Worst first. `present`: words of the rows whose cause is present now."""
        rows = []
        for code, state in states.items():
            if state is None:
                continue
            fault, spell = BY_CODE[code], self._active[code]
            words = spell.words
            if code not in present:
                left_s = max(0.0, fault.clear_s - (now_mono_s - spell.last_mono_s))
                words += f" (latched: released by {HERE})" if fault.latched else f" (over; waiting {left_s:.0f} s more)"
            rows.append((-_SEVERITY.index(state), Reason(code=code, words=words, since=spell.since_utc)))
        return tuple(reason for _, reason in sorted(rows, key=lambda row: row[0]))

    def sensors(self, f: Facts, present: Mapping[str, str]) -> Sensors:
        """As published: a sensor's own report, but for what the rows in force say of it."""
        s = f.situation
        pointing_ok = SensorReport(SensorState.OK, "" if f.beam.region == "cone" else f"region {f.beam.region}")
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


def worst(states: Iterable[State | None]) -> State:
    return _SEVERITY[max((_SEVERITY.index(state) for state in states if state is not None), default=0)]
