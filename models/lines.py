"""Pixels of trail as lines: pieces fitted, crossing ones taken apart, dashes joined, the trails of stars told. Pure.

A trail of an aircraft under strobes is a row of dashes; what lies on one line with small gaps is one trail. Crossing
trails are one blob; what one line cannot explain is split. All lengths are pixels of the planes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

SMALLEST_PIECE = 4  # pixels of mask
STRAIGHT_RMS_PX = 1.8  # a three pixel wide stroke has 0.8
BROADEST_PX = 12.0  # pixels per pixel of length: more is a glow, or some crossing lines, or a lamp out of focus
SLENDER = 15.0  # of such: length over width of each line,
SCRAP, EXPLAINED = 0.1, 0.8  # share of the pixels that makes a line of them, share that all lines together need,
MOST_CROSSING = 3  # and their number
LARGEST = 100_000  # pixels of such: beyond, half the sky is lit
BENT = 0.012  # sagitta per length: rims have more
CLEAR_PX, CLEAR_GAP_PX = 60.0, 3  # of a line leaving a broad piece: least length, longest gap
NARROW, BROAD = (60, 2), (500, 8)  # tries and rounds that a line is sought with
SAMPLE = 1500  # pixels, at most, that judge the tries
JOIN_GAP_PX = 60.0
JOIN_ACROSS_PX = 2.5
JOIN_ANGLE_DEG = 10.0
MANY_ALIKE = 8  # side by side, parallel, equally long: stars of a long exposure; no traffic, no train of satellites
ALIKE_ANGLE_DEG = 8.0
ALIKE_LENGTH = 2.0  # at most so many times longer or shorter


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
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


def fit(xy: Points, p: NDArray[np.float64], kinds: NDArray[np.float64]) -> Piece:
    """The line through the pixels, each weighed by its probability."""
    weight = p / p.sum()
    centre = weight @ xy
    off = xy - centre
    spread, axes = np.linalg.eigh((off * weight[:, None]).T @ off)
    along = axes[:, 1]
    s = off @ along
    return Piece(xy, p, kinds, centre, along, float(s.min()), float(s.max()), float(np.sqrt(max(spread[0], 0.0))))


def straight_parts(piece: Piece) -> list[Piece]:
    """The piece itself where one gently bent line explains it, otherwise the lines found in it one after the other. A
    broad one must be all lines, few and slender: a rim or a mast falls into lines, too; else it gives only what leaves
    it as a trail would."""
    if piece.width <= BROADEST_PX or len(piece.xy) <= BROADEST_PX**2:
        return _lines_within(piece, *NARROW)
    if len(piece.xy) > LARGEST:
        return []
    parts = _lines_within(piece, *BROAD)
    if len(parts) == 1:
        return parts if parts[0].length >= SLENDER * parts[0].width else []
    lines = [part for part in parts if len(part.xy) >= SCRAP * len(piece.xy)]
    explained = sum(len(line.xy) for line in lines) / len(piece.xy)
    if len(lines) <= MOST_CROSSING and explained >= EXPLAINED and all(map(_slender_straight, lines)):
        return lines
    leaving = [line for part in parts if (line := _clear_stretch(part, piece)) is not None]
    return leaving if len(leaving) <= MOST_CROSSING else []


def _lines_within(piece: Piece, tries: int, rounds: int) -> list[Piece]:
    parts: list[Piece] = []
    rest = piece
    for _ in range(6):
        residual = _residual(rest)
        # A bright trail is a band, spread across by its width over the root of 12; crossing lines spread more.
        spread = float(np.sqrt(np.average(residual**2, weights=rest.p)))
        if spread <= max(STRAIGHT_RMS_PX, 0.4 * rest.width) or len(rest.xy) < 12:
            return [*parts, rest]
        on = _best_line(rest, tries, rounds)
        parts.append(_taken(rest, on))
        if (~on).sum() < SMALLEST_PIECE:
            return parts
        rest = _taken(rest, ~on)
    return parts  # what six lines do not explain is no trail


def _best_line(piece: Piece, tries: int, rounds: int) -> NDArray[np.bool_]:
    """Pixels near the line that explains most, of those through pairs of pixels (RANSAC; Fischler & Bolles 1981),
    seeded; of many pixels a sample decides."""
    rng = np.random.default_rng(len(piece.xy))
    some = piece.xy[:: len(piece.xy) // SAMPLE + 1]
    begin, end = some[rng.integers(len(some), size=(2, tries))]
    length = np.hypot(*(end - begin).T)
    normal = (end - begin)[:, ::-1] * (-1, 1) / np.maximum(length, 1e-9)[:, None]
    near = np.abs(some @ normal.T - (begin * normal).sum(axis=1)) < 2.5
    chosen = int(np.argmax(np.where(length < 4, -1, near.sum(axis=0))))
    best = np.abs((piece.xy - begin[chosen]) @ normal[chosen]) < 2.5
    for _ in range(rounds):  # two pixels gave the direction; all of the line's give it better, and its width
        if best.sum() < SMALLEST_PIECE:
            return np.ones(len(piece.xy), bool)
        line, before = _taken(piece, best), best
        off = np.abs((piece.xy - line.centre) @ np.array([-line.along[1], line.along[0]]))
        best = off < _half(line)  # a bright one is broad: what was left beside it would be its double
        if (best == before).all():
            break
    return best


def _clear_stretch(line: Piece, whole: Piece) -> Piece | None:
    """The longest stretch of a line with nothing lit beside it, where that is long, slender and straight: an aircraft
    leaving the lit rim of a lens. None for a part of the rim itself, which bends, or a ragged one's."""
    off = whole.xy - line.centre
    s, d = off @ line.along, np.abs(off @ np.array([-line.along[1], line.along[0]]))
    half = _half(line)
    step = np.floor(s - s.min()).astype(int)
    lit, beside = (
        np.bincount(step[at], minlength=step.max() + 1) > 0 for at in (d < half, (d >= half) & (d < 3 * half))
    )
    at = np.flatnonzero(lit & ~beside)
    if not len(at):
        return None
    run = max(np.split(at, np.flatnonzero(np.diff(at) > CLEAR_GAP_PX) + 1), key=len)
    on = (d < half) & (step >= run[0]) & (step <= run[-1])
    clear = _taken(whole, on)
    return clear if clear.length >= CLEAR_PX and _slender_straight(clear) else None


