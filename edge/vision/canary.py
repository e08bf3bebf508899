"""Does the detector still find an aircraft? A made-up trail on a made-up sky, shown to it between the real frames.

An empty list of trails proves an empty sky only of a detector that would have found one: a network whose weights are
dead, or a runtime that computes nonsense, sees nothing as well. The made-up trail is eight times as bright as the
noise: what misses it would miss a landing light. It has a threshold of its own: the network is asked, not the
configuration.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from models.detect import Detector, Engine

SIDE_PX = 256
ENDS_PX = ((50, 60), (206, 152))  # of the trail, stored pixels
BRIGHTER_SIGMA, WIDTH_PX = 8.0, 5
SKY_ADU, NOISE_ADU = 1000.0, 30.0
THRESHOLD = 0.5
NEAR_PX, LEAST_SHARE = 12.0, 0.5


class Canary:
    """Costs some 20 ms a question. Shares the engine with the real detector, hence its thread as well."""

    def __init__(self, engine: Engine) -> None:
        self._detector = Detector(engine, THRESHOLD)
        self._frame = made_up_frame()

    def missed(self) -> str:
        """ "" when the trail was found where it is; else what was missed, in words."""
        for trail in self._detector.detect(self._frame).trails:
            if _covered(trail.polyline_px) >= LEAST_SHARE:
                return ""
        return "the network does not find a made-up trail: install it again, or give another [network] file"


def made_up_frame() -> Frame:
    """The same every time: a flat sky with noise, and one trail."""
    light: NDArray[np.float32] = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    cv2.line(light, *ENDS_PX, 1.0, WIDTH_PX, cv2.LINE_AA)
    sky = np.random.default_rng(1).normal(SKY_ADU, NOISE_ADU, light.shape)
    pixels = (sky + BRIGHTER_SIGMA * NOISE_ADU * cv2.GaussianBlur(light, (0, 0), 1.2)).astype(np.uint16)
    return Frame(
        seq=0, start_utc_ns=0, end_mono_s=0.0, exposure_s=2.0, gain_setting=0, gain_e_per_adu=1.0, origin_px=(0, 0),
        mosaic="RGGB", white_adu=65535, sensor_celsius=0.0, cooler_percent=0.0, pixels=pixels,
    )  # fmt: skip


def _covered(polyline_px: NDArray[np.float64]) -> float:
    """The share of the made-up trail along which the found one lies near it."""
    line = np.linspace(np.array(ENDS_PX[0], dtype=float), np.array(ENDS_PX[1], dtype=float), 50)
    found = np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(polyline_px)])
    return float((np.linalg.norm(line[:, None] - found[None], axis=2).min(axis=1) < NEAR_PX).mean())
