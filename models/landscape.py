"""What stands before the sky, invented: horizons, roofs, walls and their fixtures, masts, the rim of the lens, twigs.

In units of the noise, drawn into planes and labels in place: a trail ends where something stands before it, and what
shines there is none.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth import BACKGROUND, IGNORE, Planes, is_trail, whole

Mask = NDArray[np.uint8]  # (H, W), 1 where it stands


def foreground(rng: np.random.Generator, planes: Planes, labels: NDArray[np.uint8]) -> None:
    """One of them before (P, H, W) planes: hard edges, darker than the sky or brighter, mostly quiet, often lit."""
    size = labels.shape[0]
    level = -np.exp(rng.uniform(0, 4)) if rng.random() < 0.75 else np.exp(rng.uniform(0, 3))
    kind = rng.random()
    if kind < 0.3:
        mask = _horizon(rng, size)
    elif kind < 0.6:
        mask = _rim(rng, size)
        level *= np.exp(rng.uniform(0, 2))
    elif kind < 0.8:
        mask = _walls(rng, size)
    else:
        mask = _masts(rng, size, thinnest_px=3 if level < 0 else 9)  # a thin bright line is a trail
    mask = np.ascontiguousarray(np.rot90(mask, int(rng.integers(4))))
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rng.uniform(0.5, 2.0))
    quiet = np.exp(rng.uniform(np.log(0.08), np.log(0.5)))  # with the noise of a sky, a lit rail would be a trail
    planes *= 1 - soft
    planes += soft * rng.normal(0, quiet, planes.shape).astype(np.float32)
    if rng.random() < 0.5:
        planes += _lit_edge(rng, mask)
    if rng.random() < 0.6:
        planes += _fixtures(rng, mask) * rng.uniform(0.4, 1.0, (len(planes), 1, 1)).astype(np.float32)
    # What a mesh of the background leaves along a step: a glow that ends at the edge, as broad as the mesh is coarse.
    mesh = cv2.GaussianBlur(soft, (0, 0), float(np.exp(rng.uniform(np.log(4), np.log(40)))))
    planes += np.float32(level) * (soft - mesh * np.float32(rng.random() ** 0.3))
    near = cv2.dilate(mask, np.ones((5, 5), np.uint8)) > 0
    labels[near & is_trail(labels)] = IGNORE
    labels[mask > 0] = BACKGROUND


def branches(rng: np.random.Generator, planes: Planes) -> None:
    """Twigs in front of everything: thin, dark, quiet, wandering."""
    size = planes.shape[1]
    mask = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 7))):
        steps = int(rng.integers(5, 25))
        headings = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.35, steps))
        walk = np.cumsum(rng.uniform(6, 18) * np.column_stack((np.cos(headings), np.sin(headings))), axis=0)
        points = np.round(rng.uniform(0, size, 2) + walk).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [points], False, 1.0, int(rng.integers(1, 6)))
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 1.2))
    planes *= 1 - np.float32(rng.uniform(0.5, 1.0)) * mask
    planes -= np.float32(np.exp(rng.uniform(-1, 2.5))) * mask


def _horizon(rng: np.random.Generator, size: int) -> Mask:
    mask = np.zeros((size, size), np.uint8)
    x = np.linspace(-20, size + 20, int(rng.integers(3, 30)))
    y = size * rng.uniform(0.3, 0.9) + np.cumsum(rng.normal(0, rng.uniform(1, 15), len(x)))
    points = np.vstack((np.column_stack((x, y)), [[size + 20, size + 20], [-20, size + 20]]))
    return np.asarray(cv2.fillPoly(mask, [points.astype(np.int32)], 1))


def _rim(rng: np.random.Generator, size: int) -> Mask:
    far, angle = rng.uniform(300, 900), rng.uniform(0, 2 * np.pi)
    centre = size / 2 + (far + rng.uniform(-80, 80)) * np.array([np.cos(angle), np.sin(angle)])
    mask = np.asarray(cv2.circle(np.zeros((size, size), np.uint8), whole(centre), int(far), 1, -1))
    return 1 - mask if rng.random() < 0.5 else mask


def _walls(rng: np.random.Generator, size: int) -> Mask:
    """Blocks that reach in from one side."""
    mask = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        middle = (rng.uniform(0, size), size * rng.uniform(0.7, 1.1))
        sides, turn = (size * rng.uniform(0.2, 0.9), size * rng.uniform(0.3, 1.0)), rng.normal(0, 20)
        cv2.fillPoly(mask, [cv2.boxPoints((middle, sides, float(turn))).astype(np.int32)], 1)
    return mask


def _masts(rng: np.random.Generator, size: int, thinnest_px: int) -> Mask:
    mask = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        a, b = rng.uniform(-40, size + 40, (2, 2)).astype(int)
        cv2.line(mask, whole(a), whole(b), 1, int(rng.integers(thinnest_px, 25)))
    return mask


def _lit_edge(rng: np.random.Generator, mask: Mask) -> Planes:
    """The rim of a lens, a gutter: brighter here and there."""
    edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(np.float32)
    band = cv2.GaussianBlur(edge, (0, 0), rng.uniform(0.7, 4.0))
    away = cv2.GaussianBlur(rng.normal(0, 1, mask.shape).astype(np.float32), (0, 0), 25)
    return np.asarray(np.float32(np.exp(rng.uniform(0.5, 4.5))) * band * np.clip(0.5 + 20 * away, 0, 1))


def _fixtures(rng: np.random.Generator, mask: Mask) -> Planes:
    """Rails, ladders, antennas, cables, streaks of light on what stands there; now and then a pole that leaves it."""
    size = len(mask)
    canvas = np.zeros(mask.shape, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        middle, angle = rng.uniform(0, size, 2), rng.uniform(0, np.pi)
        length = np.exp(rng.uniform(np.log(12), np.log(size)))
        along = np.array([np.cos(angle), np.sin(angle)])
        step = rng.uniform(5, 30) * np.array([-along[1], along[0]])
        thick, bright = int(rng.integers(1, 6)), rng.uniform(0.3, 1.0)
        many = int(rng.integers(2, 8)) if rng.random() < 0.4 else 1
        for k in range(many):
            points = middle + k * step + np.linspace(-0.5, 0.5, 15)[:, None] * length * along
            points += rng.normal(0, 0.15) * step * np.linspace(-1, 1, 15)[:, None] ** 2  # cables hang
            cv2.polylines(canvas, [np.round(points).astype(np.int32)], False, bright, thick)
        if rng.random() < (0.6 if many > 1 else 0.25):  # rungs of a ladder; of one line an antenna's elements
            reach = 0.0 if many > 1 else rng.uniform(1, 3)
            for share in np.linspace(-0.5, 0.5, int(rng.integers(2, 15))):
                at = middle + share * length * along
                cv2.line(canvas, whole(at - reach * step), whole(at + (many - 1 + reach) * step), bright, thick)
    canvas *= mask
    if rng.random() < 0.2 and mask.any():
        y, x = (int(v) for v in rng.choice(np.argwhere(mask)))
        tip = np.array([x, y]) + rng.uniform(-120, 120, 2)
        cv2.line(canvas, (x, y), whole(tip), 1.0, int(rng.integers(4, 11)))
        cv2.circle(canvas, whole(tip), int(rng.integers(3, 12)), float(rng.uniform(0.5, 3)), -1)
    return np.asarray(
        cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.5, 1.5)) * np.float32(np.exp(rng.uniform(0.7, 5.0)))
    )
