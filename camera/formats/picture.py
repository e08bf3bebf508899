"""PNG, JPEG and TIFF; exposure and start from EXIF, where it says them. EXIF orientation is not applied."""

from __future__ import annotations

import io
from math import isfinite
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from camera.formats.rules import Stored, Unusable, check_size, instant_ns, to_integers

_EXIF_IFD, _EXIF_EXPOSURE, _EXIF_TAKEN, _EXIF_OFFSET = 0x8769, 0x829A, 0x9003, 0x9011


def read_picture(content: bytes) -> Stored:
    """8 or 16 bits, grey or colour. Raises Unusable, and whatever damaged bytes make the libraries raise."""
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "TIFF"))
    except UnidentifiedImageError:
        raise Unusable("is neither FITS, PNG, JPEG nor TIFF") from None
    except Image.DecompressionBombError as err:
        raise Unusable(f"claims too many pixels: {err}") from None
    with picture:
        check_size(*picture.size)
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
        raise Unusable(f"is in {mode} colours, which are not amounts of light: save it as RGB")
    elif mode not in ("L", "RGB", "F", "I") and not mode.startswith("I;16"):
        raise Unusable(f"has pixels of the kind {mode}: save it as 8- or 16-bit grey or RGB")
    return to_integers(np.asarray(picture))


def _deep_colour(content: bytes) -> NDArray[Any]:
    """16-bit colour, which Pillow would cut to 8 bits."""
    array = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise Unusable("is a 16-bit colour picture of a kind that cannot be decoded: save it as 16-bit RGB")
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
    facts: dict[str, Any] = {"start_utc_ns": instant_ns(taken[:10].replace(":", "-") + "T" + taken[11:19] + offset)}
    if isfinite(exposure_s) and 0 < exposure_s < 1e6:
        facts["exposure_s"] = exposure_s
    return facts
