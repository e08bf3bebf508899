"""The Milky Way's unresolved light: a model of our own in galactic coordinates, no photograph.

A band whose width and brightness fall from the centre (l = 0) to the anticentre, the bulge, the great rift of dust
along it, the star clouds of Scutum, Cygnus and Carina, and clumps of a fractal. Brightness in units of a dark sky of
V = 21.5 per square arcsecond: near 2 in the clouds of Sagittarius, 0.7 in Cygnus, 0.2 towards Auriga (rounded
from the tables of Leinert et al. 1998, A&AS 127, 1).
"""

from __future__ import annotations

from functools import cache

import cv2
import erfa
import numpy as np
from numpy.typing import NDArray

from camera.geodesy import Site
from camera.satellites import julian_dates
from camera.sim.fractal import fractal

DARK_SKY_V_MAG = 21.5
COLOUR = np.array([1.08, 1.0, 0.86])  # of old stars and dust, over green
_WIDTH, _HEIGHT = 720, 241  # of the map: half a degree a node, galactic latitudes to +-60 degrees
_HIGHEST_B_DEG = 60.0
_CLOUDS = ((27.0, -2.0, 6.0, 0.5), (78.0, 1.0, 9.0, 0.45), (285.0, -1.0, 8.0, 0.5), (345.0, 0.0, 8.0, 0.2))


def milky_way(unit_enu: NDArray[np.float64], utc_ns: int, site: Site) -> NDArray[np.float64]:
    """(rows, columns, 3) directions -> (rows, columns, 3) light per square arcsecond, in units of V = 0, per colour."""
    galactic = unit_enu @ (_icrs_to_galactic() @ icrs_to_enu(utc_ns, site).T).T
    longitude = np.degrees(np.arctan2(galactic[..., 1], galactic[..., 0])) % 360.0
    latitude = np.degrees(np.arcsin(np.clip(galactic[..., 2], -1, 1)))
    column = longitude * (_WIDTH / 360.0)
    row = (latitude + _HIGHEST_B_DEG) * ((_HEIGHT - 1) / (2 * _HIGHEST_B_DEG))
    light = cv2.remap(
        band(), np.nan_to_num(column).astype(np.float32), np.nan_to_num(row, nan=-1.0).astype(np.float32),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0,
    )  # fmt: skip
    return np.asarray(light[..., None] * 10 ** (-0.4 * DARK_SKY_V_MAG) * COLOUR)


@cache
def band() -> NDArray[np.float32]:
    """(_HEIGHT, _WIDTH + 1) map over latitude and longitude; its last column repeats the first."""
    l_deg = np.arange(_WIDTH + 1) * (360.0 / _WIDTH)
    b = np.linspace(-_HIGHEST_B_DEG, _HIGHEST_B_DEG, _HEIGHT)[:, None]
    l_deg = np.where(l_deg > 180.0, l_deg - 360.0, l_deg)[None, :]
    inner = np.exp(-((l_deg / 70.0) ** 2))
    light = (0.2 + 0.9 * inner) * np.exp(-np.abs(b) / (5.0 + 3.0 * inner))
    light = light + 1.0 * np.exp(-((l_deg / 14.0) ** 2) - ((b + 2.0) / 7.0) ** 2)
    for cloud_l, cloud_b, size, strength in _CLOUDS:
        off = (l_deg - cloud_l + 180.0) % 360.0 - 180.0
        light = light + strength * np.exp(-((off / (1.6 * size)) ** 2) - ((b - cloud_b) / (0.6 * size)) ** 2)
    clumps = fractal(np.random.default_rng(1781), _WIDTH, 2.4)[:_HEIGHT]  # periodic: it closes on itself
    clumps = np.concatenate((clumps, clumps[:, :1]), axis=1)
    # The rift wanders above the plane from Cygnus through Aquila to Ophiuchus, and fades beyond the centre.
    ridge = 1.0 + 3.5 * np.sin(np.radians(1.6 * l_deg)) * np.exp(-(((l_deg - 30) / 40) ** 2)) + 0.8 * clumps
    rift = np.exp(-(((b - ridge) / (2.4 + 0.6 * clumps)) ** 2)) * np.exp(-(((l_deg - 25.0) / 55.0) ** 2))
    light = light * (1 - 0.75 * np.clip(rift, 0, 1)) * np.exp(0.35 * clumps)
    light = light * np.clip((_HIGHEST_B_DEG - np.abs(b)) / 15.0, 0, 1)
    return np.asarray(light, dtype=np.float32)


def icrs_to_enu(utc_ns: int, site: Site) -> NDArray[np.float64]:
    """(3, 3) rotation of ICRS directions to east, north, up, without refraction and aberration: 0.6 degrees at most."""
    whole, fraction = julian_dates(utc_ns)
    angle = float(erfa.gst06a(whole[0], fraction[0], whole[0], fraction[0])) + np.radians(site.longitude_deg)
    true = erfa.pnm06a(whole[0], fraction[0])
    latitude = np.radians(site.latitude_deg)
    sin_a, cos_a, sin_l, cos_l = np.sin(angle), np.cos(angle), np.sin(latitude), np.cos(latitude)
    local = np.array(
        [[-sin_a, cos_a, 0.0], [-sin_l * cos_a, -sin_l * sin_a, cos_l], [cos_l * cos_a, cos_l * sin_a, sin_l]]
    )
    return np.asarray(local @ true)


@cache
def _icrs_to_galactic() -> NDArray[np.float64]:
    """(3, 3) by IAU 1958 as SOFA has it: columns are ICRS axes seen in galactic coordinates."""
    longitude, latitude = erfa.icrs2g(np.array([0.0, np.pi / 2, 0.0]), np.array([0.0, 0.0, np.pi / 2]))
    cos_b = np.cos(latitude)
    return np.stack((cos_b * np.cos(longitude), cos_b * np.sin(longitude), np.sin(latitude)))
