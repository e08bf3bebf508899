"""A healthy night on virtual time, and one way to bring about each cause of the fault table."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from camera.geodesy import azel_to_unit
from edge.config import BeamSection, GuardSection
from edge.guard.facts import TICK_S
from edge.guard.model import Guard
from edge.guard.situation import ABSENT, FROZEN, JUMPED, REFUSED, Situation
from edge.guard.verdict import Verdict
from edge.records import HORIZON_S, Hypothesis, Pointing, SensorReport, SensorState, SkyObject

UTC_NS = 1_781_473_500_000_000_000
OK = SensorReport(SensorState.OK)
BEAM_AZEL = (120.0, 55.0)


def report(state: SensorState, reason: str = "", cause: str = "") -> SensorReport:
    return SensorReport(state, reason, None, {"cause": cause} if cause else {})


def path(
    azimuth_deg: float, elevation_deg: float, az_dps: float = 0.0, el_dps: float = 0.0, sigma_deg: float = 0.1
) -> Hypothesis:
    unit = azel_to_unit(azimuth_deg + az_dps * HORIZON_S, elevation_deg + el_dps * HORIZON_S)
    return Hypothesis(unit, np.full(len(HORIZON_S), sigma_deg))


def thing(name: str, *paths: Hypothesis, **changes: Any) -> SkyObject:
    fields: dict[str, Any] = {
        "id": name, "identity": "unknown", "label": "", "senses": ("camera",), "hypotheses": paths,
        "azimuth_deg": 0.0, "elevation_deg": 45.0,
    }  # fmt: skip
    return SkyObject(**{**fields, **changes})


def sees_all(unit_enu: np.ndarray) -> np.ndarray:
    return np.ones(len(unit_enu), dtype=bool)


def pointing(t: float, **changes: Any) -> Pointing:
    fields: dict[str, Any] = {
        "received_mono_s": t, "azimuth_deg": BEAM_AZEL[0], "elevation_deg": BEAM_AZEL[1], "azimuth_rate_dps": 0.0,
        "elevation_rate_dps": 0.0, "target_id": "target", "laser_on": False,
    }  # fmt: skip
    return Pointing(**{**fields, **changes})


def healthy(t: float, **changes: Any) -> Situation:
    """Everything well at monotonic `t`: the newest picture ended just now, the radio just spoke."""
    fields: dict[str, Any] = {
        "utc_ns": UTC_NS + round(t * 1e9),
        "camera": OK, "picture_end_mono_s": t, "picture_exposure_s": 2.0, "sees": sees_all,
        "radio": OK, "radio_heard_mono_s": t,
        "clock": OK, "clock_error_s": 0.001,
        "plate": OK, "plate_sigma_deg": 0.02,
        "pointing": pointing(t), "objects_mono_s": t, "primary_heard_mono_s": t,
    }  # fmt: skip
    return Situation(**{**fields, **changes})


Injection = Callable[[float, float], dict[str, Any]]  # (now, when the cause began) -> what it changes


def _dead(words: str, cause: str = "") -> SensorReport:
    return report(SensorState.DEAD, words, cause)


INJECTIONS: dict[str, Injection] = {
    "camera-absent": lambda t, t0: {"camera": _dead("", ABSENT), "picture_end_mono_s": None, "sees": None},
    "camera-dead": lambda t, t0: {"camera": _dead("process gone"), "picture_end_mono_s": t0},
    "camera-frozen": lambda t, t0: {"camera": _dead("same picture", FROZEN), "picture_end_mono_s": t0},
    "camera-stale": lambda t, t0: {"picture_end_mono_s": t0},
    "camera-blind": lambda t, t0: {"camera": report(SensorState.BLIND, "daylight")},
    "camera-sectors": lambda t, t0: {"sees": lambda unit: unit[:, 0] < -2},
    "camera-long-exposure": lambda t, t0: {"picture_exposure_s": 10.0},
    "plate-absent": lambda t, t0: {"plate": _dead("no plate")},
    "plate-refused": lambda t, t0: {"plate": _dead("other camera", REFUSED)},
    "plate-jumped": lambda t, t0: {"plate": _dead("moved", JUMPED)},
    "radio-absent": lambda t, t0: {"radio": _dead("", ABSENT), "radio_heard_mono_s": None},
    "radio-dead": lambda t, t0: {"radio": _dead("process gone"), "radio_heard_mono_s": t0},
    "radio-blind": lambda t, t0: {"radio": report(SensorState.BLIND, "antenna"), "radio_heard_mono_s": t0},
    "radio-stale": lambda t, t0: {"radio_heard_mono_s": t0},
    "pointing-absent": lambda t, t0: {"pointing": None},
    "pointing-stale": lambda t, t0: {"pointing": pointing(t0)},
    "pointing-garbage": lambda t, t0: {"pointing_refused": "pointing: azimuth_deg: not a number"},
    "clock-bad": lambda t, t0: {"clock_error_s": 0.3},
    "clock-stepped": lambda t, t0: {"utc_ns": UTC_NS + round((t + 3.0) * 1e9)},
    "objects-stale": lambda t, t0: {"objects_mono_s": t0},
    "guard-failed": lambda t, t0: {"plate_sigma_deg": float("nan")},
    "object-inside": lambda t, t0: {"objects": (thing("in", path(*BEAM_AZEL)),)},
    "remote-hold": lambda t, t0: {"remote_hold": "control room: visitors on the roof"},
    "local-hold": lambda t, t0: {"local_hold": "operator"},
    "twin": lambda t, t0: {"twin": "boot 77 also speaks as this station"},
    "canary-missed": lambda t, t0: {"canary_missed": "not found"},
    "beam-disagrees": lambda t, t0: {"pointing": pointing(t, laser_on=True), "local_hold": "no permit"},
    "parity-failed": lambda t, t0: {"parity_failed": "golden frame 3"},
    "evidence-broken": lambda t, t0: {"evidence_broken": "line 7"},
    "stopping": lambda t, t0: {"stopping": True},
}  # fmt: skip
# Not injected by a change of the situation: asked for in tests of their own.
ELSEWHERE = {"start-up", "primary-missing", "object-closing", "disk-full"}


def warmed(section: GuardSection | None = None, beam: BeamSection | None = None) -> tuple[Guard, float]:
    """A guard after 12 s of a healthy night, and the time it is."""
    guard = Guard(beam or BeamSection(), section or GuardSection(mode="enforce"))
    t = 100.0
    for _ in range(25):
        verdict = guard.decide(healthy(t), t)
        t += TICK_S
    assert verdict.permit == (guard.mode != "SHADOW"), verdict.reasons
    return guard, t - TICK_S


def run(
    guard: Guard, t: float, seconds: float, *injections: Injection, step_s: float = TICK_S
) -> list[tuple[float, Verdict]]:
    """Decides for `seconds` after `t`, with all `injections` since `t`. Gives (seconds since t, verdict)."""
    seen = []
    for i in range(1, round(seconds / step_s) + 1):
        now = t + i * step_s
        changes: dict[str, Any] = {}
        for injection in injections:
            changes.update(injection(now, t))
        seen.append((i * step_s, guard.decide(healthy(now, **changes), now)))
    return seen


def twin_of(guard: Guard) -> Guard:
    return copy.deepcopy(guard)
