"""From logits to trails: bright pixels, connected, joined where strobes left gaps, fitted, scored. Torch-free.

A trail of an aircraft under strobes is a row of dashes; what lies on one line with small gaps is one trail. Crossing
trails are one blob; what one line cannot explain is split. All lengths here are pixels of the planes unless named
otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.contract import CLASSES, Trail, TrailClass

Points = NDArray[np.float64]
TRAIL_CLASSES: tuple[TrailClass, ...] = ("aircraft", "satellite", "meteor")
_TRAIL = [CLASSES.index(name) for name in TRAIL_CLASSES]
_OTHER = [CLASSES.index(name) for name in ("background", "cloud")]

PIXEL_PROBABILITY = 0.3  # of the mask; the trail as a whole must then pass the threshold
SMALLEST_PIECE = 4  # pixels of mask
MOST_PIECES = 300  # the largest; more than this is no sky with trails, and joining costs the square of it
SHORTEST_PX = 3.0
STRAIGHT_RMS_PX = 1.8  # a three pixel wide stroke has 0.8
BROADEST_PX = 12.0  # pixels per pixel of length: more is a glow, or some crossing lines, or a lamp out of focus
SLENDER = 15.0  # of such: length over width of each line,
SCRAP, EXPLAINED = 0.1, 0.8  # share of the pixels that makes a line of them, share that all lines together need,
MOST_CROSSING = 3  # and their number
JOIN_GAP_PX = 60.0
JOIN_ACROSS_PX = 2.5
JOIN_ANGLE_DEG = 10.0
MANY_ALIKE = (
    8  # parallel, equally long, side by side: the stars of a long exposure; no traffic and no train of satellites
)
ALIKE_ANGLE_DEG = 8.0
ALIKE_LENGTH = 2.0  # at most so many times longer or shorter
# Logistic fit of "was it real" on 140 training photographs, 16 frames of background cameras and 16 of simulated nights
# (offset -2.65); the offset is lowered by 0.35, so that at even score a false trail counts 1.4 times a missed one.
SCORE_OFFSET, SCORE_SLOPE = -3.0, 1.76
UNKNOWN_MARGIN = 0.2  # between the two likeliest classes


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Pixels of one (part of a) trail and the line through them."""

    xy: Points  # (N, 2)
    p: NDArray[np.float64]  # (N,) probability of being trail
    kinds: NDArray[np.float64]  # (N, 3) probability of each trail class, given trail
    centre: Points
    along: Points  # unit vector
    begin: float  # of the pixels, along the line from the centre
    end: float
    rms: float  # across

    @property
    def length(self) -> float:
        return self.end - self.begin

    @property
    def width(self) -> float:
        """Mean number of pixels across."""
        return len(self.xy) / max(self.length, 1.0)


def trails_from_logits(
    logits: NDArray[np.float32], *, threshold: float, stored_px_per_plane_px: int = 1, shortest_px: float = SHORTEST_PX
) -> list[Trail]:
    """Trails in stored pixels, best first.

    Args:
        logits: (1, len(CLASSES), H, W), already without padding.
        threshold: least score of a trail, 0-1.
        stored_px_per_plane_px: 2 for the half-resolution planes of a mosaic, else 1.
    """
    pieces = [part for piece in _pieces(logits[0]) for part in _straight_parts(piece)]
    lines = [piece for piece in _joined(pieces) if piece.length >= shortest_px]
    trails = []
    for piece, star in zip(lines, _star_trails(lines), strict=True):
        score = _score(piece)
        if score >= threshold and not star:
            trails.append(Trail(_kind(piece), score, _to_stored(_polyline(piece), stored_px_per_plane_px)))
    return sorted(trails, key=lambda trail: -trail.score)


def _to_stored(xy: Points, factor: int) -> Points:
    """Plane pixel i is the middle of stored pixels factor * i ... factor * i + factor - 1."""
    return xy * factor + (factor - 1) / 2


