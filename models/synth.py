"""Invented trails and invented skies, in units of the noise: what the network is trained on besides real photographs.

Trails are drawn as light along a path (steady lamps, strobes, tapering meteors), spread by the point-spread function
and labelled only where they can be seen. Skies carry what must *not* be taken for trails: stars (also trailed ones, all
alike), hot pixels and columns, clouds, lit walls, scratches; what stands before the sky is in `landscape`. All arrays
are float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.contract import CLASSES

BACKGROUND, AIRCRAFT, SATELLITE, METEOR, CLOUD = (
    CLASSES.index(name) for name in ("background", "aircraft", "satellite", "meteor", "cloud")
)
# Labels beside the classes: open sky known to have no cloud (a plain 0 says "no trail" and nothing of cloud); a trail
# of untold kind; a pixel without an opinion.
CLEAR, ANY_TRAIL, IGNORE = 253, 254, 255

Planes = NDArray[np.float32]


def is_trail(labels: Any) -> Any:
    """Of labels (a numpy array or a torch tensor), a mask of the same kind: trail, whatever its class. Cloud and clear
    sky are none."""
    return ((labels >= AIRCRAFT) & (labels <= METEOR)) | (labels == ANY_TRAIL)


@dataclass(frozen=True)
class Trail:
    path_px: NDArray[np.float64]  # (N, 2) x, y, about half a pixel apart
    light: NDArray[np.float64]  # (N, 3) red, green, blue, peak about 1
    trail_class: int
    peak_sigma: float
    blur_px: float
    breadth_px: float = 0.0  # of an even band, before the blur; 0: a line


def random_trail(
    rng: np.random.Generator, shape: tuple[int, int], *, shortest_px: float = 8.0, faintest: float = 1.6
) -> Trail:
    """One aircraft, satellite or meteor somewhere across a patch of `shape` (rows, columns)."""
    height, width = shape
    length = float(np.exp(rng.uniform(np.log(min(shortest_px, max(shape))), np.log(1.3 * max(shape)))))
    centre = rng.uniform(0, (width, height))
    angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.02)
    along = np.arange(-length / 2, length / 2 + 0.01, 0.5)
    across = bend * along**2 / max(length, 1.0)
    direction = np.array([np.cos(angle), np.sin(angle)])
    path = centre + along[:, None] * direction + across[:, None] * np.array([-direction[1], direction[0]])
    kind = int(rng.choice([AIRCRAFT, AIRCRAFT, SATELLITE, METEOR]))
    phase = np.linspace(0, 1, len(along))
    if kind == AIRCRAFT:
        light = _aircraft_light(rng, along, length)
    elif kind == SATELLITE:
        light = _satellite_light(rng, phase)[:, None] * (1 + rng.normal(0, 0.05, 3))
    else:
        peak, width_ = rng.uniform(0.35, 0.85), rng.uniform(0.2, 0.4)
        shape_ = np.exp(-(((phase - peak) / width_) ** 2))
        flare = 1 + rng.uniform(0, 2) * np.exp(-(((phase - peak) / 0.03) ** 2)) * (rng.random() < 0.3)
        light = (shape_ * flare)[:, None] * np.array([rng.uniform(0.7, 1), 1, rng.uniform(0.7, 1.1)])
    # A short trail must stand out by itself; a long one is seen below the noise of a pixel.
    low = max(faintest, 40.0 / max(length, 1.0) if length < 30 else faintest)
    peak_sigma = float(np.exp(rng.uniform(np.log(low), np.log(low + 12) if rng.random() < 0.6 else np.log(600))))
    blur_px = rng.uniform(0.5, 1.5) if rng.random() < 0.85 else rng.uniform(1.5, 4.0)  # some lenses are out of focus
    if rng.random() < 0.2:  # landing lights: a broad even band, nothing else
        light, peak_sigma = np.ones((len(along), 3)), float(np.exp(rng.uniform(np.log(4), np.log(100))))
        return Trail(path, light, AIRCRAFT, peak_sigma, rng.uniform(0.5, 1.2), breadth_px=rng.uniform(1.0, 5.0))
    return Trail(path, light, kind, peak_sigma, float(blur_px))


def _satellite_light(rng: np.random.Generator, phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steady or fading, tumbling, or glinting once: light along a trail of `phase` 0 to 1."""
    style = rng.random()
    if style < 0.65:
        slope = rng.uniform(-0.6, 0.6) if rng.random() < 0.4 else 0.0
        return np.asarray(np.clip(1 + slope * (phase - 0.5) * 2, 0, None))
    if style < 0.85:
        turns, depth = rng.uniform(0.5, 6), rng.uniform(0.3, 1.0)
        return np.asarray(1 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * (turns * phase + rng.random()))))
    return np.asarray(0.1 + np.exp(-(((phase - rng.uniform(0.2, 0.8)) / rng.uniform(0.08, 0.3)) ** 2)))


