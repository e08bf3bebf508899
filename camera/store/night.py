"""Which night an instant belongs to, and whether it is one: names of folders, dusk and dawn by the Sun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from camera.geodesy import Site
from camera.sky import sun_elevation_deg

DUSK_DEG = -6.0  # of the Sun, civil dusk: pictures of a night begin in its twilight
DAYLIGHT_DEG = 0.0  # of the Sun: higher, a raw frame holds nothing but blue


def night_name(utc_ns: int, site: Site | None) -> str:
    """The date of its evening, "2026-06-14": nights run from noon to noon of mean local time, of UTC without a site."""
    east_s = 0.0 if site is None else 240.0 * site.longitude_deg
    noon = datetime.fromtimestamp(0, UTC) + timedelta(seconds=utc_ns / 1e9 + east_s - 43_200)
    return f"{noon:%Y-%m-%d}"


def sun_deg(utc_ns: int, site: Site | None) -> float:
    """Elevation of the Sun; without a site it is always night."""
    return -90.0 if site is None else sun_elevation_deg(utc_ns, site)
