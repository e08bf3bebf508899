"""Learns from a night's frames what hides the sky for good: what shines there and does not turn, and where no star
ever shows that should.

Lamps: pixels that stand out of their surroundings in most frames, whenever no catalogue star is near. Skyline, mast and
dome: cells in which the catalogue's stars were due again and again, in frames that were clear elsewhere, and hardly
ever came. A cell that no star crossed stays unmasked: the star checks judge it like any other sky.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import background, normalised_planes
from camera.device import Frame
from camera.mask import Mask, mask_of
from camera.plate import Plate
from camera.sectors import RING_EDGES_DEG, RINGS
from camera.starcheck import check_stars

Float32 = NDArray[np.float32]

LIT_SIGMA = 5.0  # of the light of one cell of 2 x 2 pixels
LIT_SHARE = 0.7  # of the frames
LEAST_FRAMES, LEAST_SPAN_S = 10, 1800.0  # in half an hour the sky turns by 7 degrees: no star stays on its pixels
CLEAR_SHARE = 0.6  # of the expected stars: a frame with fewer was clouded
CELL_DEG = 1.5
HIDDEN_SHARE, LEAST_STARS = 0.5, 4.0  # of the stars due in and around a cell fewer came; so many must have been due
_STAR_PX = 5  # around a star's prediction nothing counts as a lamp


class MaskUnlearnable(Exception):
    """The frames do not tell what hides the sky. One sentence that says which would."""


class MaskLearner:
    """`add` the frames of a night, in any order; then `mask`. Frames must be of the plate's camera and region."""

    def __init__(self, plate: Plate) -> None:
        self._plate = plate
        width, height = plate.region.size_px
        self._pitch = max(4, round(np.radians(plate.parameters.f) * CELL_DEG))
        self._due = np.zeros((-(-height // self._pitch), -(-width // self._pitch)), np.float32)
        self._came = np.zeros_like(self._due)
        self._dark: NDArray[np.uint16] | None = None  # frames without and with light, per pixel of a plane
        self._lit: NDArray[np.uint16] | None = None
        self._zero_mag = np.full(RINGS, np.nan)
        self._clear_utc_ns: list[int] = []
        self.frames = 0

    def add(self, frame: Frame) -> bool:
        """False: clouded, not used."""
        self.frames += 1
        check = check_stars(frame, self._plate, self._zero_mag)
        if not check.expected.any() or check.seen.sum() < CLEAR_SHARE * check.expected.sum():
            return False
        self._zero_mag = np.fmax(self._zero_mag, check.zero_mag)
        self._clear_utc_ns.append(frame.start_utc_ns)
        column, row = (check.predicted_px[check.expected] / self._pitch).astype(int).T
        np.add.at(self._due, (row, column), 1)
        np.add.at(self._came, (row, column), check.seen[check.expected])
        self._add_light(frame, check.predicted_px)
        return True

    def _add_light(self, frame: Frame, stars_px: NDArray[np.float64]) -> None:
        planes = normalised_planes(frame, background(frame))
        light = planes.sum(axis=0) / 2  # of four planes with noise 1 each
        scale = frame.width // light.shape[1]
        free = np.ones(light.shape, np.uint8)
        for x, y in np.round(stars_px / scale).astype(int).tolist():
            cv2.circle(free, (x, y), -(-_STAR_PX // scale), 0, -1)
        if self._lit is None or self._dark is None:
            self._lit, self._dark = np.zeros(light.shape, np.uint16), np.zeros(light.shape, np.uint16)
        lit = light > LIT_SIGMA
        self._lit += lit & (free > 0)
        self._dark += ~lit & (free > 0)

    def mask(self) -> Mask:
        """Raises MaskUnlearnable when too few clear frames over too short a time were given."""
        span_s = (max(self._clear_utc_ns) - min(self._clear_utc_ns)) / 1e9 if self._clear_utc_ns else 0.0
        if len(self._clear_utc_ns) < LEAST_FRAMES or span_s < LEAST_SPAN_S:
            raise MaskUnlearnable(
                f"{len(self._clear_utc_ns)} of {self.frames} frames are clear and span {span_s / 60:.0f} minutes; "
                f"{LEAST_FRAMES} over {LEAST_SPAN_S / 60:.0f} minutes are needed: give frames of a whole clear night"
            )
        date = datetime.fromtimestamp(max(self._clear_utc_ns) / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        hidden = self._lamps() | self._obstacles()
        return mask_of(hidden & self._judged(), self._plate, date=date, frames=len(self._clear_utc_ns))

    def _lamps(self) -> NDArray[np.bool_]:
        assert self._lit is not None
        assert self._dark is not None
        seen = self._lit.astype(np.float32) + self._dark
        steady = (self._lit >= LIT_SHARE * seen) & (seen >= LEAST_FRAMES / 2)
        # A lamp is wider than one cell; what is left of a hot photosite is not.
        wide = cv2.morphologyEx(steady.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        return self._enlarged(cv2.dilate(wide, np.ones((5, 5), np.uint8)))

    def _obstacles(self) -> NDArray[np.bool_]:
        due, came = (cv2.GaussianBlur(counts, (5, 5), 1.0) for counts in (self._due, self._came))
        missed = (due * 9 >= LEAST_STARS) & (came < HIDDEN_SHARE * due)
        # One cell alone is chance.
        hidden = cv2.morphologyEx(missed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        grown = np.repeat(np.repeat(hidden > 0, self._pitch, axis=0), self._pitch, axis=1)
        width, height = self._plate.region.size_px
        return np.asarray(grown[:height, :width])

    def _judged(self) -> NDArray[np.bool_]:
        """(height, width): above the elevation down to which stars are asked for, with room for what ends there."""
        width, height = self._plate.region.size_px
        y, x = np.mgrid[:height:8, :width:8].astype(float)
        azel = self._plate.pixel_to_azel(np.stack((x, y), axis=-1), self._plate.region.origin_px)
        high = np.nan_to_num(azel[..., 1], nan=-90.0) > RING_EDGES_DEG[0] - 2.0
        return self._enlarged(high.astype(np.uint8))

    def _enlarged(self, cells: NDArray[Any]) -> NDArray[np.bool_]:
        width, height = self._plate.region.size_px
        return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST) > 0)
