"""The sky's level and noise, and the one picture that training and the box share: planes in units of the noise.

The only home of sep (Barbary 2016, JOSS 1, 58; method of Bertin & Arnouts 1996, A&AS 117, 393, section 4): the
sigma-clipped mode per mesh cell, median-filtered, spline-interpolated. It runs on every plane thinned to under 480
pixels a side: thinning, unlike averaging, keeps the noise of a single pixel, and stars are clipped all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import sep
from numpy.typing import NDArray

from camera.device import Frame
from camera.frames.hot import lone_sites

Planes = NDArray[np.float32]

_THINNED_SIDE_PX = 480  # every third pixel of the field camera's planes
_CELL_PX = 36  # of the planes: many trail widths, small against glow and cloud
_SMALLEST_CELL = 12  # samples a side: enough to clip stars from
_DARK_SHARE = 0.15  # darker than this share of the sky above the corners: outside the lens's circle
_NOISE_FLOOR_ADU = 1.0  # stored values are whole numbers, and JPEG flattens faint noise to nothing
_NOISE_FLOOR_SHARE = 0.3  # of the median noise: where a camera's software smoothed away the noise
_ABSURD_ADU = 1e6
_PLANE_OF = {"RGGB": (0, 1, 2, 3), "rgb": (0, 1, 1, 2), "mono": (0, 0, 0, 0)}
# Per different plane, its first number in the map.
_FIRST_OF = {mosaic: tuple(order.index(plane) for plane in sorted(set(order))) for mosaic, order in _PLANE_OF.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Sky of one frame, thinned: every `step`-th pixel of the planes of `half_planes`."""

    level_adu: Planes  # (4, h, w)
    noise_adu: Planes  # (4, h, w), never below the floor
    outside: NDArray[np.bool_]  # (h, w): black border, outside the lens's circle, or a sky as black as that
    step: int


def half_planes(frame: Frame) -> Planes:
    """(4, H, W) float32, stored units: R, G1, G2, B at half resolution of a mosaic, else R, G, G, B or L, L, L, L.

    An odd last row or column of a mosaic is left out.
    """
    views = _views(frame)
    planes = np.empty((4, *views[0].shape), np.float32)
    for plane, source in zip(planes, _PLANE_OF[frame.mosaic], strict=True):
        np.copyto(plane, views[source])
    return planes


