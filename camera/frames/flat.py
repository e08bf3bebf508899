"""The lens's shading, measured by stars: how much less light reaches the edge of a fisheye picture than its middle.

No lamp lights half a sphere evenly, and the sky's own glow is brightest where the lens is darkest; stars are known. The
light of each against its catalogue magnitude, extinction taken off, is a sample of the shading at its angle from the
axis; a polynomial in the square of that angle goes through thousands of them. Extinction and shading both grow towards
the horizon: 0.05 mag per air mass of the one, misjudged, become 0.15 mag of the other at 20 degrees of elevation.

A flat hardly changes a detection: the network sees the picture in units of its own noise. It evens out the published
views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import CameraError, Frame
from camera.frames.dark import MasterRefused
from camera.geodesy import azel_to_unit
from camera.plate import Plate, check_plate
from camera.sealed import Sealed
from camera.sky import star_azel
from camera.starcheck import CELLS, EXTINCTION_MAG, SEARCH_PX, inside, measure
from camera.stars import load_stars

BRIGHTEST_V_MAG, FAINTEST_V_MAG = 1.5, 5.0  # brighter ones saturate
LOWEST_DEG = 12.0
LEAST_SNR = 15.0
FEWEST_STARS = 200  # over all frames
CLIP_SIGMA, ROUNDS = 2.5, 8
MOST_SHADE = 0.2  # of the light left: no deeper shade is lifted, for there it is mostly noise
_CORNER_DEG = 95.0  # from the axis: no sky, the black level
_COARSE_PX = 8


class Flat(Sealed):
    """Light that is left at z = angle from the axis / 90 degrees: 1 + a z^2 + b z^4 + c z^6."""

    WHAT: ClassVar[str] = "flat"
    AGAIN: ClassVar[str] = "make it again with `skyspotter flat`"
    REFUSED: ClassVar[type[CameraError]] = MasterRefused

    model: Literal["radial/1"] = "radial/1"
    camera_serial: str
    a: float
    b: float
    c: float
    stars: int
    frames: int
    rms_mag: float
    extinction_mag: float

    def share(self, theta_rad: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the light in the middle, never below MOST_SHADE."""
        z2 = np.minimum(theta_rad / (np.pi / 2), 1.0) ** 2
        return np.maximum(1 + z2 * (self.a + z2 * (self.b + z2 * self.c)), MOST_SHADE)


def load_flat(path: Path) -> Flat:
    """Raises MasterRefused, in one sentence."""
    return Flat.load(path)


def measured_flat(frames: Sequence[Frame], plate: Plate, extinction_mag: float = EXTINCTION_MAG) -> Flat:
    """Raises PlateRefused for a frame that the plate does not fit, MasterRefused for too few stars."""
    samples = [_samples(frame, plate, extinction_mag) for frame in frames]
    z2, light = (np.concatenate(column) for column in zip(*samples, strict=True))
    if len(z2) < FEWEST_STARS:
        raise MasterRefused(f"{len(z2)} stars in {len(frames)} frames: a flat needs {FEWEST_STARS}, of clear nights")
    columns = np.stack([z2**power for power in range(4)], axis=-1)
    keep = np.ones(len(z2), bool)
    for _ in range(ROUNDS):
        # Stars differ by factors, not by amounts: each sample weighs by its own light.
        weight = keep / light
        solution = np.linalg.lstsq(columns * weight[:, None], light * weight, rcond=None)[0]
        off_mag = -2.5 * np.log10(light / np.maximum(columns @ solution, 1e-3))
        spread = 1.4826 * float(np.median(np.abs(off_mag[keep])))
        keep = np.abs(off_mag) < CLIP_SIGMA * spread
    a, b, c = (solution[1:] / solution[0]).tolist()
    return Flat.sealed(
        camera_serial=plate.camera_serial, a=a, b=b, c=c, stars=int(keep.sum()), frames=len(frames),
        rms_mag=float(np.std(off_mag[keep])), extinction_mag=extinction_mag,
    )  # fmt: skip


