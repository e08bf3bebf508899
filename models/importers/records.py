"""What an import finds: labelled pictures, and what could not be used and why."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_POINTS = {"polygon": 3, "polyline": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One drawn outline (closed) or line, x right and y down in stored pixels."""

    class_name: str
    points_px: NDArray[np.float64]  # (N, 2)
    closed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture with what was drawn on it, or with the mask picture beside it. No regions: nothing is there."""

    file: Path
    regions: tuple[Region, ...] = ()
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    file: str
    why: str


@dataclass
class Imported:
    images: list[Labelled] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, file: Path | str, why: str) -> None:
        self.faults.append(Fault(str(file), why))


class Unusable(Exception):
    """A region or an entry that means nothing; the message says why. Never leaves this package."""


def points(xs: Any, ys: Any, *, closed: bool) -> NDArray[np.float64]:
    """(N, 2) from two lists of whatever a file holds."""
    kind = "polygon" if closed else "polyline"
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise Unusable(f"a {kind} whose x and y do not pair")
    if len(xs) < FEWEST_POINTS[kind]:
        raise Unusable(f"a {kind} of {len(xs)} points")
    if not all(is_number(value) for value in (*xs, *ys)):
        raise Unusable(f"a {kind} with a coordinate that is no number")
    return np.column_stack([xs, ys]).astype(np.float64)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e6


def read_json(path: Path) -> Any:
    """ValueError names the file."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as err:
        raise ValueError(f"{path}: cannot be read as JSON ({err})") from err


def picture_beside(path: Path, name: Any) -> Path:
    """The picture that a label file names, in the label file's own folder, whatever path its author had."""
    if not isinstance(name, str) or not name:
        raise Unusable("no picture is named")
    picture = path.parent / name.replace("\\", "/").rsplit("/", 1)[-1]
    if not picture.is_file():
        raise Unusable(f"its picture {picture.name} is missing")
    return picture


def collect(found: Imported, picture: Path, raw: Sequence[Any], read: Any) -> None:
    """Adds one picture with every region that `read` understands; the others are faults."""
    regions = []
    for number, region in enumerate(raw):
        try:
            regions.append(read(region))
        except Unusable as why:
            found.fault(picture, f"region {number}: {why}")
    if raw and not regions:
        found.fault(picture, "left out: none of its regions can be used, and it is not known to be empty")
        return
    found.images.append(Labelled(picture, tuple(regions)))
