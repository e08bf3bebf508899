"""What hides the sky for good: skyline, masts, dome, lamps. A checked JSON file of polygons on the sensor.

Masked is blind, not clear: the station vouches for nothing there. A light that is seen behind the mask still counts;
a mask takes away trust, never evidence. Like the plate it belongs to one camera and one region of its sensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from camera.device import CameraError, PlateRefused
from camera.plate import Plate, Region
from camera.sealed import Sealed
from camera.sectors import SECTORS, sector_of

Polygon = tuple[tuple[float, float], ...]

CELL_PX = 4  # side of the cells in which the mask is looked up
MARGIN_DEG = 3.6  # around it: no direction between two that a guard asks for may slip through


class Mask(Sealed):
    """Areas without sky. Make one with `Mask.sealed`, which fills in the hash."""

    WHAT: ClassVar[str] = "mask"
    AGAIN: ClassVar[str] = "run `skyspotter mask learn` or `skyspotter mask draw`"
    REFUSED: ClassVar[type[CameraError]] = PlateRefused

    model: Literal["mask/1"] = "mask/1"
    polygons_px: tuple[Polygon, ...]  # corners x, y of the full sensor; one inside another is a hole
    camera_serial: str
    region: Region
    date: str  # of the newest frame learned from, or of the drawing; ISO 8601 UTC
    frames: int = Field(ge=0)  # learned from; 0: drawn by hand

    @cached_property
    def cells(self) -> NDArray[np.bool_]:
        """(rows, columns) cells of the region, CELL_PX wide: True where any of it is masked."""
        width, height = self.region.size_px
        picture = np.zeros((height, width), np.uint8)
        corners = [np.round(np.array(one) - self.region.origin_px).astype(np.int32) for one in self.polygons_px]
        cv2.fillPoly(picture, corners, 1)  # all at once: even-odd, so that holes stay open
        rows, columns = -(-height // CELL_PX), -(-width // CELL_PX)
        padded = np.zeros((rows * CELL_PX, columns * CELL_PX), np.uint8)
        padded[:height, :width] = picture
        return np.asarray(padded.reshape(rows, CELL_PX, columns, CELL_PX).max(axis=(1, 3)).astype(bool))

    def covers(self, xy_px: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(N, 2) stored pixels -> (N,): whether the mask hides the sky there; False outside the frame."""
        return _at(self.cells, self.region, xy_px)


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """A mask laid onto the sky by the plate of its camera. Make one with `Hidden.behind`."""

    plate: Plate
    mask: Mask
    near: NDArray[np.bool_]  # as `Mask.cells`, the margin included
    sectors: NDArray[np.bool_]  # (SECTORS,) of `camera.sectors`: of which most is masked

    @classmethod
    def behind(cls, mask: Mask, plate: Plate) -> Hidden:
        radius = max(1, round(MARGIN_DEG * np.radians(plate.parameters.f) / CELL_PX))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        near = cv2.dilate(mask.cells.astype(np.uint8), disc).astype(bool)
        y, x = np.mgrid[: mask.cells.shape[0], : mask.cells.shape[1]] * CELL_PX + (CELL_PX - 1) / 2
        azel = plate.pixel_to_azel(np.stack((x.ravel(), y.ravel()), axis=-1), mask.region.origin_px)
        sector = sector_of(azel)
        there = sector >= 0
        total = np.bincount(sector[there], minlength=SECTORS)
        masked = np.bincount(sector[there], weights=mask.cells.ravel()[there], minlength=SECTORS)
        return cls(plate, mask, near, masked > 0.5 * np.maximum(total, 1))

    def hides(self, unit_enu: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(N, 3) ENU -> (N,): whether the camera looks at the mask there, or within the margin of it."""
        return _at(self.near, self.mask.region, self.plate.unit_to_pixel(unit_enu, self.mask.region.origin_px))


def _at(cells: NDArray[np.bool_], region: Region, xy_px: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N, 2) stored pixels -> (N,) the cell they fall into; False outside the region."""
    rows, columns = cells.shape
    with np.errstate(invalid="ignore"):  # NaN: not projectable, hence not inside
        inside = np.asarray(((xy_px > -0.5) & (xy_px < np.array(region.size_px) - 0.5)).all(axis=1))
    at = (np.where(inside[:, None], xy_px, 0.0) + 0.5) // CELL_PX
    column, row = at.astype(np.int64).T
    return np.asarray(inside & cells[np.minimum(row, rows - 1), np.minimum(column, columns - 1)])


def load_mask(path: Path, plate: Plate) -> Mask:
    """Raises PlateRefused for a file that is missing, damaged, altered, or of another camera or region than `plate`."""
    mask = Mask.load(path)
    if mask.camera_serial != plate.camera_serial or mask.region != plate.region:
        raise PlateRefused(f"mask {path} was made for another camera or region than the plate: {Mask.AGAIN}")
    return mask


def mask_of(hidden: NDArray[np.bool_], plate: Plate, *, date: str, frames: int) -> Mask:
    """From a picture (height, width) of the plate's region, True where the sky is hidden."""
    grown = cv2.dilate(hidden.astype(np.uint8), np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(grown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    origin = np.asarray(plate.region.origin_px)
    polygons = [cv2.approxPolyDP(outline, 1.0, True)[:, 0] + origin for outline in outlines]
    return Mask.sealed(
        polygons_px=[[(float(x), float(y)) for x, y in polygon] for polygon in polygons],
        camera_serial=plate.camera_serial,
        region=plate.region,
        date=date,
        frames=frames,
    )
