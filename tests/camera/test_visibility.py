"""The camera vouches only for sky in which catalogue stars shine as they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from camera.device import Frame
from camera.geodesy import azel_to_unit, enu_to_azel
from camera.mask import Hidden, mask_of
from camera.sectors import CENTRE_ENU, RING_SECTORS, RINGS, SECTORS, SHARE, sector_of
from camera.sim.asi_faults import spoilt
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import SimCloud, night
from camera.starcheck import StarCheck, check_stars
from camera.visibility import SectorState, SkyWatch

NIGHT = replace(night(2), clouds=(SimCloud(60.0, 1000.0, 90.0, 60.0, 0.02),))
PLATE = simulated_plate(NIGHT, scale=0.5)
(WIDTH, HEIGHT), ORIGIN = PLATE.region.size_px, PLATE.region.origin_px


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(NIGHT, PLATE, width_px=WIDTH, height_px=HEIGHT, origin_px=ORIGIN, gain_setting=120)


def frame_at(renderer: Renderer, t_s: float, pixels: np.ndarray | None = None) -> Frame:
    if pixels is None:
        pixels = renderer.render(NIGHT.utc_ns(t_s), 2.0)
    return Frame(
        seq=int(t_s), start_utc_ns=NIGHT.utc_ns(t_s), end_mono_s=t_s + 2.0, exposure_s=2.0, gain_setting=120,
        gain_e_per_adu=renderer.sensor.e_per_stored, origin_px=ORIGIN, mosaic="RGGB", white_adu=65532,
        sensor_celsius=0.0, cooler_percent=0.0, pixels=pixels, camera_serial=PLATE.camera_serial,
    )  # fmt: skip


def test_a_clear_sky_is_seen_everywhere(renderer):
    check = check_stars(frame_at(renderer, 20.0), PLATE)
    visibility = SkyWatch().add(check)
    assert visibility.reason == ""
    assert visibility.fraction > 0.95
    assert visibility.stars_seen > 150
    assert visibility.shift_px < 0.6
    assert visibility.limiting_v_mag > 4.0
    assert visibility.sees(azel_to_unit([10.0, 200.0], [50.0, 25.0])).all()
    assert not visibility.sees(azel_to_unit([10.0, 10.0], [5.0, -20.0])).any()
    assert not visibility.sees(np.full((1, 3), np.nan)).any()


def test_the_clouded_side_is_blind_and_the_other_side_is_not(renderer):
    watch = SkyWatch()
    watch.add(check_stars(frame_at(renderer, 20.0), PLATE))
    visibility = watch.add(check_stars(frame_at(renderer, 90.0), PLATE, watch.reference_zero_mag))
    east, west = visibility.sees(azel_to_unit([90.0, 270.0], [40.0, 40.0]))
    assert not east
    assert west
    assert 0.4 < visibility.fraction < 0.8
    assert visibility.reason == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda pixels: np.random.default_rng(1).normal(1924, 9, pixels.shape).astype(np.uint16), "cap or dome closed"),
        (lambda pixels: np.zeros_like(pixels), "cap or dome closed"),
        (lambda pixels: np.full_like(pixels, 65532), "white at night"),
        (lambda pixels: np.roll(pixels, (31, 17), axis=(0, 1)), "camera was moved"),
        (lambda pixels: pixels[:, ::-1].copy(), "camera was moved"),
    ],
)
@pytest.mark.parametrize("warm", [True, False])
def test_a_camera_that_shows_no_sky_is_blind_with_a_reason(renderer, change, reason, warm):
    watch = SkyWatch()
    if warm:
        watch.add(check_stars(frame_at(renderer, 20.0), PLATE))
    frame = frame_at(renderer, 22.0, change(renderer.render(NIGHT.utc_ns(22.0), 2.0)))
    visibility = watch.add(check_stars(frame, PLATE, watch.reference_zero_mag))
    assert reason in visibility.reason
    assert visibility.fraction == 0.0
    assert not visibility.sees(azel_to_unit(np.arange(0, 360, 5.0), 45.0)).any()


def test_rows_displaced_on_the_bus_blind_their_half_and_the_other_is_seen_on(renderer):
    watch = SkyWatch()
    for t_s in (20.0, 22.0, 24.0):
        pixels = spoilt("shifted", renderer.render(NIGHT.utc_ns(t_s), 2.0), None, 65532)
        visibility = watch.add(check_stars(frame_at(renderer, t_s, pixels), PLATE, watch.reference_zero_mag))
    rows = PLATE.unit_to_pixel(CENTRE_ENU, ORIGIN)[:, 1]
    seen = visibility.sectors == SectorState.SEEN
    assert not seen[rows > HEIGHT / 2 + 40].any()
    assert seen[rows < HEIGHT / 2 - 40].mean() > 0.8


@pytest.mark.parametrize("light_adu", [2_000.0, 20_000.0])
def test_a_swarm_of_hot_photosites_under_a_cap_is_no_sky_however_many_stars_it_feigns(renderer, light_adu):
    rng, watch = np.random.default_rng(5), SkyWatch()
    swarm = np.where(rng.random((HEIGHT, WIDTH)) < 0.1, rng.exponential(light_adu, (HEIGHT, WIDTH)), 0.0)
    for t_s in range(20, 30, 2):
        pixels = np.clip(rng.normal(1924, 20, swarm.shape) + swarm, 0, 65532).astype(np.uint16)
        check = check_stars(frame_at(renderer, float(t_s), pixels), PLATE, watch.reference_zero_mag)
        visibility = watch.add(check)
        assert check.seen.sum() > 300
        assert "cap or dome closed" in visibility.reason or "no star stands right" in visibility.reason
        assert visibility.fraction == 0.0


def test_daylight_is_called_daylight(renderer):
    noon = 14 * 3600.0
    visibility = SkyWatch().add(check_stars(frame_at(renderer, noon), PLATE))
    assert (visibility.reason, visibility.fraction) == ("daylight", 0.0)
    # The same with an exposure short enough to keep the picture grey.
    grey = np.full((HEIGHT, WIDTH), 30_000, np.uint16)
    assert SkyWatch().add(check_stars(frame_at(renderer, noon, grey), PLATE)).reason == "daylight"


def test_a_small_jump_of_the_plate_shows_as_shift(renderer):
    moved = np.roll(renderer.render(NIGHT.utc_ns(20.0), 2.0), (2, 2), axis=(0, 1))
    visibility = SkyWatch().add(check_stars(frame_at(renderer, 20.0, moved), PLATE))
    assert visibility.shift_px == pytest.approx(np.hypot(2, 2), abs=0.5)


def test_every_direction_above_ten_degrees_has_one_sector():
    number = sector_of(np.array([[0.0, 90.0], [359.9, 12.0], [360.0, 12.0], [180.0, 9.9], [np.nan, np.nan]]))
    assert number.tolist() == [SECTORS - RING_SECTORS[-1], RING_SECTORS[0] - 1, 0, -1, -1]
    assert sector_of(enu_to_azel(CENTRE_ENU)).tolist() == list(range(SECTORS))
    assert SHARE.sum() == pytest.approx(1.0)


def check_of(mono_s: float, seen: float, stars: int = 3, limit_v_mag: float = 5.0) -> StarCheck:
    """So many stars on each sector's middle, of which this share is seen."""
    unit = np.repeat(CENTRE_ENU, stars, axis=0)
    shows = np.arange(len(unit)) % 100 < 100 * seen
    return StarCheck(
        mono_s, unit, np.zeros((len(unit), 2)), np.zeros((len(unit), 2)), np.where(shows, 50.0, 0.0),
        np.ones(len(unit), bool), shows, np.full(len(unit), limit_v_mag), np.full(RINGS, 9.0), 0.0, -30.0,
    )  # fmt: skip


