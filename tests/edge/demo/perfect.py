"""Journals of a station that does everything right on a simulated night, to be spoiled by the tests of the summary."""

from __future__ import annotations

from typing import Any

import numpy as np

from camera.plate import Plate
from camera.sim.renderer import TruthTrail
from camera.sim.scenario import Scenario
from edge.demo.items import FrameTruth
from edge.demo.journals import Journals
from edge.demo.truth import SkyTruth, spans

EXPOSURE_S = 2.0
HOLD_DEG = 8.0


def frame_truths(scenario: Scenario, truth: SkyTruth, plate: Plate) -> list[FrameTruth]:
    """Every object above 20 degrees is fairly visible, every 6 s and at the meteor."""
    width, height = plate.region.size_px
    frames = []
    for number, begin_s in enumerate(np.arange(0.0, scenario.duration_s - EXPOSURE_S, EXPOSURE_S)):
        meteors = [m for m in scenario.meteors if begin_s <= m.t_s < begin_s + EXPOSURE_S]
        if number % 3 and not meteors:
            continue
        at = (truth.t_s >= begin_s) & (truth.t_s <= begin_s + EXPOSURE_S)
        paths = [("aircraft", a.aircraft.icao, a.azel_deg[at]) for a in truth.aircraft]
        paths += [("satellite", s.name, s.azel_deg[at]) for s in truth.satellites]
        paths += [("meteor", "meteor-0", np.array([m.start_azel_deg, m.end_azel_deg])) for m in meteors]
        trails = []
        for kind, name, azel in paths:
            xy = plate.azel_to_pixel(azel, plate.region.origin_px)
            inside = np.isfinite(xy).all() and (xy > 0).all() and (xy < (width, height)).all()
            if azel[:, 1].min() > 20 and inside:
                trails.append(TruthTrail(kind, name, xy, 20.0, 10.0, 60.0, 100.0, visible=True))  # type: ignore[arg-type]
        frames.append(FrameTruth(f"{number:06d}", scenario.utc_ns(float(begin_s)), EXPOSURE_S, tuple(trails)))
    return frames


def held_spans(truth: SkyTruth) -> list[tuple[float, float]]:
    return [(a - 6.0, b + 2.0) for a, b in spans(truth.nearest_deg() < HOLD_DEG, truth.t_s)]


def journals(scenario: Scenario, truth: SkyTruth, frames: list[FrameTruth]) -> Journals:
    return Journals(
        [_detection(frame) for frame in frames],
        [_tracks(scenario, truth, t) for t in np.arange(0.0, scenario.duration_s, 1.0)],
        [_safety(scenario, truth, t) for t in np.arange(0.0, scenario.duration_s, 0.5)],
    )


def _detection(frame: FrameTruth) -> dict[str, Any]:
    trails = [{"class": t.trail_class, "score": 0.9, "polyline_px": t.polyline_px.tolist()} for t in frame.trails]
    size = {"width": 2744, "height": 2822}
    return {"file": frame.file, **size, "start_utc_ns": frame.start_utc_ns, "trails": trails}


def _tracks(scenario: Scenario, truth: SkyTruth, t_s: float) -> dict[str, Any]:
    at = int(np.searchsorted(truth.t_s, t_s))
    objects = []
    for a in truth.aircraft:
        azimuth, elevation = a.azel_deg[at]
        if elevation < 5:
            continue
        senses = (["camera"] if elevation > 20 else []) + (["radio"] if a.aircraft.transponder else [])
        known = a.aircraft.transponder
        objects.append(
            {
                "id": f"T{a.aircraft.icao}",
                "identity": "aircraft" if known else "unknown",
                "label": a.aircraft.callsign if known else "",
                "senses": senses,
                "azimuth_deg": azimuth + 0.1,
                "elevation_deg": elevation,
                "range_m": float(a.range_m[at]) if known else None,
            }
        )
    for s in truth.satellites:
        azimuth, elevation = s.azel_deg[at]
        if elevation > 20:
            objects.append(
                {
                    "id": s.name,
                    "identity": "satellite",
                    "label": s.name,
                    "senses": ["camera"],
                    "azimuth_deg": azimuth,
                    "elevation_deg": elevation,
                    "range_m": None,
                }
            )
    cloud = any(c.t_start_s + 9 <= t_s <= c.t_end_s - 9 for c in scenario.clouds)
    return {"sky_utc_ns": scenario.utc_ns(float(t_s)), "tracks": objects, "visible_fraction": 0.6 if cloud else 0.97}


def _safety(scenario: Scenario, truth: SkyTruth, t_s: float) -> dict[str, Any]:
    hold = t_s < 6 or any(a <= t_s <= b for a, b in held_spans(truth))
    state, reasons = ("HOLD", [{"code": "object-inside"}]) if hold else ("CLEAR", [])
    return {"sky_utc_ns": scenario.utc_ns(float(t_s)), "state": state, "permit": not hold, "reasons": reasons}


def fired(scenario: Scenario, truth: SkyTruth) -> tuple[tuple[float, float], ...]:
    """What the interlock does with those messages."""
    permit = np.array([not (t < 7 or any(a <= t <= b for a, b in held_spans(truth))) for t in truth.t_s])
    (wanted,) = scenario.beam.lasing_s
    return tuple(spans(permit & (truth.t_s >= wanted[0]) & (truth.t_s < wanted[1]), truth.t_s))