def _samples(frame: Frame, plate: Plate, extinction_mag: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared angle from the axis (90 degrees: 1) and relative light of every usable star of one frame."""
    check_plate(plate, frame)
    stars = load_stars().brighter(FAINTEST_V_MAG)
    azel = star_azel(stars, frame.start_utc_ns + round(frame.exposure_s * 5e8), plate.site)
    unit = azel_to_unit(azel[:, 0], azel[:, 1])
    predicted = plate.unit_to_pixel(unit, frame.origin_px)
    usable = inside(frame, predicted, CELLS + 2) & (azel[:, 1] > LOWEST_DEG) & (stars.v_mag > BRIGHTEST_V_MAG)
    flux, noise, offset = measure(frame, predicted[usable], cells=CELLS, search_px=SEARCH_PX)
    good = (flux > LEAST_SNR * noise) & (np.hypot(*offset.T) < SEARCH_PX / 2)
    air_mass = 1 / np.sin(np.radians(azel[usable, 1]))
    outside_mag = stars.v_mag[usable] + extinction_mag * air_mass
    light = flux * 10 ** (0.4 * outside_mag)
    theta = np.arccos(np.clip(unit[usable] @ _axis(plate), -1, 1))
    light = light[good] / np.median(light[good]) if good.any() else light[good]
    return (theta[good] / (np.pi / 2)) ** 2, light


class Flattener:
    """A flat laid out for one region of one camera."""

    def __init__(self, flat: Flat, plate: Plate) -> None:
        """Raises MasterRefused: the flat of another camera."""
        if flat.camera_serial != plate.camera_serial:
            raise MasterRefused(
                f"the flat is of camera {flat.camera_serial!r}, the plate of {plate.camera_serial!r}: make one of each"
            )
        self._plate = plate
        width, height = plate.region.size_px
        x, y = np.meshgrid(np.arange(0, width, _COARSE_PX), np.arange(0, height, _COARSE_PX))
        at = np.stack((x, y), axis=-1).astype(np.float64) + (_COARSE_PX - 1) / 2
        unit = plate.pixel_to_unit(at, plate.region.origin_px)
        theta = np.nan_to_num(np.arccos(np.clip(unit @ _axis(plate), -1, 1)), nan=np.pi)
        lift = np.where(theta < np.radians(_CORNER_DEG), 1 / flat.share(theta), 1.0).astype(np.float32)
        rows, columns = lift.shape
        full = cv2.resize(lift, (columns * _COARSE_PX, rows * _COARSE_PX), interpolation=cv2.INTER_LINEAR)
        self._lift = np.ascontiguousarray(full[:height, :width])
        corner = theta > np.radians(_CORNER_DEG)
        self._corner = (y[corner], x[corner])

    def apply(self, frame: Frame) -> Frame:
        """Light above the black of the unlit corners evened out. Another camera's or region's frame is left alone."""
        region = self._plate.region
        theirs = (frame.camera_serial, frame.origin_px, frame.pixels.shape)
        if theirs != (self._plate.camera_serial, region.origin_px, region.size_px[::-1]):
            return frame
        pixels = frame.pixels
        black = np.float32(np.median(pixels[self._corner])) if len(self._corner[0]) else np.float32(0.0)
        above = np.subtract(pixels, black, dtype=np.float32)
        np.multiply(above, self._lift, out=above)
        np.add(above, black + np.float32(0.5), out=above)
        np.clip(above, 0, frame.white_adu, out=above)
        even = above.astype(np.uint16)
        even.flags.writeable = False
        return replace(frame, pixels=even)


def _axis(plate: Plate) -> NDArray[np.float64]:
    """(3,) unit ENU of the optical axis."""
    return plate.pixel_to_unit(np.array([plate.parameters.cx, plate.parameters.cy]), (0, 0))
