"""Why a whole picture shows no sky: daylight, a white picture, a closed cap or dome, cloud. Pure functions.

A closed cap is told from a dark night by the picture itself: under a cap the sky's part of the sensor is no brighter
than its corners, which no lens lights; the darkest sky on Earth, under thick cloud, still is. How many electrons that
must be, the camera's own stars of better nights say (their zero point), so a dark site does not pass for a cap. All of
these are BLIND for the guard: the words are for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.plate import Plate

DAYLIGHT_SUN_DEG = -6.0  # the Sun above this: no star need be expected at all
WHITE_SHARE = 0.2  # of the pixels saturated: a white picture
DARKEST_SKY_V_MAG = 22.0  # per square arcsecond, zenith, moonless: no natural sky is darker (Patat 2008, A&A 481, 575)
CLOUD_DIMS = 10.0  # at most: overcast above a place without any lamp
TWILIGHT_SUN_DEG = np.array([-18.0, -15.0, -12.0, -9.0, -6.0, -3.0, 0.0, 10.0])
TWILIGHT_ZENITH_V_MAG = np.array([25.0, 21.8, 19.5, 16.5, 13.0, 9.5, 6.5, 4.0])  # per square arcsecond, rough
USUAL_ZERO_V_MAG = 10.0  # of the field camera (4.5 mm, f/2.8), until its own stars have told

_SKY_ABOVE_DEG, _CORNER_BELOW_DEG = 30.0, -8.0
_LIT_CORNER = 0.15  # of full scale: above any black level
_STEP = 16  # of the sample, in pixels; each a whole colour cell
_FEWEST = 500  # pixels on either side of the comparison
_TRIM = 0.1  # of the pixels at either end: stars, hot pixels


@dataclass(frozen=True, slots=True)
class Glow:
    """How much brighter the sky's part of a picture is than the unlit corners of the sensor."""

    e_per_s: float  # per pixel
    sigma_e_per_s: float


def sky_glow(frame: Frame, plate: Plate) -> Glow | None:
    """None where the picture has no dark corner to compare with, or does not say how long it was exposed."""
    if frame.exposure_s <= 0:
        return None
    sky_at, corner_at = _places(plate, frame.origin_px, frame.width, frame.height)
    if min(len(sky_at), len(corner_at)) < _FEWEST:
        return None
    pixels = frame.pixels.reshape(frame.height * frame.width, -1)
    (sky, sky_sigma), (corner, corner_sigma) = (_trimmed_mean(pixels[at]) for at in (sky_at, corner_at))
    if corner > _LIT_CORNER * frame.white_adu:  # stray light of the day, or fog on the lens
        return None
    per_s = frame.gain_e_per_adu / frame.exposure_s
    return Glow((sky - corner) * per_s, float(np.hypot(sky_sigma, corner_sigma)) * per_s)


def faintest_glow_e_per_s(zero_v_mag: float, plate: Plate, sun_elevation_deg: float) -> float:
    """Electrons per second and pixel of the darkest sky that can be, under thick cloud, with the Sun that far down."""
    zero = zero_v_mag if np.isfinite(zero_v_mag) else USUAL_ZERO_V_MAG
    arcsec_per_px = np.degrees(1 / plate.parameters.f) * 3600
    twilight = 10 ** (-0.4 * np.interp(sun_elevation_deg, TWILIGHT_SUN_DEG, TWILIGHT_ZENITH_V_MAG))
    sky = 10 ** (-0.4 * DARKEST_SKY_V_MAG) + twilight / CLOUD_DIMS
    return float(10 ** (0.4 * zero) * sky * arcsec_per_px**2 / CLOUD_DIMS)


def blind_reason(
    *, enough_stars: bool, saturated_share: float, glow: Glow | None, faintest_e_per_s: float, sun_elevation_deg: float
) -> str:
    """Why nothing at all can be seen, in words; "" when something can.

    Args: enough_stars: more catalogue stars show than chance would have it; glow: None where it cannot be measured;
          faintest_e_per_s: `faintest_glow_e_per_s`.
    """
    daylight = sun_elevation_deg > DAYLIGHT_SUN_DEG
    if saturated_share > WHITE_SHARE:
        return "daylight" if daylight else "saturated: the picture is white at night"
    if enough_stars:
        return ""
    if glow is not None and glow.e_per_s + 5 * glow.sigma_e_per_s < faintest_e_per_s:
        return "cap or dome closed: no star, and darker than any sky"
    if daylight:
        return "daylight"
    if glow is None:
        return "no star where the plate expects one: cap or dome closed, thick cloud, or the camera was moved"
    return "overcast, dome closed with light inside, or the camera was moved: it is not dark, but no star stands right"


@lru_cache(maxsize=4)
def _places(
    plate: Plate, origin_px: tuple[int, int], width: int, height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat indices of pixels high in the sky, and of those that no sky reaches."""
    x, y = np.meshgrid(np.arange(0, width - 1, _STEP), np.arange(0, height - 1, _STEP))
    elevation = plate.pixel_to_azel(np.stack((x, y), axis=-1).astype(float), origin_px)[..., 1]
    cells = y * width + x
    cell = np.array([0, 1, width, width + 1])

    def pixels(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.asarray((cells[chosen][:, None] + cell).reshape(-1), dtype=np.int64)

    with np.errstate(invalid="ignore"):
        return pixels(elevation > _SKY_ABOVE_DEG), pixels(~(elevation > _CORNER_BELOW_DEG))


def _trimmed_mean(values: NDArray[np.generic]) -> tuple[float, float]:
    """Mean of the middle, and its standard error."""
    ordered = np.sort(values.reshape(-1).astype(np.float64))
    cut = int(_TRIM * len(ordered))
    middle = ordered[cut : len(ordered) - cut]
    return float(middle.mean()), float(middle.std() / np.sqrt(len(middle)))
