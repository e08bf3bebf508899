"""What a night may bring besides stars and traffic: each thing where and when it must be, and nothing unless asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from camera.geodesy import azel_to_unit, enu_to_azel, enu_to_geodetic, separation_deg
from camera.sim import milkyway, moonlight, twilight
from camera.sim.conditions import (
    PLAIN_SKY,
    SimDew,
    SimDome,
    SimInsect,
    SimKnock,
    SimLamp,
    SimSky,
)
from camera.sim.lights import aircraft_light
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import YEBES, Scenario, night
from camera.sim.sensor import WHITE_STORED
from camera.sky import moon_azel, star_azel
from camera.stars import Stars, load_stars


def utc_ns(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp() * 1e9)


EMPTY = replace(night(5), aircraft=(), satellites=(), meteors=(), clouds=())
MOONLIT_UTC_NS = utc_ns(2026, 6, 28, 0, 30)  # nearly full, 25 degrees up
PLATE = simulated_plate(EMPTY, scale=0.25)
(WIDTH, HEIGHT), ORIGIN = PLATE.region.size_px, PLATE.region.origin_px


def renderer_of(scenario: Scenario) -> Renderer:
    return Renderer(scenario, PLATE, width_px=WIDTH, height_px=HEIGHT, origin_px=ORIGIN, gain_setting=120)


def stored(sky: SimSky, t_s: float = 20.0, *, exposure_s: float = 2.0, epoch_utc_ns: int = EMPTY.epoch_utc_ns):
    scenario = replace(EMPTY, sky=sky, epoch_utc_ns=epoch_utc_ns)
    return renderer_of(scenario).render(scenario.utc_ns(t_s), exposure_s).astype(float)


def near(picture: np.ndarray, azel: tuple[float, float], half: int = 3) -> np.ndarray:
    x, y = np.round(PLATE.azel_to_pixel(np.array(azel), ORIGIN)).astype(int)
    return picture[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1]


def test_nothing_is_there_unless_asked_for() -> None:
    assert night(1).sky == PLAIN_SKY == SimSky()


def test_the_moon_blinds_its_own_place_and_lights_the_air_around_it() -> None:
    with_it, without = (stored(SimSky(moon=moon), epoch_utc_ns=MOONLIT_UTC_NS) for moon in (True, False))
    azimuth, elevation = moon_azel(MOONLIT_UTC_NS + 21 * 10**9, EMPTY.site)
    assert elevation > 15
    assert near(with_it, (azimuth, elevation), 1).min() == WHITE_STORED
    assert np.mean(with_it == WHITE_STORED) < 0.01
    sky = with_it - without
    towards = np.median(near(sky, (azimuth, elevation + 15), 8))
    opposite = np.median(near(sky, (azimuth + 180, 45.0), 8))
    assert towards > 2 * opposite > 60


def test_moonlight_of_the_zenith_is_that_of_the_paper() -> None:
    """Krisciunas & Schaefer 1991: V = 18.7 +- 0.5 sixty degrees from a full Moon, and 2.5 mag less light at quarter."""
    zenith = np.array([[0.0, 0.0, 1.0]])
    full, half = (
        -2.5 * np.log10(moonlight.skylight(zenith, moonlight.Moon((0.0, 30.0), 10 ** (-0.4 * v)))[0, 1])
        for v in (moonlight.magnitude(1.0), moonlight.magnitude(0.5))
    )
    assert full == pytest.approx(18.7, abs=0.5)
    assert half - full == pytest.approx(2.6, abs=0.2)
    assert moonlight.skylight(zenith, moonlight.Moon((0.0, -5.0), 1e5)).max() == 0.0


def test_the_milky_way_turns_with_the_stars() -> None:
    # Galactic centre and north pole, J2000 (IAU 1958 by SOFA), as if they were stars: another way through the sky.
    places = Stars(np.array([1, 2]), np.array([266.405, 192.859]), np.array([-28.936, 27.128]), np.ones(2), np.ones(2))
    for hours in (0, 7):
        at = utc_ns(2026, 7, 14, 22 - hours, 0)
        seen = azel_to_unit(*star_azel(places, at, YEBES).T)
        turned = milkyway.icrs_to_enu(at, YEBES) @ np.transpose(
            azel_to_unit(90 - places.ra_deg, places.dec_deg)  # x, y, z of right ascension and declination
        )
        assert separation_deg(turned.T, seen).max() < 0.7
    light = milkyway.milky_way(np.atleast_2d(seen)[None], at, YEBES)[0, :, 1]
    dark_sky = 10 ** (-0.4 * milkyway.DARK_SKY_V_MAG)
    assert light[0] > 0.4 * dark_sky
    assert light[1] == 0.0
    assert milkyway.band().max() < 4


@pytest.mark.parametrize("sun_deg", [5.0, -3.0, -9.0, -15.0])
def test_dusk_is_brightest_low_over_the_sun_and_fades_with_it(sun_deg: float) -> None:
    azel = np.array([[270.0, 8.0], [90.0, 8.0], [0.0, 90.0]])
    over, opposite, zenith = twilight.twilight(azel, (270.0, sun_deg))
    assert over[1] > opposite[1] > zenith[1]
    assert over[0] / over[2] > zenith[0] / zenith[2]  # redder
    later = twilight.twilight(azel, (270.0, sun_deg - 1.0))
    assert (later[:, 1] < over[1]).all()
    assert later[2, 1] < zenith[1]


def test_a_frame_of_dusk_does_not_depend_on_the_frames_before_it() -> None:
    scenario = replace(EMPTY, epoch_utc_ns=utc_ns(2026, 6, 14, 20, 30), sky=SimSky(milky_way=True))
    straight, detour = renderer_of(scenario), renderer_of(scenario)
    detour.render(scenario.utc_ns(-300.0), 0.5)
    detour.render(scenario.utc_ns(13.0), 0.5)
    at = scenario.utc_ns(14.0)
    assert (straight.render(at, 0.5) == detour.render(at, 0.5)).all()


def test_dew_grows_until_the_stars_are_blurred_away() -> None:
    dew = SimDew(t_start_s=0.0, t_full_s=100.0)
    stars = load_stars().brighter(2.5)
    azel = star_azel(stars, EMPTY.utc_ns(21.0), EMPTY.site)
    azel = azel[azel[:, 1] > 25.0]

    def sharpness(t_s: float) -> float:
        picture = stored(SimSky(dew=dew), t_s)
        at = star_azel(stars, EMPTY.utc_ns(t_s + 1.0), EMPTY.site)
        at = at[at[:, 1] > 25.0]
        return float(np.median([near(picture, tuple(one)).max() for one in at])) - float(np.median(picture))

    dry, damp, wet = (sharpness(t_s) for t_s in (-2.0, 50.0, 150.0))
    assert dry > damp > wet
    assert wet < 0.15 * dry


def test_a_knock_turns_the_sky_in_the_picture_from_its_time_on() -> None:
    knock = SimKnock(30.0, tilt_east_deg=0.3)
    moved = knock.moved(PLATE)
    zenith_before = PLATE.unit_to_pixel(np.array([0.0, 0.0, 1.0]), ORIGIN)
    now_there = enu_to_azel(moved.pixel_to_unit(zenith_before, ORIGIN))
    assert now_there == pytest.approx(
        [90.0, 89.7], abs=0.02
    )  # the camera leans east: what was zenith is now east of it
    before, still, after = (
        stored(sky, t) for sky, t in ((SimSky(), 28.0), (SimSky(knock=knock), 28.0), (SimSky(knock=knock), 32.0))
    )
    assert (before == still).all()
    stars = load_stars().brighter(1.5)
    azel = star_azel(stars, EMPTY.utc_ns(33.0), EMPTY.site)
    azel = azel[azel[:, 1] > 30.0]
    for unit in azel_to_unit(*azel.T):
        x, y = np.round(moved.unit_to_pixel(unit, ORIGIN)).astype(int)
        assert after[y - 1 : y + 2, x - 1 : x + 2].max() > np.median(after) + 150


def test_a_turn_goes_from_north_to_east() -> None:
    moved = SimKnock(0.0, turn_deg=5.0).moved(PLATE)
    pixel = PLATE.azel_to_pixel(np.array([0.0, 40.0]), ORIGIN)
    assert moved.pixel_to_azel(pixel, ORIGIN) == pytest.approx([5.0, 40.0], abs=1e-6)


def test_the_dome_hides_what_is_behind_it_and_a_lamp_burns_all_night() -> None:
    sky = SimSky(dome=SimDome(90.0, 25.0, 30.0), lamps=(SimLamp(200.0, 8.0, -5.0),))
    first, later = stored(sky, 20.0), stored(sky, 150.0)
    plain = stored(SimSky(), 20.0)
    black = np.median(first[:20, :20])
    assert np.median(near(first, (90.0, 15.0), 8)) - black < 0.4 * (np.median(near(plain, (90.0, 15.0), 8)) - black)
    for picture in (first, later):
        assert near(picture, (200.0, 8.0)).max() > near(plain, (200.0, 8.0)).max() + 2000


def test_an_insect_is_seen_in_its_own_frame_alone_and_is_no_aircraft() -> None:
    insect = SimInsect(20.5, 1.0, (20.0, 50.0), (100.0, 60.0), 12.0, -5.0)
    scenario = replace(EMPTY, sky=SimSky(insects=(insect,)))
    renderer = renderer_of(scenario)
    during, after = (renderer.truth(scenario.utc_ns(t_s), 2.0) for t_s in (20.0, 22.0))
    assert [trail.trail_class for trail in during if trail.trail_class != "own-beam"] == ["insect"]
    assert "insect" not in [trail.trail_class for trail in after]
    middle = during[0].polyline_px[len(during[0].polyline_px) // 2]
    x, y = np.round(middle).astype(int)
    window = np.s_[y - 4 : y + 5, x - 4 : x + 5]
    lit = renderer.render(scenario.utc_ns(20.0), 2.0)[window].astype(float)
    assert lit.max() > renderer.render(scenario.utc_ns(22.0), 2.0)[window].max() + 300


def test_the_wing_tips_of_an_airliner_overhead_are_three_pixels_apart() -> None:
    latitude, longitude, height = enu_to_geodetic(np.array([0.0, 0.0, 10_000.0]), EMPTY.site)
    overhead = replace(
        night(5).aircraft[0], lights="jet", t_ref_s=0.0, latitude_ref_deg=float(latitude),
        longitude_ref_deg=float(longitude), height_ref_m=float(height), vertical_rate_mps=0.0,
    )  # fmt: skip
    light = aircraft_light(overhead, np.array([-0.001, 0.001]), 0.004, EMPTY.site)
    red, green = (
        light.unit_enu[light.steady & (light.zero_mag_s[:, colour] > 5 * light.zero_mag_s[:, 1 - colour])][0]
        for colour in (0, 1)
    )
    xy_px = simulated_plate(EMPTY).unit_to_pixel(np.array([red, green]), (0, 0))
    assert np.hypot(*np.diff(xy_px, axis=0)[0]) == pytest.approx(3.3, abs=0.2)  # 34 m, 10 km away, 3.5 arcmin a pixel
