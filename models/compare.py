"""What one network loses against another on the same pictures, INT8 against float first of all: pixel F1 and IoU by
the truth, and trails that the first found and the second did not.

Both are asked through the whole detector, so that thresholds, lines and scores count as they do on the box.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from camera.device import FileUnreadable
from camera.sim.scenario import night
from models.contract import CLASSES
from models.detect import Detector, Engine
from models.detectors import TellingDetector
from models.evaluate import Case
from models.metrics import Confusion, confusion, of_classes, pooled
from models.parity import trail_mask
from models.rendered import RenderedFrame, label_map, render
from models.score import Polyline, score_image
from models.synth import ANY_TRAIL, BACKGROUND, CLEAR, CLOUD, IGNORE, is_trail

SIDES = ("first", "second")


@dataclass
class Comparison:
    """Counts over pictures; pixels only where the truth is known per pixel."""

    images: int = 0
    labelled: int = 0
    found: list[int] = field(default_factory=lambda: [0, 0])
    false: list[int] = field(default_factory=lambda: [0, 0])
    lost: int = 0  # found by the first, not by the second
    gained: int = 0
    unreadable: list[str] = field(default_factory=list)
    pixels: list[list[Confusion]] = field(default_factory=lambda: [[], []])  # per side and image: trail or not
    kinds: list[dict[str, list[Confusion]]] = field(default_factory=lambda: [{}, {}])  # per side, class and image

    def add(self, trails: Sequence[Polyline], detected: Sequence[Sequence[Polyline]], width_px: int) -> None:
        first, second = (score_image(trails, side, width_px) for side in detected)
        self.images += 1
        self.labelled += len(trails)
        for k, score in enumerate((first, second)):
            self.found[k] += sum(score.found)
            self.false[k] += sum(score.false)
        self.lost += sum(a and not b for a, b in zip(first.found, second.found, strict=True))
        self.gained += sum(b and not a for a, b in zip(first.found, second.found, strict=True))

    @property
    def points_lost(self) -> tuple[float, float]:
        """Of F1 and of IoU, in hundredths; pixels of trail."""
        one, other = (pooled(side).rates() for side in self.pixels)
        return 100 * (one["F1"] - other["F1"]), 100 * (one["TS"] - other["TS"])

    def text(self) -> str:
        lines = [f"{self.images} images, {self.labelled} labelled trails"]
        for k, side in enumerate(SIDES):
            share = self.found[k] / max(self.labelled, 1)
            line = f"  {side}: found {self.found[k]} ({share:.3f}), false {self.false[k]}"
            if self.pixels[k]:
                rates = pooled(self.pixels[k]).rates()
                line += f"; pixels of trail: F1 {rates['F1']:.4f}, IoU {rates['TS']:.4f}"
            lines.append(line)
            for name, counts in self.kinds[k].items():
                rates = pooled(counts).rates()
                if rates["P"]:
                    lines.append(f"    {name}: F1 {rates['F1']:.4f}, IoU {rates['TS']:.4f}, {rates['P']} pixels")
        lines.append(f"  lost {self.lost} of {self.found[0]} that the first found, gained {self.gained}")
        if all(self.pixels):
            f1, iou = self.points_lost
            lines.append(f"  points lost: F1 {f1:.2f}, IoU {iou:.2f}")
        return "\n".join([*lines, *(f"  unreadable: {what}" for what in self.unreadable)])


def on_nights(frames: Iterable[RenderedFrame], engines: tuple[Engine, Engine], *, threshold: float) -> Comparison:
    """Rendered frames, of which the class of every pixel is known."""
    result, detectors = Comparison(), [TellingDetector(engine, threshold) for engine in engines]
    for rendered in frames:
        detected = [[t.polyline_px for t in detector.detect(rendered.frame).trails] for detector in detectors]
        seen = [trail.polyline_px for trail in rendered.truth if trail.visible]
        faint = [trail.polyline_px for trail in rendered.truth if not trail.visible]
        result.add(seen, detected, rendered.frame.width)
        for k, side in enumerate(detected):  # finding a faint one is not false
            result.false[k] += sum(score_image((*seen, *faint), side, rendered.frame.width).false)
            result.false[k] -= sum(score_image(seen, side, rendered.frame.width).false)
        height, width = rendered.frame.height // 2, rendered.frame.width // 2
        labels = label_map(rendered.truth, (height, width), rendered.cloud_opacity)
        for k, detector in enumerate(detectors):
            pixels, kinds = count_pixels(labels, detector.logits[0, :, :height, :width])
            result.pixels[k].append(pixels)
            for name, counted in kinds.items():
                result.kinds[k].setdefault(name, []).append(counted)
    return result


def on_pictures(cases: Iterable[Case], engines: tuple[Engine, Engine], *, threshold: float) -> Comparison:
    """Labelled photographs; an unreadable one is named and left out."""
    result, detectors = Comparison(), [Detector(engine, threshold) for engine in engines]
    for case in cases:
        try:
            frame = case.frame()
        except FileUnreadable as why:
            result.unreadable.append(str(why))
            continue
        result.add(case.trails, [[t.polyline_px for t in d.detect(frame).trails] for d in detectors], frame.width)
    return result


def count_pixels(labels: NDArray[np.uint8], logits: NDArray[np.float32]) -> tuple[Confusion, dict[str, Confusion]]:
    """(H, W) labels as in `synth` and (classes, H, W) logits -> trail or not, and each class.

    Background and cloud are counted only where the labels tell them apart.
    """
    found = logits.argmax(0).astype(np.uint8)
    trail = np.where(labels == IGNORE, IGNORE, is_trail(labels)).astype(np.uint8)
    told = np.where(labels == ANY_TRAIL, IGNORE, np.where(labels == CLEAR, BACKGROUND, labels)).astype(np.uint8)
    kinds = of_classes(told, found, CLASSES)
    told[labels == BACKGROUND] = IGNORE
    for number in (BACKGROUND, CLOUD):
        kinds[CLASSES[number]] = confusion(told, found, number)
    return confusion(trail, trail_mask(logits[None])[0]), kinds


def night_frames(seeds: Iterable[int], every_s: float = 12.0) -> Iterator[RenderedFrame]:
    """The demo's nights."""
    for seed in seeds:
        scenario = night(seed)
        yield from render(scenario, [float(t) for t in np.arange(6.0, scenario.duration_s - 2, every_s)])
