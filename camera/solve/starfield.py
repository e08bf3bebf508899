"""The stars in one frame, as points on the sensor, and the circle that the lens throws on it.

Everything that could be a star, so that a wrong one costs the solver a little and a missing one nothing: 4 sigma above
the local sky, round, wider than one photosite, inside the circle.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import find_sources
from camera.device import Frame

SIGMA = 4.0
SMALLEST_PX = 64  # a side: below it no sky is worth measuring
_CELL_PX = 24
_MOST_ELONGATED = 2.2  # a star drawn out by a minute's turn of the sky is rounder than that
_SINGLE_PIXEL_SHARE = 0.75  # of the light in one pixel: a hot photosite or a cosmic ray
_LARGEST_AREA_PX = 400  # Moon, cloud edge, lamp
_USED_SHARE = 0.97  # of the circle's radius: the rim itself is no sky
_MOST = 2500  # stars kept; the naked eye's catalogue has as many above the horizon
_COARSE_PX = 256  # side of the thinned picture in which the circle is looked for
_RAYS = 360


@dataclass(frozen=True, slots=True)
class Circle:
    """Where the lens's light ends, about 90 degrees from its axis, in pixels of the full sensor."""

    centre_px: tuple[float, float]
    radius_px: float
    seen: bool = True  # False: guessed from the width and height alone


@dataclass(frozen=True, slots=True, eq=False)
class StarField:
    """N points that may be stars, brightest first, in pixels of the full sensor."""

    xy_px: NDArray[np.float64]  # (N, 2)
    flux_adu: NDArray[np.float64]  # (N,)
    circle: Circle
    rejected_px: NDArray[np.float64]  # (M, 2) stood out, but are no stars: drawn out, single pixels, too large


def find_stars(frame: Frame) -> StarField:
    """Detects what may be stars. Raises ValueError for a frame too small to hold a sky."""
    light, pitch = _light(frame)
    if min(light.shape) < SMALLEST_PX:
        raise ValueError(f"{frame.file or 'frame'}: {frame.width} x {frame.height} pixels are too few for a sky")
    circle = find_circle(light)
    y, x = np.ogrid[: light.shape[0], : light.shape[1]]
    outside = np.hypot(x - circle.centre_px[0], y - circle.centre_px[1]) > _USED_SHARE * circle.radius_px
    found = find_sources(light, outside, cell_px=_CELL_PX, sigma=SIGMA)
    star = (
        (found.elongation < _MOST_ELONGATED)
        & (found.peak_adu < _SINGLE_PIXEL_SHARE * found.flux_adu)
        & (found.area_px < _LARGEST_AREA_PX)
    )
    # A cell of pitch x pitch pixels is centred half a pixel short of a whole cell's step.
    offset = np.asarray(frame.origin_px) + (pitch - 1) / 2
    on_sensor = found.xy_px * pitch + offset
    kept = np.flatnonzero(star)[:_MOST]
    centre = np.asarray(circle.centre_px) * pitch + offset
    return StarField(
        xy_px=on_sensor[kept],
        flux_adu=found.flux_adu[kept],
        circle=Circle((float(centre[0]), float(centre[1])), circle.radius_px * pitch, circle.seen),
        rejected_px=on_sensor[~star],
    )


def _light(frame: Frame) -> tuple[NDArray[np.float32], int]:
    """One plane of all colours, and how many pixels of the sensor a side of its pixels spans."""
    pixels = frame.pixels
    if frame.mosaic == "RGGB":
        even = pixels[: frame.height // 2 * 2, : frame.width // 2 * 2].astype(np.float32)
        quads = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2)
        return np.ascontiguousarray(quads.mean(axis=(1, 3))), 2
    if frame.mosaic == "rgb":
        return pixels.mean(axis=2, dtype=np.float32), 1
    return pixels.astype(np.float32), 1


