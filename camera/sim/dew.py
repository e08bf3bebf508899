"""Dew on the camera's dome: under drops the picture is blurred, between them it stays sharp; all of it loses contrast.

Works on the finished light of a mosaic, before the sensor's noise. Drops are out of focus, centimetres from the lens:
patches with soft edges that grow together.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.sim.fractal import fractal

BLUR_PX = 9.0  # of starlight under a drop, in sensor pixels (one sigma)
LOSS = 0.15  # of the light under a drop
VEIL = 0.25  # of the light of a fully covered dome is spread over the whole picture

Float32 = NDArray[np.float32]


class Dew:
    """One dome's drops, always the same ones."""

    def __init__(self, seed: int) -> None:
        texture = fractal(np.random.default_rng((seed, 31)), 256, 2.6)
        # Rank of each place: the share of the dome that is wet before it is.
        rank = np.empty(texture.size, np.float32)
        rank[np.argsort(texture, axis=None)] = np.linspace(0, 1, texture.size, dtype=np.float32)
        self._rank = rank.reshape(texture.shape)

    def blurred(self, light_e: Float32, covered: float) -> Float32:
        """(height, width) RGGB electrons through a dome covered by that share, 0 to 1."""
        wet = np.clip((covered * 1.15 - self._rank) / 0.15, 0.0, 1.0)
        out = np.empty_like(light_e)
        for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
            sharp = np.ascontiguousarray(light_e[y::2, x::2])
            rows, columns = sharp.shape
            veil = np.float32(VEIL * covered * sharp.mean())
            share = cv2.resize(wet, (columns, rows), interpolation=cv2.INTER_LINEAR)
            # A wide blur at a quarter of the size costs a sixteenth and looks the same.
            small = cv2.resize(sharp, (max(columns // 4, 1), max(rows // 4, 1)), interpolation=cv2.INTER_AREA)
            small = cv2.GaussianBlur(small, (0, 0), BLUR_PX / 8)
            soft = np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
            soft *= np.float32(1 - LOSS)
            sharp += share * (soft - sharp)
            sharp *= np.float32(1 - VEIL * covered)
            sharp += veil
            out[y::2, x::2] = sharp
        return out
