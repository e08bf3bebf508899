"""Labelled pictures in one of the published views, cut into patches and split so that no night or source photograph is
on both sides; and the card that says what came of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import background
from camera.device import FileUnreadable, Frame
from camera.files import read_frame
from camera.views import classical, enhanced
from models.importers.draw import IGNORE, draw
from models.importers.masks import read_mask
from models.importers.records import Fault, Imported, Labelled, Unusable

View = Literal["classical", "enhanced", "stored"]
Split = Literal["source", "night"]
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
_CROP = re.compile(r"[-_]\d{1,3}$")
_DATE = re.compile(r"(20\d\d)[-_]?(0[1-9]|1[0-2])[-_]?([0-2]\d|3[01])")


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    image: NDArray[np.uint8]  # (size, size, 3) red, green, blue
    labels: NDArray[np.uint8]  # (size, size) class numbers, IGNORE where the picture ended
    group: str
    file: str


@dataclass
class Dataset:
    """Patches by part, and what was left out."""

    classes: tuple[str, ...]
    view: View
    split: Split
    size: int
    parts: dict[Part, list[Patch]] = field(default_factory=lambda: {part: [] for part in PARTS})
    pictures: Counter[Part] = field(default_factory=Counter)
    empty_pictures: int = 0
    faults: list[Fault] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """One file per part and the card; nothing half-written under these names."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"classes": self.classes, "view": self.view, "split": self.split, "size": self.size}
        for part, patches in self.parts.items():
            partial = folder / f"{part}.partial.npz"
            np.savez_compressed(
                partial,
                images=np.array([p.image for p in patches], np.uint8).reshape(-1, self.size, self.size, 3),
                labels=np.array([p.labels for p in patches], np.uint8).reshape(-1, self.size, self.size),
                groups=np.array([p.group for p in patches], str),
                files=np.array([p.file for p in patches], str),
                facts=json.dumps(facts),
            )
            partial.replace(folder / f"{part}.npz")
        (folder / "card.md").write_text(self.card())

    def card(self) -> str:
        """Counts as Markdown."""
        lines = [
            "# Data set", "",
            f"View {self.view}, patches of {self.size} x {self.size}, split by {self.split}: no {self.split} is in two "
            f"parts. {self.empty_pictures} pictures without any label.", "",
            f"| part | pictures | {self.split}s | patches | without label | "
            + " | ".join(f"{name} pixels" for name in self.classes[1:]) + " |",
            "|---" * (4 + len(self.classes)) + "|",
        ]  # fmt: skip
        for part, patches in self.parts.items():
            pixels = sum((np.bincount(p.labels.ravel(), minlength=256) for p in patches), np.zeros(256, np.int64))
            empty = sum(not _labelled(p.labels) for p in patches)
            cells = [part, self.pictures[part], len({p.group for p in patches}), len(patches), empty]
            lines.append("| " + " | ".join(map(str, [*cells, *pixels[1 : len(self.classes)]])) + " |")
        lines += ["", f"{len(self.faults)} things could not be used" + (":" if self.faults else "."), ""]
        lines += [f"- {fault.file}: {fault.why}" for fault in self.faults]
        return "\n".join(lines) + "\n"


def assemble(
    imported: Imported, classes: Sequence[str], *, view: View = "classical", split: Split = "source", size: int = 256,
    colours: Mapping[int, int] | None = None, empty_share: float = 1.0, shares: tuple[float, float] = (0.75, 0.25),
    seed: int = 0,
) -> Dataset:  # fmt: skip
    """Reads every picture, cuts it into a grid of patches and keeps those with labels, plus as many empty ones as
    `empty_share` times their number. `classes[0]` is the background; `shares` are those of training and validation.
    """
    numbers = {name: k for k, name in enumerate(classes)}
    data = Dataset(tuple(classes), view, split, size, faults=list(imported.faults))
    for image in imported.images:
        try:
            picture, labels, group = _read(image, numbers, view, split, colours or {}, data)
        except (Unusable, FileUnreadable) as why:
            data.faults.append(Fault(str(image.file), str(why).removeprefix(f"{image.file}: ")))
            continue
        part = part_of(group, shares, seed)
        data.pictures[part] += 1
        data.empty_pictures += not _labelled(labels)
        data.parts[part] += cut(picture, labels, group, image.file.name, size, empty_share)
    return data


