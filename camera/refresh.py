"""The sky's map on the live path: made anew as often as it must be, not with every frame.

sep holds the interpreter while it works, and the sky changes slowly. A map serves the frames of the next seconds, but
each of them is first compared, in small blocks, with the frame that the map was made of: where cloud, headlights or
dawn moved the sky by more than a fraction of its noise, the map is made anew at once. Frames that do not say when they
were taken get a map of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camera.background import Background, background, sampled
from camera.device import Frame

EVERY_S = 6.0  # of the sky's clock: three exposures of 2 s
MOVED_SIGMA = 0.8  # of one pixel, mean over a block: trails on such a step would still be found, and so would its edge
_THIN = 4  # of the map's own samples
_BLOCK = 8  # samples a side: a difference of two means of 64 is known to 0.18 of the noise
_CLIP_SIGMA = 3.0  # stars and trails are not the sky


class SkyKeeper:
    """The newest map of one camera. Not thread-safe."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._sky: Background | None = None
        self._of: Frame | None = None  # what the map was made of
        self._blocks = np.empty(0, np.float32)  # and how far its blocks stand off the map: skylines never fit quite
        self.made = self.kept = 0

    def sky_of(self, frame: Frame) -> Background:
        """A map that holds for this frame: its own or a recent one."""
        sky = self._sky
        if sky is None or not self._holds(sky, frame):
            sky = self._sky = background(frame)
            self._of, self._blocks = frame, block_sigma(frame, sky)
            self.made += 1
        else:
            self.kept += 1
        return sky

    def _holds(self, sky: Background, frame: Frame) -> bool:
        made_of = self._of
        if made_of is None or frame.start_utc_ns <= 0 or setting(frame) != setting(made_of):
            return False
        age_s = (frame.start_utc_ns - made_of.start_utc_ns) / 1e9
        if not 0 <= age_s < self._every_s or not self._blocks.size:
            return False
        return bool(np.abs(block_sigma(frame, sky) - self._blocks).max() < MOVED_SIGMA)


def block_sigma(frame: Frame, sky: Background) -> NDArray[np.float32]:
    """(planes, rows, columns) mean of each block over the map, in units of the noise; empty for a tiny picture."""
    blocks = []
    for number, plane in sampled(frame, sky.step):
        at = np.s_[::_THIN, ::_THIN]
        off = (plane[at] - sky.level_adu[number][at]) / sky.noise_adu[number][at]
        np.clip(off, -_CLIP_SIGMA, _CLIP_SIGMA, out=off)
        rows, columns = (side // _BLOCK for side in off.shape)
        square = off[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
        blocks.append(square.mean(axis=(1, 3)))
    return np.stack(blocks)


def setting(frame: Frame) -> tuple[object, ...]:
    """What two frames must have in common to be of one camera, region and exposure."""
    return (
        frame.exposure_s, frame.gain_setting, frame.origin_px, frame.mosaic, frame.camera_serial, frame.pixels.shape,
        frame.pixels.dtype,
    )  # fmt: skip
