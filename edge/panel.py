"""What stands beside the annotated sky: title, legend, who was there, verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from edge.lettering import text_size, write
from edge.picture import COLOURS, Image, faded

_BOARD_BGR = (34, 27, 24)


@dataclass(frozen=True, slots=True)
class PanelRow:
    text: str
    value: str = ""
    colour: str = "text"  # a key of COLOURS
    swatch: Literal["", "line", "tube", "area"] = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands beside the sky: a title and sections of rows."""

    title: str
    lines: tuple[str, ...] = ()
    sections: tuple[tuple[str, tuple[PanelRow, ...]], ...] = ()


def with_panel(sky: Image, panel: Panel, *, simulated: bool = False) -> Image:
    """The sky (H, W, 3) BGR with its panel at the right: (H, W + about 0.44 H, 3)."""
    height = sky.shape[0]
    font = max(12, round(height / 64))
    width = max(round(height * 0.44), 22 * font)
    board: Image = np.full((height, width, 3), _BOARD_BGR, np.uint8)
    left, right, y = round(font * 1.4), width - round(font * 1.2), round(font * 1.4)
    write(board, panel.title, left, y, round(font * 1.75), COLOURS["text"], rim=False)
    y += round(font * 2.6)
    if simulated:
        write(board, "SIMULATED: not the real sky", left, y, font, COLOURS["cone"], rim=False)
        y += round(font * 1.5)
    for line in panel.lines:
        write(board, line, left, y, font, COLOURS["dim"], rim=False)
        y += round(font * 1.4)
    for heading, rows in panel.sections:
        y += round(font * 0.9)
        cv2.line(board, (left, y), (right, y), faded("grid", 0.4), 1, cv2.LINE_AA)
        y += round(font * 0.6)
        write(board, heading, left, y, font, COLOURS["dim"], rim=False)
        y += round(font * 1.6)
        for row in rows:
            if y > height - 2 * font:
                break
            x = left
            if row.swatch:
                _swatch(board, row, left, y + round(font * 0.6), font)
                x += round(font * 2.6)
            value = _shortened(row.value, right - x - text_size(row.text, font)[0] - font, font)
            taken = text_size(value, font)[0]
            write(
                board,
                _shortened(row.text, right - x - taken - font // 2, font),
                x,
                y,
                font,
                COLOURS["text"] if row.swatch else COLOURS[row.colour],
                rim=False,
            )
            if value:
                write(
                    board,
                    value,
                    right - taken,
                    y,
                    font,
                    COLOURS[row.colour] if not row.swatch else COLOURS["dim"],
                    rim=False,
                )
            y += round(font * 1.45)
    return np.concatenate((sky, board), axis=1)


def _swatch(board: Image, row: PanelRow, left: int, middle: int, font: int) -> None:
    right, colour = left + font * 2, COLOURS[row.colour]
    if row.swatch == "line":
        cv2.line(board, (left, middle), (right, middle), colour, max(1, font // 9), cv2.LINE_AA)
        return
    half = font // 4 if row.swatch == "tube" else font // 2
    if row.swatch == "area":
        board[middle - half : middle + half, left:right] = (
            0.75 * np.array(_BOARD_BGR) + 0.25 * np.array(colour)
        ).astype(np.uint8)
    cv2.rectangle(board, (left, middle - half), (right, middle + half), colour, max(1, font // 12), cv2.LINE_AA)


def _shortened(text: str, room_px: int, size_px: int) -> str:
    if text_size(text, size_px)[0] <= room_px:
        return text
    while text and text_size(text + "...", size_px)[0] > room_px:
        text = text[:-1]
    return text.rstrip() + "..." if text else ""
