"""Does the plate still hold? Every frame: by how much the whole sky stands turned against where the plate puts it.

A camera that was knocked turns all stars by one rotation; cloud, hot pixels and passing lights agree on none. So the
offsets of the brightest stars are asked for the one small rotation that most of them share (three angles, by random
pairs: RANSAC, Fischler & Bolles 1981), first close to the predictions, then as far as REACH_DEG around them. What the
rotation does over the frames tells the rest: a jump, a slow drift, or a picture that no longer turns with the sky.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.geodesy import Site
from camera.plate import Plate
from camera.sectors import CENTRE_ENU
from camera.starcheck import EXPECTED_SNR, StarCheck, inside, measure

Vector = NDArray[np.float64]
State = Literal["OK", "SUSPECT", "JUMPED", "STILL", "UNKNOWN"]

NEAR_STARS, WIDE_STARS = 150, 70  # of the brightest
REACH_DEG = 1.5  # how far from its prediction a bright star is looked for
AGREE_DEG, AGREE_PX = 0.06, 1.2  # from the common rotation: one star's scatter; the larger counts
LEAST_STARS, LEAST_SHARE = 8, 0.4  # that must agree: of all that were found
_PAIRS = 300
_STEP_RAD = 1e-4

JUMPED_DEG, JUMPED_PX, JUMPED_FRAMES = 0.15, 1.2, 3  # beyond, in so many frames running
SUSPECT_DEG, SUSPECT_PX = 0.06, 0.5  # median over the window: a third of what the guard allows for
WINDOW_S, LEAST_FRAMES = 60.0, 5
UNTOLD_S = 60.0  # without stars for so long nobody knows
SIDEREAL_DEG_PER_S = 360.0 / 86164.1
STILL_SPAN_S, STILL_WITHIN = 8.0, 0.3  # of the sidereal rate, along and across the pole


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """By what small rotation the stars of one frame stand aside of the plate."""

    utc_ns: int  # middle of the exposure
    rotation_deg: Vector  # (3,) about east, north, up: predicted directions turned by it are where stars were found
    shift_px: float  # that this moves the picture by, median over the sky
    scatter_px: float  # of the stars about it, median
    stars: int  # that agree
    found: int  # that were asked

    @property
    def shift_deg(self) -> float:
        return float(np.linalg.norm(self.rotation_deg))


@dataclass(frozen=True, slots=True)
class PlateHealth:
    """What the newest frames say of the plate."""

    state: State
    words: str  # why it is not OK; "" when it is
    shift_px: float | None  # of the whole sky, median
    shift_deg: float | None
    rotation_deg: float | None  # about the zenith, eastwards positive
    tilt_deg: float | None  # of the zenith
    stars: int
    since_mono_s: float  # when the state began


def measure_turn(frame: Frame, plate: Plate, check: StarCheck) -> Turn | None:
    """None: too few stars agree on any rotation. `check` is of the same frame and plate."""
    utc_ns = frame.start_utc_ns + round(frame.exposure_s * 5e8)
    near = np.flatnonzero(check.snr > EXPECTED_SNR)[:NEAR_STARS]
    turn = _common(plate, frame, utc_ns, check.unit_enu[near], check.predicted_px[near], check.offset_px[near])
    if turn is not None:
        return turn
    reach_px = REACH_DEG * _px_per_deg(plate)
    cells = int(np.ceil(reach_px / 2)) * 2 + 2
    wide = np.flatnonzero(inside(frame, check.predicted_px, cells + 2))[:WIDE_STARS]
    flux, noise, offset = measure(frame, check.predicted_px[wide], cells=cells, search_px=reach_px)
    bright = flux > EXPECTED_SNR * noise
    return _common(plate, frame, utc_ns, check.unit_enu[wide][bright], check.predicted_px[wide][bright], offset[bright])


def _px_per_deg(plate: Plate) -> float:
    return float(np.radians(plate.parameters.f))


def _common(plate: Plate, frame: Frame, utc_ns: int, unit: Vector, at_px: Vector, offset_px: Vector) -> Turn | None:
    """The rotation that most offsets share: (N, 3) directions, (N, 2) predicted pixels and offsets."""
    if len(unit) < LEAST_STARS:
        return None
    # Turned by a small w, a direction v moves by w x v.
    slope = np.stack(
        [(plate.unit_to_pixel(unit + _STEP_RAD * np.cross(axis, unit), frame.origin_px) - at_px) / _STEP_RAD
         for axis in np.eye(3)], axis=-1,
    )  # (N, 2, 3) pixels per radian  # fmt: skip
    rng = np.random.default_rng(1)
    first = rng.integers(0, len(unit), _PAIRS)
    pair = np.stack((first, (first + rng.integers(1, len(unit), _PAIRS)) % len(unit)), axis=-1)
    design, wanted = slope[pair].reshape(_PAIRS, 4, 3), offset_px[pair].reshape(_PAIRS, 4)
    rotations = (np.linalg.pinv(design) @ wanted[..., None])[..., 0]  # (_PAIRS, 3)
    gate_px = max(AGREE_DEG * _px_per_deg(plate), AGREE_PX)
    left = np.linalg.norm(np.einsum("nck,pk->pnc", slope, rotations) - offset_px, axis=-1)
    agree = left[(left < gate_px).sum(axis=1).argmax()] < gate_px
    rotation = np.zeros(3)
    for _ in range(3):
        if agree.sum() < max(LEAST_STARS, LEAST_SHARE * len(unit)):
            return None
        rotation = np.linalg.lstsq(slope[agree].reshape(-1, 3), offset_px[agree].ravel(), rcond=None)[0]
        left_px = np.linalg.norm(slope @ rotation - offset_px, axis=-1)
        agree = left_px < gate_px
    turned = CENTRE_ENU + np.cross(rotation, CENTRE_ENU)
    moved_px = plate.unit_to_pixel(turned, frame.origin_px) - plate.unit_to_pixel(CENTRE_ENU, frame.origin_px)
    return Turn(
        utc_ns=utc_ns,
        rotation_deg=np.degrees(rotation),
        shift_px=float(np.nanmedian(np.linalg.norm(moved_px, axis=-1))),
        scatter_px=float(np.median(left_px[agree])),
        stars=int(agree.sum()),
        found=len(unit),
    )


class PlateWatch:
    """The turns of the last minute -> the plate's health. Pure: no clock, no device."""

    def __init__(self, plate: Plate) -> None:
        px_per_deg = _px_per_deg(plate)
        self._jumped_deg = max(JUMPED_DEG, JUMPED_PX / px_per_deg)
        self._suspect_deg = max(SUSPECT_DEG, SUSPECT_PX / px_per_deg)
        self._pole = _pole_enu(plate.site)
        self._turns: deque[tuple[float, Turn]] = deque()
        self._told_mono_s: float | None = None  # newest frame with stars
        self._state: State = "UNKNOWN"
        self._since_mono_s: float | None = None

    def add(self, mono_s: float, turn: Turn | None) -> PlateHealth:
        """The newest frame, which ended at `mono_s`; None: its stars do not tell."""
        if self._told_mono_s is None:
            self._told_mono_s = mono_s
        if turn is not None:
            self._told_mono_s = mono_s
            self._turns.append((mono_s, turn))
        while self._turns and self._turns[0][0] < mono_s - WINDOW_S:
            self._turns.popleft()
        state, words = self._judged(mono_s)
        if state != self._state or self._since_mono_s is None:
            self._state, self._since_mono_s = state, mono_s
        newest = self._turns[-1][1] if self._turns else None
        return PlateHealth(
            state=state,
            words=words,
            shift_px=None if newest is None else round(newest.shift_px, 2),
            shift_deg=None if newest is None else round(newest.shift_deg, 4),
            rotation_deg=None if newest is None else round(-float(newest.rotation_deg[2]), 4),
            tilt_deg=None if newest is None else round(float(np.hypot(*newest.rotation_deg[:2])), 4),
            stars=0 if newest is None else newest.stars,
            since_mono_s=self._since_mono_s,
        )

    def _judged(self, mono_s: float) -> tuple[State, str]:
        turns = [turn for _, turn in self._turns]
        if self._stands_still(turns):
            return "STILL", "the stars do not turn with the sky: the picture stands still, or its clock does"
        last = turns[-JUMPED_FRAMES:]
        if len(last) == JUMPED_FRAMES and all(turn.shift_deg > self._jumped_deg for turn in last):
            return "JUMPED", f"{_aside(last[-1])}: the camera was moved; run `skyspotter calibrate` again"
        if self._told_mono_s is None or not turns or mono_s - self._told_mono_s > UNTOLD_S:
            return "UNKNOWN", "too few stars to check the plate by"
        middle = sorted(turns, key=lambda turn: turn.shift_deg)[len(turns) // 2]
        if len(turns) >= LEAST_FRAMES and middle.shift_deg > self._suspect_deg:
            return "SUSPECT", f"{_aside(middle)}: it drifts; refine it with `skyspotter calibrate --prior` soon"
        return "OK", ""

    def _stands_still(self, turns: list[Turn]) -> bool:
        """A picture that repeats lets its stars fall behind by the Earth's turn, about the pole."""
        if len(turns) < LEAST_FRAMES:
            return False
        newest_ns = turns[-1].utc_ns
        some = [turn for turn in turns if newest_ns - turn.utc_ns <= 1.5e9 * STILL_SPAN_S]
        t_s = np.array([(turn.utc_ns - newest_ns) / 1e9 for turn in some])
        if len(some) < LEAST_FRAMES or np.ptp(t_s) < STILL_SPAN_S:
            return False
        rotations = np.array([turn.rotation_deg for turn in some])
        rate, _ = np.polyfit(t_s, rotations, 1) / SIDEREAL_DEG_PER_S
        left_deg = rotations - rotations.mean(axis=0) - np.outer(t_s - t_s.mean(), rate * SIDEREAL_DEG_PER_S)
        along = float(rate @ self._pole)
        across = float(np.linalg.norm(rate - along * self._pole))
        steady = float(np.abs(left_deg).max()) < STILL_WITHIN * SIDEREAL_DEG_PER_S * float(np.ptp(t_s))
        return steady and abs(along - 1) < STILL_WITHIN and across < STILL_WITHIN


def _aside(turn: Turn) -> str:
    return f"{turn.stars} stars stand {turn.shift_px:.1f} px ({turn.shift_deg:.2f} degrees) from where the plate says"


def _pole_enu(site: Site) -> Vector:
    latitude = np.radians(site.latitude_deg)
    return np.array([0.0, np.cos(latitude), np.sin(latitude)])