def find_circle(light: NDArray[np.float32]) -> Circle:
    """The lens's circle in a plane (height, width), in its pixels; guessed where no dark surround shows one.

    From the middle outwards along rays, the last place as bright as sky; then the circle on which most of these places
    lie (RANSAC, Fischler & Bolles 1981): a skyline only shortens rays, and never by the same length.
    """
    height, width = light.shape
    guess = Circle(((width - 1) / 2, (height - 1) / 2), 0.5 * max(min(height, width), 0.8 * max(height, width)), False)
    step = max(1, max(height, width) // _COARSE_PX)
    thin = cv2.medianBlur(cv2.resize(light, (width // step, height // step), interpolation=cv2.INTER_AREA), 5)
    h, w = thin.shape
    corner = max(3, min(h, w) // 20)
    ends = (slice(None, corner), slice(-corner, None))
    dark = float(np.min([np.median(thin[y, x]) for y in ends for x in ends]))
    sky = float(np.median(thin[h // 3 : -h // 3, w // 3 : -w // 3]))
    if sky < dark * 1.02 + 1.0:
        return guess
    angle = np.radians(np.arange(_RAYS) * 360.0 / _RAYS)
    reach = np.arange(0.0, np.hypot(h, w) / 2, 0.5)
    x = np.outer(np.cos(angle), reach) + (w - 1) / 2
    y = np.outer(np.sin(angle), reach) + (h - 1) / 2
    in_frame = (x >= 0) & (x <= w - 1) & (y >= 0) & (y <= h - 1)
    ray = np.where(in_frame, thin[np.clip(y, 0, h - 1).astype(int), np.clip(x, 0, w - 1).astype(int)], dark)
    # Sky is darker than its middle towards the rim, and the surround is not wholly dark: halfway between, locally.
    bright = (ray > dark + 0.35 * (sky - dark)) & in_frame
    end = bright.shape[1] - 1 - bright[:, ::-1].argmax(axis=1)
    last_in_frame = in_frame.sum(axis=1) - 1
    edge = bright.any(axis=1) & (end < last_in_frame - 3)  # a ray that is bright to the frame's end shows no rim
    points = np.stack((x, y), axis=-1)[edge, end[edge]]
    best = _ransac_circle(points, smallest=0.25 * min(h, w), largest=0.75 * max(h, w))
    if best is None:
        return guess
    cx, cy, radius = best
    return Circle(((cx + 0.5) * step - 0.5, (cy + 0.5) * step - 0.5), radius * step)


def _ransac_circle(
    points: NDArray[np.float64], *, smallest: float, largest: float
) -> tuple[float, float, float] | None:
    """Centre and radius of the circle near most points; None with fewer than a quarter of the rays on it."""
    if len(points) < _RAYS // 4:
        return None
    rng = np.random.default_rng(1)
    picks = points[rng.integers(0, len(points), (400, 3))]
    fits = np.array([fit for pick in picks if (fit := _circle_through(pick)) is not None])
    fits = fits[(fits[:, 2] > smallest) & (fits[:, 2] < largest)] if len(fits) else fits
    if not len(fits):
        return None
    far = np.abs(np.hypot(*(points[:, None] - fits[:, :2]).transpose(2, 0, 1)) - fits[:, 2])
    near = far < 0.012 * fits[:, 2]
    best = int(near.sum(axis=0).argmax())
    on = points[near[:, best]]
    if len(on) < _RAYS // 4:
        return None
    return _circle_through(on)


def _circle_through(points: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """Least-squares circle: x^2 + y^2 = 2 a x + 2 b y + c (Kasa 1976); None for points on a line."""
    design = np.column_stack((2 * points, np.ones(len(points))))
    solved, _, rank, _ = np.linalg.lstsq(design, (points**2).sum(axis=1), rcond=1e-9)
    radius_sq = solved[2] + solved[0] ** 2 + solved[1] ** 2
    if rank < 3 or radius_sq <= 0:
        return None
    return float(solved[0]), float(solved[1]), float(np.sqrt(radius_sq))
