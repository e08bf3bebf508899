"""Is the cause of a fault present? One question per row of the table: facts in, words out; no words, no cause."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from edge.guard.facts import (
    CLOCK_ERROR_S,
    LONGEST_EXPOSURE_S,
    OBJECTS_AGE_S,
    PICTURE_AGE_S,
    POINTING_AGE_S,
    RADIO_AGE_S,
    Facts,
)
from edge.guard.situation import ABSENT, FROZEN, JUMPED, REFUSED
from edge.records import SensorState


def _camera_cause(f: Facts) -> object:
    return f.situation.camera.details.get("cause")


def camera_absent(f: Facts) -> str:
    return "this station has no camera" if _camera_cause(f) == ABSENT else ""


def camera_frozen(f: Facts) -> str:
    return (f.situation.camera.reason or "every picture is the same") if _camera_cause(f) == FROZEN else ""


def camera_dead(f: Facts) -> str:
    report = f.situation.camera
    named = _camera_cause(f) in (ABSENT, FROZEN)
    return (report.reason or "the camera is dead") if report.state is SensorState.DEAD and not named else ""


def camera_stale(f: Facts) -> str:
    report = f.situation.camera
    if report.state is SensorState.STALE:
        return report.reason or "no new picture"
    if report.state is not SensorState.OK:  # other rows know better; a blind camera need not give judged pictures
        return ""
    return f.too_old(f.situation.picture_end_mono_s, PICTURE_AGE_S, "judged picture")


def camera_blind(f: Facts) -> str:
    report = f.situation.camera
    return (report.reason or "the camera sees nothing") if report.state is SensorState.BLIND else ""


def long_exposure(f: Facts) -> str:
    exposure_s = f.situation.picture_exposure_s
    if f.situation.camera.state is not SensorState.OK or 0 < exposure_s <= LONGEST_EXPOSURE_S:
        return ""
    return f"exposures of {exposure_s:.0f} s record, but come too late to guard"


def plate_absent(f: Facts) -> str:
    report = f.situation.plate
    named = report.details.get("cause") in (REFUSED, JUMPED)
    if report.state is SensorState.OK or named or _camera_cause(f) == ABSENT:
        return ""
    return report.reason or "no plate solution: run `skyspotter calibrate`"


def plate_refused(f: Facts) -> str:
    report = f.situation.plate
    return (
        (report.reason or "plate refused: run `skyspotter calibrate`") if report.details.get("cause") == REFUSED else ""
    )


def plate_jumped(f: Facts) -> str:
    report = f.situation.plate
    return (report.reason or "the stars left their places") if report.details.get("cause") == JUMPED else ""


def radio_absent(f: Facts) -> str:
    return "this station has no radio" if f.situation.radio.details.get("cause") == ABSENT else ""


def radio_is(state: SensorState, words: str) -> Callable[[Facts], str]:
    def present(f: Facts) -> str:
        report = f.situation.radio
        return (report.reason or words) if report.state is state and not radio_absent(f) else ""

    return present


def radio_stale(f: Facts) -> str:
    report = f.situation.radio
    if report.state is SensorState.STALE:
        return report.reason or "the radio fell silent"
    if report.state is not SensorState.OK:
        return ""
    return f.too_old(f.situation.radio_heard_mono_s, RADIO_AGE_S, "good report of the radio")


def _needs_pointing(f: Facts) -> bool:
    return f.beam.region == "cone"


def pointing_absent(f: Facts) -> str:
    absent = _needs_pointing(f) and f.situation.pointing is None
    return "the telescope has not said where it points" if absent else ""


def pointing_stale(f: Facts) -> str:
    pointing = f.situation.pointing
    if not _needs_pointing(f) or pointing is None:
        return ""
    return f.too_old(pointing.received_mono_s, POINTING_AGE_S, "pointing")


def pointing_garbage(f: Facts) -> str:
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


def clock_bad(f: Facts) -> str:
    report, error_s = f.situation.clock, f.situation.clock_error_s
    if report.state is not SensorState.OK:
        return report.reason or "the clock is not synchronised"
    if error_s is None or not 0 <= error_s <= CLOCK_ERROR_S:  # also when it is not a number
        return (
            "the clock's error is unknown" if error_s is None else f"the clock may be wrong by {error_s * 1e3:.0f} ms"
        )
    return ""


def objects_stale(f: Facts) -> str:
    return f.too_old(f.situation.objects_mono_s, OBJECTS_AGE_S, "list of objects")


def primary_missing(f: Facts) -> str:
    if f.alone is None:
        return ""
    limit_s = f.section.primary_measure_timeout_s
    gone = f.too_old(f.situation.primary_heard_mono_s, limit_s, "heartbeat of the primary measure")
    return f"{f.alone} alone needs the primary measure: {gone}" if gone else ""