def background(frame: Frame) -> Background:
    """Level and noise of the sky, per plane, the lens's circle and what lies outside it each by itself."""
    step = max(1, -(-max(_views(frame)[0].shape) // _THINNED_SIDE_PX))
    thin = [plane for _, plane in sampled(frame, step)]
    outside = _outside(np.mean(thin, axis=0, dtype=np.float32))
    cell = max(_SMALLEST_CELL, _CELL_PX // step)
    sky = [_level_and_noise(plane, outside, cell) for plane in thin]
    order = _PLANE_OF[frame.mosaic]
    return Background(
        level_adu=np.stack([sky[source][0] for source in order]),
        noise_adu=np.stack([sky[source][1] for source in order]),
        outside=outside,
        step=step,
    )


def sampled(frame: Frame, step: int) -> list[tuple[int, Planes]]:
    """The different planes at the samples of a map of that step, (h, w) float32, each with its number in the map."""
    half = step // 2
    return [
        (number, np.ascontiguousarray(view[half::step, half::step], dtype=np.float32))
        for number, view in zip(_FIRST_OF[frame.mosaic], _views(frame), strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """N groups of pixels that stand out of the sky, brightest first, in pixels of the array they were found in."""

    xy_px: NDArray[np.float64]  # (N, 2) centre of light
    flux_adu: NDArray[np.float64]  # (N,)
    peak_adu: NDArray[np.float64]  # (N,) brightest pixel above the sky, unsmoothed
    area_px: NDArray[np.int64]  # (N,) pixels
    elongation: NDArray[np.float64]  # (N,) long over short axis, 1.0: round


def find_sources(light: Planes, outside: NDArray[np.bool_], *, cell_px: int, sigma: float) -> Sources:
    """What stands `sigma` out of the sky of one plane (height, width), by sep's matched filter (3 x 3).

    Args: outside (height, width) where there is no sky; cell_px side of the cells of the sky's mesh: large against a
          star, small against cloud and glow.
    """
    sky = sep.Background(light, mask=outside, bw=cell_px, bh=cell_px, fw=3, fh=3)
    above = light - sky.back(dtype=np.float32)
    noise = np.maximum(sky.rms(dtype=np.float32), np.float32(1e-3))
    try:
        found = sep.extract(above, sigma, err=noise, mask=outside, minarea=2, deblend_cont=0.005)
    except Exception as err:  # sep: "internal pixel buffer full", when half the picture stands out of its own sky
        if "buffer full" not in str(err):
            raise
        found = sep.extract(above, 10 * sigma, err=noise, mask=outside, minarea=2, deblend_nthresh=1)
    found = found[np.argsort(-found["flux"])]
    return Sources(
        xy_px=np.stack((found["x"], found["y"]), axis=-1).astype(np.float64),
        flux_adu=found["flux"].astype(np.float64),
        peak_adu=above[found["ypeak"], found["xpeak"]].astype(np.float64),
        area_px=found["npix"].astype(np.int64),
        elongation=(found["a"] / np.maximum(found["b"], 0.3)).astype(np.float64),
    )


def normalised_planes(frame: Frame, sky: Background) -> Planes:
    """(4, H, W) float32: (plane - level) / noise, single hot pixels set to the sky. Always finite."""
    views = _views(frame)
    height, width = views[0].shape
    planes = np.empty((4, height, width), np.float32)
    done: dict[int, int] = {}
    for number, source in enumerate(_PLANE_OF[frame.mosaic]):
        if source in done:
            planes[number] = planes[done[source]]
            continue
        done[source] = number
        np.copyto(planes[number], views[source])
        planes[number] -= _grown(sky.level_adu[number], height, width)
        planes[number] *= _grown(1.0 / sky.noise_adu[number], height, width)
    _cool(planes, list(done.values()), _PLANE_OF[frame.mosaic])
    return planes


def darkened(frame: Frame, by_adu: Planes) -> NDArray[Any]:
    """The pixels of a frame less a coarse map (different planes, h, w) in stored units, linear between the middles of
    its cells: the frame's dtype and range; saturated pixels stay so."""
    less = replace(frame, pixels=frame.pixels.copy())
    for cells, view in zip(by_adu, _views(less), strict=True):
        level = np.rint(view - _grown(cells, *view.shape)).clip(0, frame.white_adu)
        np.copyto(view, level, where=view < frame.white_adu, casting="unsafe")
    return less.pixels


def _views(frame: Frame) -> list[NDArray[Any]]:
    """The different planes of a frame, without copying: R, G1, G2, B or R, G, B or L."""
    pixels = frame.pixels
    if frame.mosaic == "RGGB":
        even = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
        if not even.size:
            raise ValueError(f"{frame.file or 'frame'}: a mosaic of {frame.width} x {frame.height} has no colour cell")
        return [even[y::2, x::2] for y in (0, 1) for x in (0, 1)]
    if frame.mosaic == "rgb":
        return [pixels[:, :, channel] for channel in range(3)]
    return [pixels]


def _outside(light: Planes) -> NDArray[np.bool_]:
    """(h, w) True where a dark region that touches a corner is clearly darker than the middle of the picture."""
    height, width = light.shape
    nowhere = np.zeros(light.shape, np.bool_)
    if min(height, width) < 4 * _SMALLEST_CELL:
        return nowhere
    smooth = cv2.medianBlur(light, 5)  # a star is no light of the region
    deep = max(4, min(height, width) // 40)
    ends = (slice(None, deep), slice(-deep, None))
    darkest = min((smooth[y, x] for y in ends for x in ends), key=lambda corner: float(np.median(corner)))
    middle = smooth[height // 4 : -height // 4, width // 4 : -width // 4]
    dark_adu, sky_adu = float(np.median(darkest)), float(np.median(middle))
    if sky_adu - dark_adu < 5.0 * max(float(np.std(darkest)), _NOISE_FLOOR_ADU):
        return nowhere
    dark = (smooth < dark_adu + _DARK_SHARE * (sky_adu - dark_adu)).astype(np.uint8)
    _, labels = cv2.connectedComponents(dark, connectivity=4)
    rim = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    return np.asarray(np.isin(labels, np.unique(rim[rim > 0])))


def _level_and_noise(plane: Planes, outside: NDArray[np.bool_], cell: int) -> tuple[Planes, Planes]:
    """Level and noise (h, w) of one thinned plane."""
    level, noise = _mesh(plane, outside, cell)
    if outside.any():
        level_outside, noise_outside = _mesh(plane, ~outside, cell)
        np.copyto(level, level_outside, where=outside)
        np.copyto(noise, noise_outside, where=outside)
    return level, noise


def _mesh(plane: Planes, mask: NDArray[np.bool_], cell: int) -> tuple[Planes, Planes]:
    height, width = plane.shape
    if plane.size < 64:  # too few pixels for a clipped estimate
        level = np.full_like(plane, np.median(plane))
        return level, np.full_like(plane, max(float(np.std(plane)), _NOISE_FLOOR_ADU))
    sky = sep.Background(plane, mask=mask, bw=min(cell, width), bh=min(cell, height), fw=3, fh=3)
    level, noise = sky.back(dtype=np.float32), sky.rms(dtype=np.float32)
    # A cell without a usable pixel, or whose clipping ended with nothing, is no number, absurd or exactly zero.
    lost = ~((np.abs(level) < _ABSURD_ADU) & (noise < _ABSURD_ADU)) | (level == 0)
    if lost.any():
        seen = plane[~mask] if not mask.all() else plane
        level[lost], noise[lost] = np.median(seen), 0.0
    floor = max(_NOISE_FLOOR_ADU, _NOISE_FLOOR_SHARE * float(np.median(noise[::8, ::8])))
    return level, np.maximum(noise, np.float32(floor))


def _grown(thin: Planes, height: int, width: int) -> Planes:
    """A thinned map at the planes' resolution, linear between the samples (to within half a sample)."""
    return thin if thin.shape == (height, width) else np.asarray(cv2.resize(thin, (width, height)))


def _cool(planes: Planes, different: list[int], order: tuple[int, ...]) -> None:
    """Sets lone hot photosites to the sky, in place."""
    flat = planes.reshape(4, -1)
    for source, at in zip(different, lone_sites([planes[number] for number in different]), strict=True):
        for number, plane_of in enumerate(order):
            if plane_of == order[source]:
                flat[number][at] = 0.0
