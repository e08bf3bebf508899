"""Pieces of frames around trails, truth and detections drawn into masks: what the galleries of reports show.

Which ones is left to chance, the same chance every time: the first ones would all be of one night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.views import classical
from models.score import Polyline

PICTURES = 6  # per row
SIDE = 160  # pixels of a piece as shown
LEAST_PX, MOST_PX = 160, 640  # of the frame, on a side
MARGIN = 1.5  # of the trail's own extent
TRUE_WIDTH, FOUND_WIDTH = 7, 11  # of SIDE: outlines beside the trail, not on it

Piece = tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_], str]  # image, true, found, title


@dataclass
class Gallery:
    """At most PICTURES of each row, every one offered being as likely as any other (reservoir sampling, algorithm R;
    Vitter 1985, ACM TOMS 11, 37)."""

    rows: dict[str, list[Piece]] = field(default_factory=lambda: {"hits": [], "misses": [], "false alarms": []})
    offered: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(1)

    def offer(
        self, row: str, frame: Frame, line: Polyline, true: Sequence[Polyline], found: Sequence[Polyline], title: str
    ) -> None:
        """`line` is in the middle; all of `true` and `found` that reach into the piece are outlined."""
        self.offered[row] = self.offered.get(row, 0) + 1
        place = len(self.rows[row]) if len(self.rows[row]) < PICTURES else int(self._rng.integers(self.offered[row]))
        if place < PICTURES:
            self.rows[row][place : place + 1] = [(*piece(frame, line, true, found), title)]


def piece(
    frame: Frame, line: Polyline, true: Sequence[Polyline], found: Sequence[Polyline]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """(SIDE, SIDE, 3) picture, stretched by itself, and the two masks; less high or wide where the frame is smaller."""
    least, most = line.min(axis=0), line.max(axis=0)
    side = int(np.clip(MARGIN * (most - least).max(), LEAST_PX, MOST_PX)) // 2 * 2
    corner = [
        int(np.clip((low + high - side) / 2, 0, max(0, whole - side))) // 2 * 2  # whole cells of the mosaic
        for low, high, whole in zip(least, most, (frame.width, frame.height), strict=True)
    ]
    x, y = corner
    shown = classical(replace(frame, pixels=frame.pixels[y : y + side, x : x + side]))
    scale = SIDE / side
    height, width = (round(n * scale) for n in frame.pixels[y : y + side, x : x + side].shape[:2])
    image = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    masks = []
    for lines, thickness in ((true, TRUE_WIDTH), (found, FOUND_WIDTH)):
        mask = np.zeros((height, width), np.uint8)
        strokes = [np.round((np.asarray(one) + 0.5 - corner) * scale - 0.5).astype(np.int32) for one in lines]
        cv2.polylines(mask, [stroke.reshape(-1, 1, 2) for stroke in strokes], False, 1, thickness)
        masks.append(mask > 0)
    return np.asarray(image, np.uint8), masks[0], masks[1]
