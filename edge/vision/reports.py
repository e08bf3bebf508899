"""What each sense is worth to the guard now: what its process says of it, held against what it has really shown."""

from __future__ import annotations

import numpy as np

from camera.plate import Plate
from camera.platewatch import PlateHealth
from camera.sectors import CENTRE_ENU
from edge.config import CameraSection, RadioSection
from edge.guard.situation import ABSENT, FROZEN, JUMPED, REFUSED
from edge.records import CameraHealth, RadioHealth, SensorReport, SensorState
from edge.vision.sight import Judged

HEALTH_AGE_S = 3.0  # both other processes report once a second
TRAIL_S, TRAIL_SHARE = 0.5, 0.75  # an exposure shorter than that, or than that share of the wanted one, shows dots
DETECTION_SIGMA_DEG = 0.1  # where a trail's end is placed: two pixels; the plate's own error comes on top of it


def camera_report(
    section: CameraSection, health: CameraHealth | None, judged: Judged | None, mono_s: float
) -> SensorReport:
    """Worst first: not fitted, process silent, device's own word, nothing judged, blind."""
    if section.source == "none":
        return SensorReport(SensorState.DEAD, "this station has no camera", None, {"cause": ABSENT})
    age_s = None if judged is None else mono_s - judged.frame.end_mono_s
    if section.source != "replay":
        if health is None:
            return SensorReport(SensorState.DEAD, "the capture process has not reported yet", age_s)
        silent_s = mono_s - health.mono_s
        if silent_s > HEALTH_AGE_S:
            return SensorReport(SensorState.STALE, f"the capture process is silent for {silent_s:.0f} s", age_s)
        if health.state is not SensorState.OK:
            frozen = health.cause == "frozen"
            return SensorReport(health.state, health.reason, age_s, {"cause": FROZEN} if frozen else {})
    if judged is None:
        return SensorReport(SensorState.DEAD, "no picture judged yet", None)
    if judged.plate_health is not None and judged.plate_health.state == "STILL":
        return SensorReport(SensorState.DEAD, judged.plate_health.words, age_s, {"cause": FROZEN})
    view = judged.visibility
    if view is not None and view.reason:
        return SensorReport(SensorState.BLIND, view.reason, age_s)
    if section.source != "replay" and (words := _too_short(judged.frame.exposure_s, section.exposure_s)):
        return SensorReport(SensorState.BLIND, words, age_s)
    return SensorReport(SensorState.OK, "", age_s)


def _too_short(exposure_s: float, wanted_s: float) -> str:
    """Stars may still show in a shortened exposure, while an aircraft is a dot like one of them, and most of the
    time nobody looks: there are no more exposures than of the wanted length."""
    if exposure_s >= max(TRAIL_S, TRAIL_SHARE * wanted_s):
        return ""
    return f"exposures of {exposure_s:.3g} s are too short: an aircraft leaves no trail, or passes between them"


def radio_report(section: RadioSection, health: RadioHealth | None, mono_s: float) -> SensorReport:
    """Worst first: not fitted, process silent, the ear's own word."""
    if section.source == "none":
        return SensorReport(SensorState.DEAD, "this station has no radio", None, {"cause": ABSENT})
    if health is None:
        return SensorReport(SensorState.DEAD, "the radio process has not reported yet")
    age_s = mono_s - health.mono_s
    if age_s > HEALTH_AGE_S:
        return SensorReport(SensorState.STALE, f"the radio process is silent for {age_s:.0f} s", age_s)
    return SensorReport(health.state, health.reason or health.warning, age_s)


def plate_report(plate: Plate | None, fault: str, *, refused: bool, health: PlateHealth | None) -> SensorReport:
    """Args: fault: why there are no directions; refused: because the plate itself is bad; health: by the stars."""
    if fault:
        return SensorReport(SensorState.DEAD, fault, None, {"cause": REFUSED} if refused else {})
    if plate is None:
        return SensorReport(
            SensorState.DEAD, "no plate: the camera cannot say where it looks; run `skyspotter calibrate`"
        )
    if health is not None and health.state == "JUMPED":
        return SensorReport(SensorState.DEAD, health.words, None, {"cause": JUMPED})
    return SensorReport(SensorState.OK, "" if health is None else health.words)


def direction_sigma_deg(plate: Plate | None, lowest_deg: float) -> float:
    """One sigma of a direction, detection and plate together, where the plate is worst above `lowest_deg`."""
    if plate is None or plate.covariance is None:  # only the simulator's plate, the truth itself, carries none
        return DETECTION_SIGMA_DEG
    sky = CENTRE_ENU[CENTRE_ENU[:, 2] >= np.sin(np.radians(lowest_deg))]
    return float(np.hypot(DETECTION_SIGMA_DEG, plate.sigma_deg(sky).max()))
