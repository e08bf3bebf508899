"""Master darks as files, and what is done to a frame with them: the right dark off, hot photosites filled.

FITS with the usual cards (IMAGETYP, SERIAL, GAIN, EXPTIME, CCD-TEMP, NCOMBINE) and the hash of everything in SHA256. A
file of another camera is refused, a damaged one too; a frame for which no dark was made keeps its dark, and only what
is hot in any of the camera's darks, or was so for an hour of this night, is filled.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from camera.device import Frame
from camera.frames.dark import Dark, MasterRefused, without_pattern
from camera.frames.hot import HotWatch, hot_in_dark, replaced
from camera.whole import write_whole

SUFFIX = ".dark.fits"
Region = tuple[tuple[int, int], tuple[int, ...]]  # origin on the sensor, shape

_LOOK_EVERY_NS, _LEARNED_AFTER = 60_000_000_000, 60  # sky time between two looks; looks
_LEARN_FROM_S = 1.0  # of exposure: shorter ones show little of what is hot
_HOTTEST_SHARE = 0.01  # of the photosites: with more, the dark is no dark


def save_dark(path: Path, dark: Dark) -> None:
    """Whole or not at all. Raises OSError."""
    unit = fits.CompImageHDU(dark.pixels, compression_type="RICE_1")
    for card in (
        ("IMAGETYP", "Master Dark", "clipped mean, cap on"),
        ("SERIAL", dark.camera_serial, "of the camera"),
        ("GAIN", dark.gain_setting, "the driver's number, 0.1 dB"),
        ("EXPTIME", dark.exposure_s, "[s] of each frame"),
        ("CCD-TEMP", dark.celsius if np.isfinite(dark.celsius) else "unknown", "[degC]"),
        ("XORGSUBF", dark.origin_px[0], "[px] of the region on the sensor"),
        ("YORGSUBF", dark.origin_px[1], "[px]"),
        ("NCOMBINE", dark.frames, "frames"),
        ("DATE-OBS", dark.date, "UTC, of the newest frame"),
        ("SHA256", dark.sha256(), ""),
    ):
        unit.header[card[0]] = card[1:]
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(content)
    write_whole(path, content.getvalue())


def load_dark(path: Path) -> Dark:
    """Raises MasterRefused, in one sentence, for a file that is missing, damaged or no master dark."""
    try:
        with warnings.catch_warnings(), fits.open(path, memmap=False) as units:
            warnings.simplefilter("ignore")
            header, pixels = units[1].header, np.asarray(units[1].data, dtype=np.uint16)
        celsius = header["CCD-TEMP"]
        dark = Dark(
            pixels, str(header["SERIAL"]), (int(header["XORGSUBF"]), int(header["YORGSUBF"])), int(header["GAIN"]),
            float(header["EXPTIME"]), float("nan") if celsius == "unknown" else float(celsius),
            int(header["NCOMBINE"]), str(header["DATE-OBS"]),
        )  # fmt: skip
        wanted = header["SHA256"]
    except OSError as err:
        raise MasterRefused(f"dark {path} cannot be read ({err.strerror or err}): make it again") from err
    except (KeyError, IndexError, ValueError, TypeError) as err:
        raise MasterRefused(f"dark {path} is no master dark of `skyspotter darks` ({err}): make it again") from err
    if dark.sha256() != wanted:
        raise MasterRefused(f"dark {path} does not match its own hash (altered or damaged): make it again")
    return dark


class Masters:
    """The darks of one camera, and what its own nights teach of hot photosites. Not thread-safe."""

    def __init__(self, darks: Sequence[Dark] = ()) -> None:
        """Raises MasterRefused: darks of different cameras, or one with light in it."""
        if len(serials := {dark.camera_serial for dark in darks}) > 1:
            raise MasterRefused(f"darks of different cameras lie together: {', '.join(sorted(serials))}")
        self._darks = tuple(darks)
        self._patterns: dict[int, NDArray[np.int16]] = {}  # of the darks in use, by their number
        self._hot: dict[Region, NDArray[np.intp]] = {}
        self._watch: HotWatch | None = None
        self._watched: tuple[str, Region] | None = None
        self._next_look_utc_ns = 0
        for dark in darks:
            hot = hot_in_dark(dark.pixels)
            if len(hot) > _HOTTEST_SHARE * dark.pixels.size:
                share = 100 * len(hot) / dark.pixels.size
                raise MasterRefused(f"{share:.1f} % of a dark is hot: it was not taken with the cap on")
            self._add_hot((dark.origin_px, dark.pixels.shape), hot)

    @classmethod
    def of(cls, directory: Path) -> Masters:
        """All darks of a folder. Raises MasterRefused, also when there is none."""
        paths = sorted(directory.glob(f"*{SUFFIX}"))
        if not paths:
            raise MasterRefused(f"no master dark (*{SUFFIX}) lies in {directory}: make some with `skyspotter darks`")
        return cls([load_dark(path) for path in paths])

    @property
    def camera_serial(self) -> str | None:
        """Of the darks; None without any."""
        return self._darks[0].camera_serial if self._darks else None

    def refused(self, frame: Frame) -> str:
        """Why these darks must not be used with this camera at all, "" when they may."""
        if self.camera_serial in (None, frame.camera_serial):
            return ""
        return self._darks[0].unfit(frame) + ": make darks with this one"

    def apply(self, frame: Frame) -> Frame:
        """The frame without its dark where one fits, and with hot photosites filled. Raises MasterRefused."""
        if why := self.refused(frame):
            raise MasterRefused(why)
        self._learn(frame)
        pixels = frame.pixels
        fitting = [number for number, dark in enumerate(self._darks) if not dark.unfit(frame)]
        if fitting:
            nearest = min(fitting, key=lambda number: abs(self._darks[number].celsius - frame.sensor_celsius))
            if nearest not in self._patterns:
                self._patterns[nearest] = self._darks[nearest].pattern_adu()
            pixels = without_pattern(pixels, self._patterns[nearest])
        hot = self._hot.get((frame.origin_px, frame.pixels.shape))
        if hot is not None:
            pixels = replaced(pixels, hot)
        if pixels is frame.pixels:
            return frame
        pixels.flags.writeable = False
        return replace(frame, pixels=pixels)

    def _learn(self, frame: Frame) -> None:
        """Looks at a frame a minute; from an hour on what stayed hot is filled."""
        if frame.mosaic != "RGGB" or frame.exposure_s < _LEARN_FROM_S or frame.start_utc_ns < self._next_look_utc_ns:
            return
        region = (frame.origin_px, frame.pixels.shape)
        if self._watch is None or self._watched != (frame.camera_serial, region):
            self._watch, self._watched = HotWatch((frame.height, frame.width)), (frame.camera_serial, region)
        self._next_look_utc_ns = frame.start_utc_ns + _LOOK_EVERY_NS
        self._watch.add(frame.pixels)
        if self._watch.frames % _LEARNED_AFTER == 0:
            self._add_hot(region, self._watch.hot())

    def _add_hot(self, region: Region, hot: NDArray[np.intp]) -> None:
        self._hot[region] = np.union1d(self._hot.get(region, hot[:0]), hot)
