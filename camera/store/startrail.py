"""Star trails: the brightest of all pictures of a night, over its mean sky."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SMOOTH_PX = 16  # what is wider is sky, not star
SKY_SHARE, TRAIL_GAIN = 0.5, 1.5  # sky behind, trails before


class StarTrail:
    """Whatever stands out of its surroundings in any picture is kept, so that twilight and Moon do not drown it."""

    def __init__(self) -> None:
        self._pictures = 0
        self._out: NDArray[np.int16] | None = None
        self._sky: NDArray[np.float32] | None = None

    def add(self, picture: NDArray[np.uint8]) -> None:
        """(h, w, 3); the first one decides the size of all."""
        if self._out is not None and picture.shape != self._out.shape:
            size = self._out.shape[1::-1]
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        height, width = picture.shape[:2]
        thin = (max(width // _SMOOTH_PX, 1), max(height // _SMOOTH_PX, 1))
        small = cv2.medianBlur(cv2.resize(picture, thin, interpolation=cv2.INTER_AREA), 3)
        smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        out = np.asarray(picture.astype(np.int16) - smooth, dtype=np.int16)
        if self._out is None or self._sky is None:
            self._out, self._sky = out, smooth.astype(np.float32)
        else:
            np.maximum(self._out, out, out=self._out)
            self._sky += smooth
        self._pictures += 1

    def picture(self) -> NDArray[np.uint8]:
        """(h, w, 3), of at least one picture. The maximum of noise is bright everywhere: its own median is black."""
        assert self._out is not None
        assert self._sky is not None
        trails = np.maximum(self._out - np.median(self._out[::5, ::5], axis=(0, 1)), 0)
        sky = self._sky / self._pictures
        return np.asarray(np.clip(SKY_SHARE * sky + TRAIL_GAIN * trails, 0, 255), dtype=np.uint8)
