"""The map of what the camera sees, as a small disc beside the picture, turned like it.

The brighter a sector, the fainter the stars it shows; hatched: nobody vouches for it; dark red: masked.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.plate import Plate
from edge.lettering import Bgr, text_size, write
from edge.picture import COLOURS
from edge.vision.skygrid import SkyMessage

Image = NDArray[np.uint8]

MASKED: Bgr = (50, 45, 105)
UNSEEN: Bgr = (70, 62, 58)
FAINT, BRIGHT = np.array((215.0, 165.0, 70.0)), np.array((95.0, 70.0, 35.0))  # of a faint limit, of a bright one, BGR
FAINT_V_MAG = 5.5
_SHRUNK = 0.86  # to leave room for the letters
_SUPERSAMPLING = 2


def sky_disc(message: SkyMessage, side_px: int, plate: Plate) -> Image:
    """(side, side, 3) uint8 BGR on black: the map as the camera of `plate` would see it."""
    side = side_px * _SUPERSAMPLING
    scale = side / max(plate.region.size_px) * _SHRUNK
    middle_px = (np.array(plate.region.size_px) - 1) / 2

    down, right = np.indices((side, side)) - (side - 1) / 2
    azel = plate.pixel_to_azel(np.stack((right, down), axis=-1) / scale + middle_px, plate.region.origin_px)
    azimuth_deg, elevation_deg = azel[..., 0], np.nan_to_num(azel[..., 1], nan=-90.0)
    image = np.zeros((side, side, 3), np.uint8)
    image[elevation_deg >= 0] = tuple(channel // 2 for channel in UNSEEN)
    stripes = (right + down).astype(int) % max(8, side // 40) < max(2, side // 160)
    for ring in message.rings:
        inside = (elevation_deg >= ring.elevation_from_deg) & (elevation_deg < ring.elevation_to_deg)
        sector = (azimuth_deg[inside] * len(ring.state) / 360.0).astype(int) % len(ring.state)
        sight = zip(ring.state, ring.limiting_v_mag, strict=True)
        colours = np.array([_colour(state, limit, message.needed_v_mag) for state, limit in sight])
        image[inside] = colours[sector]
        unseen = np.array([state in ("BLIND", "UNKNOWN") for state in ring.state])[sector]
        image[inside] = np.where((unseen & stripes[inside])[:, None], np.array(COLOURS["blind"]), image[inside])
    small = np.asarray(cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    size = max(10, side_px // 18)
    winds = np.array([[azimuth, -6.0] for azimuth in (0, 90, 180, 270)])
    winds_px = (plate.azel_to_pixel(winds, plate.region.origin_px) - middle_px) * scale / _SUPERSAMPLING + side_px / 2
    for letter, (x, y) in zip("NESW", winds_px, strict=True):
        width, height = text_size(letter, size)
        write(small, letter, round(x - width / 2), round(y - height / 2), size, COLOURS["text"])
    return small


def _colour(state: str, limit_v_mag: float | None, needed_v_mag: float) -> NDArray[np.uint8]:
    if state == "MASKED":
        return np.array(MASKED, np.uint8)
    if state != "SEEN" or limit_v_mag is None:
        return np.array(UNSEEN, np.uint8)
    share = float(np.clip((limit_v_mag - needed_v_mag) / (FAINT_V_MAG - needed_v_mag), 0.0, 1.0))
    return np.asarray(BRIGHT + share * (FAINT - BRIGHT), dtype=np.uint8)
