"""The whole way from a frame to its trails: what vision, replay and `skyspotter models detect` all run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import Background, background, normalised_planes
from camera.device import Frame
from models.contract import CLASSES, STRIDE, Trail
from models.postprocess import trails_from_logits
from models.preprocess import network_input
from models.score import every_pixel

# A larger picture goes through in bands of rows, so that memory does not grow with it: a band of a 5184 pixel wide
# photograph still holds more sky than the network looks at from any pixel.
BAND_PIXELS = 5_000_000
BAND_OVERLAP = 128  # rows on either side; the network's view fades out within it

# Rounding to bytes moves the log-odds of a score up or down, by 0.1 (standard deviation): of trails at the threshold as
# many would be lost as gained. Raised by twice that, none of 700 is lost; what is gained costs seconds, no aircraft.
ROUNDING_LOG_ODDS = 0.2


class Engine(Protocol):
    """Runs a network of the contract: ONNX Runtime here, TensorRT on the box."""

    precision: str

    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall milliseconds of one frame; `background_ms` is 0 where the background was given."""

    background_ms: float
    preprocess_ms: float
    network_ms: float
    postprocess_ms: float


@dataclass(frozen=True, slots=True)
class Detection:
    trails: list[Trail]  # best first
    timings: Timings


class Detector:
    """One engine and one threshold. Any mosaic, any size."""

    def __init__(self, engine: Engine, threshold: float = 0.5) -> None:
        self._engine, self.threshold = engine, threshold
        self.raised = ROUNDING_LOG_ODDS if engine.precision.startswith("int8") else 0.0

    def detect(self, frame: Frame, sky: Background | None = None) -> Detection:
        """Trails in stored pixels. `sky` may be that of an earlier frame of the same camera, mosaic and size.

        Raises FloatingPointError for an answer that is no number: compared with a threshold it would be an empty sky.
        """
        t0 = time.perf_counter()
        sky = sky or background(frame)
        t1 = time.perf_counter()
        planes = network_input(normalised_planes(frame, sky))
        t2 = time.perf_counter()
        logits = self._logits(planes)
        if not np.isfinite(logits.sum()):
            raise FloatingPointError("the network answers with something that is no number: install it again")
        t3 = time.perf_counter()
        cell = 2 if frame.mosaic == "RGGB" else 1
        height, width = frame.height // cell, frame.width // cell
        trails = trails_from_logits(
            logits[:, :, :height, :width], threshold=self.threshold, stored_px_per_plane_px=cell,
            raised=self.raised,
        )  # fmt: skip
        if not all(np.isfinite(trail.polyline_px).all() for trail in trails):
            raise FloatingPointError("a trail was found at a place that is no number")
        if trails and sky.outside.any():
            nowhere = _without_sky(sky)
            trails = [trail for trail in trails if not _mostly_on(trail, nowhere, cell * sky.step)]
        t4 = time.perf_counter()
        return Detection(trails, Timings(*(round(1e3 * dt, 3) for dt in (t1 - t0, t2 - t1, t3 - t2, t4 - t3))))

    def _logits(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        _, _, height, width = planes.shape
        if height * width <= BAND_PIXELS:
            return self._engine.infer(planes)
        logits = np.empty((1, len(CLASSES), height, width), np.float32)
        for rows, seen in _bands(height, width):
            part = self._engine.infer(np.ascontiguousarray(planes[:, :, seen]))
            logits[:, :, rows] = part[:, :, rows.start - seen.start : rows.stop - seen.start]
        return logits


def _bands(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows to be known, and the wider rows to be looked at, both whole strides."""
    step = max(STRIDE, BAND_PIXELS // width // STRIDE * STRIDE)
    for begin in range(0, height, step):
        end = min(height, begin + step)
        yield slice(begin, end), slice(max(0, begin - BAND_OVERLAP), min(height, end + BAND_OVERLAP))


def _without_sky(sky: Background) -> NDArray[np.bool_]:
    """(h, w) of the background's map: outside the lens's circle or on its very rim."""
    return np.asarray(cv2.dilate(sky.outside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _mostly_on(trail: Trail, region: NDArray[np.bool_], stored_px: int) -> bool:
    """Whether most of a trail's length lies on a region whose samples are that many stored pixels apart."""
    column, row = (every_pixel(trail.polyline_px) / stored_px).astype(int).T
    rows, columns = region.shape
    return float(region[row.clip(0, rows - 1), column.clip(0, columns - 1)].mean()) > 0.5
