"""The published method, whole: a frame becomes an 8-bit view, the view 256 x 256 patches, each patch a mask, the masks
one picture again, its contours above an area the trails (Yebes IT-CDT 2023-08). Torch-free: the network is a function.

It stands beside `detect.Detector` and answers the same, so that both are scored and timed by the same code.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import Background, background
from camera.device import Frame
from camera.views import classical, enhanced
from models.contract import Trail
from models.detect import Detection, Timings
from models.labels import centre_line

# (n, 3, size, size) float32 in [0, 1] -> (n, size, size) float32 probabilities of trail
Patches = Callable[[NDArray[np.float32]], NDArray[np.float32]]
LEAST_AREA_PX = 40.0  # of a contour; the report names a threshold and not its value


class PatchDetector:
    """One network of patches. Any mosaic, any size.

    The published method has one threshold, of the mask (`mask_threshold`); `threshold` is the least score of a trail,
    as every detector has it, and 0 leaves the method as it was published.
    """

    def __init__(
        self, network: Patches, *, view: Literal["classical", "enhanced"] = "classical", size: int = 256,
        batch: int = 1, threshold: float = 0.0, mask_threshold: float = 0.5, least_area_px: float = LEAST_AREA_PX,
    ) -> None:  # fmt: skip
        self._network, self._view, self._size, self._batch = network, view, size, batch
        self.threshold, self._mask_threshold, self._least_area_px = threshold, mask_threshold, least_area_px

    def detect(self, frame: Frame, sky: Background | None = None) -> Detection:
        """Trails in stored pixels, all of class aircraft; the "classical" view needs no `sky`."""
        t0 = time.perf_counter()
        shown = in_colour(frame)
        if self._view == "enhanced" and sky is None:
            sky = background(shown)
        t1 = time.perf_counter()
        picture = classical(shown) if self._view == "classical" or sky is None else enhanced(shown, sky)
        patches = to_patches(picture, self._size)
        t2 = time.perf_counter()
        masks = np.concatenate(
            [self._network(patches[k : k + self._batch]) for k in range(0, len(patches), self._batch)]
        )
        t3 = time.perf_counter()
        probability = from_patches(masks, picture.shape[:2])
        if not np.isfinite(probability.sum()):
            raise FloatingPointError("the network answers with something that is no number")
        trails = trails_from_mask(probability, self._mask_threshold, self._least_area_px)
        trails = [trail for trail in trails if trail.score >= self.threshold]
        t4 = time.perf_counter()
        return Detection(trails, Timings(*(round(1e3 * dt, 3) for dt in (t1 - t0, t2 - t1, t3 - t2, t4 - t3))))


def in_colour(frame: Frame) -> Frame:
    """A mosaic interpolated to full resolution, as the published camera's software gives it; others as they are."""
    if frame.mosaic != "RGGB":
        return frame
    return replace(frame, pixels=cv2.cvtColor(frame.pixels, cv2.COLOR_BayerRGGB2RGB), mosaic="rgb")


def to_patches(picture: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """(h, w, 3) -> (n, 3, size, size) in [0, 1], row by row; what is missing at the right and below is black."""
    height, width = picture.shape[:2]
    rows, columns = -(-height // size), -(-width // size)
    whole = np.zeros((rows * size, columns * size, 3), np.uint8)
    whole[:height, :width] = picture
    cut = whole.reshape(rows, size, columns, size, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, size, size)
    return np.multiply(cut, np.float32(1 / 255), dtype=np.float32)


def from_patches(masks: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(n, size, size) as `to_patches` ordered them -> (h, w)."""
    size, (height, width) = masks.shape[-1], shape
    columns = -(-width // size)
    whole = masks.reshape(-1, columns, size, size).transpose(0, 2, 1, 3).reshape(-1, columns * size)
    return np.ascontiguousarray(whole[:height, :width])


def trails_from_mask(probability: NDArray[np.float32], threshold: float, least_area_px: float) -> list[Trail]:
    """The middle line of every contour that is large enough; its score is the mean probability within."""
    mask = (probability >= threshold).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    trails = []
    for contour in contours:
        if cv2.contourArea(contour) < least_area_px:
            continue
        x, y, w, h = cv2.boundingRect(contour)
        inside = np.zeros((h, w), np.uint8)
        cv2.drawContours(inside, [contour], 0, 1, cv2.FILLED, offset=(-x, -y))
        score = float(probability[y : y + h, x : x + w][inside > 0].mean())
        trails.append(Trail("aircraft", score, centre_line(contour.reshape(-1, 2).astype(np.float64))))
    return sorted(trails, key=lambda trail: -trail.score)
