"""Training patches: real photographs with their trails, real skies with injected trails, invented skies, rendered
nights.

Everything is kept in units of the noise, as `camera.background.normalised_planes` gives it, so that trails can be
added; `preprocess.compress` comes last, as on the box. Prepared pictures are cached as float16 beside the checkpoints.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import background, normalised_planes
from camera.device import FileUnreadable, Frame
from camera.files import read_frame
from models import landscape, synth
from models.cache import kept
from models.labels import LabelledImage, read_anylabeling, read_sky_labels, snap
from models.preprocess import compress

log = logging.getLogger(__name__)

# Cameras whose trail-free frames are backgrounds for injected trails; they are therefore never scored.
BACKGROUND_CAMERAS = ("cloudynight_lowell", "pyASC_maryland")
RENDERED, PHOTOGRAPHS, SKIES = 0.46, 0.75, 0.88  # of the patches, added up; invented skies are the rest
FAINTEST = {1: 1.6, 3: 1.6, 4: 1.1}  # sigma of an injected trail: a mosaic's four planes have noise of their own each
OWN_SHARE = 0.3  # of the patches, where there are own nights
LARGEST = 30_000.0  # sigma, within float16


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One prepared picture: different planes only (1 mono, 3 rgb, 4 mosaic), labels in the classes of `synth`."""

    planes_sigma: NDArray[np.float16]  # (P, H, W)
    labels: NDArray[np.uint8]  # (H, W)
    group: str


def held_out(group: str) -> bool:
    """The photographs that are never trained on: every third source. ValueError for one without a number."""
    if not group.isdecimal():
        raise ValueError(f"photograph {group!r}: its name must begin with the number of its source, as in 17-3.json")
    return int(group) % 3 == 0


def prepare_photographs(folder: Path, cache: Path) -> list[Picture]:
    """The training part of an AnyLabeling folder."""
    return _all_prepared([image for image in read_anylabeling(folder) if not held_out(image.group)], cache)


def prepare_skies(labels: Path, cache: Path) -> list[Picture]:
    """Trail-free all-sky frames of the background cameras."""
    wanted = [i for i in read_sky_labels(labels) if i.group in BACKGROUND_CAMERAS and not i.trails]
    return _all_prepared(wanted, cache)


def different_planes(frame: Frame) -> NDArray[np.float16]:
    planes = normalised_planes(frame, background(frame))
    chosen = {"RGGB": [0, 1, 2, 3], "rgb": [0, 1, 3], "mono": [0]}[frame.mosaic]
    return np.clip(planes[chosen], -LARGEST, LARGEST).astype(np.float16)


def _all_prepared(images: Sequence[LabelledImage], cache: Path) -> list[Picture]:
    """Pictures that cannot be read are named, counted and left out."""
    pictures = []
    for image in images:
        try:
            pictures.append(_prepared(image, cache))
        except FileUnreadable as err:
            log.warning("left out file=%s error=%s", image.file.name, err)
    if len(pictures) < len(images):
        log.warning("left out pictures=%d of=%d", len(images) - len(pictures), len(images))
    return pictures


def _prepared(image: LabelledImage, cache: Path) -> Picture:
    if not image.file.is_file():
        raise FileUnreadable(f"{image.file}: is missing")
    identity = f"{image.file.resolve()} {image.file.stat().st_mtime_ns} {[drawn.tolist() for drawn in image.polygons]}"
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return Picture(*kept(cache / f"{key}.npz", lambda: _planes_and_labels(image)), image.group)


def _planes_and_labels(image: LabelledImage) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    planes = different_planes(read_frame(image.file))
    light = planes.astype(np.float32).mean(axis=0)
    labels = np.zeros(light.shape, np.uint8)
    for polygon in image.polygons:
        cv2.fillPoly(labels, [np.round(polygon).astype(np.int32)], synth.IGNORE)
    for polygon in image.polygons:
        line = snap(light, polygon)
        points = np.round(line * 8).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(labels, [points], False, synth.ANY_TRAIL, 3, cv2.LINE_8, 3)
    return planes, labels


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """What batches are mixed from; `skies` are real ones without trails and with injected ones, `rendered` whole frames
    of simulated nights with per-pixel classes."""

    photographs: Sequence[Picture]
    skies: Sequence[Picture]
    rendered: Sequence[Picture] = ()
    own: Sequence[Picture] = ()  # of the station that is trained for (`models.own`)


