"""How good a network is: trails found and false trails per image, by the one trail score, on labelled pictures.

The curve over thresholds comes from one pass: every trail is detected down to a low score once and counted at every
threshold. Intervals are 95 % Wilson intervals (Brown, Cai & DasGupta 2001, Statistical Science 16, 101).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from camera.device import FileUnreadable, Frame
from camera.files import read_frame
from models import synth
from models.contract import CLASSES, Trail
from models.cutouts import Gallery
from models.dataset import BACKGROUND_CAMERAS, held_out
from models.detectors import FindsTrails, TellingDetector
from models.labels import LabelledImage, read_anylabeling, read_sky_labels
from models.score import SHARE, Polyline, covered_share, score_image, tolerance_px

LOWEST = 0.05  # score down to which trails are kept for the curve
TOLD = ("clear sky", "aircraft", "satellite", "meteor", "cloud", "untold")  # of a pixel; the last is no trail
THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(1, 20))


@dataclass(frozen=True)
class Case:
    """One frame with its truth. `strata` are the groups each labelled trail is also counted in ("20-90 deg")."""

    name: str
    frame: Callable[[], Frame]
    trails: tuple[Polyline, ...]
    strata: tuple[str, ...] = ()  # one per trail, or none
    classes: tuple[str, ...] = ()  # one per trail, or none
    faint: tuple[Polyline, ...] = ()  # real, too faint to be demanded; finding one is not false
    labels: NDArray[np.uint8] | None = None  # (H, W) of the planes, as in `synth`, where the class of pixels is known


@dataclass
class Table:
    """Counts at every threshold."""

    title: str
    images: int = 0
    unreadable: list[str] = field(default_factory=list)
    labelled: int = 0
    found: dict[float, int] = field(default_factory=lambda: dict.fromkeys(THRESHOLDS, 0))
    false: dict[float, int] = field(default_factory=lambda: dict.fromkeys(THRESHOLDS, 0))
    by_stratum: dict[str, list[int]] = field(default_factory=dict)  # [labelled, found] at `at`
    false_in: dict[str, int] = field(default_factory=dict)  # false trails per image at `at`
    missed_in: dict[str, int] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)  # "aircraft named unknown": found trails of known class
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(TOLD), len(CLASSES)), np.int64))

    def line(self, at: float) -> str:
        share = self.found[at] / self.labelled if self.labelled else float("nan")
        low, high = wilson(self.found[at], self.labelled)
        return (
            f"{self.title}: {self.images} images, threshold {at:.2f}: "
            f"recall {share:.3f} [{low:.3f}, {high:.3f}] ({self.found[at]} of {self.labelled}), "
            f"false {self.false[at]} = {self.false[at] / max(self.images, 1):.3f} per image"
        )

    def points(self) -> list[tuple[float, float, float]]:
        """(threshold, share found, false per image)."""
        return [(t, self.found[t] / max(self.labelled, 1), self.false[t] / max(self.images, 1)) for t in THRESHOLDS]

    def curve(self) -> str:
        return "  ".join(f"{t:.2f}:{found:.2f}/{false:.2f}" for t, found, false in self.points())

    def text(self, at: float) -> str:
        """The line at one threshold, the curve "threshold:recall/false per image", counts by stratum and name."""
        strata = [f"  {name}: {found} of {labelled}" for name, (labelled, found) in sorted(self.by_stratum.items())]
        names = [f"  {name}: {count}" for name, count in sorted(self.named.items())]
        unreadable = [f"  unreadable: {what}" for what in self.unreadable]
        return "\n".join([self.line(at), f"  {self.curve()}", *strata, *names, *unreadable])

    def facts(self, at: float) -> dict[str, object]:
        """What a report's JSON holds."""
        return {
            "title": self.title, "images": self.images, "labelled": self.labelled, "threshold": at,
            "curve": [{"threshold": t, "found": self.found[t], "false": self.false[t]} for t in THRESHOLDS],
            "strata": self.by_stratum, "named": self.named, "false_in": self.false_in, "missed_in": self.missed_in,
            "unreadable": self.unreadable, "pixels": dict(zip(TOLD, self.pixels.tolist(), strict=True)),
        }  # fmt: skip

    def least_false(self, most_per_image: float) -> float | None:
        """The lowest threshold with no more false trails per image."""
        return next((t for t in THRESHOLDS if self.false[t] <= most_per_image * max(self.images, 1)), None)


