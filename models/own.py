"""A station's own nights, labelled weakly by `skyspotter labels`: pictures to train on, cases to score.

A polygon says where light of an aircraft may be. Here the light is looked for, and only where a line of it stands out
as a trail of that length would is it taught; elsewhere polygons are without an opinion. Whole nights are held out, told
by their date alone. Prepared pictures lie on disk and are mapped: a winter's nights do not fit the memory.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import FileUnreadable, Frame
from camera.files import read_frame
from models import synth
from models.dataset import Picture, different_planes
from models.evaluate import Case
from models.importers.labelme import read_labelme
from models.importers.patches import part_of
from models.importers.records import Fault, Labelled
from models.lineoflight import line_of_light, middle_line

log = logging.getLogger(__name__)

TAUGHT = {"aircraft": synth.AIRCRAFT, "satellite": synth.SATELLITE, "meteor": synth.METEOR}
UNKNOWN = "unannounced"  # light that the network of the day saw and nobody explains
TRAINING_SHARE = 0.8  # of the nights
_NIGHT = re.compile(r"\d{4}-\d\d-\d\d")

Line = NDArray[np.float64]  # (N, 2) x, y


@dataclass(slots=True)
class OwnNights:
    """What a folder of nights gave for training."""

    pictures: list[Picture] = field(default_factory=list)
    taught: int = 0  # polygons in which light was found
    unlit: int = 0  # polygons of a class in which none was
    held_out: int = 0  # nights
    faults: list[Fault] = field(default_factory=list)

    @property
    def summary(self) -> str:
        nights = len({picture.group for picture in self.pictures})
        return (
            f"{len(self.pictures)} frames of {nights} nights, {self.taught} trails taught, {self.unlit} polygons "
            f"without light, {self.held_out} nights held out, {len(self.faults)} things left out"
        )


def held_out(night: str) -> bool:
    """By its date alone: it stays on its side when nights are added."""
    return part_of(night, (TRAINING_SHARE, 0.0)) != "train"


def night_folders(folder: Path) -> list[Path]:
    """Of what `skyspotter labels --out` made, or one of them by itself. Raises ValueError where there is none."""
    found = [path for path in sorted([folder, *folder.glob("*")]) if path.is_dir() and _NIGHT.fullmatch(path.name)]
    if not found:
        raise ValueError(f"{folder}: no nights there; make some with `skyspotter labels NIGHT --out {folder}`")
    return found


def prepare_own(folder: Path, cache: Path) -> OwnNights:
    """The nights that are trained on. Raises ValueError where there are none, or all of them are held out."""
    own = OwnNights()
    nights = night_folders(folder)
    for night in nights:
        if held_out(night.name):
            own.held_out += 1
            continue
        imported = read_labelme(night)
        own.faults += imported.faults
        for image in imported.images:
            try:
                _prepare(image, night.name, cache, own)
            except FileUnreadable as err:
                own.faults.append(Fault(str(image.file), str(err)))
    for fault in own.faults:
        log.warning("left out file=%s error=%s", fault.file, fault.why)
    if own.held_out == len(nights):
        raise ValueError(f"{folder}: {nights[0].name} and all other nights there are held out: label more nights")
    return own


def _prepare(image: Labelled, night: str, cache: Path, own: OwnNights) -> None:
    drawn = [(region.class_name, region.points_px.tolist()) for region in image.regions]
    identity = f"{image.file.resolve()} {image.file.stat().st_mtime_ns} {drawn}"
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    stored = [cache / f"{key}.{what}.npy" for what in ("planes", "labels", "counts")]
    if not all(path.is_file() for path in stored):
        frame = read_frame(image.file)
        planes = different_planes(frame)
        labels, counts = label_map(image, planes.astype(np.float32).mean(axis=0), cell_px(frame))
        cache.mkdir(parents=True, exist_ok=True)
        for path, array in zip(stored, (planes, labels, np.array(counts)), strict=True):
            partial = path.with_suffix(".partial.npy")
            np.save(partial, array)
            partial.replace(path)
    planes, labels, counts = (np.load(path, mmap_mode="r") for path in stored)
    own.pictures.append(Picture(planes, labels, night))
    own.taught, own.unlit = own.taught + int(counts[0]), own.unlit + int(counts[1])


def cell_px(frame: Frame) -> int:
    """Stored pixels of a pixel of the network's planes."""
    return 2 if frame.mosaic == "RGGB" else 1


def label_map(image: Labelled, light: NDArray[np.float32], cell: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """(H, W) labels of the planes, and how many polygons of a class were lit and how many were not."""
    labels = np.zeros(light.shape, np.uint8)
    lit, unlit = [], 0
    for region in image.regions:
        polygon = to_planes(region.points_px, cell)
        cv2.fillPoly(labels, [np.round(polygon).astype(np.int32)], synth.IGNORE)
        if region.class_name in TAUGHT:
            line = line_of_light(light, polygon)
            unlit += line is None
            if line is not None:
                lit.append((TAUGHT[region.class_name], line))
    for number, line in lit:
        points = np.round(line * 8).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(labels, [points], False, number, 3, cv2.LINE_8, 3)
    return labels, (len(lit), unlit)


def to_planes(points_px: Line, cell: int) -> Line:
    """Stored pixels to pixels of the planes; both have their centres on whole numbers."""
    return (points_px + 0.5) / cell - 0.5


def own_cases(folder: Path) -> Iterator[Case]:
    """The nights held out. Demanded is what would have been taught; doubtful and unlit aircraft may be found or not.
    False is what no transponder explains: a silent aircraft and a satellite as well. Raises ValueError where there are
    none.
    """
    nights = night_folders(folder)
    if not any(held_out(night.name) for night in nights):
        raise ValueError(f"{folder}: none of its {len(nights)} nights is held out (one in five is): label more nights")
    return (
        _case(image, f"{night.name} {image.file.name}")
        for night in nights
        if held_out(night.name)
        for image in read_labelme(night).images
    )


def _case(image: Labelled, name: str) -> Case:
    try:
        frame = read_frame(image.file)
    except FileUnreadable:
        return Case(name, lambda: read_frame(image.file), ())  # which says so once more, to whoever counts
    light, cell = different_planes(frame).astype(np.float32).mean(axis=0), cell_px(frame)
    demanded, allowed, classes = [], [], []
    for region in image.regions:
        line = line_of_light(light, to_planes(region.points_px, cell)) if region.class_name in TAUGHT else None
        if line is not None:
            demanded.append((line + 0.5) * cell - 0.5)
            classes.append(region.class_name)
        elif region.class_name != UNKNOWN:
            allowed.append(middle_line(region.points_px)[0])
    return Case(name, lambda: frame, tuple(demanded), (), tuple(classes), tuple(allowed))
