"""Why a picture shows no sky, told by rendered skies: a dark site is no cap, and a closed dome at dusk is no night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from camera.condition import Glow, blind_reason, faintest_glow_e_per_s, sky_glow
from camera.device import Frame
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import SimCloud, night
from camera.sim.sensor import Sensor

NIGHT = replace(night(3), clouds=(SimCloud(-1e4, 1e4, 0.0, 180.0, 0.02),))
PLATE = simulated_plate(NIGHT, scale=0.5)
(WIDTH, HEIGHT), ORIGIN = PLATE.region.size_px, PLATE.region.origin_px
SENSOR = Sensor(120, 30, 1)
REMOTE_E_PER_S = 4 * 0.78 / 5  # 22.0 mag behind cloud that takes four fifths; pixels of half scale see four times more


def frame_of(pixels: np.ndarray, exposure_s: float = 2.0) -> Frame:
    return Frame(
        1, NIGHT.utc_ns(0.0), 0.0, exposure_s, 120, SENSOR.e_per_stored, ORIGIN, "RGGB", 65532, 0.0, 0.0, pixels,
        PLATE.camera_serial,
    )  # fmt: skip


def lit(e_per_s: float, *, dark_e_per_s: float = 0.01, exposure_s: float = 2.0) -> Frame:
    """An even glow of that strength inside the lens's circle, dark current everywhere."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    lens = PLATE.parameters
    inside = np.hypot(x + ORIGIN[0] - lens.cx, y + ORIGIN[1] - lens.cy) < 1.41 * lens.f
    mean_e = (e_per_s * inside + dark_e_per_s) * exposure_s
    return frame_of(SENSOR.read_out(mean_e.astype(np.float32), np.random.default_rng(1)), exposure_s)


def reason(frame: Frame, sun_deg: float = -30.0, *, stars: bool = False) -> str:
    return blind_reason(
        enough_stars=stars,
        saturated_share=float(np.mean(frame.pixels >= 65000)),
        glow=sky_glow(frame, PLATE),
        faintest_e_per_s=faintest_glow_e_per_s(10.0, PLATE, sun_deg),
        sun_elevation_deg=sun_deg,
    )


def test_the_glow_is_measured_in_electrons_above_the_unlit_corners() -> None:
    for e_per_s in (0.0, 0.5, 20.0):
        glow = sky_glow(lit(e_per_s, dark_e_per_s=0.3), PLATE)
        assert glow is not None
        assert glow.e_per_s == pytest.approx(e_per_s, abs=5 * glow.sigma_e_per_s + 0.02)
        assert glow.sigma_e_per_s < 0.03


def test_a_closed_cap_is_called_so_cold_or_warm() -> None:
    for dark_e_per_s in (0.006, 1.0):
        assert reason(lit(0.0, dark_e_per_s=dark_e_per_s)).startswith("cap or dome closed")


def test_the_darkest_site_under_thick_cloud_is_not_taken_for_a_cap() -> None:
    assert reason(lit(REMOTE_E_PER_S)).startswith("overcast")


def test_a_dome_closed_at_dusk_is_darker_than_dusk_can_be() -> None:
    assert reason(lit(5.0), -3.0).startswith("cap or dome closed")
    assert reason(lit(5.0), -30.0).startswith("overcast")
    assert reason(lit(3000.0, exposure_s=0.1), -3.0) == "daylight"


def test_rendered_overcast_and_rendered_day_have_their_names() -> None:
    renderer = Renderer(NIGHT, PLATE, width_px=WIDTH, height_px=HEIGHT, origin_px=ORIGIN, gain_setting=120)
    cloudy = frame_of(renderer.render(NIGHT.utc_ns(10.0), 2.0))
    assert reason(cloudy).startswith("overcast")
    noon = NIGHT.utc_ns(14 * 3600.0)
    assert reason(frame_of(renderer.render(noon, 2.0)), 60.0) == "daylight"
    assert reason(frame_of(renderer.render(noon, 0.0002), 0.0002), 60.0) == "daylight"


def test_stars_are_the_best_witness_and_a_white_picture_the_worst() -> None:
    assert reason(lit(0.0), stars=True) == ""
    white = frame_of(np.full((HEIGHT, WIDTH), 65532, np.uint16))
    assert reason(white) == "saturated: the picture is white at night"
    assert reason(white, 10.0) == "daylight"


def test_where_nothing_can_be_compared_the_reason_names_all_that_may_be() -> None:
    inner = replace(lit(0.0), origin_px=(ORIGIN[0] + 400, ORIGIN[1] + 400), pixels=np.zeros((500, 500), np.uint16))
    assert sky_glow(inner, PLATE) is None
    assert sky_glow(replace(lit(1.0), exposure_s=0.0), PLATE) is None
    unknown = blind_reason(
        enough_stars=False, saturated_share=0.0, glow=None, faintest_e_per_s=1.0, sun_elevation_deg=-30.0
    )
    assert "cap or dome closed, thick cloud" in unknown


def test_a_cap_needs_certainty() -> None:
    unsure = Glow(0.0, 0.1)
    assert blind_reason(
        enough_stars=False, saturated_share=0.0, glow=unsure, faintest_e_per_s=0.3, sun_elevation_deg=-30.0
    ).startswith("overcast")
