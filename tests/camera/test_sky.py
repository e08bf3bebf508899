"""Stars, Sun and Moon against other people's numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import erfa
import numpy as np
import pytest

from camera.geodesy import Site, azel_to_unit, separation_deg
from camera.satellites import julian_dates
from camera.sim.scenario import EPOCH_UTC_NS, YEBES
from camera.sky import moon_azel, moon_lit_share, pressure_hpa, star_azel, sun_azel, sun_elevation_deg
from camera.stars import TABLE, load_stars, table_of


def utc_ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 10**9


def test_the_catalogue_begins_with_sirius_and_holds_the_naked_eye_sky():
    stars = load_stars()
    assert len(stars) == 5044
    assert (stars.hip[0], stars.v_mag[0]) == (32349, -1.44)
    assert (np.diff(stars.v_mag) >= 0).all()
    assert len(stars.brighter(3.0)) == 177
    assert stars.brighter(3.0).v_mag.max() <= 3.0


@pytest.mark.realdata
def test_the_shipped_table_is_what_the_documented_command_makes(real_data):
    assert table_of((real_data / "stars" / "stars.6.json").read_text()) == TABLE.read_text()


def test_stars_stand_where_the_whole_sofa_chain_puts_them():
    stars = load_stars()
    ours = star_azel(stars, EPOCH_UTC_NS, YEBES)
    whole, fraction = julian_dates(EPOCH_UTC_NS)
    site = np.radians([YEBES.longitude_deg, YEBES.latitude_deg])
    for i in np.flatnonzero(ours[:, 1] > 10.0)[:60]:
        azimuth, zenith_distance, *_ = erfa.atco13(
            np.radians(stars.ra_deg[i]), np.radians(stars.dec_deg[i]), 0, 0, 0, 0, whole[0], fraction[0], 0.0,
            *site, YEBES.height_m, 0, 0, pressure_hpa(YEBES.height_m), 10.0, 0.5, 0.55,
        )  # fmt: skip
        theirs = azel_to_unit(np.degrees(azimuth), 90.0 - np.degrees(zenith_distance))
        assert separation_deg(azel_to_unit(*ours[i]), theirs) < 1e-6


def test_refraction_has_no_step_where_its_two_forms_meet_and_lifts_the_horizon_by_half_a_degree():
    stars = load_stars()
    airless = Site(YEBES.latitude_deg, YEBES.longitude_deg, 44_000.0)  # next to no pressure
    lifted = star_azel(stars, EPOCH_UTC_NS, Site(YEBES.latitude_deg, YEBES.longitude_deg, 0.0))[:, 1]
    geometric = star_azel(stars, EPOCH_UTC_NS, airless)[:, 1]
    order = np.argsort(geometric)
    lift, at = (lifted - geometric)[order], geometric[order]
    near = (at > 7.0) & (at < 9.0)
    assert np.abs(np.diff(lift[near])).max() < 0.01
    assert np.interp(0.0, at, lift) == pytest.approx(0.48, abs=0.05)  # 29 arcminutes, Bennett 1982
    assert np.interp(20.0, at, lift) == pytest.approx(2.7 / 60, abs=0.003)


def test_the_sun_is_where_the_solar_position_algorithm_says():
    # Reda & Andreas, NREL/TP-560-34302 (2008), table A5.1: 2003-10-17 12:30:30 at UTC-7; refraction 0.02 deg.
    golden = Site(39.742476, -105.1786, 1830.14)
    azimuth, elevation = sun_azel(utc_ns(2003, 10, 17, 19, 30, 30), golden)
    assert azimuth == pytest.approx(194.340241, abs=0.005)
    assert elevation == pytest.approx(90 - 50.111622, abs=0.01)


def test_the_moon_covered_the_sun_over_dallas():
    # Total solar eclipse of 2024-04-08, mid-totality at Dallas 18:42:36 UTC.
    dallas, when = Site(32.7767, -96.797, 131.0), utc_ns(2024, 4, 8, 18, 42, 36)
    sun, moon = azel_to_unit(*sun_azel(when, dallas)), azel_to_unit(*moon_azel(when, dallas))
    assert separation_deg(sun, moon) < 0.02
    assert moon_lit_share(when) < 0.001


def test_the_simulated_night_is_night():
    assert sun_elevation_deg(EPOCH_UTC_NS, YEBES) == pytest.approx(-17.0, abs=0.1)


def test_years_beyond_the_leap_second_table_are_no_trouble():
    assert np.isfinite(star_azel(load_stars(), utc_ns(2045, 1, 1), YEBES)).all()
