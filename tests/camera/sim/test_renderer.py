"""The simulated sky shows what the scenario says, where the plate says, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from camera.geodesy import azel_to_unit
from camera.satellites import view
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import night
from camera.sim.sensor import WHITE_STORED, Sensor
from camera.sky import star_azel
from camera.stars import load_stars

NIGHT = night(5)
PLATE = simulated_plate(NIGHT, scale=0.5)
(WIDTH, HEIGHT), ORIGIN = PLATE.region.size_px, PLATE.region.origin_px


def renderer_of(scenario=NIGHT, *, width=WIDTH, height=HEIGHT, origin=ORIGIN) -> Renderer:
    return Renderer(scenario, PLATE, width_px=width, height_px=height, origin_px=origin, gain_setting=120)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return renderer_of()


def light_of(renderer: Renderer, t_s: float, exposure_s: float = 2.0) -> np.ndarray:
    """Electrons of one frame, black level off."""
    frame = renderer.render(NIGHT.utc_ns(t_s), exposure_s).astype(float)
    return (frame - renderer.sensor.black_stored) * renderer.sensor.e_per_stored


def box(light: np.ndarray, xy: np.ndarray, half: int = 3) -> np.ndarray:
    x, y = np.round(xy).astype(int)
    return light[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1]


def test_a_frame_looks_like_the_camera_s(renderer):
    frame = renderer.render(NIGHT.utc_ns(20.0), 2.0)
    assert (frame.shape, frame.dtype) == ((HEIGHT, WIDTH), np.uint16)
    assert (frame & 3 == 0).all()  # 14 bits, left-aligned
    assert frame.max() <= WHITE_STORED


def test_the_same_moment_gives_the_same_pixels_and_the_next_one_fresh_noise(renderer):
    first, again, later = (renderer.render(NIGHT.utc_ns(t), 2.0) for t in (20.0, 20.0, 22.0))
    assert (first == again).all()
    dark = np.s_[:60, :60]  # outside the image circle: noise alone
    a, b = (frame[dark].astype(float).ravel() for frame in (first, later))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.1
    rows = np.corrcoef(first[:40, :100].astype(float))
    assert np.abs(rows - np.eye(40)).max() < 0.5


def test_bright_stars_stand_where_the_plate_says(renderer):
    light = light_of(renderer, 20.0)
    stars = load_stars().brighter(2.2)
    azel = star_azel(stars, NIGHT.utc_ns(21.0), NIGHT.site)
    xy = PLATE.azel_to_pixel(azel, ORIGIN)[azel[:, 1] > 15.0]
    assert len(xy) > 10
    for at in xy:
        window = box(light, at) - np.median(box(light, at, 8))
        grid = np.arange(-3, 4)
        total = window.sum()
        assert total > 300
        centroid = np.array([(window.sum(axis=0) * grid).sum(), (window.sum(axis=1) * grid).sum()]) / total
        assert centroid + np.round(at) == pytest.approx(at, abs=0.6)  # colour of the pixels pulls it a little


def test_an_aircraft_draws_a_line_along_its_truth(renderer):
    start = NIGHT.utc_ns(0.36 * NIGHT.duration_s)
    with_it = light_of(renderer, 0.36 * NIGHT.duration_s)
    trail = next(t for t in renderer.truth(start, 2.0) if t.id == NIGHT.aircraft[0].icao)
    without = light_of(renderer_of(replace(NIGHT, aircraft=NIGHT.aircraft[1:])), 0.36 * NIGHT.duration_s)
    assert trail.trail_class == "aircraft"
    assert trail.visible
    assert trail.line_snr > 3
    assert trail.peak_snr >= trail.line_snr
    length_px = np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0])
    assert 4 < trail.lit_px < 10 * length_px
    assert trail.total_snr**2 <= trail.peak_snr**2 * 10 * length_px
    assert trail.total_snr**2 > trail.line_snr**2 * length_px / 2  # an even line shows as much over every pixel
    difference = with_it - without
    y, x = np.nonzero(difference > 8)
    a, b = trail.polyline_px[0], trail.polyline_px[-1]
    along = (b - a) / np.linalg.norm(b - a)
    offset = np.stack((x, y), axis=-1) - a
    assert len(x) > 10
    assert np.abs(offset @ np.array([-along[1], along[0]])).max() < 6  # span of the aircraft and the star image
    assert (offset @ along).min() > -6
    assert (offset @ along).max() < np.linalg.norm(b - a) + 6
    moved = NIGHT.aircraft[0].enu_m(np.array([0.36 * NIGHT.duration_s]), NIGHT.site)
    assert PLATE.unit_to_pixel(moved, ORIGIN)[0] == pytest.approx(a, abs=1.0)


def test_strobes_flash_between_forty_and_a_hundred_times_a_minute():
    from camera.sim.lights import aircraft_light

    times = np.arange(600) * 0.1 + 0.05
    for aircraft in NIGHT.aircraft[:4]:
        light = aircraft_light(aircraft, times, 60.0, NIGHT.site)
        white = ~light.steady & (light.zero_mag_s[:, 2] > 0.5 * light.zero_mag_s[:, 0])
        flashes = white.sum() / (2 if aircraft.lights == "light" else 4)  # wing tips, and twice each on a jet
        assert 40 <= flashes <= 100  # 14 CFR 25.1401 (c)


def test_flashes_carry_on_from_frame_to_frame():
    from camera.sim.lights import aircraft_light

    aircraft = NIGHT.aircraft[2]
    whole = aircraft_light(aircraft, np.arange(40) * 0.1 + 0.05, 4.0, NIGHT.site)
    halves = [aircraft_light(aircraft, np.arange(20) * 0.1 + t + 0.05, 2.0, NIGHT.site) for t in (0.0, 2.0)]
    assert (~whole.steady).sum() == sum((~half.steady).sum() for half in halves)
    assert whole.zero_mag_s.sum() == pytest.approx(sum(half.zero_mag_s.sum() for half in halves), rel=1e-3)


def test_an_airliner_above_twenty_degrees_shines_like_a_star_of_the_third_magnitude():
    from camera.sim.lights import aircraft_light

    for elevation in (20.0, 45.0, 85.0):
        for track in range(0, 360, 30):
            aircraft = _airliner_at(elevation, float(track))
            light = aircraft_light(aircraft, np.linspace(-0.95, 0.95, 20), 2.0, NIGHT.site)
            per_second = light.zero_mag_s[light.steady].sum(axis=0) / 2.0
            magnitude = -2.5 * np.log10(per_second.mean())
            assert 0.5 < magnitude < 4.0


def _airliner_at(elevation_deg: float, track_deg: float):
    from camera.geodesy import enu_to_geodetic

    unit = azel_to_unit(90.0, elevation_deg)
    latitude, longitude, height = enu_to_geodetic(unit * 10_000.0 / unit[2], NIGHT.site)
    return replace(
        NIGHT.aircraft[0], t_ref_s=0.0, latitude_ref_deg=latitude, longitude_ref_deg=longitude, height_ref_m=height,
        track_deg=track_deg, vertical_rate_mps=0.0,
    )  # fmt: skip


def test_the_own_beam_is_green_and_only_there_while_lasing(renderer):
    lasing, dark = NIGHT.beam.lasing_s[0][0] + 2.0, 0.0
    trail = next(t for t in renderer.truth(NIGHT.utc_ns(lasing), 2.0) if t.trail_class == "own-beam")
    assert not [t for t in renderer.truth(NIGHT.utc_ns(dark), 2.0) if t.trail_class == "own-beam"]
    azel = NIGHT.beam.azel_deg(lasing + 1.0, NIGHT.epoch_utc_ns, NIGHT.site)
    assert trail.polyline_px[-1] == pytest.approx(PLATE.azel_to_pixel(azel, ORIGIN)[0], abs=1.0)
    window = box(light_of(renderer, lasing), trail.polyline_px[len(trail.polyline_px) // 2], 6)
    x, y = np.round(trail.polyline_px[len(trail.polyline_px) // 2]).astype(int) - 6
    red = window[y % 2 :: 2, x % 2 :: 2].sum()
    green = window[(y + 1) % 2 :: 2, x % 2 :: 2].sum()
    assert green > 2 * red


def test_a_satellite_in_shadow_is_not_there(renderer):
    satellite = NIGHT.satellites[0]
    middle = NIGHT.utc_ns(0.5 * NIGHT.duration_s)
    assert view(satellite.elements, middle, NIGHT.site).sunlit[0]
    assert [t for t in renderer.truth(middle, 2.0) if t.trail_class == "satellite" and t.visible]
    for hours in np.arange(0.0, 12.0, 0.05):  # of a December night, when the Sun is far below
        later = middle + int((180 * 24 + hours) * 3.6e12)
        seen = view(satellite.elements, later, NIGHT.site)
        if seen.enu_m[0, 2] > 0 and not seen.sunlit[0]:
            assert not [t for t in renderer.truth(later, 1.0) if t.trail_class == "satellite"]
            return
    pytest.fail("no passage in shadow found")


def test_the_meteor_shows_in_its_own_frame_alone(renderer):
    at = NIGHT.meteors[0].t_s
    classes = [[t.trail_class for t in renderer.truth(NIGHT.utc_ns(t), 2.0)] for t in (at - 3.0, at - 0.5, at + 2.0)]
    assert ["meteor" in frame for frame in classes] == [False, True, False]


def test_cloud_hides_the_stars_behind_it_and_no_others(renderer):
    cloud = NIGHT.clouds[0]
    middle = (cloud.t_start_s + cloud.t_end_s) / 2
    opacity = renderer.cloud_opacity(NIGHT.utc_ns(middle), 2.0)
    behind, before = (
        PLATE.azel_to_pixel(np.array([azimuth, 40.0]), ORIGIN).astype(int)
        for azimuth in (cloud.azimuth_deg, cloud.azimuth_deg + 180)
    )
    assert opacity[behind[1], behind[0]] > 0.8
    assert opacity[before[1], before[0]] == 0.0
    assert renderer.cloud_opacity(NIGHT.utc_ns(0.0), 2.0).max() == 0.0
    clear = renderer_of(replace(NIGHT, clouds=()))
    stars = load_stars().brighter(3.0)
    azel = star_azel(stars, NIGHT.utc_ns(middle + 1.0), NIGHT.site)
    xy = PLATE.azel_to_pixel(azel, ORIGIN)[azel[:, 1] > 25.0]
    cloudy_light, clear_light = light_of(renderer, middle), light_of(clear, middle)
    lost = [box(cloudy_light, at).max() < 0.4 * box(clear_light, at).max() for at in xy]
    hidden = np.array([opacity[int(y), int(x)] for x, y in xy])
    assert np.array(lost)[hidden > 0.9].all()
    assert not np.array(lost)[hidden < 0.1].any()


def test_a_cut_region_shows_the_same_sky(renderer):
    part = renderer_of(width=400, height=300, origin=(ORIGIN[0] + 480, ORIGIN[1] + 600))
    whole = {t.id: t for t in renderer.truth(NIGHT.utc_ns(60.0), 2.0)}
    for trail in part.truth(NIGHT.utc_ns(60.0), 2.0):
        inside = trail.polyline_px + np.array([480, 600])
        distance = np.linalg.norm(inside[0] - whole[trail.id].polyline_px, axis=1).min()
        assert distance < 12.0
    a = light_of(part, 20.0)
    b = light_of(renderer, 20.0)[600:900, 480:880]
    bright = b > 100
    assert bright.sum() > 20
    assert np.median(a[bright] / b[bright]) == pytest.approx(1.0, abs=0.15)


def test_an_odd_origin_is_refused():
    with pytest.raises(ValueError, match="must be even"):
        renderer_of(origin=(ORIGIN[0] + 1, ORIGIN[1]))


def test_by_day_the_picture_is_white(renderer):
    noon = NIGHT.epoch_utc_ns + int(14 * 3.6e12)
    frame = renderer.render(noon, 2.0)
    assert np.median(frame[HEIGHT // 2 - 100 : HEIGHT // 2 + 100, WIDTH // 2 - 100 : WIDTH // 2 + 100]) == WHITE_STORED


def test_the_noise_is_that_of_photons_and_readout():
    sensor = Sensor(gain_setting=120, offset_setting=30, seed=1)
    rng = np.random.default_rng(1)
    for electrons in (0.0, 20.0, 400.0):
        stored = sensor.read_out(np.full((256, 256), electrons, np.float32), rng)
        measured = (stored.astype(float) - sensor.black_stored) * sensor.e_per_stored
        assert measured.mean() == pytest.approx(electrons, abs=0.25)
        quantised = sensor.e_per_adu14**2 / 12
        assert measured.std() ** 2 == pytest.approx(electrons + 1.9**2 + 0.25**2 + quantised, rel=0.05)


def test_more_gain_means_fewer_electrons_per_unit():
    assert Sensor(118, 30, 1).e_per_adu14 == pytest.approx(1.0, abs=0.002)  # ZWO: unity at gain 117 to 118
    assert Sensor(0, 30, 1).e_per_adu14 == pytest.approx(3.89)  # full well over 16383 units
