"""Hot photosites: those that shine without light, found in one frame by their loneliness or learned over many.

Light through a lens always reaches neighbours, of the same or of another colour; a hot photosite does not. One frame
alone must be careful, for a faint strobe on one photosite looks the same. Many frames need not: while the sky turns and
aircraft pass, a hot photosite stays. `HotWatch` learns so on any night; `hot_in_dark` reads it off a master dark.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]

LONE_SIGMA = 20.0  # in one frame; below, better a speckle than a lost aircraft
NEIGHBOUR_SIGMA = 4.0
NEIGHBOUR_SHARE = 0.02  # even an undersampled star (FWHM 1.5 sensor pixels) puts more into one neighbour
DARK_SIGMA = 12.0  # in a master dark, of the spread between its photosites
WATCH_SIGMA = 6.0  # in each of many frames
WATCH_SHARE = 0.9  # of the frames watched, in which a learned photosite stood out


def lone_sites(planes_sigma: Sequence[Planes], *, sigma: float = LONE_SIGMA) -> list[NDArray[np.intp]]:
    """Per plane the flat indices of photosites that stand out all alone.

    Args: planes_sigma: the different colour planes of one frame, (H, W) each, sky subtracted, in units of the noise.
    """
    height, width = planes_sigma[0].shape
    if min(height, width) < 3:
        return [np.empty(0, np.intp) for _ in planes_sigma]
    flat = [plane.reshape(-1) for plane in planes_sigma]
    around = [dy * width + dx for dy in (0, -1, 1) for dx in (0, -1, 1)]
    found = []
    for number, own in enumerate(flat):
        at = np.flatnonzero(own > sigma)
        at = at[(at % width > 0) & (at % width < width - 1) & (at >= width) & (at < (height - 1) * width)]
        for step in around:
            for other, plane in enumerate(flat):
                if step == 0 and other == number:
                    continue
                allowed = np.maximum(NEIGHBOUR_SIGMA, NEIGHBOUR_SHARE * own[at])
                at = at[plane[at + step] < allowed]
        found.append(at)
    return found


def above_surroundings(plane: NDArray[np.uint16]) -> tuple[Planes, NDArray[np.uint16]]:
    """(H, W) height over the median of the 3 x 3 around, in units of the plane's typical noise; and that median."""
    around = cv2.medianBlur(np.ascontiguousarray(plane, dtype=np.uint16), 3)
    above = np.asarray(cv2.subtract(plane, around, dtype=cv2.CV_32F), dtype=np.float32)
    noise = 1.4826 * float(np.median(np.abs(above[::7, ::7])))
    above *= np.float32(1 / max(noise, 1.0))
    return above, np.asarray(around)


def hot_in_dark(dark_adu: NDArray[np.uint16]) -> NDArray[np.intp]:
    """Flat indices of photosites that stand out of a master dark, (height, width)."""
    middle = float(np.median(dark_adu[::5, ::5]))
    spread = 1.4826 * float(np.median(np.abs(dark_adu[::5, ::5] - middle)))
    return np.flatnonzero(dark_adu > middle + DARK_SIGMA * max(spread, 1.0))


def replaced(mosaic: NDArray[np.uint16], at: NDArray[np.intp]) -> NDArray[np.uint16]:
    """(height, width) mosaic with those photosites set to the second darkest of their colour's four neighbours.

    So neither another hot one among them nor the border matters."""
    height, width = mosaic.shape
    out = mosaic.copy()
    flat = mosaic.reshape(-1)
    y, x = np.divmod(at, width)
    neighbours = np.stack(
        [
            flat[np.clip(y + dy, y % 2, height - 2 + y % 2) * width + np.clip(x + dx, x % 2, width - 2 + x % 2)]
            for dy, dx in ((-2, 0), (2, 0), (0, -2), (0, 2))
        ]
    )
    out.reshape(-1)[at] = np.sort(neighbours, axis=0)[1]
    return out


class HotWatch:
    """Learns hot photosites from a mosaic camera's own nights: the sky turns away, lamps are wide, they stay alone.

    Feed it a frame a minute or so; ask after an hour. Polaris needs that long to leave its photosite.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        height, width = shape
        self.frames = 0
        self._often = np.zeros((4, height // 2, width // 2), np.uint8)
        self._width = width

    def add(self, mosaic: NDArray[np.uint16]) -> None:
        """(height, width) RGGB; after 250 frames the count is halved, so that old nights are forgotten."""
        if self.frames >= 250:
            self._often //= 2
            self.frames //= 2
        even = mosaic[: mosaic.shape[0] // 2 * 2, : mosaic.shape[1] // 2 * 2]
        for number, often in enumerate(self._often):
            height_sigma, _ = above_surroundings(np.ascontiguousarray(even[number // 2 :: 2, number % 2 :: 2]))
            often += height_sigma > WATCH_SIGMA
        self.frames += 1

    def hot(self) -> NDArray[np.intp]:
        """Flat indices in the mosaic; what stands beside another one is light, or one cluster that light may cross."""
        stood = self._often >= WATCH_SHARE * max(self.frames, 1)
        full = np.zeros((2 * stood.shape[1], 2 * stood.shape[2]), np.uint8)
        for number, plane in enumerate(stood):
            full[number // 2 :: 2, number % 2 :: 2] = plane
        around = cv2.boxFilter(full, cv2.CV_8U, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        y, x = np.nonzero((full > 0) & (around == 1))
        return y * self._width + x
