"""Stored frames: FITS, PNG, JPEG and TIFF of any all-sky camera, given as the same `Frame` a camera gives.

Orientation is the stored one (FITS data[y, x], EXIF orientation not applied): coordinates are always of stored pixels.
What the file does not say is told so: exposure 0.0, start 0, temperature nan, gain 1.0 electron per unit.
"""

from __future__ import annotations

import bz2
import gzip
import time
import warnings
from collections.abc import Iterable
from math import nan
from pathlib import Path

import numpy as np

from camera.device import FileUnreadable, Frame
from camera.formats.fits import read_fits
from camera.formats.picture import read_picture
from camera.formats.rules import LARGEST_PIXELS, Unusable

SUFFIXES = (".fits", ".fit", ".fts", ".fz", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
PACKED = (".gz", ".bz2")
LARGEST_BYTES = 16 * LARGEST_PIXELS


def list_frames(paths: Iterable[Path]) -> list[Path]:
    """The frames meant by files and folders (searched downwards, sorted); named files are kept, whatever they are."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if is_frame(p) and p.is_file()) if path.is_dir() else [path]
        found.update(dict.fromkeys(inside))
    return list(found)


def read_frame(path: Path, *, seq: int = 0) -> Frame:
    """Reads one stored frame; `end_mono_s` is the moment of reading.

    Mosaics that do not begin with red are interpolated to rgb, so that coordinates stay those of stored pixels; alpha
    is dropped; numbers that do not fit 16 bits are scaled linearly (`gain_e_per_adu` follows).
    Raises FileUnreadable ("path: what is wrong"), and nothing else, whatever the bytes are.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # both libraries warn of what they then refuse or repair
            content = _unpacked(path)
            pixels, mosaic, facts = read_fits(content) if content[:6] == b"SIMPLE" else read_picture(content)
    except Unusable as err:
        raise FileUnreadable(f"{path}: {err}") from None
    except OSError as err:
        raise FileUnreadable(f"{path}: {err.strerror or err or 'cannot be read'}") from err
    except Exception as err:  # the parsers of two libraries raise nearly anything on damaged bytes
        raise FileUnreadable(f"{path}: damaged: {type(err).__name__}: {err}") from err
    pixels.flags.writeable = False
    return Frame(
        seq=seq,
        start_utc_ns=facts.get("start_utc_ns", 0),
        end_mono_s=time.monotonic(),
        exposure_s=facts.get("exposure_s", 0.0),
        gain_setting=facts.get("gain_setting", 0),
        gain_e_per_adu=facts.get("gain_e_per_adu", 1.0),
        origin_px=facts.get("origin_px", (0, 0)),
        mosaic=mosaic,
        white_adu=facts.get("white_adu", int(np.iinfo(pixels.dtype).max)),
        sensor_celsius=facts.get("sensor_celsius", nan),
        cooler_percent=facts.get("cooler_percent", nan),
        pixels=pixels,
        camera_serial=facts.get("camera_serial", ""),
        file=str(path),
    )


def is_frame(path: Path) -> bool:
    """Whether a file is a frame by its name: .fits, .fits.gz, .png, .jpg, ..."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(SUFFIXES) and not name.startswith(".")


def _unpacked(path: Path) -> bytes:
    """The file's bytes, decompressed by what it is rather than by what it is called."""
    if path.is_dir():
        raise Unusable("is a folder, not a frame")
    with path.open("rb") as stored:
        magic = stored.read(3)
        stored.seek(0)
        if magic[:2] == b"\x1f\x8b":
            content = gzip.GzipFile(fileobj=stored).read(LARGEST_BYTES + 1)
        elif magic == b"BZh":
            content = bz2.BZ2File(stored).read(LARGEST_BYTES + 1)
        else:
            content = stored.read(LARGEST_BYTES + 1)
    if not content:
        raise Unusable("is empty")
    if len(content) > LARGEST_BYTES:
        raise Unusable(f"holds more than {LARGEST_BYTES} bytes")
    return content