def test_one_frame_without_stars_blinds_and_only_half_a_minute_with_them_convinces():
    watch = SkyWatch()
    for t in range(0, 30, 2):
        state = watch.add(check_of(float(t), 1.0)).sectors[40]
    assert state == SectorState.SEEN
    assert watch.add(check_of(30.0, 0.2)).sectors[40] == SectorState.BLIND
    for t in range(32, 50, 2):
        watch.add(check_of(float(t), 0.0))
    states = [int(watch.add(check_of(float(t), 1.0)).sectors[40]) for t in range(50, 90, 2)]
    back = states.index(SectorState.SEEN)
    assert 5 <= back <= 15
    assert set(states[:back]) == {SectorState.BLIND}
    assert set(states[back:]) == {SectorState.SEEN}


def test_too_few_stars_prove_nothing():
    visibility = SkyWatch().add(thinned(check_of(0.0, 1.0), 15))
    assert (visibility.sectors == SectorState.UNKNOWN).all()
    assert not visibility.sees(azel_to_unit([0.0], [45.0])).any()
    assert "too few stars" in visibility.reason


def thinned(check: StarCheck, every: int) -> StarCheck:
    """One expected star in so many."""
    keep = np.arange(len(check.seen)) % every == 0
    return replace(check, expected=check.expected & keep, seen=check.seen & keep)


