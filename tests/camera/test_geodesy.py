from __future__ import annotations

import erfa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.geodesy import (
    Site,
    azel_to_unit,
    enu_to_azel,
    enu_to_geodetic,
    geodetic_to_ecef,
    geodetic_to_enu,
    separation_deg,
)

latitudes = st.floats(-89.9, 89.9)
longitudes = st.floats(-180, 180)
heights_m = st.floats(-400, 40_000)


@given(latitudes, longitudes, heights_m)
def test_ecef_is_that_of_erfa(latitude_deg: float, longitude_deg: float, height_m: float) -> None:
    expected = erfa.gd2gc(1, np.radians(longitude_deg), np.radians(latitude_deg), height_m)  # 1: WGS 84
    assert geodetic_to_ecef(latitude_deg, longitude_deg, height_m) == pytest.approx(expected, abs=1e-6)


@given(latitudes, longitudes, st.tuples(*[st.floats(-90_000, 90_000)] * 2, st.floats(0, 20_000)))
def test_a_place_seen_from_a_site_is_found_again(
    latitude_deg: float, longitude_deg: float, enu_m: tuple[float, float, float]
) -> None:
    site = Site(latitude_deg, longitude_deg, 500.0)
    there = enu_to_geodetic(np.array(enu_m), site)
    assert geodetic_to_enu(*there, site) == pytest.approx(np.array(enu_m), abs=1e-3)


def test_a_flat_earth_would_be_wrong_at_60_km() -> None:
    """facts of the design: 0.27 deg at 60 km; the aircraft stands lower than a flat Earth says."""
    site = Site(40.0, 0.0, 0.0)
    enu_m = geodetic_to_enu(40.0 + 60.0 / 111.0, 0.0, 10_000.0, site)
    flat_deg = np.degrees(np.arctan2(10_000.0, 60_000.0))
    assert flat_deg - enu_to_azel(enu_m)[1] == pytest.approx(0.27, abs=0.05)


@given(st.floats(0, 359.99), st.floats(-89, 89))
def test_azimuth_and_elevation_come_back(azimuth_deg: float, elevation_deg: float) -> None:
    unit = azel_to_unit(azimuth_deg, elevation_deg)
    assert np.linalg.norm(unit) == pytest.approx(1)
    assert separation_deg(unit, azel_to_unit(*enu_to_azel(unit))) < 1e-9


@pytest.mark.parametrize("small_deg", [1e-6, 0.01, 90.0, 179.999])
def test_separation_is_exact_for_tiny_and_for_nearly_opposite_directions(small_deg: float) -> None:
    a, b = azel_to_unit(10.0, 0.0), azel_to_unit(10.0 + small_deg, 0.0)
    assert separation_deg(a, b) == pytest.approx(small_deg, rel=1e-6)
