"""FITS images as in the FITS Standard 4.0 (Pence et al. 2010, A&A 524, A42); mosaics by the customary BAYERPAT."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from math import isfinite, nan
from typing import Any

import cv2
import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from camera.formats.rules import Stored, Unusable, check_size, instant_ns, to_integers

_BAYER = {
    "GRBG": cv2.COLOR_BayerGRBG2RGB,
    "GBRG": cv2.COLOR_BayerGBRG2RGB,
    "BGGR": cv2.COLOR_BayerBGGR2RGB,
}


def read_fits(content: bytes) -> Stored:
    """Its first image of two dimensions or more. Raises Unusable, and whatever damaged bytes make the library raise."""
    # Compressed pixels that are damaged are other pixels. CHECKSUM, of the header too, many programs let go stale.
    warnings.filterwarnings("error", "Datasum verification failed")  # within `read_frame`'s own filters
    try:
        with fits.open(io.BytesIO(content), memmap=False, lazy_load_hdus=True, checksum=True) as units:
            for unit in units:
                if unit.is_image and len(unit.shape) >= 2:
                    return _image_unit(unit, dict(units[0].header), len(content))
    except UserWarning as err:
        raise Unusable("is damaged: its data are not those of its DATASUM") from err
    raise Unusable("holds no image with two dimensions")


def _image_unit(unit: Any, primary: dict[str, Any], stored_bytes: int) -> Stored:
    shape = tuple(length for length in unit.shape if length != 1)
    if len(shape) < 2:
        shape = tuple(unit.shape[-2:])
    if len(shape) == 2:
        height, width, colour_axis = shape[0], shape[1], None
    elif len(shape) == 3 and 3 in (shape[0], shape[2]):
        colour_axis = 0 if shape[0] == 3 else 2
        height, width = shape[1 - colour_axis // 2], shape[2 - colour_axis // 2]
    else:
        raise Unusable(f"holds a cube of {' x '.join(map(str, reversed(unit.shape)))}: split it into single exposures")
    check_size(width, height)
    compressed = isinstance(unit, fits.CompImageHDU)
    if not compressed and width * height * abs(int(unit.header["BITPIX"])) // 8 > stored_bytes:
        raise Unusable(f"is truncated: {width} x {height} pixels do not fit its {stored_bytes} bytes")
    header = {**primary, **dict(unit.header)}
    array = np.asarray(unit.data).reshape(shape)
    if _scaled_by_whole_numbers(header) and np.isfinite(array).all():  # the library makes floats of them
        whole = np.rint(array)
        array = whole.astype(np.uint16 if whole.min() >= 0 and whole.max() <= 65535 else np.int64)
    pixels, units_per_adu = to_integers(array)
    facts = _facts(header, units_per_adu, pixels)
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


def _facts(header: Mapping[str, Any], units_per_adu: float, pixels: NDArray[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"start_utc_ns": _start_utc_ns(header)}
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


def _start_utc_ns(header: Mapping[str, Any]) -> int:
    date = str(header.get("DATE-OBS", "")).strip()
    if "T" not in date:
        date = f"{date}T{str(header.get('TIME-OBS', '') or '00:00:00').strip()}"
    return instant_ns(date)
