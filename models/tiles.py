"""Planes larger than an engine's buffers, looked at in overlapping windows and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from models.contract import CLASSES, STRIDE

OVERLAP_PX = 128  # on either side; the network's view fades out within it

Planes = NDArray[np.float32]


def infer_in_tiles(infer: Callable[[Planes], Planes], planes: Planes, largest_px: tuple[int, int]) -> Planes:
    """(1, 4, H, W) of any size -> (1, len(CLASSES), H, W), no window larger than `largest_px` (rows, columns)."""
    _, _, height, width = planes.shape
    if height <= largest_px[0] and width <= largest_px[1]:
        return infer(planes)
    logits = np.empty((1, len(CLASSES), height, width), np.float32)
    for rows, seen_rows in windows(height, largest_px[0]):
        for columns, seen_columns in windows(width, largest_px[1]):
            part = infer(np.ascontiguousarray(planes[:, :, seen_rows, seen_columns]))
            inside_rows = slice(rows.start - seen_rows.start, rows.stop - seen_rows.start)
            inside_columns = slice(columns.start - seen_columns.start, columns.stop - seen_columns.start)
            logits[:, :, rows, columns] = part[:, :, inside_rows, inside_columns]
    return logits


def windows(length: int, largest: int) -> Iterator[tuple[slice, slice]]:
    """What is to be known, and the wider stretch to be looked at, both in whole strides; `length` is one, too."""
    if length <= largest:
        yield slice(0, length), slice(0, length)
        return
    step = (largest - 2 * OVERLAP_PX) // STRIDE * STRIDE
    if step <= 0:
        raise ValueError(f"windows of {largest} are too small for an overlap of {OVERLAP_PX} on either side")
    for begin in range(0, length, step):
        end = min(length, begin + step)
        yield slice(begin, end), slice(max(0, begin - OVERLAP_PX), min(length, end + OVERLAP_PX))
