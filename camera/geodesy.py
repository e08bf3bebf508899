"""Where an aircraft is on the sky of a station: WGS-84 ellipsoid, no flat-earth shortcut.

Frames: geodetic (degrees, metres above the ellipsoid) -> ECEF (metres) -> local east-north-up at the station -> azimuth
east of north, elevation above the horizon. Constants: NGA.STND.0036 (WGS 84), table 3.1.
A flat earth is wrong by 0.27 deg at 60 km and 0.67 deg at 150 km, hence the ellipsoid everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEMI_MAJOR_M = 6378137.0
FLATTENING = 1 / 298.257223563
ECCENTRICITY_SQ = FLATTENING * (2 - FLATTENING)


@dataclass(frozen=True, slots=True)
class Site:
    """A place on the ground: geodetic degrees, metres above the WGS-84 ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    height_m: float


def curvature_radii_m(latitude_deg: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radii of curvature (meridian M, prime vertical N) in metres at a latitude."""
    w_sq = 1 - ECCENTRICITY_SQ * np.sin(np.radians(latitude_deg)) ** 2
    return SEMI_MAJOR_M * (1 - ECCENTRICITY_SQ) / w_sq**1.5, SEMI_MAJOR_M / np.sqrt(w_sq)


def geodetic_to_ecef(latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_m: ArrayLike) -> NDArray[np.float64]:
    """(..., 3) metres, Earth-centred Earth-fixed."""
    lat, lon, h = np.radians(latitude_deg), np.radians(longitude_deg), np.asarray(height_m, dtype=float)
    n = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_SQ * np.sin(lat) ** 2)
    return np.stack(
        np.broadcast_arrays(
            (n + h) * np.cos(lat) * np.cos(lon),
            (n + h) * np.cos(lat) * np.sin(lon),
            (n * (1 - ECCENTRICITY_SQ) + h) * np.sin(lat),
        ),
        axis=-1,
    )


def enu_axes(site: Site) -> NDArray[np.float64]:
    """(3, 3) matrix whose rows are east, north and up of the site in ECEF."""
    lat, lon = np.radians(site.latitude_deg), np.radians(site.longitude_deg)
    return np.array(
        [
            [-np.sin(lon), np.cos(lon), 0.0],
            [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)],
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)],
        ]
    )


def ecef_to_enu(ecef_m: NDArray[np.float64], site: Site) -> NDArray[np.float64]:
    """(..., 3) ECEF metres -> (..., 3) east, north, up metres from the site."""
    here = geodetic_to_ecef(site.latitude_deg, site.longitude_deg, site.height_m)
    return (ecef_m - here) @ enu_axes(site).T


def geodetic_to_enu(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_m: ArrayLike, site: Site
) -> NDArray[np.float64]:
    """(..., 3) east, north, up in metres from the site."""
    return ecef_to_enu(geodetic_to_ecef(latitude_deg, longitude_deg, height_m), site)


def enu_to_geodetic(enu_m: NDArray[np.float64], site: Site) -> tuple[float, float, float]:
    """One point: east, north, up metres -> latitude, longitude (degrees), height above the ellipsoid (metres).

    Bowring's iteration on the parametric latitude; converges to under a millimetre in five rounds below 100 km.
    """
    here = geodetic_to_ecef(site.latitude_deg, site.longitude_deg, site.height_m)
    x, y, z = here + np.asarray(enu_m, dtype=float) @ enu_axes(site)
    p = float(np.hypot(x, y))
    lat = np.arctan2(z, p * (1 - ECCENTRICITY_SQ))
    h = 0.0
    for _ in range(5):
        n = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_SQ * np.sin(lat) ** 2)
        h = p / np.cos(lat) - n
        lat = np.arctan2(z, p * (1 - ECCENTRICITY_SQ * n / (n + h)))
    return float(np.degrees(lat)), float(np.degrees(np.arctan2(y, x))), float(h)


def azel_to_unit(azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> NDArray[np.float64]:
    """(..., 3) east-north-up unit vectors."""
    az, el = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack(np.broadcast_arrays(np.cos(el) * np.sin(az), np.cos(el) * np.cos(az), np.sin(el)), axis=-1)


def enu_to_azel(enu: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3) east-north-up (any length) -> (..., 2): azimuth_deg in [0, 360), elevation_deg."""
    azimuth = np.degrees(np.arctan2(enu[..., 0], enu[..., 1])) % 360.0
    elevation = np.degrees(np.arctan2(enu[..., 2], np.hypot(enu[..., 0], enu[..., 1])))
    return np.stack((azimuth, elevation), axis=-1)


def separation_deg(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle between directions (..., 3) of any length; exact for tiny and for near-opposite angles (atan2 form)."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.degrees(np.arctan2(cross, np.sum(np.asarray(a) * np.asarray(b), axis=-1))))


def small_circle(azimuth_deg: float, elevation_deg: float, radius_deg: float, points: int = 48) -> NDArray[np.float64]:
    """(points, 2) azimuth and elevation of a circle on the sky: the edge of a cone."""
    centre = azel_to_unit(azimuth_deg, elevation_deg)
    side = np.cross(centre, (0.0, 0.0, 1.0) if abs(centre[2]) < 0.9 else (1.0, 0.0, 0.0))
    side /= np.linalg.norm(side)
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)[:, None]
    radius = np.radians(radius_deg)
    rim = np.cos(radius) * centre + np.sin(radius) * (np.cos(angle) * side + np.sin(angle) * np.cross(centre, side))
    return enu_to_azel(rim)
