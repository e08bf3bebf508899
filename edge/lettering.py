"""Text on pictures: a real font (the one Pillow carries in itself), a dark rim, and labels that keep off each other.

OpenCV 4 draws stroke letters without a degree sign; Pillow's own font is the same on every machine and needs no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Bgr = tuple[int, int, int]
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom excluded


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def text_size(text: str, size_px: int) -> tuple[int, int]:
    """Width and line height in pixels."""
    return round(_font(size_px).getlength(text)), round(size_px * 1.2)


@cache
def _masks(text: str, size_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage (0-1) of the letters and of letters with rim, both (height, width), a rim's width larger all round."""
    rim = rim_px(size_px)
    width, height = text_size(text, size_px)
    shape = (width + 2 * rim, height + 2 * rim)

    def drawn(stroke: int) -> NDArray[np.float32]:
        canvas = Image.new("L", shape, 0)
        ImageDraw.Draw(canvas).text((rim, rim), text, fill=255, font=_font(size_px), stroke_width=stroke)
        return np.asarray(np.asarray(canvas, dtype=np.float32) / 255, dtype=np.float32)

    return drawn(0), drawn(rim)


def rim_px(size_px: int) -> int:
    return max(1, round(size_px / 11))


def write(
    image: NDArray[np.uint8],
    text: str,
    left_px: int,
    top_px: int,
    size_px: int,
    colour: Bgr,
    *,
    opacity: float = 1.0,
    rim: bool = True,
) -> None:
    """Letters with the line's top left corner at (left, top); `image` (H, W, 3) BGR is changed, and clips them."""
    letters, rimmed = _masks(text, size_px)
    edge = rim_px(size_px)
    left, top = left_px - edge, top_px - edge
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + letters.shape[1], image.shape[1]), min(top + letters.shape[0], image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    under = image[y0:y1, x0:x1].astype(np.float32)
    if rim:
        under *= 1 - 0.75 * opacity * rimmed[part][..., None]
    ink = opacity * letters[part][..., None]
    image[y0:y1, x0:x1] = (under * (1 - ink) + np.array(colour, np.float32) * ink).round().astype(np.uint8)


_CELL_PX = 4  # resolution of the map of what is taken


class Labels:
    """Places labels beside their points so that they cover neither each other nor the lines, as far as room allows."""

    def __init__(self, image: NDArray[np.uint8], size_px: int) -> None:
        self.image, self.size_px = image, size_px
        self._taken = np.zeros((image.shape[0] // _CELL_PX + 1, image.shape[1] // _CELL_PX + 1), np.uint8)

    def keep_off(self, lines_px: Sequence[NDArray[np.float64]], weight: int = 60) -> None:
        """Lines ((N, 2) pixels each) that labels should not cover; `weight` up to 255, that of another label."""
        cells = [np.round(line / _CELL_PX).astype(np.int32)[:, None] for line in lines_px if len(line)]
        cv2.polylines(self._taken, cells, False, weight, 2)

    def _cells(self, box: Box) -> NDArray[np.uint8]:
        left, top, right, bottom = (edge // _CELL_PX for edge in box)
        return self._taken[max(top, 0) : bottom + 1, max(left, 0) : right + 1]

    def centred(self, text: str, xy_px: tuple[float, float], colour: Bgr, size_px: int | None = None) -> None:
        """A label exactly there, pushed inside the picture: compass letters, ring numbers."""
        size = size_px or self.size_px
        width, height = text_size(text, size)
        left = min(max(round(xy_px[0] - width / 2), 2), self.image.shape[1] - width - 2)
        top = min(max(round(xy_px[1] - height / 2), 2), self.image.shape[0] - height - 2)
        self._cells((left, top, left + width, top + height))[:] = 255
        write(self.image, text, left, top, size, colour)

    def beside(
        self,
        text: str,
        xy_px: tuple[float, float],
        colour: Bgr,
        *,
        gap_px: float = 0.0,
        size_px: int | None = None,
        wanted: Literal["always", "if room"] = "always",
    ) -> bool:
        """A label near a point, in the first free place around it; drawn anyway (or left out) when there is none."""
        size = size_px or self.size_px
        width, height = text_size(text, size)
        best: tuple[int, Box] | None = None
        for ring in range(4):
            distance = gap_px + size * (0.5 + 0.9 * ring)
            for dx, dy in _AROUND:
                left = round(xy_px[0] + dx * distance + (dx - 1) * width / 2)
                top = round(xy_px[1] + dy * distance + (dy - 1) * height / 2)
                box = (left, top, left + width, top + height)
                if left < 2 or top < 2 or box[2] > self.image.shape[1] - 2 or box[3] > self.image.shape[0] - 2:
                    continue
                covered = int(self._cells(box).sum(dtype=np.int64))
                if best is None or covered < best[0]:
                    best = (covered, box)
                if not covered:
                    break
            if best is not None and not best[0]:
                break
        if best is None or (best[0] and wanted == "if room"):
            return False
        self._cells(best[1])[:] = 255
        write(self.image, text, best[1][0], best[1][1], size, colour)
        return True


# Right first, then left, above, below, corners: the order in which a reader looks.
_AROUND = ((1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8))
