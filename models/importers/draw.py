"""Drawn regions become class numbers of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.importers.records import Region

LINE_PX = 3  # width of a line somebody drew along a trail
IGNORE = 255
_PARTS = 3  # bits of a pixel that cv2 draws with


def draw(
    regions: Sequence[Region], shape: tuple[int, int], numbers: Mapping[str, int], *, scale: float = 1.0
) -> NDArray[np.uint8]:
    """(H, W) class numbers, 0 where nothing was drawn; later regions lie above. Unknown classes become IGNORE.

    Args: scale: drawn pixels to pixels of `shape`, 0.5 where a mosaic is shown at half resolution.
    """
    labels = np.zeros(shape, np.uint8)
    for region in regions:
        # Pixel centres are whole numbers in both grids: cell k of the small one covers pixels 2k and 2k + 1.
        at = np.clip((region.points_px + 0.5) * scale - 0.5, -16384, 16384)
        corners = np.round(at * 2**_PARTS).astype(np.int32).reshape(-1, 1, 2)
        number = numbers.get(region.class_name, IGNORE)
        if region.closed:
            cv2.fillPoly(labels, [corners], number, cv2.LINE_8, _PARTS)
        else:
            cv2.polylines(labels, [corners], False, number, LINE_PX, cv2.LINE_8, _PARTS)
    return labels
