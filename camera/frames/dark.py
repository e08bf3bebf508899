"""A master dark: what the sensor gives without light, as the clipped mean of frames taken with the cap on.

It holds for one camera, region, gain, exposure and temperature. What is subtracted is each photosite's difference from
the dark's own middle, so the black level stays where it was, and with it everything that is said about levels.

Clipping per photosite at 4 sigma of the median absolute deviation: a cosmic ray in one frame leaves no trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isfinite

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import background
from camera.device import CameraError, Frame

FEWEST_FRAMES = 5
CLIP_SIGMA = 4.0
SAME_CELSIUS = 1.5  # of the frames that make one dark
NEAR_CELSIUS = 3.0  # of a frame that a dark is used for: dark current doubles every 6 degrees or so
_BAND_ROWS = 64  # of the stack at a time: it stays in the cache


class MasterRefused(CameraError):
    """A master frame cannot be made, read or used: say why."""


@dataclass(frozen=True, slots=True, eq=False)
class Dark:
    """A master dark, stored units."""

    pixels: NDArray[np.uint16]  # (height, width), rounded: a unit is a quarter of the sensor's own step
    camera_serial: str
    origin_px: tuple[int, int]
    gain_setting: int
    exposure_s: float
    celsius: float  # NaN: of a sensor without a thermometer
    frames: int
    date: str  # of the newest frame, ISO 8601 UTC

    def pattern_adu(self) -> NDArray[np.int16]:
        """(height, width) each photosite's difference from the middle of all."""
        away = self.pixels.astype(np.int32) - int(np.median(self.pixels[::5, ::5]))
        return np.clip(away, -32768, 32767).astype(np.int16)

    def sha256(self) -> str:
        facts = (
            f"{self.camera_serial} {self.origin_px} {self.gain_setting} {self.exposure_s:.6f} {self.celsius:.2f} "
            f"{self.frames} {self.date} {self.pixels.shape}"
        )
        return hashlib.sha256(facts.encode() + np.ascontiguousarray(self.pixels, "<u2").tobytes()).hexdigest()

    def unfit(self, frame: Frame) -> str:
        """Why this dark says nothing about the frame, "" when it does."""
        region, theirs = (self.origin_px, self.pixels.shape), (frame.origin_px, frame.pixels.shape)
        if self.camera_serial != frame.camera_serial:
            return f"the dark is of camera {self.camera_serial!r}, the frame of camera {frame.camera_serial!r}"
        if region != theirs:
            return f"the dark is of region {region}, the frame of {theirs}"
        if self.gain_setting != frame.gain_setting:
            return f"the dark was taken at gain {self.gain_setting}, the frame at {frame.gain_setting}"
        if not isclose(self.exposure_s, frame.exposure_s, rel_tol=0.02):
            return f"the dark was exposed for {self.exposure_s:g} s, the frame for {frame.exposure_s:g} s"
        if isfinite(self.celsius) != isfinite(frame.sensor_celsius):
            return "only one of the dark and the frame says how warm the sensor was"
        if abs(self.celsius - frame.sensor_celsius) > NEAR_CELSIUS:  # never of two sensors without a thermometer
            return f"the dark was taken at {self.celsius:.1f} degC, the frame at {frame.sensor_celsius:.1f} degC"
        return ""


def master_dark(frames: Sequence[Frame], date: str) -> Dark:
    """Raises MasterRefused: too few frames, of different settings, or with light on them."""
    if len(frames) < FEWEST_FRAMES:
        raise MasterRefused(f"{len(frames)} frames: a dark needs at least {FEWEST_FRAMES} taken with the cap on")
    first = frames[0]
    celsius = [frame.sensor_celsius for frame in frames]
    for number, frame in enumerate(frames):
        name = frame.file or f"frame {number + 1}"
        _same(frame, first, name)
        if frame.pixels.ndim != 2 or frame.pixels.dtype != np.uint16:
            raise MasterRefused(f"{name}: is no raw frame of 16 bits")
        if background(frame).outside.any():
            raise MasterRefused(f"{name}: shows the lens's circle: it was not taken with the cap on")
    if max(celsius) - min(celsius) > 2 * SAME_CELSIUS:
        raise MasterRefused(f"the sensor went from {min(celsius):.1f} to {max(celsius):.1f} degC: take them again cold")
    pixels = np.empty(first.pixels.shape, np.uint16)
    for row in range(0, first.height, _BAND_ROWS):
        band = np.stack([frame.pixels[row : row + _BAND_ROWS] for frame in frames]).astype(np.float32)
        pixels[row : row + _BAND_ROWS] = _clipped_mean(band) + 0.5
    return Dark(
        pixels, first.camera_serial, first.origin_px, first.gain_setting, first.exposure_s, float(np.mean(celsius)),
        len(frames), date,
    )  # fmt: skip


def without_pattern(pixels: NDArray[np.uint16], pattern_adu: NDArray[np.int16]) -> NDArray[np.uint16]:
    """(height, width) with `Dark.pattern_adu` taken off; what would leave the range stays at its end."""
    return np.asarray(cv2.subtract(pixels, pattern_adu, dtype=cv2.CV_16U))


def _same(frame: Frame, first: Frame, name: str) -> None:
    for what, ours, theirs in (
        ("camera", frame.camera_serial, first.camera_serial),
        ("region", (frame.origin_px, frame.pixels.shape), (first.origin_px, first.pixels.shape)),
        ("gain", frame.gain_setting, first.gain_setting),
        ("exposure", frame.exposure_s, first.exposure_s),
        ("thermometer", isfinite(frame.sensor_celsius), isfinite(first.sensor_celsius)),
    ):
        if ours != theirs:
            raise MasterRefused(f"{name}: {what} {ours!r} where the first frame has {theirs!r}: make one dark of each")


def _clipped_mean(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, rows, width) -> (rows, width)."""
    middle = np.median(band, axis=0)
    away = np.abs(band - middle)
    spread = 1.4826 * np.median(away, axis=0)
    # Of few frames the spread of one photosite is a poor guess: the band's own is the least it may be.
    keep = away <= CLIP_SIGMA * np.maximum(spread, np.median(spread))
    return np.asarray((band * keep).sum(axis=0) / np.maximum(keep.sum(axis=0), 1), dtype=np.float32)
