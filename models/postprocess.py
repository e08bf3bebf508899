"""From logits to trails: bright pixels, connected, made lines of (`lines`), scored. Torch-free.

All lengths here are pixels of the planes unless named otherwise.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.contract import CLASSES, Trail, TrailClass
from models.lines import SMALLEST_PIECE, Piece, Points, fit, joined, polyline, star_trails, straight_parts

TRAIL_CLASSES: tuple[TrailClass, ...] = ("aircraft", "satellite", "meteor")
_TRAILS = [CLASSES.index(name) for name in TRAIL_CLASSES]
_OTHER = [CLASSES.index(name) for name in ("background", "cloud")]

PIXEL_PROBABILITY = 0.3  # of the mask; the trail as a whole must then pass the threshold
MOST_PIECES = 300  # the largest; more than this is no sky with trails, and joining costs the square of it
SHORTEST_PX = 3.0
# Logistic fit of "was it real" on photographs, background cameras and 4 nights of training (`models fit-score`:
# offset -2.37); the offset is lowered by 1.70, so that at even score a false trail counts about five missed ones.
SCORE_OFFSET, SCORE_SLOPE = -4.07, 1.58
SUREST = 8.0  # log-odds of a pixel; more is no better
UNKNOWN_MARGIN = 0.2  # between the two likeliest classes


def trails_from_logits(
    logits: NDArray[np.float32], *, threshold: float, stored_px_per_plane_px: int = 1, shortest_px: float = SHORTEST_PX,
    raised: float = 0.0,
) -> list[Trail]:  # fmt: skip
    """Trails in stored pixels, best first.

    Args:
        logits: (1, len(CLASSES), H, W), already without padding.
        threshold: least score of a trail, 0-1.
        stored_px_per_plane_px: 2 for the half-resolution planes of a mosaic, else 1.
        raised: added to the log-odds of every score.
    """
    pieces = [part for piece in _pieces(logits[0]) for part in straight_parts(piece)]
    pieces = sorted(pieces, key=lambda piece: -len(piece.xy))[:MOST_PIECES]
    lines = [piece for piece in joined(pieces) if piece.length >= shortest_px]
    trails = []
    for piece, star in zip(lines, star_trails(lines), strict=True):
        score = _score(piece, raised)
        if score >= threshold and not star:
            trails.append(Trail(_kind(piece), score, _to_stored(polyline(piece), stored_px_per_plane_px)))
    return sorted(trails, key=lambda trail: -trail.score)


def _to_stored(xy: Points, factor: int) -> Points:
    """Plane pixel i is the middle of stored pixels factor * i ... factor * i + factor - 1."""
    return xy * factor + (factor - 1) / 2


def _pieces(logits: NDArray[np.float32]) -> list[Piece]:
    trail = np.maximum(np.maximum(logits[_TRAILS[0]], logits[_TRAILS[1]]), logits[_TRAILS[2]])
    trail -= np.maximum(logits[_OTHER[0]], logits[_OTHER[1]])
    # The winner's margin is within log 3 of the log-odds: a cheap sieve, exact odds only where it lets through.
    floor = float(np.log(PIXEL_PROBABILITY / (1 - PIXEL_PROBABILITY)))
    mask = (trail > floor - float(np.log(3))).astype(np.uint8)
    found = cv2.findNonZero(mask)
    if found is None:
        return []
    x, y = found.reshape(-1, 2).T
    at = logits[:, y, x].astype(np.float64)
    odds = np.logaddexp.reduce(at[_TRAILS]) - np.logaddexp.reduce(at[_OTHER])
    good = odds > floor
    mask[y[~good], x[~good]] = 0
    x, y, at, odds = x[good], y[good], at[:, good], odds[good]
    if not len(x):
        return []
    p = 1 / (1 + np.exp(-odds.clip(max=30)))  # below 1
    kinds = np.exp(at[_TRAILS] - np.logaddexp.reduce(at[_TRAILS])).T
    _, marks = cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)
    mark = marks[y, x]
    order = np.argsort(mark, kind="stable")
    cuts = np.flatnonzero(np.diff(mark[order])) + 1
    groups = [g for g in np.split(order, cuts) if len(g) >= SMALLEST_PIECE]
    groups = sorted(groups, key=len, reverse=True)[:MOST_PIECES]
    xy = np.column_stack((x, y)).astype(np.float64)
    return [fit(xy[g], p[g], kinds[g]) for g in groups]


def _score(piece: Piece, raised: float) -> float:
    """0-1: sure pixels, enough of them, and not as broad as long; then as the odds of being real that were observed."""
    log_odds = np.sort(np.log(piece.p / (1 - piece.p)))[-max(4, int(0.7 * len(piece.p))) :]
    slender = min(1.0, piece.length / (6.0 * max(piece.rms, 0.5)))
    enough = 1.0 - np.exp(-len(piece.p) / 8.0)
    raw = float(np.minimum(log_odds, SUREST).mean() + np.log(max(slender, 1e-3) * enough))
    return float(1 / (1 + np.exp(-SCORE_OFFSET - raised - SCORE_SLOPE * raw)))


def _kind(piece: Piece) -> TrailClass:
    share = piece.p @ piece.kinds / piece.p.sum()
    order = np.argsort(-share)
    return TRAIL_CLASSES[order[0]] if share[order[0]] - share[order[1]] >= UNKNOWN_MARGIN else "unknown"
