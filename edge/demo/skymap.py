"""The whole sky in a few terminal cells: Braille dots for horizon, rings and cone, letters for what matters. Pure.

As one sees it lying on the back, feet to the south: north up, east left. A Braille cell holds 2 x 4 dots, which makes
dots square where a cell is twice as high as wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

Array = NDArray[np.float64]
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # Unicode 16, block 2800: dots 1-8


@dataclass(frozen=True, eq=False)
class Mark:
    """A letter at a direction, with a name beside it where there is room."""

    azimuth_deg: float
    elevation_deg: float
    symbol: str
    style: str
    label: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """Directions (N, 2) to be dotted."""

    azel_deg: Array
    style: str


def sky_map(columns: int, rows: int, curves: Sequence[Curve], marks: Sequence[Mark], *, names: bool = True) -> Text:
    """`rows` lines of exactly `columns` cells."""
    width, height = 2 * columns, 4 * rows
    radius = max(min(width, height) / 2 - 2.5, 1.0)
    dots = np.zeros((rows, columns), dtype=int)
    cells = [[(" ", "") for _ in range(columns)] for _ in range(rows)]
    styles = np.full((rows, columns), "", dtype=object)

    def place(azel_deg: Array) -> NDArray[np.int64]:
        """(N, 2) azimuth, elevation -> (N, 2) dots x, y."""
        distance = radius * (90.0 - azel_deg[:, 1]) / 90.0
        azimuth = np.radians(azel_deg[:, 0])
        x, y = width / 2 - distance * np.sin(azimuth), height / 2 - distance * np.cos(azimuth)
        return np.round(np.column_stack((x, y))).astype(np.int64)

    circle = np.arange(0.0, 360.0, 2.0)
    grid = [Curve(np.column_stack((circle, np.zeros(180))), "bright_black")]
    grid += [Curve(np.column_stack((circle[::6], np.full(30, e))), "bright_black") for e in (30.0, 60.0)]
    for curve in (*grid, *curves):
        shown = curve.azel_deg[curve.azel_deg[:, 1] >= -0.5]
        for x, y in place(shown):
            if 0 <= x < width and 0 <= y < height:
                dots[y // 4, x // 2] |= _BITS[y % 4, x % 2]
                styles[y // 4, x // 2] = curve.style
    for row, column in zip(*np.nonzero(dots), strict=True):
        cells[row][column] = (chr(0x2800 + int(dots[row, column])), str(styles[row, column]))
    winds = [Mark(b, 0.0, letter, "bold") for letter, b in (("N", 0.0), ("E", 90.0), ("S", 180.0), ("W", 270.0))]
    for mark in (*winds, *marks):
        if mark.elevation_deg < -0.5:
            continue
        x, y = place(np.array([[mark.azimuth_deg, mark.elevation_deg]]))[0]
        row, column = min(max(int(y) // 4, 0), rows - 1), min(max(int(x) // 2, 0), columns - 1)
        cells[row][column] = (mark.symbol, mark.style)
        if names and mark.label:
            _name(cells[row], column, mark)
    text = Text(no_wrap=True, end="")
    for number, line in enumerate(cells):
        for symbol, style in line:
            text.append(symbol, style or None)
        if number < rows - 1:
            text.append("\n")
    return text


def _name(line: list[tuple[str, str]], column: int, mark: Mark) -> None:
    """Right of the mark, else left of it, else nowhere: names never cover another letter."""
    for start in (column + 2, column - 1 - len(mark.label)):
        stop = start + len(mark.label)
        if start >= 0 and stop <= len(line) and all(s == " " or ord(s) >= 0x2800 for s, _ in line[start:stop]):
            for offset, letter in enumerate(mark.label):
                line[start + offset] = (letter, mark.style)
            return
