"""The odds that a detection is real, from what was observed: the two constants of `postprocess`'s score.

Logistic regression of real against false on the raw odds (Platt 1999, "Probabilistic outputs for support vector
machines"), on pictures of training alone: what is measured on must not set the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from camera.device import FileUnreadable
from camera.files import read_frame
from models.dataset import BACKGROUND_CAMERAS, held_out
from models.detect import Detector
from models.evaluate import Case
from models.labels import read_anylabeling, read_sky_labels
from models.postprocess import SCORE_OFFSET, SCORE_SLOPE
from models.rendered import rendered_nights
from models.score import score_image
from models.sources import FIRST_NIGHT

LOWEST = 0.002  # score down to which detections are gathered
STEPS = 50


@dataclass(frozen=True)
class Fit:
    offset: float
    slope: float
    real: int
    false: int


def observed(cases: Iterable[Case], detector: Detector) -> tuple[NDArray[np.float64], list[bool]]:
    """Raw log-odds of every detection and whether it was real; the detector goes down to LOWEST."""
    raw: list[float] = []
    real: list[bool] = []
    for case in cases:
        try:
            frame = case.frame()
        except FileUnreadable:
            continue
        trails = detector.detect(frame).trails
        false = score_image((*case.trails, *case.faint), [t.polyline_px for t in trails], frame.width).false
        raw += [(np.log(t.score / (1 - t.score)) - detector.raised - SCORE_OFFSET) / SCORE_SLOPE for t in trails]
        real += [not bad for bad in false]
    return np.array(raw), real


def fit(raw: NDArray[np.float64], real: Sequence[bool]) -> Fit:
    """Newton's method; ValueError where one kind is missing."""
    y = np.asarray(real, float)
    if not 0 < y.sum() < len(y):
        raise ValueError(f"{int(y.sum())} real ones of {len(y)} detections: both kinds are needed")
    x = np.column_stack((np.ones(len(y)), raw))
    w = np.zeros(2)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -40, 40)))
        curvature = (x * (p * (1 - p) + 1e-9)[:, None]).T @ x + 1e-6 * np.eye(2)
        w += np.linalg.solve(curvature, x.T @ (y - p))
    return Fit(float(w[0]), float(w[1]), int(y.sum()), int(len(y) - y.sum()))


def training_cases(data: Path, nights: int) -> Iterator[Case]:
    """Photographs and background cameras of training, and `nights` of training seeds."""
    images = [image for image in read_anylabeling(data / "streaks512") if not held_out(image.group)]
    images += [i for i in read_sky_labels(data / "sky" / "labels.json") if i.group in BACKGROUND_CAMERAS]
    for image in images:
        yield Case(image.file.name, lambda file=image.file: read_frame(file), image.trails)  # type: ignore[misc]
    yield from rendered_nights(list(range(FIRST_NIGHT, FIRST_NIGHT + nights)))