def test_where_only_bright_stars_show_an_aircraft_would_not():
    visibility = SkyWatch().add(check_of(0.0, 1.0, limit_v_mag=3.0))
    assert (visibility.sectors == SectorState.BLIND).all()
    assert visibility.limits_v_mag == pytest.approx(np.full(SECTORS, 3.0))


def test_a_limit_that_wavers_about_the_needed_one_does_not_flicker():
    rng = np.random.default_rng(1)
    for begin_v_mag, state in ((4.0, SectorState.SEEN), (3.4, SectorState.BLIND)):
        watch = SkyWatch()
        watch.add(check_of(0.0, 1.0, limit_v_mag=begin_v_mag))
        wavering = 3.6 + rng.uniform(-0.15, 0.15, 200)
        states = {
            int(watch.add(check_of(2.0 + 2.0 * number, 1.0, limit_v_mag=float(limit))).sectors[40])
            for number, limit in enumerate(wavering)
        }
        assert states == {state}


def test_what_is_masked_is_blind_and_its_neighbours_are_not(renderer):
    towards = PLATE.azel_to_pixel(np.array([[100.0, 47.0]]), ORIGIN)[0]
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    tree = np.hypot(x - towards[0], y - towards[1]) < 100
    hidden = Hidden.behind(mask_of(tree, PLATE, date="2026-06-14T21:45:00Z", frames=0), PLATE)
    check = check_stars(frame_at(renderer, 20.0), PLATE, mask=hidden.mask)
    visibility = SkyWatch(hidden=hidden).add(check)
    behind, beside, far = visibility.sees(azel_to_unit([100.0, 117.5, 150.0], [47.0, 47.0, 47.0]))
    assert (behind, beside, far) == (False, False, True)  # 11.5 degrees around the middle, 3 of margin
    assert visibility.sectors[sector_of(np.array([[100.0, 47.0]]))[0]] == SectorState.MASKED
    assert 0.85 < visibility.fraction < 0.99
    assert visibility.reason == ""


def test_an_eight_bit_picture_without_exposure_or_gain_is_no_trouble(renderer):
    """A photograph of eight bits, its length unknown, still shows its stars; a black one shows none."""
    raw = renderer.render(NIGHT.utc_ns(20.0), 2.0).astype(float)
    photo = np.clip((raw - 1920) / 4, 0, 255).astype(np.uint8)
    for pixels, sees in ((photo, True), (np.zeros_like(photo), False)):
        frame = replace(frame_at(renderer, 20.0, pixels), gain_e_per_adu=1.0, white_adu=255, exposure_s=0.0)
        visibility = SkyWatch().add(check_stars(replace(frame, start_utc_ns=NIGHT.utc_ns(21.0)), PLATE))
        assert (visibility.fraction > 0.9) is sees
        assert (visibility.reason == "") is sees