def _pieces(logits: NDArray[np.float32]) -> list[_Piece]:
    trail = np.maximum(np.maximum(logits[_TRAIL[0]], logits[_TRAIL[1]]), logits[_TRAIL[2]])
    trail -= np.maximum(logits[_OTHER[0]], logits[_OTHER[1]])
    # The winner's margin is within log 3 of the log-odds: a cheap sieve, exact odds only where it lets through.
    floor = float(np.log(PIXEL_PROBABILITY / (1 - PIXEL_PROBABILITY)))
    mask = (trail > floor - float(np.log(3))).astype(np.uint8)
    found = cv2.findNonZero(mask)
    if found is None:
        return []
    x, y = found.reshape(-1, 2).T
    at = logits[:, y, x].astype(np.float64)
    odds = np.logaddexp.reduce(at[_TRAIL]) - np.logaddexp.reduce(at[_OTHER])
    good = odds > floor
    mask[y[~good], x[~good]] = 0
    x, y, at, odds = x[good], y[good], at[:, good], odds[good]
    if not len(x):
        return []
    p = 1 / (1 + np.exp(-odds))
    kinds = np.exp(at[_TRAIL] - np.logaddexp.reduce(at[_TRAIL])).T
    _, marks = cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)
    mark = marks[y, x]
    order = np.argsort(mark, kind="stable")
    cuts = np.flatnonzero(np.diff(mark[order])) + 1
    groups = [g for g in np.split(order, cuts) if len(g) >= SMALLEST_PIECE]
    groups = sorted(groups, key=len, reverse=True)[:MOST_PIECES]
    xy = np.column_stack((x, y)).astype(np.float64)
    return [_fit(xy[g], p[g], kinds[g]) for g in groups]


def _fit(xy: Points, p: NDArray[np.float64], kinds: NDArray[np.float64]) -> _Piece:
    weight = p / p.sum()
    centre = weight @ xy
    off = xy - centre
    spread, axes = np.linalg.eigh((off * weight[:, None]).T @ off)
    along = axes[:, 1]
    s = off @ along
    return _Piece(xy, p, kinds, centre, along, float(s.min()), float(s.max()), float(np.sqrt(max(spread[0], 0.0))))


def _straight_parts(piece: _Piece) -> list[_Piece]:
    """The piece itself where one gently bent line explains it, otherwise the lines found in it one after the other. A
    broad one must be all lines, few and slender: a rim or a mast falls into lines, too."""
    parts = _lines_within(piece)
    if piece.width <= BROADEST_PX or len(piece.xy) <= BROADEST_PX**2:
        return parts
    lines = [part for part in parts if len(part.xy) >= SCRAP * len(piece.xy)]
    explained = sum(len(line.xy) for line in lines) / len(piece.xy)
    slender = all(line.length >= SLENDER * line.width for line in lines)
    return lines if len(lines) <= MOST_CROSSING and explained >= EXPLAINED and slender else []


def _lines_within(piece: _Piece) -> list[_Piece]:
    parts: list[_Piece] = []
    rest = piece
    for _ in range(6):
        residual = _residual(rest)
        # A bright trail is a band, spread across by its width over the root of 12; crossing lines spread more.
        spread = float(np.sqrt(np.average(residual**2, weights=rest.p)))
        if spread <= max(STRAIGHT_RMS_PX, 0.4 * rest.width) or len(rest.xy) < 12:
            return [*parts, rest]
        on = _best_line(rest)
        parts.append(_fit(rest.xy[on], rest.p[on], rest.kinds[on]))
        if (~on).sum() < SMALLEST_PIECE:
            return parts
        rest = _fit(rest.xy[~on], rest.p[~on], rest.kinds[~on])
    return parts  # what six lines do not explain is no trail


def _best_line(piece: _Piece) -> NDArray[np.bool_]:
    """Pixels near the line that explains most, of 60 through pairs of pixels (RANSAC; Fischler & Bolles 1981),
    seeded."""
    rng = np.random.default_rng(len(piece.xy))
    best = np.zeros(len(piece.xy), bool)
    for _ in range(60):
        i, j = rng.integers(len(piece.xy), size=2)
        line = piece.xy[j] - piece.xy[i]
        length = float(np.hypot(*line))
        if length < 4:
            continue
        off = piece.xy - piece.xy[i]
        near = np.abs(off[:, 0] * line[1] - off[:, 1] * line[0]) / length < 2.5
        if near.sum() > best.sum():
            best = near
    for _ in range(2):  # two pixels gave the direction; all of the line's give it better
        if best.sum() < SMALLEST_PIECE:
            return np.ones(len(piece.xy), bool)
        line = _fit(piece.xy[best], piece.p[best], piece.kinds[best])
        off = np.abs((piece.xy - line.centre) @ np.array([-line.along[1], line.along[0]]))
        best = off < max(3.0, 0.7 * line.width)  # a bright one is broad: what was left beside it would be its double
    return best


def _residual(piece: _Piece) -> NDArray[np.float64]:
    s, d = _along_across(piece)
    return np.asarray(d - np.polynomial.polynomial.polyval(s, _bend(piece, s, d)))


