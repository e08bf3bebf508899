"""Where a satellite with a two-line element set stands on a station's sky, and whether the Sun lights it.

SGP4 (sgp4 package, Vallado et al., AIAA 2006-6753) gives TEME positions; TEME -> Earth-fixed by GMST-82 alone: polar
motion and UT1-UTC (< 15 arcsec of sky) do not matter beside the elements' own error of kilometres.
"""

from __future__ import annotations

from dataclasses import dataclass

import erfa
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sgp4.api import Satrec

from camera.geodesy import Site, ecef_to_enu

UNIX_EPOCH_JD = 2440587.5
EARTH_RADIUS_M = 6378137.0
SUN_DISTANCE_M = 1.495978707e11


@dataclass(frozen=True)
class Elements:
    """One named two-line element set."""

    name: str
    line1: str
    line2: str

    @property
    def norad_id(self) -> int:
        return int(self.line1[2:7])


@dataclass(frozen=True, eq=False)
class SatelliteView:
    """What the station would see at N instants: ENU metres, lit by the Sun or not."""

    enu_m: NDArray[np.float64]  # (N, 3)
    sunlit: NDArray[np.bool_]  # (N,)


def julian_dates(utc_ns: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unix nanoseconds -> (whole, fraction) of the UTC Julian date, each (N,), without losing microseconds."""
    ns = np.atleast_1d(np.asarray(utc_ns, dtype=np.int64))
    day, rest = np.divmod(ns, 86_400_000_000_000)
    return UNIX_EPOCH_JD + day.astype(float), rest / 86_400e9


def sun_direction_teme(jd: NDArray[np.float64], fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) unit vectors to the Sun, true equator and equinox of date: low-precision formula of the Astronomical
    Almanac (section C, 0.01 deg), ample for deciding who is in shadow."""
    n = jd - 2451545.0 + fraction
    g = np.radians(357.528 + 0.9856003 * n)
    lam = np.radians(280.460 + 0.9856474 * n + 1.915 * np.sin(g) + 0.020 * np.sin(2 * g))
    eps = np.radians(23.439 - 4e-7 * n)
    return np.stack((np.cos(lam), np.cos(eps) * np.sin(lam), np.sin(eps) * np.sin(lam)), axis=-1)


def view(elements: Elements, utc_ns: ArrayLike, site: Site) -> SatelliteView:
    """Propagate one satellite to N instants. Raises ValueError when the elements cannot be propagated there."""
    whole, fraction = julian_dates(utc_ns)
    errors, r_km, _ = Satrec.twoline2rv(elements.line1, elements.line2).sgp4_array(whole, fraction)
    if errors.any():
        raise ValueError(
            f"satellite {elements.name}: elements that cannot be propagated to that time (SGP4 error {errors.max()})"
        )
    return seen_from(r_km * 1e3, whole, fraction, site)


def seen_from(
    teme_m: NDArray[np.float64], whole: NDArray[np.float64], fraction: NDArray[np.float64], site: Site
) -> SatelliteView:
    """TEME positions (..., N, 3) in metres at N Julian dates, as the station sees them; `sunlit` is (..., N)."""
    gmst = erfa.gmst82(whole, fraction)
    cos, sin = np.cos(gmst), np.sin(gmst)
    x, y, z = teme_m[..., 0], teme_m[..., 1], teme_m[..., 2]
    ecef = np.stack((cos * x + sin * y, -sin * x + cos * y, z), axis=-1)
    sun = sun_direction_teme(whole, fraction)
    along = np.sum(teme_m * sun, axis=-1)
    across = np.linalg.norm(teme_m - along[..., None] * sun, axis=-1)
    return SatelliteView(ecef_to_enu(ecef, site), (along > 0) | (across > EARTH_RADIUS_M))