def evaluate(
    title: str, cases: Iterable[Case], detector: FindsTrails, *, at: float, gallery: Gallery | None = None
) -> Table:
    """Runs every case once; `detector.threshold` should be LOWEST. An unreadable picture is named and left out.
    `gallery` is offered what was found, missed and invented at the threshold `at`."""
    table = Table(title)
    for case in cases:
        try:
            frame = case.frame()
        except FileUnreadable as err:
            table.unreadable.append(str(err))
            continue
        detected = detector.detect(frame).trails
        table.images += 1
        table.labelled += len(case.trails)
        if case.labels is not None and isinstance(detector, TellingDetector):
            height, width = case.labels.shape
            table.pixels += pixel_matrix(case.labels, detector.logits[0, :, :height, :width])
        for threshold in THRESHOLDS:
            kept = [trail.polyline_px for trail in detected if trail.score >= threshold]
            result = score_image(case.trails, kept, frame.width)
            false = score_image((*case.trails, *case.faint), kept, frame.width).false
            table.found[threshold] += sum(result.found)
            table.false[threshold] += sum(false)
            if threshold == at:
                if any(false):
                    table.false_in[case.name] = sum(false)
                if not all(result.found):
                    table.missed_in[case.name] = result.found.count(False)
                for name in _names(case, [trail for trail in detected if trail.score >= at], frame.width):
                    table.named[name] = table.named.get(name, 0) + 1
                for stratum, found in zip(case.strata, result.found, strict=False):
                    counts = table.by_stratum.setdefault(stratum, [0, 0])
                    counts[0] += 1
                    counts[1] += found
                if gallery is not None:
                    rows = [
                        ("hits" if found else "misses", line)
                        for found, line in zip(result.found, case.trails, strict=True)
                    ]
                    rows += [("false alarms", line) for bad, line in zip(false, kept, strict=True) if bad]
                    for row, line in rows:
                        gallery.offer(row, frame, line, case.trails, kept, case.name)
    return table


def pixel_matrix(labels: NDArray[np.uint8], logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """(len(TOLD), len(CLASSES)) pixels, from (H, W) labels as in `synth` and the (classes, H, W) answer."""
    row = np.full(256, len(TOLD), np.uint8)  # one too many: not counted
    row[[synth.CLEAR, synth.AIRCRAFT, synth.SATELLITE, synth.METEOR, synth.CLOUD, synth.BACKGROUND]] = range(len(TOLD))
    pairs = row[labels].astype(np.int64) * len(CLASSES) + logits.argmax(0)
    return np.bincount(pairs.ravel(), minlength=256)[: len(TOLD) * len(CLASSES)].reshape(len(TOLD), len(CLASSES))


def _names(case: Case, detected: list[Trail], width_px: int) -> Iterator[str]:
    """How each found trail of known class was named, by the detection that covers most of it."""
    for line, truth in zip(case.trails, case.classes, strict=False):
        shares = [covered_share(line, [trail.polyline_px], tolerance_px(width_px)) for trail in detected]
        if shares and max(shares) >= SHARE:
            yield f"{truth} named {detected[shares.index(max(shares))].trail_class}"


def photographs(folder: Path) -> Iterator[Case]:
    """The held-out third of an AnyLabeling folder."""
    return _cases(image for image in read_anylabeling(folder) if held_out(image.group))


def skies(labels: Path) -> Iterator[Case]:
    """All-sky frames of the cameras that never served as backgrounds in training."""
    return _cases(image for image in read_sky_labels(labels) if image.group not in BACKGROUND_CAMERAS)


def _cases(images: Iterable[LabelledImage]) -> Iterator[Case]:
    for image in images:
        yield Case(image.file.name, lambda file=image.file: read_frame(file), image.trails)  # type: ignore[misc]


def wilson(found: int, of: int) -> tuple[float, float]:
    """95 % interval of a share."""
    if of == 0:
        return 0.0, 1.0
    z = 1.959964
    share = found / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def trails_as_json(file: str, frame: Frame, trails: Sequence[Trail]) -> str:
    """One line of `detections.jsonl`."""
    return json.dumps(
        {
            "file": file,
            "width": frame.width,
            "height": frame.height,
            "trails": [
                {"class": t.trail_class, "score": round(t.score, 4), "polyline_px": t.polyline_px.round(2).tolist()}
                for t in trails
            ],
        }
    )