def _along_across(piece: _Piece) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Along the line scaled to about -1 ... 1, and across it in pixels."""
    off = piece.xy - piece.centre
    half = max(piece.length / 2, 1.0)
    return off @ piece.along / half, off @ np.array([-piece.along[1], piece.along[0]])


def _bend(piece: _Piece, s: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.float64]:
    degree = 1 if piece.length < 30 else 2 if piece.length < 200 else 4
    return np.asarray(np.polynomial.polynomial.polyfit(s, d, degree, w=np.sqrt(piece.p)))


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """Pieces on one line, with small gaps, made one; the longest take the others up."""
    pieces = sorted(pieces, key=lambda piece: -piece.length)
    first = 0
    while first < len(pieces):
        for other in range(first + 1, len(pieces)):
            if _on_one_line(pieces[first], pieces[other]):
                a, b = pieces[first], pieces.pop(other)
                whole = _fit(np.vstack((a.xy, b.xy)), np.concatenate((a.p, b.p)), np.vstack((a.kinds, b.kinds)))
                pieces[first] = whole
                break
        else:
            first += 1
    return pieces


def _on_one_line(a: _Piece, b: _Piece) -> bool:
    """Whether b, the shorter, continues a (or fills a gap of it)."""
    off = b.centre - a.centre
    s = float(off @ a.along)
    reach = b.length / 2 * abs(float(a.along @ b.along))
    gap = max(s - reach - a.end, a.begin - s - reach)
    if gap > min(JOIN_GAP_PX, 10 + 1.5 * max(a.length, b.length)):
        return False
    # The tangent at the nearer end, so that a long bent trail takes up its own continuation.
    half = max(a.length / 2, 1.0)
    bend = _bend(a, *_along_across(a))
    at = float(np.clip(s / half, -1, 1))
    slope = float(np.polynomial.polynomial.polyval(at, np.polynomial.polynomial.polyder(bend))) / half
    expected = float(np.polynomial.polynomial.polyval(at, bend)) + slope * (s - at * half)
    across = float(off @ np.array([-a.along[1], a.along[0]]))
    if abs(across - expected) > max(JOIN_ACROSS_PX, 0.6 * a.width) + 0.04 * max(gap, 0.0):
        return False
    if b.length < max(8.0, 2 * b.width):  # too short to have a direction of its own
        return True
    tangent = np.array([a.along[0] - slope * a.along[1], a.along[1] + slope * a.along[0]])
    return abs(float(tangent @ b.along)) / float(np.hypot(*tangent)) > np.cos(np.radians(JOIN_ANGLE_DEG))


def _star_trails(lines: list[_Piece]) -> NDArray[np.bool_]:
    """(N,) which lines are the trails of stars: many parallel, equally long ones side by side."""
    if len(lines) < MANY_ALIKE:
        return np.zeros(len(lines), bool)
    along, centre = np.stack([piece.along for piece in lines]), np.stack([piece.centre for piece in lines])
    length = np.array([piece.length for piece in lines])
    parallel = np.abs(along @ along.T) > np.cos(np.radians(ALIKE_ANGLE_DEG))
    ratio = length[:, None] / length
    off = centre[None] - centre[:, None]
    across = np.abs(off[..., 1] * along[:, None, 0] - off[..., 0] * along[:, None, 1])
    alike = parallel & (ratio < ALIKE_LENGTH) & (ratio > 1 / ALIKE_LENGTH) & (across > JOIN_ACROSS_PX)
    return np.asarray(alike.sum(axis=1) >= MANY_ALIKE - 1)


def _polyline(piece: _Piece) -> Points:
    s, d = _along_across(piece)
    bend = _bend(piece, s, d)
    count = 2 if piece.length < 30 else int(np.clip(piece.length / 15, 5, 60))
    half = max(piece.length / 2, 1.0)
    at = np.linspace(piece.begin, piece.end, count)
    across = np.polynomial.polynomial.polyval(at / half, bend)
    return np.asarray(
        piece.centre + at[:, None] * piece.along + across[:, None] * np.array([-piece.along[1], piece.along[0]])
    )


def _score(piece: _Piece) -> float:
    """0-1: sure pixels, enough of them, and not as broad as long; then as the odds of being real that were observed."""
    strongest = float(np.mean(np.sort(piece.p)[-max(4, int(0.7 * len(piece.p))) :]))
    slender = min(1.0, piece.length / (6.0 * max(piece.rms, 0.5)))
    enough = 1.0 - np.exp(-len(piece.p) / 8.0)
    raw = float(np.clip(strongest * slender * enough, 1e-3, 0.9995))
    return float(1 / (1 + np.exp(-SCORE_OFFSET - SCORE_SLOPE * np.log(raw / (1 - raw)))))


def _kind(piece: _Piece) -> TrailClass:
    share = piece.p @ piece.kinds / piece.p.sum()
    order = np.argsort(-share)
    return TRAIL_CLASSES[order[0]] if share[order[0]] - share[order[1]] >= UNKNOWN_MARGIN else "unknown"