def _aircraft_light(rng: np.random.Generator, along: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    light = np.zeros((len(along), 3))
    style = rng.random()
    if style < 0.75:  # steady lamps: white, or red and green of one wing tip
        light += np.array([[1, 1, 1], [1, 0.9, 0.7], [1, 0.35, 0.25], [0.3, 1, 0.5]])[rng.integers(4)] * rng.uniform(
            0.3, 1
        )
    if style > 0.35:  # strobes and beacon: points, often doubled
        gap = float(np.clip(length / rng.uniform(1.5, 14), 4, 45))
        for colour, extra in (([1, 1, 1], 0.0), ([1, 0.25, 0.2], 0.5)):
            if colour[1] < 1 and rng.random() < 0.5:
                continue
            peak = rng.uniform(0.7, 3.0)
            for at in np.arange(rng.uniform(0, gap) + extra * gap - along[-1] - gap, along[-1], gap):
                for shift in (0.0, 0.06 * gap) if rng.random() < 0.5 else (0.0,):
                    spot = np.abs(along - at - shift) < 0.6
                    light[spot] += peak * np.array(colour)
    if not light.any():
        light += 1.0
    return light / max(1.0, float(np.percentile(light.max(axis=1), 98)))


def draw(trail: Trail, planes: Planes, labels: NDArray[np.uint8], plane_colours: tuple[int, ...]) -> None:
    """Add the trail to (P, H, W) planes in place and label its core; `plane_colours[p]` 0 red, 1 green, 2 blue, 3
    all."""
    height, width = labels.shape
    inside = ((trail.path_px > 1) & (trail.path_px < (width - 2, height - 2))).all(axis=1)
    if inside.sum() < 6:
        return
    path, light = trail.path_px[inside], trail.light[inside]
    light4 = np.column_stack((light, light.mean(axis=1)))
    column, row = np.floor(path.T).astype(int)
    fx, fy = (path - np.floor(path)).T
    spread = (
        trail.peak_sigma * 0.5 * np.sqrt(2 * np.pi) * trail.blur_px
    )  # half a pixel a sample; a blurred line keeps 1/(s sqrt(2 pi))
    band = _band(trail) if trail.breadth_px else None
    bright = np.zeros((height, width), np.float32)
    for plane, colour in enumerate(plane_colours):
        canvas = np.zeros((height, width), np.float32)
        for dx, dy, weight in (
            (0, 0, (1 - fx) * (1 - fy)),
            (1, 0, fx * (1 - fy)),
            (0, 1, (1 - fx) * fy),
            (1, 1, fx * fy),
        ):
            np.add.at(canvas, (row + dy, column + dx), (light4[:, colour] * weight * spread).astype(np.float32))
        if band is not None:
            canvas = cv2.filter2D(canvas, -1, band)
        canvas = cv2.GaussianBlur(canvas, (0, 0), trail.blur_px)
        planes[plane] += canvas
        np.maximum(bright, canvas, out=bright)
    label(labels, path, bright > 1.0, trail.trail_class)
    glow = (bright > 3.0) & ~is_trail(labels) & ~_beyond_ends(path, labels.shape, trail.breadth_px / 2)
    labels[glow] = IGNORE


def _beyond_ends(path_px: NDArray[np.float64], shape: tuple[int, ...], reach_px: float) -> NDArray[np.bool_]:
    """(H, W): farther along than the label's own end. The glow of a bright end is no more trail."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    beyond = np.zeros(shape, bool)
    for end, before in ((path_px[0], path_px[5]), (path_px[-1], path_px[-6])):
        along = (end - before) / np.linalg.norm(end - before)
        beyond |= (x - end[0]) * along[0] + (y - end[1]) * along[1] > 2.5 + reach_px
    return beyond


def _band(trail: Trail) -> NDArray[np.float32]:
    """The kernel that makes its line a band: a line under a disc keeps pi / 4 of the breadth's inverse, and the blur
    that follows takes nothing from the middle, though `draw` gave for it."""
    y, x = np.mgrid[-4:5, -4:5]
    disc = np.clip(trail.breadth_px / 2 + 0.5 - np.hypot(x, y), 0, 1)
    gain = np.pi / 4 * max(trail.breadth_px, 1.0) / (np.sqrt(2 * np.pi) * trail.blur_px)
    return np.asarray(disc * (gain / disc.sum()), dtype=np.float32)


def label(labels: NDArray[np.uint8], path_px: NDArray[np.float64], seen: NDArray[np.bool_], trail_class: int) -> None:
    """Marks the core of a trail in (H, W) labels where its light is `seen` within a strobe's gap: beyond, the label
    would teach guessing. Pixels beside it have no opinion."""
    stroke = np.zeros(labels.shape, np.uint8)
    points = np.round(path_px * 8).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(stroke, [points], False, 1, 3, cv2.LINE_8, 3)
    visible = cv2.dilate(seen.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    labels[(stroke > 0) & visible] = trail_class
    labels[(cv2.dilate(stroke, np.ones((3, 3), np.uint8)) > 0) & ~is_trail(labels)] = IGNORE


def random_sky(rng: np.random.Generator, size: int) -> tuple[Planes, float]:
    """(4, size, size) sky without trails, and the length of its star images: real trails must be longer."""
    planes = rng.normal(0, 1, (4, size, size)).astype(np.float32)
    if rng.random() < 0.3:  # demosaicked or denoised photographs have grain
        planes = cv2.GaussianBlur(planes.transpose(1, 2, 0), (0, 0), rng.uniform(0.4, 1.0)).transpose(2, 0, 1)
        planes = np.ascontiguousarray(planes / planes.std())
    drift = float(
        rng.choice([0.0, 0.0, 0.0, rng.uniform(1, 14), rng.uniform(10, 70)])
    )  # long exposures trail every star alike
    direction = rng.uniform(0, 2 * np.pi)
    blur = float(rng.uniform(0.5, 1.3))
    stars = np.zeros((size, size), np.float32)
    count = int(np.exp(rng.uniform(np.log(3), np.log(900 if drift < 10 else 250))))
    for x, y, flux in zip(
        rng.uniform(2, size - 2, count), rng.uniform(2, size - 2, count), _star_flux(rng, count), strict=True
    ):
        steps = max(1, int(drift * 2))
        for t in np.linspace(-drift / 2, drift / 2, steps):
            xi, yi = int(x + t * np.cos(direction)), int(y + t * np.sin(direction))
            if 0 <= xi < size and 0 <= yi < size:
                stars[yi, xi] += flux / steps * (1 + drift / 3)
    stars = cv2.GaussianBlur(stars, (0, 0), blur) * (2 * np.pi * blur**2)
    planes += stars * rng.uniform(0.7, 1.2, (4, 1, 1)).astype(np.float32)
    if rng.random() < 0.5:
        planes += _clouds(rng, size)
    if rng.random() < 0.15:
        _structures(rng, planes)
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 40))):
            planes[rng.integers(4), rng.integers(size), rng.integers(size)] += np.exp(rng.uniform(1, 5))
    if rng.random() < 0.04:
        planes[:, :, rng.integers(size)] += rng.uniform(2, 8)
    if rng.random() < 0.05:  # a scratch is dark
        _dark_line(rng, planes)
    return planes, drift + 3 * blur


def _star_flux(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Peak in sigma, by the usual steep counts: many at the limit, a few very bright."""
    return np.minimum(1.5 * rng.pareto(0.9, count) + 1.0, 900.0)


def _clouds(rng: np.random.Generator, size: int) -> Planes:
    """Structure the background mesh leaves behind: lumps and soft edges, some with a sharp side."""
    grid = int(2 ** rng.integers(2, 6))
    lumps = cv2.resize(rng.normal(0, 1, (grid, grid)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.4:
        lumps = np.tanh(lumps * rng.uniform(2, 12)).astype(np.float32)
    if rng.random() < 0.4:  # streaky
        angle = rng.uniform(0, 180)
        turn = cv2.getRotationMatrix2D((size / 2, size / 2), angle, 1.0)
        turn[:, 0] *= rng.uniform(0.1, 0.5)
        lumps = cv2.warpAffine(lumps, turn, (size, size), borderMode=cv2.BORDER_REFLECT)
    return np.float32(rng.uniform(0.3, 5)) * lumps


def _structures(rng: np.random.Generator, planes: Planes) -> None:
    """What is bright, straight or thin and yet no trail: lit walls and beams, contrails in moonlight, the beaded curves
    of bats and moths, and curls of light from scratches in a dome."""
    size = planes.shape[1]
    for _ in range(int(rng.integers(1, 5))):
        canvas = np.zeros((size, size), np.float32)
        middle = rng.uniform(0, size, 2)
        kind = rng.random()
        if kind < 0.1:  # a lit pole on a lit roof, a rail with lamps
            foot = middle + rng.uniform(-60, 60, 2)
            cv2.line(canvas, whole(middle), whole(foot), 1.0, int(rng.integers(6, 11)))
            cv2.circle(canvas, whole(foot), int(rng.integers(8, 30)), float(rng.uniform(1, 4)), -1)
        elif kind < 0.35:
            planes += _contrail(rng, size)
            continue
        elif kind < 0.5:
            _wing_beats(rng, canvas, middle)
        elif kind < 0.7:
            turn, long, wide = rng.uniform(0, 180), rng.uniform(15, 300), rng.uniform(7, 60)
            box = cv2.boxPoints((tuple(middle.tolist()), (float(long), float(wide)), float(turn)))
            cv2.fillPoly(canvas, [box.astype(np.int32)], 1.0)
        else:
            begin, sweep, radius = rng.uniform(0, 360), rng.uniform(40, 200), rng.uniform(8, 50)
            axes = (int(radius), int(radius * rng.uniform(0.4, 1)))
            cv2.ellipse(
                canvas,
                (int(middle[0]), int(middle[1])),
                axes,
                rng.uniform(0, 180),
                begin,
                begin + sweep,
                1.0,
                int(rng.integers(1, 3)),
            )
        colour = rng.uniform(0.3, 1.0, (4, 1, 1)).astype(np.float32)
        planes += (
            cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.6, 1.5)) * colour * np.float32(np.exp(rng.uniform(0.7, 4.5)))
        )


def _contrail(rng: np.random.Generator, size: int) -> Planes:
    """A band of cloud: far broader than any trail, soft, ragged along its length."""
    band = np.zeros((size, size), np.float32)
    a, b = rng.uniform(-60, size + 60, (2, 2))
    cv2.line(band, whole(a), whole(b), 1.0, int(rng.integers(10, 30)))
    ragged = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), rng.uniform(6, 20))
    band = cv2.GaussianBlur(band, (0, 0), rng.uniform(4, 12)) * np.clip(1 + 8 * ragged, 0, None)
    return np.asarray(band * np.float32(np.exp(rng.uniform(0, 2.5))))


def _wing_beats(rng: np.random.Generator, canvas: NDArray[np.float32], begin: NDArray[np.float64]) -> None:
    """A near animal: a wide, wandering, beaded stroke."""
    headings = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.1, 0.5), int(rng.integers(6, 40))))
    points = begin + np.cumsum(rng.uniform(3, 7) * np.column_stack((np.cos(headings), np.sin(headings))), axis=0)
    beat, wide = rng.uniform(0.5, 2.5), int(rng.integers(3, 7))
    for k, point in enumerate(points):
        cv2.circle(canvas, whole(point), wide, float(0.2 + 0.8 * np.cos(beat * k) ** 2), -1)


def whole(point: NDArray[np.number[Any]]) -> tuple[int, int]:
    """As cv2 wants a point."""
    return int(point[0]), int(point[1])


def _dark_line(rng: np.random.Generator, planes: Planes) -> None:
    size = planes.shape[1]
    line = np.zeros((size, size), np.float32)
    a, b = rng.uniform(0, size, (2, 2)).astype(int)
    cv2.line(line, whole(a), whole(b), 1.0, int(rng.integers(1, 4)))
    planes -= cv2.GaussianBlur(line, (0, 0), 0.8) * np.float32(rng.uniform(2, 20))
