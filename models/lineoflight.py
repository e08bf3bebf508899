"""A line of light in a polygon that only says where one may be, as transponders do; or the sentence that there is none.

The sky along the polygon's middle line is straightened, `labels.snap` lays the brightest line through it, and that line
is believed where it looks like a trail: lit for about as long as it should be, going the way it should go, thin, and
together far above the noise. A row of stars or one bright star is not; a trail of strobes alone is not either.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.labels import centre_line, snap
from models.score import length_px

LIT_SIGMA = 2.0  # of the light along a line, smoothed as below
LEAST_SNR = 6.0  # of the whole line: it was the best of a thousand
SMOOTH_PX = (5, 3)  # along, across
LARGEST_GAP_PX = 4
SHORTEST_PX = 8.0
LEAST_SHARE, MOST_SHARE, SLACK_PX = 0.5, 1.1, 6.0  # of the length that the polygon tells
LEAST_ELONGATION = 2.0  # a star has 1
LARGEST_TILT = 0.2  # against the path: transponders know where they go
_NEAR_PX, _BRIGHT_SIGMA, _BENT_PX = 3, 10.0, 40

Line = NDArray[np.float64]  # (N, 2) x, y


def middle_line(polygon: Line) -> tuple[Line, float]:
    """(N, 2) middle line of a polygon and half its width. Corners that face each other, first and last, second and
    last but one, as `skyspotter labels` writes them, tell a bent one; a polygon drawn otherwise is taken as straight.
    """
    if len(polygon) % 2 == 0:
        one, other = polygon[: len(polygon) // 2], polygon[: len(polygon) // 2 - 1 : -1]
        path, width = (one + other) / 2, float(np.linalg.norm(one - other, axis=1).mean())
        if length_px(path) > width:
            return path, width / 2
    path = centre_line(polygon)
    across = np.array([path[0, 1] - path[1, 1], path[1, 0] - path[0, 0]]) / max(length_px(path), 1e-9)
    return path, float(np.abs((polygon - path[0]) @ across).max())


def line_of_light(light: NDArray[np.float32], polygon: Line) -> Line | None:
    """(N, 2) the trail in a polygon; None where no line of light is as long as it should be, or it may be a star's.

    Args: light: (H, W) of the planes, larger is brighter; polygon (N, 2) in their pixels.
    """
    path, half = middle_line(polygon)
    length = length_px(path)
    expected = length - 2 * half  # a polygon is longer than its path by half its width at either end
    if expected < SHORTEST_PX:
        return None
    strip, at = _straightened(light, path, length, half)
    trail = _lit(strip, expected)
    if trail is None:
        return None
    along, offset = trail
    here, aside = at
    step = np.arange(len(here))
    return np.column_stack(
        [np.interp(along, step, here[:, k]) + offset * np.interp(along, step, aside[:, k]) for k in range(2)]
    )


def _straightened(
    light: NDArray[np.float32], path: Line, length: float, half: float
) -> tuple[NDArray[np.float32], tuple[Line, Line]]:
    """(offsets, steps) the light beside the path, in units of its noise; and the path with its normals, step by step.
    The middle row is the path."""
    corners = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    steps = np.arange(0.0, length, 1.0)
    here = np.column_stack([np.interp(steps, corners, path[:, k]) for k in range(2)])
    forward = np.gradient(here, axis=0)
    forward /= np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-9)
    aside = np.column_stack((-forward[:, 1], forward[:, 0]))
    reach = int(np.ceil(half))
    grid = here + np.arange(-reach, reach + 1)[:, None, None] * aside
    strip = cv2.remap(light, grid[..., 0].astype(np.float32), grid[..., 1].astype(np.float32), cv2.INTER_LINEAR)
    strip -= np.median(strip)
    return strip / max(_noise(strip), 1e-3), (here, aside)


def _lit(strip: NDArray[np.float32], expected: float) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(N,) steps along and (N,) offsets from the middle row, of a line of light across the strip."""
    rows, steps = strip.shape
    far = np.array([steps - 1.0, rows - 1.0])
    ends = snap(strip, np.array([[0.0, 0.0], [far[0], 0.0], far, [0.0, far[1]]]))
    along = np.arange(steps)
    across = np.clip(np.round(np.polyval(np.polyfit(*ends.T, 2), along)), 0, rows - 1).astype(int)
    smooth = cv2.blur(strip, SMOOTH_PX)
    smooth /= max(_noise(smooth), 1e-3)
    first, last = _longest_run(smooth[across, along] > LIT_SIGMA)
    run = slice(first + SMOOTH_PX[0] // 2, last + 1 - SMOOTH_PX[0] // 2)  # smoothing made it longer
    count = run.stop - run.start
    if not max(SHORTEST_PX, LEAST_SHARE * expected) <= count <= MOST_SHARE * expected + SLACK_PX:
        return None
    if smooth[across, along][run].mean() * np.sqrt(count / SMOOTH_PX[0]) < LEAST_SNR:
        return None
    if count < LEAST_ELONGATION * np.median([_width(smooth[:, step], across[step]) for step in along[run]]):
        return None
    chosen = np.linspace(run.start, run.stop - 1, 9)
    offset = np.polyval(_fitted(strip, along[run], across[run]), chosen) - (rows - 1) / 2
    return (chosen, offset) if np.ptp(offset) < LARGEST_TILT * count else None


def _fitted(strip: NDArray[np.float32], along: NDArray[np.int64], across: NDArray[np.int64]) -> NDArray[np.float64]:
    """Coefficients of the line, a long one bent, through the light near the rows given: beyond the light's ends `snap`
    follows whatever shines there, and is led aside by it."""
    near = np.clip(across[:, None] + np.arange(-_NEAR_PX, _NEAR_PX + 1), 0, strip.shape[0] - 1)
    degree = 2 if len(along) > _BENT_PX else 1
    weight = np.clip(strip[near, along[:, None]], 0.0, _BRIGHT_SIGMA)  # no flash decides alone
    return np.polyfit(np.repeat(along, near.shape[1]), near.ravel(), degree, w=np.sqrt(weight.ravel()) + 1e-6)


def _longest_run(lit: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last step of the longest stretch of light, small gaps within; (0, -1) where there is none."""
    at = np.flatnonzero(lit)
    if not len(at):
        return 0, -1
    runs = np.split(at, np.flatnonzero(np.diff(at) > LARGEST_GAP_PX + 1) + 1)
    longest = max(runs, key=lambda run: int(run[-1] - run[0]))
    return int(longest[0]), int(longest[-1])


def _width(column: NDArray[np.float32], row: int) -> int:
    """How many pixels of a column are lit around a row."""
    dark = np.flatnonzero(column <= LIT_SIGMA)
    above, below = dark[dark < row], dark[dark > row]
    return int((below[0] if len(below) else len(column)) - (above[-1] if len(above) else -1) - 1)


def _noise(light: NDArray[np.float32]) -> float:
    return 1.4826 * float(np.median(np.abs(light - np.median(light))))
