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