def part_of(group: str, shares: tuple[float, float], seed: int = 0) -> Part:
    """By the group's name and the seed alone, so that a group stays where it is when others are added."""
    at = int.from_bytes(hashlib.sha256(f"{seed} {group}".encode()).digest()[:6], "big") / 2**48
    return "train" if at < shares[0] else "validation" if at < sum(shares) else "test"


def group_of(file: Path, start_utc_ns: int, split: Split) -> str:
    """The source photograph is the name without the number of a crop ("17-3" is of "17"); nights begin at noon, UTC.

    A file that says no date in itself may say it in its name; else its folder is taken for the night.
    """
    if split == "source":
        return _CROP.sub("", file.stem)
    if start_utc_ns > 0:
        noon_to_noon_s = start_utc_ns / 1e9 - 43_200
        return datetime.fromtimestamp(noon_to_noon_s, UTC).strftime("%Y-%m-%d")
    date = _DATE.search(file.stem)
    return "-".join(date.groups()) if date else file.parent.name


def _shown(frame: Frame, view: View) -> NDArray[np.uint8]:
    """(h, w, 3); "stored" is the picture as it is, for aerial and other pictures that are no night skies."""
    if view == "classical":
        return classical(frame)
    if view == "enhanced":
        return enhanced(frame, background(frame))
    if frame.mosaic == "RGGB":
        raise Unusable("a mosaic has no view as stored: use classical or enhanced")
    eight_bit = np.minimum(frame.pixels.astype(np.float32) * (255.0 / frame.white_adu) + 0.5, 255).astype(np.uint8)
    return eight_bit if frame.mosaic == "rgb" else np.dstack([eight_bit] * 3)


def _read(
    image: Labelled, numbers: Mapping[str, int], view: View, split: Split, colours: Mapping[int, int], data: Dataset
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    frame = read_frame(image.file)
    group = group_of(image.file, frame.start_utc_ns, split)
    picture = _shown(frame, view)
    shape = picture.shape[0], picture.shape[1]
    scale = 0.5 if frame.mosaic == "RGGB" else 1.0
    if image.mask is None:
        for name in {r.class_name for r in image.regions} - set(numbers):
            data.faults.append(Fault(str(image.file), f"class {name!r} is unknown: its regions have no opinion"))
        return picture, draw(image.regions, shape, numbers, scale=scale), group
    labels, unlisted = read_mask(image.mask, colours)
    if labels.shape != (frame.height, frame.width):
        raise Unusable(f"mask {labels.shape[::-1]} and picture {(frame.width, frame.height)} differ in size")
    if unlisted:
        data.faults.append(
            Fault(str(image.mask), f"{unlisted} pixels of colours that are not in the table: no opinion")
        )
    if scale != 1.0:
        labels = cv2.resize(labels, shape[::-1], interpolation=cv2.INTER_NEAREST)
    return picture, labels, group


def _labelled(labels: NDArray[np.uint8]) -> bool:
    return bool(((labels > 0) & (labels != IGNORE)).any())


def cut(
    picture: NDArray[np.uint8], labels: NDArray[np.uint8], group: str, name: str, size: int, empty_share: float
) -> list[Patch]:
    height, width = labels.shape
    down, right = -height % size, -width % size
    picture = np.pad(picture, ((0, down), (0, right), (0, 0)))
    labels = np.pad(labels, ((0, down), (0, right)), constant_values=IGNORE)
    patches = [
        Patch(picture[y : y + size, x : x + size], labels[y : y + size, x : x + size], group, name)
        for y in range(0, height, size)
        for x in range(0, width, size)
    ]
    full, empty = [p for p in patches if _labelled(p.labels)], [p for p in patches if not _labelled(p.labels)]
    kept = empty[:: max(1, round(len(empty) / wanted))] if (wanted := empty_share * max(len(full), 1)) > 0 else []
    return full + kept


def load_part(folder: Path, part: Part) -> tuple[list[Patch], tuple[str, ...]]:
    """Patches of one part of a saved data set and its classes; ValueError names the file that is none."""
    path = folder / f"{part}.npz"
    try:
        with np.load(path) as stored:
            columns = (stored[name] for name in ("images", "labels", "groups", "files"))
            patches = [Patch(i, la, str(g), str(f)) for i, la, g, f in zip(*columns, strict=True)]
            return patches, tuple(json.loads(str(stored["facts"]))["classes"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as err:
        raise ValueError(f"{path}: no part of a data set ({err}); make one with `skyspotter models import`") from err
