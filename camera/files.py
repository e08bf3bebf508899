"""Stored frames: FITS, PNG, JPEG and TIFF of any all-sky camera, given as the same `Frame` a camera gives.

Orientation is the stored one (FITS data[y, x], EXIF orientation not applied): coordinates are always of stored pixels.
What the file does not say is told so: exposure 0.0, start 0, temperature nan, gain 1.0 electron per unit.
FITS as in the FITS Standard 4.0 (Pence et al. 2010, A&A 524, A42); mosaics by the customary keyword BAYERPAT.
"""

from __future__ import annotations

import bz2
import gzip
import io
import time
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import isfinite, nan
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from camera.device import FileUnreadable, Frame, Mosaic

SUFFIXES = (".fits", ".fit", ".fts", ".fz", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
PACKED = (".gz", ".bz2")
LARGEST_PIXELS = 160_000_000  # the largest astronomical sensor sold has 151 million
LARGEST_BYTES = 16 * LARGEST_PIXELS

_BAYER = {
    "GRBG": cv2.COLOR_BayerGRBG2RGB,
    "GBRG": cv2.COLOR_BayerGBRG2RGB,
    "BGGR": cv2.COLOR_BayerBGGR2RGB,
}
_EXIF_IFD, _EXIF_EXPOSURE, _EXIF_TAKEN, _EXIF_OFFSET = 0x8769, 0x829A, 0x9003, 0x9011


class _Unusable(Exception):
    """A file that can be parsed, but is no frame; the message says why."""


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
            pixels, mosaic, facts = _read_fits(content) if content[:6] == b"SIMPLE" else _read_picture(content)
    except _Unusable as err:
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
        raise _Unusable("is a folder, not a frame")
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
        raise _Unusable("is empty")
    if len(content) > LARGEST_BYTES:
        raise _Unusable(f"holds more than {LARGEST_BYTES} bytes")
    return content


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise _Unusable(f"has no pixels ({width} x {height})")
    if width * height > LARGEST_PIXELS:
        raise _Unusable(f"claims {width} x {height} pixels, more than any sensor ({LARGEST_PIXELS})")


# -- FITS --------------------------------------------------------------------------------------------------------------


def _read_fits(content: bytes) -> tuple[NDArray[Any], Mosaic, dict[str, Any]]:
    # Compressed pixels that are damaged are other pixels. CHECKSUM, of the header too, many programs let go stale.
    warnings.filterwarnings("error", "Datasum verification failed")  # within `read_frame`'s own filters
    try:
        with fits.open(io.BytesIO(content), memmap=False, lazy_load_hdus=True, checksum=True) as units:
            for unit in units:
                if unit.is_image and len(unit.shape) >= 2:
                    return _image_unit(unit, dict(units[0].header), len(content))
    except UserWarning as err:
        raise _Unusable("is damaged: its data are not those of its DATASUM") from err
    raise _Unusable("holds no image with two dimensions")


def _image_unit(unit: Any, primary: dict[str, Any], stored_bytes: int) -> tuple[NDArray[Any], Mosaic, dict[str, Any]]:
    shape = tuple(length for length in unit.shape if length != 1)
    if len(shape) < 2:
        shape = tuple(unit.shape[-2:])
    if len(shape) == 2:
        height, width, colour_axis = shape[0], shape[1], None
    elif len(shape) == 3 and 3 in (shape[0], shape[2]):
        colour_axis = 0 if shape[0] == 3 else 2
        height, width = shape[1 - colour_axis // 2], shape[2 - colour_axis // 2]
    else:
        raise _Unusable(f"holds a cube of {' x '.join(map(str, reversed(unit.shape)))}: split it into single exposures")
    _check_size(width, height)
    compressed = isinstance(unit, fits.CompImageHDU)
    if not compressed and width * height * abs(int(unit.header["BITPIX"])) // 8 > stored_bytes:
        raise _Unusable(f"is truncated: {width} x {height} pixels do not fit its {stored_bytes} bytes")
    header = {**primary, **dict(unit.header)}
    array = np.asarray(unit.data).reshape(shape)
    if _scaled_by_whole_numbers(header) and np.isfinite(array).all():  # the library makes floats of them
        whole = np.rint(array)
        array = whole.astype(np.uint16 if whole.min() >= 0 and whole.max() <= 65535 else np.int64)
    pixels, units_per_adu = _to_integers(array)
    facts = _fits_facts(header, units_per_adu, pixels)
    if colour_axis is not None:
        return np.ascontiguousarray(np.moveaxis(pixels, colour_axis, 2)), "rgb", facts
    pattern = str(header.get("BAYERPAT", header.get("COLORTYP", ""))).strip().upper()
    if pattern == "RGGB":
        return pixels, "RGGB", facts
    if pattern in _BAYER and min(height, width) >= 4:
        return np.asarray(cv2.cvtColor(pixels, _BAYER[pattern])), "rgb", facts
    return pixels, "mono", facts


def _scaled_by_whole_numbers(header: Mapping[str, Any]) -> bool:
    """Integers in the file and whole numbers as BSCALE and BZERO: what the file means are integers as well."""
    scale, zero = (_number(header, name, otherwise=otherwise) for name, otherwise in (("BSCALE", 1.0), ("BZERO", 0.0)))
    return int(header["BITPIX"]) > 0 and scale > 1.0 and scale.is_integer() and zero.is_integer()


def _to_integers(array: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """The image as uint8 or uint16, and how many of its units make one stored unit; no number becomes nan."""
    if array.dtype == np.uint8:
        return array.copy(), 1.0
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return array.astype(np.uint16), 1.0
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise _Unusable("holds no finite number")
    low, high = float(finite.min()), float(finite.max())
    if not isfinite(high - low):
        raise _Unusable(f"holds numbers from {low:g} to {high:g}: too far apart to scale")
    as_it_is = low >= -1.0 and high <= 65535.0 and (array.dtype.kind in "iu" or high >= 256.0)
    if as_it_is:
        low, scale = 0.0, 1.0
    else:
        scale = (high - low) / 65535.0 or 1.0
    np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    values -= low
    values /= scale
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16), scale


def _fits_facts(header: Mapping[str, Any], units_per_adu: float, pixels: NDArray[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"start_utc_ns": _fits_start_utc_ns(header)}
    facts["exposure_s"] = max(_number(header, "EXPTIME", "EXPOSURE", otherwise=0.0), 0.0)
    facts["gain_e_per_adu"] = (max(_number(header, "EGAIN", otherwise=1.0), 0.0) or 1.0) * units_per_adu
    facts["gain_setting"] = int(_number(header, "GAIN", otherwise=0.0))
    facts["sensor_celsius"] = _number(header, "CCD-TEMP", otherwise=nan)
    facts["cooler_percent"] = _number(header, "COOLPOWR", otherwise=nan)
    facts["origin_px"] = (
        int(_number(header, "XORGSUBF", otherwise=0.0)),
        int(_number(header, "YORGSUBF", otherwise=0.0)),
    )
    facts["camera_serial"] = str(header.get("SERIAL", "")).strip()
    white = _number(header, "SATURATE", otherwise=0.0) if units_per_adu == 1.0 else 0.0
    if max(int(pixels.max()), 1) <= white <= np.iinfo(pixels.dtype).max:  # a header that the pixels contradict is wrong
        facts["white_adu"] = int(white)
    return facts


def _number(header: Mapping[str, Any], *names: str, otherwise: float) -> float:
    for name in names:
        try:
            value = float(header[name])
        except (KeyError, TypeError, ValueError):
            continue
        if isfinite(value) and abs(value) < 1e9:
            return value
    return otherwise


def _fits_start_utc_ns(header: Mapping[str, Any]) -> int:
    date = str(header.get("DATE-OBS", "")).strip()
    if "T" not in date:
        date = f"{date}T{str(header.get('TIME-OBS', '') or '00:00:00').strip()}"
    return _instant_ns(date)


def _instant_ns(text: str) -> int:
    """Unix time of an ISO 8601 instant, taken as UTC where it names no zone; 0 where it is none."""
    try:
        instant = datetime.fromisoformat(text)
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return 0
    return max((since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000, 0)


# -- PNG, JPEG, TIFF ---------------------------------------------------------------------------------------------------


def _read_picture(content: bytes) -> tuple[NDArray[Any], Mosaic, dict[str, Any]]:
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "TIFF"))
    except UnidentifiedImageError:
        raise _Unusable("is neither FITS, PNG, JPEG nor TIFF") from None
    except Image.DecompressionBombError as err:
        raise _Unusable(f"claims too many pixels: {err}") from None
    with picture:
        _check_size(*picture.size)
        deep = "16" in str([tile[3] for tile in picture.tile]) and not picture.mode.startswith("I")
        picture.load()  # Pillow refuses what is truncated, where OpenCV fills with grey
        array, scale = (_deep_colour(content), 1.0) if deep else _shallow(picture)
        facts = {"gain_e_per_adu": scale, **_exif_facts(picture)}
    return array, "rgb" if array.ndim == 3 else "mono", facts


def _shallow(picture: Image.Image) -> tuple[NDArray[Any], float]:
    mode = picture.mode
    if mode in ("1", "LA", "La"):
        picture = picture.convert("L")
    elif mode in ("P", "PA", "RGBA", "RGBX", "RGBa", "YCbCr"):
        picture = picture.convert("RGBA").convert("RGB") if mode in ("P", "PA") else picture.convert("RGB")
    elif mode in ("CMYK", "LAB", "HSV"):
        raise _Unusable(f"is in {mode} colours, which are not amounts of light: save it as RGB")
    elif mode not in ("L", "RGB", "F", "I") and not mode.startswith("I;16"):
        raise _Unusable(f"has pixels of the kind {mode}: save it as 8- or 16-bit grey or RGB")
    return _to_integers(np.asarray(picture))


def _deep_colour(content: bytes) -> NDArray[Any]:
    """16-bit colour, which Pillow would cut to 8 bits."""
    array = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise _Unusable("is a 16-bit colour picture of a kind that cannot be decoded: save it as 16-bit RGB")
    if array.ndim == 2:
        return np.asarray(array)
    return np.ascontiguousarray(array[:, :, 2::-1] if array.shape[2] >= 3 else array[:, :, 0])


def _exif_facts(picture: Image.Image) -> dict[str, Any]:
    """Exposure and start from EXIF 2.3; local time is taken as UTC where the file names no offset."""
    try:
        tags = picture.getexif().get_ifd(_EXIF_IFD)
        exposure_s = float(tags.get(_EXIF_EXPOSURE, 0.0))
        taken = str(tags.get(_EXIF_TAKEN, "")).strip("\0 ")
        offset = str(tags.get(_EXIF_OFFSET, "")).strip("\0 ")
    except Exception:  # the picture is good; notes that cannot be parsed are as good as absent
        return {}
    facts: dict[str, Any] = {"start_utc_ns": _instant_ns(taken[:10].replace(":", "-") + "T" + taken[11:19] + offset)}
    if isfinite(exposure_s) and 0 < exposure_s < 1e6:
        facts["exposure_s"] = exposure_s
    return facts
