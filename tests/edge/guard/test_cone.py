"""Closest approaches against dense sampling, and the borders of the regions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.geodesy import azel_to_unit, separation_deg
from camera.mask import MARGIN_DEG
from edge.config import BeamSection
from edge.guard.cone import RING, approaches, region_of, swept
from edge.records import HORIZON_S
from tests.edge.guard.scene import path, pointing, thing

EXACT = {"plate_sigma_deg": 0.0, "baseline_m": 0.0, "smallest_range_m": 500.0}


def cone(**rates):
    return region_of(BeamSection(), pointing(0.0, **rates), 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 360), st.floats(5, 85), st.floats(-12, 12), st.floats(-3, 3), st.floats(-2, 2), st.floats(-2, 2),
)  # fmt: skip
def test_between_the_samples_nothing_slips_through(azimuth, elevation, az_dps, el_dps, beam_az_dps, beam_el_dps):
    region = cone(azimuth_rate_dps=beam_az_dps, elevation_rate_dps=beam_el_dps)
    found = approaches([thing("A", path(azimuth, elevation, az_dps, el_dps, sigma_deg=0.0))], region, **EXACT)
    t = np.linspace(0.0, HORIZON_S[-1], 15001)
    flight = azel_to_unit(azimuth + az_dps * t, elevation + el_dps * t)
    beam = azel_to_unit(120.0 + beam_az_dps * t, 55.0 + beam_el_dps * t)
    dense_deg = separation_deg(flight, beam).min()
    assert found.separation_deg[0] <= dense_deg + 0.02


def test_one_path_of_the_beam_is_found_to_a_hundredth_of_a_degree():
    region = region_of(BeamSection(region="fixed", azimuth_deg=120.0, elevation_deg=55.0), None, 0.0)
    for az_dps, offset in ((12.0, 0.53), (-11.0, 2.27), (0.3, 5.0)):
        crossing = path(120.0 - az_dps * 7.03, 55.0 + offset, az_dps, 0.0, sigma_deg=0.0)
        found = approaches([thing("A", crossing)], region, **EXACT)
        t = np.linspace(0.0, 15.0, 150001)
        flight = azel_to_unit(120.0 + az_dps * (t - 7.03), 55.0 + offset)
        dense_deg = separation_deg(flight, azel_to_unit(120.0, 55.0)).min()
        assert found.separation_deg[0] == pytest.approx(dense_deg, abs=0.01)
        assert found.closest_in_s[0] == pytest.approx(7.0, abs=0.11)


def test_a_satellite_through_the_zenith_is_followed_across_it():
    """At 87 deg an azimuth rate says little: along a great circle the beam comes down on the other side."""
    paths = swept(pointing(0.0, azimuth_deg=0.0, elevation_deg=87.0, elevation_rate_dps=0.5), 0.0)
    end = paths[:, -1]
    assert np.allclose(end, azel_to_unit(180.0, 90.0 - 4.5), atol=1e-9)


def test_a_pointing_of_a_second_ago_is_carried_on_to_now():
    now = swept(pointing(10.0, azimuth_rate_dps=2.0), 11.0)
    assert np.allclose(now[0, 0], azel_to_unit(122.0, 55.0))


def test_the_cone_grows_by_three_sigma_and_by_the_baseline_for_what_only_the_camera_saw():
    region = cone()
    wide = {"plate_sigma_deg": 0.4, "baseline_m": 50.0, "smallest_range_m": 500.0}
    seen = thing("A", path(120.0, 75.0, sigma_deg=0.3))
    heard = thing("B", path(120.0, 75.0, sigma_deg=0.3), senses=("radio",))
    found = approaches([seen, heard], region, **wide)
    distance = 20.0 - 6.0
    assert found.outside_deg[0, 0] == pytest.approx(distance - 3 * 0.5 - np.degrees(np.arctan(0.1)), abs=1e-6)
    assert found.outside_deg[1, 0] == pytest.approx(distance - 3 * 0.3, abs=1e-6)


def test_the_camera_must_see_the_whole_cone_to_its_rim_also_where_it_dips_below_the_horizon():
    region = region_of(BeamSection(cone_deg=10.0), pointing(0.0, elevation_deg=5.0), 0.0)
    assert len(region.watched) == 2 * 17 * (1 + RING + 13)  # axis, ring half-way, rim
    full = region_of(BeamSection(), pointing(0.0), 0.0)
    assert separation_deg(full.watched, azel_to_unit(120.0, 55.0)).max() == pytest.approx(6.0)
    low = region_of(BeamSection(cone_deg=2.0), pointing(0.0, elevation_deg=-4.0), 0.0)
    assert len(low.watched)  # what nobody can see must be asked for, or it passes for seen


@pytest.mark.parametrize("cone_deg", [6.0, 25.0, 40.0, 90.0])
def test_no_sector_inside_a_wide_cone_is_left_unasked(cone_deg):
    region = region_of(BeamSection(cone_deg=cone_deg, caution_deg=cone_deg), pointing(0.0), 0.0)
    rng = np.random.default_rng(1)
    inside = rng.normal(size=(3000, 3))
    inside /= np.linalg.norm(inside, axis=1, keepdims=True)
    inside = inside[separation_deg(inside, azel_to_unit(120.0, 55.0)) < cone_deg]
    nearest = np.degrees(np.arccos(np.clip((inside @ region.watched.T).max(axis=1), -1, 1)))
    assert nearest.max() < MARGIN_DEG  # nor can anything masked stand between two


def test_without_pointing_there_is_no_cone():
    assert region_of(BeamSection(), None, 0.0) is None


def test_the_whole_sky_counts_degrees_below_its_border():
    region = region_of(BeamSection(region="whole-sky", minimum_elevation_deg=20.0), None, 0.0)
    found = approaches([thing("A", path(10.0, 5.0, 0.0, 1.5, sigma_deg=0.0))], region, **EXACT)
    assert found.enters_in_s()[0] == pytest.approx(10.0, abs=0.11)
    assert found.separation_deg[0] == pytest.approx(20.0 - 27.5)
