from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from camera.geodesy import Site, enu_to_azel
from camera.satellites import Elements, julian_dates, sun_direction_teme, view
from camera.sim.scenario import EPOCH_UTC_NS, YEBES, night

# International Space Station, published with the sgp4 package's documentation.
ISS = Elements(
    "ISS (ZARYA)",
    "1 25544U 98067A   19343.69339541  .00001764  00000-0  38792-4 0  9991",
    "2 25544  51.6439 211.2001 0007417  17.6667  85.6398 15.50103472202482",
)


def test_direction_and_range_agree_with_astropy() -> None:
    """TEME -> ITRS -> topocentric by another library, with its polar motion and UT1: one_pixel_deg = 0.06."""
    import astropy.units as u
    from astropy.coordinates import ITRS, TEME, CartesianRepresentation, EarthLocation
    from astropy.time import Time
    from astropy.utils import iers
    from sgp4.api import Satrec

    utc_ns = np.int64(1_575_909_000_000_000_000) + np.arange(0, 5_400, 600) * 1_000_000_000
    whole, fraction = julian_dates(utc_ns)
    _, r_km, _ = Satrec.twoline2rv(ISS.line1, ISS.line2).sgp4_array(whole, fraction)
    site = Site(40.5247, -3.0883, 980.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("iers_degraded_accuracy", "warn"):
            time = Time(whole, fraction, format="jd", scale="utc")
            itrs = TEME(CartesianRepresentation(r_km.T * u.km), obstime=time).transform_to(ITRS(obstime=time))
    here = EarthLocation.from_geodetic(site.longitude_deg, site.latitude_deg, site.height_m).get_itrs()
    away = itrs.cartesian.xyz.to_value(u.m).T - here.cartesian.xyz.to_value(u.m)
    from camera.geodesy import enu_axes

    expected = away @ enu_axes(site).T
    assert view(ISS, utc_ns, site).enu_m == pytest.approx(expected, abs=400.0)  # 15 arcsec at 1000 km are 70 m


def test_the_sun_direction_is_that_of_the_almanac() -> None:
    """At the June solstice of 2026 (21 June 08:24 UTC) the Sun stands at right ascension 6 h, declination +23.44."""
    whole, fraction = julian_dates(1_782_030_240_000_000_000)
    x, y, z = sun_direction_teme(whole, fraction)[0]
    assert np.degrees(np.arctan2(y, x)) == pytest.approx(90.0, abs=0.05)
    assert np.degrees(np.arcsin(z)) == pytest.approx(23.44, abs=0.02)


def test_a_satellite_in_the_shadow_of_the_earth_is_not_lit() -> None:
    elements = night(1).satellites[0].elements
    a_day = EPOCH_UTC_NS + np.arange(0, 6_000, 20) * 1_000_000_000  # one revolution
    lit = view(elements, a_day, YEBES).sunlit
    assert lit.any()
    assert not lit.all()


def test_elements_that_decayed_are_refused_by_name() -> None:
    decayed = Elements(
        "LOW",
        "1 99003U 26001A   26165.90625000  .00000000  00000-0  00000-0 0  9997",
        "2 99003  51.6000   0.0000 0001000   0.0000   0.0000 17.20000000    13",
    )
    with pytest.raises(ValueError, match="LOW"):
        view(decayed, EPOCH_UTC_NS, YEBES)


@pytest.mark.realdata
def test_vallados_verification_elements_can_be_seen_from_somewhere(real_data: Path) -> None:
    lines = (real_data / "tle/SGP4-VER.TLE").read_text().splitlines()
    sets = [(a, b[:69]) for a, b in pairwise(lines) if a.startswith("1 ") and b.startswith("2 ")]
    seen = 0
    for line1, line2 in sets:
        year, day = 1900 + int(line1[18:20]) + (100 if int(line1[18:20]) < 57 else 0), float(line1[20:32])
        epoch = np.datetime64(f"{year}-01-01", "ns").astype(np.int64) + np.int64((day - 1) * 86_400e9)
        try:
            found = view(Elements(line1[2:7], line1, line2), epoch, YEBES)
        except ValueError:
            continue
        seen += 1
        assert np.isfinite(enu_to_azel(found.enu_m)).all()
    assert seen >= 25
