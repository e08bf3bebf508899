"""Where stars, Sun and Moon stand on a station's sky: apparent (refracted) azimuth and elevation, offline for good.

Stars by SOFA's functions (pyerfa: apco13, atciq, atioq) with UT1-UTC = 0: at most 14 arcsec of sky, and no
Earth-rotation table to go stale. Sun and Moon by astronomy-engine, which needs no data either.
"""

from __future__ import annotations

import astronomy
import erfa
import numpy as np
from numpy.typing import NDArray

from camera.geodesy import Site
from camera.satellites import julian_dates
from camera.stars import Stars

EXTINCTION_MAG_PER_AIRMASS = 0.22  # broad band, a usual night near sea level
LOW_DEG = 8.0  # below this the A tan z + B tan^3 z form of refraction fails
UNIX_OF_J2000_DAYS = 10957.5


def pressure_hpa(height_m: float) -> float:
    """Mean pressure at a height: International Standard Atmosphere, ISO 2533, troposphere."""
    return float(1013.25 * (1 - 2.25577e-5 * height_m) ** 5.25588)


def refraction_deg(elevation_deg: NDArray[np.float64], pressure: float, celsius: float) -> NDArray[np.float64]:
    """What to add to a geometric elevation: Saemundsson, Sky & Telescope 72 (1986) 70, the inverse of Bennett 1982."""
    h = np.maximum(elevation_deg, -1.0)
    arcmin = 1.02 / np.tan(np.radians(h + 10.3 / (h + 5.11)))
    return np.asarray(arcmin / 60 * pressure / 1010 * 283 / (273 + celsius))


def star_azel(stars: Stars, utc_ns: int, site: Site, *, celsius: float = 10.0) -> NDArray[np.float64]:
    """(N, 2) apparent azimuth in [0, 360) and elevation, degrees. 2 ms for 5000 stars."""
    whole, fraction = julian_dates(utc_ns)
    pressure = pressure_hpa(site.height_m)
    observer = (np.radians(site.longitude_deg), np.radians(site.latitude_deg), site.height_m, 0.0, 0.0)
    # The bare function instead of its wrapper, which warns of every year beyond its leap-second table: one leap
    # second more would be 15 arcsec here.
    context, _, _ = erfa.ufunc.apco13(whole[0], fraction[0], 0.0, *observer, pressure, celsius, 0.5, 0.55)
    ra, dec = erfa.atciq(np.radians(stars.ra_deg), np.radians(stars.dec_deg), 0.0, 0.0, 0.0, 0.0, context)
    azimuth, zenith_distance, *_ = erfa.atioq(ra, dec, context)
    airless = context.copy()
    airless["refa"] = airless["refb"] = 0.0
    geometric = 90.0 - np.degrees(erfa.atioq(ra, dec, airless)[1])
    low = geometric + refraction_deg(geometric, pressure, celsius)
    elevation = np.where(geometric < LOW_DEG, low, 90.0 - np.degrees(zenith_distance))
    return np.stack((np.degrees(azimuth) % 360.0, elevation), axis=-1)


def _body_azel(body: astronomy.Body, utc_ns: int, site: Site) -> tuple[float, float]:
    time = astronomy.Time(utc_ns / 86_400e9 - UNIX_OF_J2000_DAYS)
    observer = astronomy.Observer(site.latitude_deg, site.longitude_deg, site.height_m)
    equator = astronomy.Equator(body, time, observer, True, True)
    horizon = astronomy.Horizon(time, observer, equator.ra, equator.dec, astronomy.Refraction.Normal)
    return float(horizon.azimuth), float(horizon.altitude)


def sun_azel(utc_ns: int, site: Site) -> tuple[float, float]:
    """Apparent azimuth and elevation of the Sun, degrees."""
    return _body_azel(astronomy.Body.Sun, utc_ns, site)


def moon_azel(utc_ns: int, site: Site) -> tuple[float, float]:
    """Apparent azimuth and elevation of the Moon, degrees."""
    return _body_azel(astronomy.Body.Moon, utc_ns, site)


def sun_elevation_deg(utc_ns: int, site: Site) -> float:
    return sun_azel(utc_ns, site)[1]


def planets(utc_ns: int, site: Site) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The naked-eye planets: (5, 2) apparent azimuth and elevation, degrees, and (5,) magnitudes."""
    bodies = (
        astronomy.Body.Mercury, astronomy.Body.Venus, astronomy.Body.Mars, astronomy.Body.Jupiter, astronomy.Body.Saturn
    )  # fmt: skip
    time = astronomy.Time(utc_ns / 86_400e9 - UNIX_OF_J2000_DAYS)
    azel = np.array([_body_azel(body, utc_ns, site) for body in bodies])
    return azel, np.array([astronomy.Illumination(body, time).mag for body in bodies])


def moon_lit_share(utc_ns: int) -> float:
    """Illuminated share of the Moon's disc, 0 (new) to 1 (full)."""
    time = astronomy.Time(utc_ns / 86_400e9 - UNIX_OF_J2000_DAYS)
    return float(astronomy.Illumination(astronomy.Body.Moon, time).phase_fraction)
