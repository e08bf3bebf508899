"""What hides the sky for good is learned, drawn and kept; it takes trust away and never gives any."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camera.device import PlateRefused
from camera.geodesy import azel_to_unit
from camera.mask import CELL_PX, MARGIN_DEG, Hidden, load_mask, mask_of
from camera.masklearn import MaskLearner, MaskUnlearnable
from camera.plate import Region
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import SimCloud, night
from tests.camera.test_visibility import frame_at

NIGHT = replace(night(2), clouds=(SimCloud(3000.0, 3700.0, 0.0, 200.0, 0.01),))
PLATE = simulated_plate(night(2), scale=0.5)
(WIDTH, HEIGHT), ORIGIN = PLATE.region.size_px, PLATE.region.origin_px
DATE = "2026-06-14T22:00:00Z"
Y, X = np.ogrid[:HEIGHT, :WIDTH]


def px(azimuth_deg: float, elevation_deg: float) -> tuple[float, float]:
    x, y = PLATE.azel_to_pixel(np.array([[azimuth_deg, elevation_deg]]), ORIGIN)[0]
    return float(x), float(y)


def disc(azimuth_deg: float, elevation_deg: float, radius_px: float) -> np.ndarray:
    x, y = px(azimuth_deg, elevation_deg)
    return np.hypot(X - x, Y - y) < radius_px


def test_a_ring_around_the_sky_leaves_its_middle_open():
    ring = np.hypot(X - WIDTH / 2, Y - HEIGHT / 2) > 400
    mask = mask_of(ring, PLATE, date=DATE, frames=0)
    x, y = WIDTH / 2, HEIGHT / 2
    at = np.array([[x, y], [x, y + 390], [x, y + 410], [5.0, 5.0], [-3.0, 5.0]])
    assert mask.covers(at).tolist() == [False, False, True, True, False]


def test_a_mask_hides_a_margin_around_it_but_takes_no_evidence_from_there():
    mask = mask_of(disc(90.0, 50.0, 40), PLATE, date=DATE, frames=0)
    hidden = Hidden.behind(mask, PLATE)
    radius_deg = 40 / np.radians(PLATE.parameters.f)
    at_deg = 50.0 + radius_deg + np.array([-1.0, MARGIN_DEG - 1, MARGIN_DEG + 2])
    inside, margin, outside = hidden.hides(azel_to_unit(np.full(3, 90.0), at_deg))
    assert (inside, margin, outside) == (True, True, False)
    assert not mask.covers(np.array([px(90.0, 50.0 + radius_deg + MARGIN_DEG - 1)]))[0]


def test_a_mask_is_believed_only_for_its_camera_and_unaltered(tmp_path: Path):
    path = tmp_path / "mask.json"
    mask_of(disc(90.0, 50.0, 40), PLATE, date=DATE, frames=0).save(path)
    assert load_mask(path, PLATE).cells.sum() == pytest.approx(np.pi * 40**2 / CELL_PX**2, rel=0.2)
    for plate in (
        PLATE.model_copy(update={"camera_serial": "other"}),
        PLATE.model_copy(update={"region": Region(origin_px=(0, 0), size_px=PLATE.region.size_px)}),
    ):
        with pytest.raises(PlateRefused, match="another camera or region"):
            load_mask(path, plate)
    content = json.loads(path.read_text())
    for damaged, words in (
        ("{", "not JSON"),
        (json.dumps(content | {"polygons_px": []}), "own hash"),
        (json.dumps(content | {"frames": -1}), "frames"),
        (json.dumps([]), "of model None"),
    ):
        path.write_text(damaged)
        with pytest.raises(PlateRefused, match=words):
            load_mask(path, PLATE)
    with pytest.raises(PlateRefused, match="cannot be read"):
        load_mask(tmp_path / "absent.json", PLATE)


def test_a_lamp_and_a_mast_are_learned_from_a_night_and_the_rest_stays_sky():
    renderer = Renderer(NIGHT, PLATE, width_px=WIDTH, height_px=HEIGHT, origin_px=ORIGIN, gain_setting=120)
    lamp, mast = disc(200.0, 18.0, 5), disc(40.0, 30.0, 60)
    learner, used = MaskLearner(PLATE), 0
    with pytest.raises(MaskUnlearnable, match="0 of 0 frames are clear"):
        learner.mask()
    for t_s in np.arange(0.0, 7200.0, 180.0).tolist():
        pixels = renderer.render(NIGHT.utc_ns(t_s), 2.0)
        pixels[lamp] = 9000
        pixels[mast] = np.random.default_rng(int(t_s)).normal(1924.0, 9.0, int(mast.sum())).astype(np.uint16)
        used += learner.add(frame_at(renderer, t_s, pixels))
    assert used == 36  # 4 were clouded
    mask = learner.mask()
    hidden = np.kron(mask.cells, np.ones((CELL_PX, CELL_PX), bool))[:HEIGHT, :WIDTH]
    assert hidden[lamp].all()
    assert hidden[mast].mean() > 0.7
    elsewhere = hidden & ~disc(200.0, 18.0, 20) & ~disc(40.0, 30.0, 80)
    y, x = np.nonzero(elsewhere)
    high = PLATE.pixel_to_azel(np.column_stack((x, y)).astype(float), ORIGIN)[:, 1] > 12.0
    assert high.sum() < 0.01 * HEIGHT * WIDTH
