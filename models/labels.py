"""What people drew: trails of photographs as polygons (AnyLabeling/LabelMe JSON) or as polylines (labels.json of
all-sky frames).

A drawn polygon is a loose box around a streak. `snap` finds the line of light inside it, which is what the network is
to learn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

LONGEST_MARGIN_PX = 25.0  # between a drawn polygon's end and the light's


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """One picture and the centre lines of its trails, (N, 2) x, y in stored pixels."""

    file: Path
    group: str  # what must never be split between training and test: source photograph, camera
    trails: tuple[NDArray[np.float64], ...]
    polygons: tuple[NDArray[np.float64], ...] = ()  # as drawn, where polygons were drawn


def read_anylabeling(folder: Path) -> list[LabelledImage]:
    """Every `*.json` of a folder with the picture it names; the group is what stands before the dash of the name.

    Raises ValueError naming a file that is no label file. That a picture is missing is told by who reads it.
    """
    images = []
    for path in sorted(folder.glob("*.json"), key=_by_number):
        with _of(path, "shapes"):
            content = json.loads(path.read_text())
            picture = path.with_name(Path(content["imagePath"]).name)
            drawn = [shape["points"] for shape in content["shapes"] if len(shape["points"]) >= 3]
            polygons = tuple(np.array(points, float).reshape(-1, 2) for points in drawn)
        lines = tuple(centre_line(polygon) for polygon in polygons)
        images.append(LabelledImage(picture, path.stem.split("-")[0], lines, polygons))
    return images


def _by_number(path: Path) -> list[tuple[bool, str]]:
    return [(not part.isdecimal(), part.zfill(9)) for part in path.stem.split("-")]


def read_sky_labels(path: Path) -> list[LabelledImage]:
    """The pictures and polylines of a `labels.json`; the group is the camera, that is the folder."""
    with _of(path, "images"):
        return [
            LabelledImage(
                path.parent / entry["file"], entry["file"].split("/")[0],
                tuple(np.array(trail["polyline"], float).reshape(-1, 2) for trail in entry["trails"]),
            )
            for entry in json.loads(path.read_text())["images"]
        ]  # fmt: skip


@contextmanager
def _of(path: Path, key: str) -> Iterator[None]:
    """Whatever is wrong inside is wrong with this file."""
    try:
        yield
    except (AttributeError, OSError, ValueError, KeyError, TypeError) as err:
        raise ValueError(f"{path}: no label file with {key!r} ({err})") from err


def centre_line(polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 2) middle line of the smallest rectangle around a polygon, short side to short side."""
    corners = cv2.boxPoints(cv2.minAreaRect(polygon.astype(np.float32))).astype(float)
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    first = int(np.argmin(sides[:2]))
    return np.stack(
        [(corners[first] + corners[(first + 1) % 4]) / 2, (corners[(first + 2) % 4] + corners[(first + 3) % 4]) / 2]
    )


def snap(light: NDArray[np.float32], polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) the line of light within a drawn polygon: straight or slightly bent, between its short sides.

    Args: light: (H, W), larger is brighter, in units of the noise.
    """
    begin, end = centre_line(polygon)
    length = float(np.linalg.norm(end - begin))
    if length < 4:
        return np.stack([begin, end])
    along = (end - begin) / length
    across = np.array([-along[1], along[0]])
    half = float(np.clip(np.abs((polygon - begin) @ across).max(), 2, 20))
    s, offsets = np.arange(0.0, length, 1.0), np.arange(-half, half + 0.5, 1.0)
    grid = begin + s[:, None, None] * along + offsets[None, :, None] * across
    strip = cv2.remap(
        np.arcsinh(light), grid[..., 0].astype(np.float32), grid[..., 1].astype(np.float32), cv2.INTER_LINEAR
    )
    strip = cv2.GaussianBlur(strip, (3, 1), 0.8) - np.median(strip)
    rows = np.arange(len(s))
    t = s / length
    best, chosen = -np.inf, (0.0, 0.0, 0.0)
    for bend in (-2.0, 0.0, 2.0) if length > 100 else (0.0,):
        for first in range(len(offsets)):
            ends = np.arange(len(offsets))
            lines = first + (ends[:, None] - first) * t + bend * 4 * t * (1 - t)
            column = np.clip(np.round(lines), 0, len(offsets) - 1).astype(int)
            light_on_line = np.minimum(strip[rows, column], 3.0).mean(axis=1) - 0.01 * np.abs(bend)
            if light_on_line.max() > best:
                best, chosen = float(light_on_line.max()), (float(first), float(light_on_line.argmax()), bend)
    on_line = np.clip(
        np.round(chosen[0] + (chosen[1] - chosen[0]) * t + chosen[2] * 4 * t * (1 - t)), 0, len(offsets) - 1
    )
    profile = cv2.blur(strip[rows, on_line.astype(int)].reshape(-1, 1), (1, 7)).ravel()
    lit = np.flatnonzero(profile > 0.3 * np.median(profile))
    # People draw past the ends; more than that is a gap between two strobes and stays.
    first_lit, last_lit = (lit[0], lit[-1]) if len(lit) else (0, len(s) - 1)
    begin_at = t[first_lit] if first_lit < min(LONGEST_MARGIN_PX, length / 5) else 0.0
    end_at = t[last_lit] if len(s) - 1 - last_lit < min(LONGEST_MARGIN_PX, length / 5) else 1.0
    at = np.linspace(begin_at, end_at, 9)
    offset = chosen[0] + (chosen[1] - chosen[0]) * at + chosen[2] * 4 * at * (1 - at) - half
    return begin + (at * length)[:, None] * along + offset[:, None] * across
