"""One frame as one FITS file: tile-compressed, with checksums, exact to the bit.

Stored as the FITS Standard 4.0 prescribes for tiled images (chapter 10), which every current reader opens. Frames whose
two lowest bits are empty (14-bit cameras deliver their numbers times four) are stored without them and with BSCALE = 4.

*Why* RICE_1: measured by `python -m tests.bench.store` on a rendered noisy frame of 2744 x 2822, core-seconds to write
with checksums, and how many times smaller (on a core of a PC; not measured on a Jetson's, which is slower):

                       RICE_1          HCOMPRESS_1     GZIP_2
    as it is           0.09 s   2.63   0.18 s   3.30   0.54 s   3.80
    without two bits   0.08 s   3.89

*Why* tiles of 16 rows: with one row each (the usual choice) writing takes half as long again, with the whole frame in
one a damaged byte costs the whole frame. The library lets other threads run meanwhile: the camera's waits for nothing.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from camera.device import FileUnreadable, Frame, PlateRefused
from camera.files import read_frame
from camera.plate import Plate, check_plate
from camera.store.header import Origin, frame_cards, plate_cards, plate_of

SUFFIX = ".fits.fz"
TILE_ROWS = 16
EMPTY_BITS = 2


def encode(frame: Frame, origin: Origin) -> bytes:
    """The whole file. A plate of another camera or region is left out: it would be wrong here."""
    pixels, scale = _stored(frame.pixels if frame.pixels.ndim == 2 else frame.pixels.transpose(2, 0, 1))
    tile = (1,) * (pixels.ndim - 2) + (TILE_ROWS, pixels.shape[-1])
    unit = fits.CompImageHDU(pixels, compression_type="RICE_1", tile_shape=tile)
    if scale != 1:
        unit.header["BSCALE"], unit.header["BZERO"] = scale, 0
    cards = frame_cards(frame, origin)
    if origin.plate is not None and _fits(origin.plate, frame):
        cards += plate_cards(origin.plate)
    for card in cards:
        unit.header.append(card)
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(out, checksum=True)
    return out.getvalue()


def read_plate(path: Path) -> Plate | None:
    """The plate that a recorded frame carries. Raises FileUnreadable, PlateRefused."""
    return plate_in(path, read_frame(path))


def plate_in(path: Path, frame: Frame) -> Plate | None:
    """The same of a file whose frame was read already."""
    if not path.name.endswith((SUFFIX, ".fits", ".fit", ".fts")):
        return None
    try:
        with warnings.catch_warnings(), fits.open(path, memmap=False) as units:
            warnings.simplefilter("ignore")
            header = {key: value for unit in units for key, value in unit.header.items()}
    except (OSError, ValueError) as err:
        raise FileUnreadable(f"{path}: damaged: {err}") from err
    return plate_of(header, frame)


def _stored(pixels: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """What goes into the file, and the factor that makes it what it was."""
    if pixels.dtype == np.uint16 and not np.bitwise_or.reduce(pixels, axis=None) & (1 << EMPTY_BITS) - 1:
        return (pixels >> EMPTY_BITS).astype(np.int16), 1 << EMPTY_BITS
    return np.ascontiguousarray(pixels), 1


def _fits(plate: Plate, frame: Frame) -> bool:
    try:
        check_plate(plate, frame)
    except PlateRefused:
        return False
    return True
