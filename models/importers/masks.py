"""Mask pictures: a colour stands for a class (MBRSC aerial images and others give the colours as hex strings)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.importers.records import Imported, Labelled, Unusable

UNKNOWN = 255  # class number of a colour that is not in the table: no opinion
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".fits", ".fit")


def parse_colours(table: Mapping[str, str], numbers: Mapping[str, int]) -> dict[int, int]:
    """{"#3C1098": "building"} -> {0x3C1098: class number}; ValueError names the entry that is wrong."""
    colours = {}
    for colour, name in table.items():
        if not re.fullmatch(r"#?[0-9a-fA-F]{6}", colour):
            raise ValueError(f"colour {colour!r} of class {name!r}: wanted six hexadecimal digits, as in #3C1098")
        if name not in numbers:
            raise ValueError(f"colour {colour}: class {name!r} is not one of {', '.join(numbers)}")
        colours[int(colour.lstrip("#"), 16)] = numbers[name]
    return colours


def read_pairs(pictures: Path, masks: Path) -> Imported:
    """Pictures and masks of one name in two folders, or in one with masks called `NAME_mask.png`."""
    found = Imported()
    same = pictures.resolve() == masks.resolve()
    by_name = {m.stem.removesuffix("_mask"): m for m in sorted(masks.iterdir()) if m.stem.endswith("_mask") or not same}
    for picture in sorted(pictures.iterdir()):
        if picture.suffix.lower() not in PICTURES or (same and picture.stem.endswith("_mask")):
            continue
        mask = by_name.pop(picture.stem, None)
        if mask is None:
            found.fault(picture, "left out: it has no mask")
        else:
            found.images.append(Labelled(picture, mask=mask))
    for mask in by_name.values():
        found.fault(mask, "left out: a mask without its picture")
    return found


def read_mask(path: Path, colours: Mapping[int, int]) -> tuple[NDArray[np.uint8], int]:
    """(H, W) class numbers of a mask of any mode and depth, and how many pixels have a colour that is not listed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what it then repairs or refuses
            with Image.open(path) as picture:
                rgb = _rgb(picture)
    except Exception as err:  # Pillow raises nearly anything on damaged bytes
        raise Unusable(f"its mask {path.name} cannot be read ({type(err).__name__}: {err})") from None
    packed = (rgb.astype(np.uint32) << np.array([16, 8, 0], np.uint32)).sum(-1, dtype=np.uint32)
    labels = np.full(packed.shape, UNKNOWN, np.uint8)
    known = np.zeros(packed.shape, bool)
    for colour, number in colours.items():
        at = packed == colour
        labels[at], known = number, known | at
    return labels, int(np.count_nonzero(~known))


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits and more: the upper eight count
        values = np.nan_to_num(np.asarray(picture, np.float64))
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        grey = np.round(np.clip(values / top, 0, 1) * 255).astype(np.uint8)
        return np.dstack([grey] * 3)
    return np.asarray(picture.convert("RGB"))
