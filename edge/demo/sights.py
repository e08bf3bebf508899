"""What the network found of what the sampled frames really showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from camera.plate import Plate
from camera.sim.renderer import TruthTrail
from edge.demo.items import FrameTruth
from edge.demo.journals import Journals
from models.score import score_image

SEEN_ELEVATION_DEG = 15.0
SEEN_LINE_SNR = 5.0  # a steady line of light, not a single flash


@dataclass(frozen=True)
class Sights:
    """Per truth id: frames in which it was fairly visible, and of these the ones in which it was found."""

    fair: Mapping[str, int]
    found: Mapping[str, int]
    any_found: Mapping[str, int]  # also where it was faint or low
    false_per_frame: float


def score_frames(frames: Sequence[FrameTruth], journals: Journals, plate: Plate) -> Sights:
    lines = {line["file"]: line for line in journals.detections}
    fair: dict[str, int] = {}
    found: dict[str, int] = {}
    any_found: dict[str, int] = {}
    false = 0
    for frame in frames:
        line = lines[frame.file]
        detected = [np.array(trail["polyline_px"], dtype=float) for trail in line["trails"]]
        score = score_image([trail.polyline_px for trail in frame.trails], detected, int(line["width"]))
        false += sum(score.false)
        for trail, hit in zip(frame.trails, score.found, strict=True):
            any_found[trail.id] = any_found.get(trail.id, 0) + hit
            if _fair(trail, plate):
                fair[trail.id] = fair.get(trail.id, 0) + 1
                found[trail.id] = found.get(trail.id, 0) + hit
    return Sights(fair, found, any_found, false / max(len(frames), 1))


def _fair(trail: TruthTrail, plate: Plate) -> bool:
    lowest = plate.pixel_to_azel(trail.polyline_px, plate.region.origin_px)[:, 1].min()
    return trail.visible and trail.line_snr >= SEEN_LINE_SNR and bool(lowest > SEEN_ELEVATION_DEG)