def make_batch(
    sources: Sources, *, size: int, batch: int, seed: int, step: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """(batch, 4, size, size) inputs in [0, 1] and (batch, size, size) labels: a pure function of seed and step, so
    that a training that was killed goes on as if it had not been."""
    rng = np.random.default_rng((seed, step))
    patches = [_patch(sources, size, rng) for _ in range(batch)]
    return np.stack([compress(p) for p, _ in patches]), np.stack([labels for _, labels in patches])


def _patch(sources: Sources, size: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    kind, before = rng.random(), 0.12
    if sources.own and rng.random() < OWN_SHARE:
        planes, labels = _cut(sources.own, size, rng, towards_trail=0.6, zooms=0.2)
        inject, shortest = rng.random() < 0.3, 8.0
    elif sources.rendered and kind < RENDERED:
        planes, labels = _cut(sources.rendered, size, rng, towards_trail=0.7, zooms=0.0)
        inject, shortest = rng.random() < 0.25, 8.0
    elif sources.photographs and kind < PHOTOGRAPHS:
        planes, labels = _cut(sources.photographs, size, rng, towards_trail=0.6, zooms=0.4)
        inject, shortest, before = rng.random() < 0.35, 40.0, 0.03  # they have landscapes of their own
    elif sources.skies and kind < SKIES:
        planes, labels = _cut(sources.skies, size, rng, towards_trail=0.4, zooms=0.4)
        inject, shortest, before = rng.random() < 0.3, 12.0, 0.2
    else:
        planes, star_px = synth.random_sky(rng, size)
        labels = np.zeros((size, size), np.uint8)
        inject, shortest, before = rng.random() < 0.7, max(8.0, 3 * star_px), 0.45
        order = rng.random()
        planes = planes if order < 0.5 else planes[:3] if order < 0.75 else planes[:1]
    if inject:
        colours = {1: (3,), 3: (0, 1, 2), 4: (0, 1, 1, 2)}[len(planes)]
        for _ in range(1 + int(rng.random() < 0.3)):
            trail = synth.random_trail(rng, (size, size), shortest_px=shortest, faintest=FAINTEST[len(planes)])
            synth.draw(trail, planes, labels, colours)
    if rng.random() < before:
        landscape.foreground(rng, planes, labels)
    if kind >= RENDERED and rng.random() < 0.06:
        landscape.branches(rng, planes)
    planes = planes[{1: [0, 0, 0, 0], 3: [0, 1, 1, 2], 4: [0, 1, 2, 3]}[len(planes)]]
    planes = planes * np.float32(np.exp(rng.normal(0, 0.25)))  # the noise is an estimate
    turns, mirror = int(rng.integers(4)), rng.random() < 0.5
    planes, labels = np.rot90(planes, turns, (1, 2)), np.rot90(labels, turns)
    if mirror:
        planes, labels = planes[:, :, ::-1], labels[:, ::-1]
    if rng.random() < 0.3:
        planes = planes[::-1]  # blue and red change places: colour is a hint, no law
    return np.ascontiguousarray(planes), np.ascontiguousarray(labels)


def _cut(
    pictures: Sequence[Picture], size: int, rng: np.random.Generator, *, towards_trail: float, zooms: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A square from a picture; shares of them are enlarged or reduced, and laid across a trail."""
    picture = pictures[int(rng.integers(len(pictures)))]
    height, width = picture.labels.shape
    zoom = float(np.exp(rng.uniform(np.log(0.6), np.log(2.0)))) if rng.random() < zooms else 1.0
    side = min(int(size / zoom), height, width)
    y0, x0 = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    if rng.random() < towards_trail:
        # Trail by trail, not pixel by pixel: the long and bright ones would crowd out the short and faint.
        trails, marks = cv2.connectedComponents(synth.is_trail(picture.labels).astype(np.uint8))
        if trails > 1:
            ys, xs = np.nonzero(marks == rng.integers(1, trails))
            k = int(rng.integers(len(ys)))
            y0 = int(np.clip(ys[k] - rng.integers(side), 0, height - side))
            x0 = int(np.clip(xs[k] - rng.integers(side), 0, width - side))
    planes = picture.planes_sigma[:, y0 : y0 + side, x0 : x0 + side].astype(np.float32)
    labels = picture.labels[y0 : y0 + side, x0 : x0 + side].copy()
    if side != size:
        resized = cv2.resize(planes.transpose(1, 2, 0), (size, size), interpolation=cv2.INTER_LINEAR)
        planes = np.ascontiguousarray(np.atleast_3d(resized).transpose(2, 0, 1))
        labels = cv2.resize(labels, (size, size), interpolation=cv2.INTER_NEAREST)
    return planes, labels
