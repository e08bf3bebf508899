"""What every stored frame must satisfy, whatever its format, and how its numbers and instants become a camera's."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera.device import Mosaic

LARGEST_PIXELS = 160_000_000  # the largest astronomical sensor sold has 151 million

Stored = tuple[NDArray[Any], Mosaic, dict[str, Any]]  # pixels, and which fields of a `Frame` the file tells


class Unusable(Exception):
    """A file that can be parsed, but is no frame; the message says why."""


def check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise Unusable(f"has no pixels ({width} x {height})")
    if width * height > LARGEST_PIXELS:
        raise Unusable(f"claims {width} x {height} pixels, more than any sensor ({LARGEST_PIXELS})")


def to_integers(array: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """The image as uint8 or uint16, and how many of its units make one stored unit; no number becomes nan."""
    if array.dtype == np.uint8:
        return array.copy(), 1.0
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return array.astype(np.uint16), 1.0
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise Unusable("holds no finite number")
    low, high = float(finite.min()), float(finite.max())
    if not isfinite(high - low):
        raise Unusable(f"holds numbers from {low:g} to {high:g}: too far apart to scale")
    as_it_is = low >= -1.0 and high <= 65535.0 and (array.dtype.kind in "iu" or high >= 256.0)
    if as_it_is:
        low, scale = 0.0, 1.0
    else:
        scale = (high - low) / 65535.0 or 1.0
    np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    values -= low
    values /= scale
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16), scale


def instant_ns(text: str) -> int:
    """Unix time of an ISO 8601 instant, taken as UTC where it names no zone; 0 where it is none."""
    try:
        instant = datetime.fromisoformat(text)
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return 0
    return max((since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000, 0)
