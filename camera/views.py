"""The two published views of a frame, as 8-bit pictures for people (Yebes IT-CDT 2023-08).

"Classical": hot pixels removed, square-root stretch between the picture's own darkest and brightest levels. "Enhanced":
the same after the sky's level is subtracted. Percentiles stand for minimum and maximum, so that neither one hot pixel
nor the Moon decides how everything else looks. A mosaic comes at half resolution: a Bayer cell is one pixel, so no
colour is invented. A network never sees these pictures (`camera.background` makes what it sees).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import Background
from camera.device import Frame
from camera.frames.hot import above_surroundings, lone_sites

LOW_SHARE, HIGH_SHARE = 0.05, 0.9995  # of the pixels, per colour and over all colours
ENHANCED_LOW_SHARE = 0.4  # with the sky subtracted noise is half of the picture: what is not above the sky is black
LEAST_SPAN_SHARE = 0.002  # of full scale: the noise of a capped camera is not stretched into a picture of something
_EVERY = 7  # pixels are enough for a percentile
_CURVE_STEPS = 4096  # of the square root, finer than 8 bits see

Picture = NDArray[np.uint8]


def classical(frame: Frame) -> Picture:
    """(h, w, 3) red, green, blue: hot pixels out, square-root stretch. A mosaic at half resolution, else as stored."""
    rgb = _without_hot_pixels(frame)
    thin = rgb[::_EVERY, ::_EVERY].astype(np.float32)
    low, span = _levels(thin, LOW_SHARE, frame.white_adu)
    stored = np.arange(65536, dtype=np.float32)
    channels = [_curve((stored - low[colour]) / span)[rgb[..., colour]] for colour in range(3)]
    return np.dstack(channels)


def enhanced(frame: Frame, sky: Background) -> Picture:
    """(h, w, 3) as `classical`, with the sky's level subtracted. `sky` may be that of a recent frame of this camera."""
    rgb = _without_hot_pixels(frame)
    height, width = rgb.shape[:2]
    level = (sky.level_adu[0], 0.5 * (sky.level_adu[1] + sky.level_adu[2]), sky.level_adu[3])
    light = np.empty(rgb.shape, np.float32)
    for colour in range(3):
        np.subtract(rgb[..., colour], _grown(level[colour], height, width), out=light[..., colour])
    low, span = _levels(light[::_EVERY, ::_EVERY], ENHANCED_LOW_SHARE, frame.white_adu)
    curve = _curve(np.linspace(0, 1, _CURVE_STEPS, dtype=np.float32))
    light -= low
    light *= np.float32((_CURVE_STEPS - 1) / span)
    np.clip(light, 0, _CURVE_STEPS - 1, out=light)
    return np.asarray(curve[light.astype(np.uint16)])


def _levels(thin: NDArray[np.float32], low_share: float, white_adu: int) -> tuple[NDArray[np.float32], float]:
    """What becomes black, per colour, and the span from there to white, common to all: colours keep their balance."""
    low = np.quantile(thin, low_share, axis=(0, 1)).astype(np.float32)
    return low, max(float(np.quantile(thin - low, HIGH_SHARE)), LEAST_SPAN_SHARE * white_adu, 1.0)


def _curve(share: NDArray[np.float32]) -> Picture:
    return np.asarray(np.sqrt(np.clip(share, 0.0, 1.0)) * 255 + 0.5, dtype=np.float32).astype(np.uint8)


def _grown(level: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(np.asarray(level, dtype=np.float32), (width, height)))


def _without_hot_pixels(frame: Frame) -> NDArray[np.uint16]:
    """(h, w, 3) stored units, the two greens of a mosaic averaged; lone hot photosites replaced by what is around."""
    pixels = frame.pixels
    if frame.mosaic == "RGGB":
        even = pixels[: frame.height // 2 * 2, : frame.width // 2 * 2]
        planes = [even[y::2, x::2] for y in (0, 1) for x in (0, 1)]
    elif frame.mosaic == "rgb":
        planes = [pixels[..., colour] for colour in range(3)]
    else:
        planes = [pixels]
    planes = [np.array(plane, dtype=np.uint16, order="C") for plane in planes]
    heights, surroundings = zip(*map(above_surroundings, planes), strict=True)
    for plane, around, at in zip(planes, surroundings, lone_sites(heights), strict=True):
        plane.reshape(-1)[at] = around.reshape(-1)[at]
    if frame.mosaic == "RGGB":
        red, one, other, blue = planes
        # The mean of two stored numbers without leaving 16 bits: (a & b) + (a ^ b) / 2.
        return np.dstack((red, (one & other) + ((one ^ other) >> 1), blue))
    return np.dstack(planes * (3 if frame.mosaic == "mono" else 1))
