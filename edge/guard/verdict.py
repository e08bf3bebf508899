"""What the guard says now, and the message that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.guard.payload import Basis, Closest, Mode, Reason, SafetyMessage, Sensors, Stamp, State, rfc3339


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one beam. `active` are all codes in force, also those that change nothing (events)."""

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
