"""The plate: which pixel of this camera looks where. A small JSON file, checked before it is believed.

Parameters are in pixels of the FULL sensor, so that a plate does not depend on how a frame was cut; still it is refused
for another region than the one it was made from, because stars then covered other parts of the lens.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from camera.device import CameraError, Frame, PlateRefused
from camera.geodesy import Site, azel_to_unit, enu_to_azel
from camera.lens import PARAMETERS, project, slope_px, theta_limit_rad, unproject
from camera.sealed import Sealed

Row = tuple[float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LensParameters(_Part):
    """`camera.lens.PARAMETERS`, pixels of the full sensor and radians."""

    rx: float
    ry: float
    rz: float
    cx: float
    cy: float
    f: float = Field(gt=1.0)
    k1: float
    k2: float
    k3: float
    p1: float
    p2: float
    b1: float = Field(gt=-0.2, lt=0.2)
    b2: float = Field(gt=-0.2, lt=0.2)


class Region(_Part):
    """The part of the sensor that is read out."""

    origin_px: tuple[int, int]  # x, y on the full sensor
    size_px: tuple[int, int]  # width, height


class Station(_Part):
    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)
    height_m: float

    @classmethod
    def of(cls, site: Site) -> Station:
        return cls(latitude_deg=site.latitude_deg, longitude_deg=site.longitude_deg, height_m=site.height_m)


class Plate(Sealed):
    """A solved camera. Make one with `Plate.sealed`, which fills in the hash."""

    WHAT: ClassVar[str] = "plate"
    AGAIN: ClassVar[str] = "run calibrate"
    REFUSED: ClassVar[type[CameraError]] = PlateRefused

    model: Literal["kb13/1"] = "kb13/1"
    parameters: LensParameters
    flip: Literal[1, -1]
    r0: tuple[Row, Row, Row]
    covariance: tuple[tuple[float, ...], ...] | None = None  # 13 x 13, of `parameters` in their order
    camera_serial: str
    region: Region
    date: str  # of the newest frame used, ISO 8601 UTC
    station: Station
    rms_px: float = Field(ge=0)
    stars: int = Field(ge=0)

    @field_validator("r0")
    @classmethod
    def _rotation(cls, rows: tuple[Row, Row, Row]) -> tuple[Row, Row, Row]:
        matrix = np.array(rows)
        if np.abs(matrix @ matrix.T - np.eye(3)).max() > 1e-6 or np.linalg.det(matrix) < 0:
            raise ValueError("is not a rotation matrix")
        return rows

    @model_validator(mode="after")
    def _usable(self) -> Plate:
        if theta_limit_rad(self.vector) < np.radians(60.0):
            raise ValueError("the lens polynomial turns back within 60 degrees of the axis")
        if self.covariance is not None and np.shape(self.covariance) != (len(PARAMETERS), len(PARAMETERS)):
            raise ValueError("covariance must be 13 x 13")
        return self

    @property
    def vector(self) -> NDArray[np.float64]:
        """(13,) for the functions of `camera.lens`."""
        return np.array([getattr(self.parameters, name) for name in PARAMETERS])

    @property
    def site(self) -> Site:
        return Site(self.station.latitude_deg, self.station.longitude_deg, self.station.height_m)

    def pixel_to_unit(self, xy_px: NDArray[np.float64], origin_px: tuple[int, int]) -> NDArray[np.float64]:
        """(..., 2) stored pixels of a frame with that origin -> (..., 3) unit ENU, apparent; NaN outside the lens."""
        return unproject(self.vector, np.array(self.r0), self.flip, np.asarray(xy_px, dtype=float) + origin_px)

    def unit_to_pixel(self, unit_enu: NDArray[np.float64], origin_px: tuple[int, int]) -> NDArray[np.float64]:
        """(..., 3) ENU of any length -> (..., 2) stored pixels, inside the frame or not; NaN where not projectable."""
        return project(self.vector, np.array(self.r0), self.flip, np.asarray(unit_enu, dtype=float)) - origin_px

    def pixel_to_azel(self, xy_px: NDArray[np.float64], origin_px: tuple[int, int]) -> NDArray[np.float64]:
        """(..., 2) stored pixels -> (..., 2) azimuth, elevation in degrees."""
        return enu_to_azel(self.pixel_to_unit(xy_px, origin_px))

    def azel_to_pixel(self, azel_deg: NDArray[np.float64], origin_px: tuple[int, int]) -> NDArray[np.float64]:
        """(..., 2) azimuth, elevation in degrees -> (..., 2) stored pixels."""
        azel = np.asarray(azel_deg, dtype=float)
        return self.unit_to_pixel(azel_to_unit(azel[..., 0], azel[..., 1]), origin_px)

    def shows(self, unit_enu: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(N, 3) ENU -> (N,): whether that direction falls on a pixel of the region that is read out."""
        xy_px = self.unit_to_pixel(unit_enu, self.region.origin_px)
        with np.errstate(invalid="ignore"):  # NaN: not projectable, hence not shown
            return np.asarray(((xy_px >= 0) & (xy_px <= np.array(self.region.size_px) - 1)).all(axis=-1))

    def sigma_deg(self, unit_enu: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) ENU -> (N,) one sigma of where the plate puts it, along its worst direction; 0 without a
        covariance. Only for directions that the lens shows."""
        if self.covariance is None:
            return np.zeros(len(unit_enu))
        r0, step_rad = np.array(self.r0), 1e-4
        slope = slope_px(self.vector, r0, self.flip, unit_enu, range(len(PARAMETERS)))
        variance_px = slope @ np.array(self.covariance) @ slope.transpose(0, 2, 1)  # (N, 2, 2)
        # Pixels back to angles on the sky by the lens's scale there, along two tangents of the sphere.
        first = np.cross(unit_enu, np.where(np.abs(unit_enu[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]))
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        here = self.unit_to_pixel(unit_enu, (0, 0))
        moved = [self.unit_to_pixel(unit_enu + step_rad * t, (0, 0)) for t in (first, np.cross(unit_enu, first))]
        to_sky = np.linalg.inv((np.stack(moved, axis=-1) - here[..., None]) / step_rad)
        variance = to_sky @ variance_px @ to_sky.transpose(0, 2, 1)
        return np.asarray(np.degrees(np.sqrt(np.maximum(np.linalg.eigvalsh(variance)[:, 1], 0.0))))


def load_plate(path: Path) -> Plate:
    """Raises PlateRefused, in one sentence, for a file that is missing, damaged, altered or of an unknown model."""
    return Plate.load(path)


def check_plate(plate: Plate, frame: Frame) -> None:
    """Raises PlateRefused when the frame is of another camera or of another region of the sensor."""
    if plate.camera_serial != frame.camera_serial:
        raise PlateRefused(
            f"the plate was made with camera {plate.camera_serial!r}, the frame is of camera {frame.camera_serial!r}: "
            "run calibrate"
        )
    region = Region(origin_px=frame.origin_px, size_px=(frame.width, frame.height))
    if plate.region != region:
        raise PlateRefused(
            f"the plate was made for region {plate.region.size_px} at {plate.region.origin_px}, the frame is "
            f"{region.size_px} at {region.origin_px}: restore [camera] width_px and height_px, or run calibrate"
        )
