"""What is fit to be a label: which frames, and on them which aircraft. Everything else says why it is not.

An aircraft that is not fit becomes a polygon nevertheless, labelled DOUBTFUL: its light may be there, so the sky there
is no proof of the opposite either. The same holds for whatever the network finds that no transponder explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.geodesy import enu_to_azel
from camera.plate import Plate
from camera.visibility import Visibility
from edge.vision.sight import Judged
from edge.weaklabels.outline import px_per_rad, ribbon
from edge.weaklabels.project import VOUCHED_S, Silent, Way

Vector = NDArray[np.float64]

AIRCRAFT, DOUBTFUL, UNANNOUNCED = "aircraft", "doubtful", "unannounced"
WIDE_SIGMA = 3.0  # half the width of a polygon
LEAST_SIGMA_DEG = 0.1  # plate, refraction, rolling shutter: however sure the transponder is
LEAST_HALF_PX = 6.0
WIDEST_HALF_CELLS = 18.0  # `models.labels.snap` searches 20 to either side, in pixels of the network's planes
SHORTEST_CELLS = 8.0  # a shorter trail looks like a star
FARTHEST_M = 100_000.0
MOVED_PX = 2.0  # median of the stars: the plate no longer holds
UNANNOUNCED_HALF_PX = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    label: str
    polygon_px: Vector  # (N, 2) stored pixels
    words: str


@dataclass(slots=True)
class Sorted:
    """The shapes of one frame, and reasons: of aircraft that are doubtful, of those that have no place at all."""

    shapes: list[Shape] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def unfit(judged: Judged) -> str:
    """Why a frame cannot be labelled; "" when it can."""
    health, visibility = judged.plate_health, judged.visibility
    if judged.plate_fault:
        return "its plate does not fit it"
    if visibility is None:
        return "it does not say when it was taken"
    if visibility.reason:
        return f"the sky is closed: {visibility.reason}"
    if (health is not None and health.state in ("JUMPED", "STILL")) or not visibility.shift_px < MOVED_PX:
        return "its stars are not where its plate puts them"
    return ""


def sort(found: Sequence[Way | Silent], judged: Judged, plate: Plate, lowest_deg: float) -> Sorted:
    """The shapes of a fit frame."""
    assert judged.visibility is not None
    result = Sorted()
    for way in found:
        if isinstance(way, Silent):
            result.silent.append(way.why)
            continue
        outlined = _outlined(way, judged.frame, plate)
        if outlined is None:
            result.silent.append("below the horizon or beside the picture")
            continue
        path_px, half_px = outlined
        doubt = _doubt(way, path_px, half_px, judged.frame, judged.visibility, lowest_deg)
        label = DOUBTFUL if doubt else AIRCRAFT
        result.shapes.append(Shape(label, ribbon(path_px, half_px), _words(way) + (f"; {doubt}" if doubt else "")))
        if doubt:
            result.doubtful.append(doubt)
    for trail in judged.trails:
        half = np.full(len(trail.polyline_px), UNANNOUNCED_HALF_PX)
        words = f"the network: {trail.trail_class} {trail.score:.2f}"
        result.shapes.append(Shape(UNANNOUNCED, ribbon(trail.polyline_px, half), words))
    return result


def _outlined(way: Way, frame: Frame, plate: Plate) -> tuple[Vector, Vector] | None:
    """(N, 2) path in stored pixels and (N,) half widths; None where nothing of it can be on the picture."""
    path_px = plate.unit_to_pixel(way.unit_enu, frame.origin_px)
    scale = px_per_rad(plate, way.unit_enu)
    if not (np.isfinite(path_px).all() and np.isfinite(scale).all()) or (way.unit_enu[:, 2] < 0).all():
        return None
    sigma_rad = np.hypot(
        np.hypot(way.sigma_rad, np.radians(LEAST_SIGMA_DEG)), np.radians(plate.sigma_deg(way.unit_enu))
    )
    half_px = np.maximum(WIDE_SIGMA * sigma_rad * scale, LEAST_HALF_PX)
    if _length(path_px) < 1.0:  # towards the camera: any direction will do
        path_px = path_px + np.linspace(-1, 1, len(path_px))[:, None] * [1.0, 0.0]
    near = (path_px > -half_px[:, None]) & (path_px < [frame.width, frame.height] + half_px[:, None])
    return (path_px, half_px) if near.all(axis=1).any() else None


def _doubt(way: Way, path_px: Vector, half_px: Vector, frame: Frame, visibility: Visibility, lowest_deg: float) -> str:
    """Why nobody should be taught by it; "" when somebody may."""
    cell = 2 if frame.mosaic == "RGGB" else 1
    if enu_to_azel(way.unit_enu)[:, 1].min() < lowest_deg:
        return f"lower than {lowest_deg:g} deg"
    if not ((path_px >= 0) & (path_px < [frame.width, frame.height])).all():
        return "it leaves the picture"
    if way.away_s > VOUCHED_S:
        return f"not heard within {VOUCHED_S:g} s"
    if way.doubted:
        return "its position is doubted"
    if way.range_m.max() > FARTHEST_M:
        return f"farther than {FARTHEST_M / 1e3:.0f} km"
    if half_px.max() > WIDEST_HALF_CELLS * cell:
        return "nobody knows well enough where it was"
    if _length(path_px) < SHORTEST_CELLS * cell:
        return "its trail would look like a star"
    if not visibility.sees(way.unit_enu).all():
        return "no stars prove that the camera sees there"
    return ""


def _length(path_px: Vector) -> float:
    return float(np.linalg.norm(np.diff(path_px, axis=0), axis=1).sum())


def _words(way: Way) -> str:
    name = way.state.callsign or way.state.icao
    sigma_deg = float(np.degrees(way.sigma_rad.max()))
    return f"{name}, {way.range_m.mean() / 1e3:.1f} km, sigma {sigma_deg:.2f} deg"
