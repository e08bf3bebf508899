"""The brightest that every pixel was in several short exposures: slow, low trails are dots in 2 s and lines in 10 s.

A 2 s frame is deeper for fast trails and young enough for a permit; but an airliner below 20 degrees moves five pixels
in it. What moves lights a pixel in one exposure of five: their sum adds the sky of the four others to it, their maximum
hardly does. So a trail keeps more of its contrast than in one exposure of 10 s (meteor networks compress their video
like this: P. S. Gural, D. Segon, "A new meteor detection processing approach for observations collected by the Croatian
Meteor Network", WGN 37:1, 2009). Each exposure is first brought to the sky of the first one: otherwise the brightest of
five, by dawn, headlights or a lit cloud, would hide what the four others show.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from camera.background import darkened, sampled
from camera.device import Frame
from camera.refresh import setting

FRAMES = 5
MOVED_SIGMA = 0.25  # of a pixel's noise: a sky brighter by less hides nothing
LARGEST_GAP_S = 1.0  # of sky between two exposures; a longer one tears every trail in two
_THIN = 4  # of the planes' pixels
_CELL = 32  # of these, a side: a median of 1024 differences is known to 0.06 of the noise


class Stack:
    """Lays `frames` consecutive exposures on each other, then begins anew: every exposure is in one stack at most."""

    def __init__(self, frames: int = FRAMES) -> None:
        self._frames = frames
        self._first: Frame | None = None
        self._newest: Frame | None = None
        self._count = 0
        self._brightest: NDArray[np.unsignedinteger] = np.empty(0, np.uint16)

    def add(self, frame: Frame) -> Frame | None:
        """The stack when this exposure completes it. A gap, or another setting, begins anew with this frame.

        Its `exposure_s` reaches from the begin of the first to the end of the last exposure.
        """
        if self._first is None or self._newest is None or not _continues(self._newest, frame):
            self._first, self._count = frame, 1
            self._brightest = frame.pixels.copy()
        else:
            np.maximum(self._brightest, _under_one_sky(frame, self._first), out=self._brightest)
            self._count += 1
        self._newest = frame
        if self._count < self._frames:
            return None
        start_utc_ns = self._first.start_utc_ns
        self._first = None
        self._brightest.flags.writeable = False
        exposure_s = (frame.start_utc_ns - start_utc_ns) / 1e9 + frame.exposure_s
        return replace(frame, start_utc_ns=start_utc_ns, exposure_s=exposure_s, pixels=self._brightest)


def _under_one_sky(frame: Frame, first: Frame) -> NDArray[np.unsignedinteger]:
    """Its pixels, less what its sky is brighter than the first one's. Of two pictures of one place the differences
    tell, better than two maps of the sky: what stands in both leaves none."""
    brighter_adu, moved = [], False
    for (_, now), (_, then) in zip(sampled(frame, _THIN), sampled(first, _THIN), strict=True):
        rows, columns = (max(1, side // _CELL) for side in now.shape)
        high, wide = now.shape[0] // rows, now.shape[1] // columns
        cells = (now - then)[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
        middle = np.median(cells, axis=(1, 3), keepdims=True)
        noise_adu = 1.48 / np.sqrt(2) * float(np.median(np.abs(cells - middle)))
        known_to = 1.25 * np.sqrt(2 / max(high * wide, 1))  # of the noise: the error of a median of differences
        moved |= float(np.abs(middle).max()) > max(MOVED_SIGMA, 4 * known_to) * noise_adu + 0.5
        brighter_adu.append(middle[:, 0, :, 0])
    return darkened(frame, np.stack(brighter_adu)) if moved else frame.pixels


def _continues(before: Frame, frame: Frame) -> bool:
    gap_s = (frame.start_utc_ns - before.start_utc_ns) / 1e9 - before.exposure_s
    return before.start_utc_ns > 0 and -0.1 <= gap_s <= LARGEST_GAP_S and setting(before) == setting(frame)