def _slender_straight(line: Piece) -> bool:
    sagitta = abs(float(np.polynomial.polynomial.polyfit(*_along_across(line), 2)[2]))
    return line.length >= SLENDER * line.width and sagitta <= BENT * line.length


def _half(line: Piece) -> float:
    """Of its width where it is lit, and some more: a line may have gaps, and what lies on it far away."""
    steps = np.unique(np.floor((line.xy - line.centre) @ line.along))
    return max(3.0, 0.7 * len(line.xy) / len(steps))


def _taken(piece: Piece, on: NDArray[np.bool_]) -> Piece:
    return fit(piece.xy[on], piece.p[on], piece.kinds[on])


def _residual(piece: Piece) -> NDArray[np.float64]:
    s, d = _along_across(piece)
    return np.asarray(d - np.polynomial.polynomial.polyval(s, _bend(piece, s, d)))


def _along_across(piece: Piece) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Along the line scaled to about -1 ... 1, and across it in pixels."""
    off = piece.xy - piece.centre
    half = max(piece.length / 2, 1.0)
    return off @ piece.along / half, off @ np.array([-piece.along[1], piece.along[0]])


def _bend(piece: Piece, s: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.float64]:
    degree = 1 if piece.length < 30 else 2 if piece.length < 200 else 4
    return np.asarray(np.polynomial.polynomial.polyfit(s, d, degree, w=np.sqrt(piece.p)))


def joined(pieces: list[Piece]) -> list[Piece]:
    """Pieces on one line, with small gaps, made one; the longest take the others up."""
    pieces = sorted(pieces, key=lambda piece: -piece.length)
    first = 0
    while first < len(pieces):
        bend = _bend(pieces[first], *_along_across(pieces[first]))
        for other in range(first + 1, len(pieces)):
            if _on_one_line(pieces[first], bend, pieces[other]):
                a, b = pieces[first], pieces.pop(other)
                whole = fit(np.vstack((a.xy, b.xy)), np.concatenate((a.p, b.p)), np.vstack((a.kinds, b.kinds)))
                pieces[first] = whole
                break
        else:
            first += 1
    return pieces


def _on_one_line(a: Piece, bend: NDArray[np.float64], b: Piece) -> bool:
    """Whether b, the shorter, continues a, bent like that (or fills a gap of it)."""
    off = b.centre - a.centre
    s = float(off @ a.along)
    reach = b.length / 2 * abs(float(a.along @ b.along))
    gap = max(s - reach - a.end, a.begin - s - reach)
    if gap > min(JOIN_GAP_PX, 10 + 1.5 * max(a.length, b.length)):
        return False
    # The tangent at the nearer end, so that a long bent trail takes up its own continuation.
    half = max(a.length / 2, 1.0)
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


def star_trails(lines: list[Piece]) -> NDArray[np.bool_]:
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


def polyline(piece: Piece) -> Points:
    """(N, 2) along the gently bent middle. The pixels reach as far beyond its ends as across it; that is no trail."""
    s, d = _along_across(piece)
    bend = _bend(piece, s, d)
    count = 2 if piece.length < 30 else int(np.clip(piece.length / 15, 5, 60))
    half = max(piece.length / 2, 1.0)
    cap = min(max(piece.width - 1, 0.0) / 2, piece.length / 4)
    at = np.linspace(piece.begin + cap, piece.end - cap, count)
    across = np.polynomial.polynomial.polyval(at / half, bend)
    return np.asarray(
        piece.centre + at[:, None] * piece.along + across[:, None] * np.array([-piece.along[1], piece.along[0]])
    )
