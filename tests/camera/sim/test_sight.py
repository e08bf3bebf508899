"""What the simulated conditions do to the eye's own checks: dew and Moon take stars, a knock moves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from camera.device import Frame
from camera.plate import Plate
from camera.sim.conditions import SimDew, SimKnock, SimSky
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import Scenario, SimCloud, night
from camera.starcheck import check_stars
from camera.visibility import SkyWatch, Visibility

EMPTY = replace(night(4), aircraft=(), satellites=(), meteors=(), clouds=())
PLATE = simulated_plate(EMPTY, scale=0.5)


def frame_of(scenario: Scenario, t_s: float, exposure_s: float = 2.0, plate: Plate = PLATE) -> Frame:
    (width, height), origin = plate.region.size_px, plate.region.origin_px
    renderer = Renderer(scenario, plate, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    return Frame(
        1, scenario.utc_ns(t_s), t_s, exposure_s, 120, renderer.sensor.e_per_stored, origin, "RGGB", 65532, 0.0, 0.0,
        renderer.render(scenario.utc_ns(t_s), exposure_s), plate.camera_serial,
    )  # fmt: skip


def seen(sky: SimSky, t_s: float = 60.0, *, first_sky: SimSky | None = None, **changes: object) -> Visibility:
    """After a clear frame of the same night, one under that sky."""
    watch, scenario = SkyWatch(), replace(EMPTY, **changes)  # type: ignore[arg-type]
    for at_s, one in ((20.0, first_sky or SimSky()), (t_s, sky)):
        frame = frame_of(replace(scenario, sky=one), at_s)
        visibility = watch.add(check_stars(frame, PLATE, watch.reference_zero_mag))
    return visibility


def test_dew_blinds_little_by_little() -> None:
    dew = SimDew(t_start_s=30.0, t_full_s=90.0)
    clear, damp, wet = (seen(SimSky(dew=dew), t_s) for t_s in (28.0, 60.0, 100.0))
    assert clear.fraction > 0.9
    assert clear.fraction > damp.fraction > wet.fraction
    assert wet.fraction < 0.1


def test_a_high_moon_brightens_the_sky_and_costs_faint_stars_only() -> None:
    moonlit = {"epoch_utc_ns": int(datetime(2026, 6, 28, 0, 0, tzinfo=UTC).timestamp() * 1e9)}
    dark, bright = seen(SimSky(), **moonlit), seen(SimSky(moon=True), **moonlit)
    assert bright.limiting_v_mag < dark.limiting_v_mag - 0.3
    assert 0.3 < bright.fraction <= dark.fraction
    assert bright.reason == ""


def test_overcast_lit_from_below_is_called_overcast() -> None:
    overcast = seen(SimSky(lit_clouds=True), clouds=(SimCloud(30.0, 1e4, 0.0, 180.0, 0.01),))
    assert overcast.reason.startswith("overcast")
    assert overcast.fraction == 0.0


def test_a_cap_put_on_is_called_so_and_nothing_is_true_behind_it() -> None:
    sky = SimSky(capped_s=((50.0, 70.0),))
    assert seen(sky).reason.startswith("cap or dome closed")
    assert seen(sky, 72.0).reason == ""
    (width, height), origin = PLATE.region.size_px, PLATE.region.origin_px
    renderer = Renderer(
        replace(night(4), sky=sky), PLATE, width_px=width, height_px=height, origin_px=origin, gain_setting=120
    )
    assert renderer.truth(EMPTY.utc_ns(60.0), 2.0) == []
    assert renderer.truth(EMPTY.utc_ns(72.0), 2.0)


@pytest.mark.parametrize("knock", [SimKnock(30.0, tilt_east_deg=0.3), SimKnock(30.0, turn_deg=0.3)])
def test_a_knock_of_a_third_of_a_degree_moves_the_stars_as_it_must(knock: SimKnock) -> None:
    before, after = (check_stars(frame_of(replace(EMPTY, sky=SimSky(knock=knock)), t_s), PLATE) for t_s in (28.0, 34.0))
    assert before.shift_px < 0.7
    moved = knock.moved(PLATE)
    origin = PLATE.region.origin_px
    away = np.hypot(*(moved.unit_to_pixel(after.unit_enu, origin) - PLATE.unit_to_pixel(after.unit_enu, origin)).T)
    assert after.shift_px == pytest.approx(float(np.median(away[after.seen])), abs=0.7)
    assert after.shift_px > 1.0
