"""The shading that stars tell is the one the simulated lens has; a flat evens the picture out and knows its camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camera.device import Frame, PlateRefused
from camera.frames.dark import MasterRefused
from camera.frames.flat import Flat, Flattener, load_flat, measured_flat
from camera.plate import Plate
from camera.sim.backdrop import vignetting
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import SimCloud, night

NIGHT = replace(night(1), aircraft=(), satellites=(), meteors=(), clouds=(SimCloud(3000.0, 9e3, 90.0, 40.0, 0.3),))
PLATE = simulated_plate(NIGHT, scale=0.5)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """One of them with a bank of cloud."""
    (width, height), origin = PLATE.region.size_px, PLATE.region.origin_px
    renderer = Renderer(NIGHT, PLATE, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    return [
        Frame(
            1, NIGHT.utc_ns(t_s), 0.0, 10.0, 120, 0.23, origin, "RGGB", 65532, 0.0, 0.0,
            renderer.render(NIGHT.utc_ns(t_s), 10.0), PLATE.camera_serial,
        )
        for t_s in (0.0, 1800.0, 3600.0)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def flat(frames: list[Frame]) -> Flat:
    return measured_flat(frames, PLATE)


def test_stars_tell_the_shading_of_the_lens_in_spite_of_a_cloud(flat: Flat) -> None:
    theta = np.radians(np.arange(0, 76, 5))
    assert flat.share(theta) == pytest.approx(vignetting(theta), abs=0.04)
    assert flat.stars > 800
    assert flat.rms_mag < 0.15


def test_a_flat_evens_stars_out_and_leaves_black_and_white(frames: list[Frame], flat: Flat) -> None:
    even = Flattener(flat, PLATE).apply(frames[0])
    again = measured_flat([even, *(Flattener(flat, PLATE).apply(frame) for frame in frames[1:])], PLATE)
    assert again.share(np.radians(np.arange(0, 71, 10))) == pytest.approx(1.0, abs=0.05)
    corner = np.s_[:40, :40]
    assert np.median(even.pixels[corner]) == pytest.approx(np.median(frames[0].pixels[corner]), abs=2)
    white = replace(frames[0], pixels=np.full_like(frames[0].pixels, 65532))
    assert Flattener(flat, PLATE).apply(white).pixels.max() <= 65532


def test_a_frame_of_another_region_or_camera_is_left_alone(frames: list[Frame], flat: Flat) -> None:
    flattener = Flattener(flat, PLATE)
    for other in (replace(frames[0], camera_serial="xyz"), replace(frames[0], pixels=frames[0].pixels[:-2])):
        assert flattener.apply(other) is other
    other_plate = Plate.sealed(**(PLATE.model_dump(exclude={"sha256"}) | {"camera_serial": "xyz"}))
    with pytest.raises(MasterRefused, match="the flat is of camera"):
        Flattener(flat, other_plate)
    with pytest.raises(PlateRefused, match="xyz"):
        measured_flat(frames, other_plate)


def test_a_cloudy_night_gives_no_flat(frames: list[Frame]) -> None:
    dull = replace(frames[0], pixels=np.full_like(frames[0].pixels, 2000))
    with pytest.raises(MasterRefused, match="0 stars in 1 frames"):
        measured_flat([dull], PLATE)


def test_a_flat_is_a_file_that_notices_damage(flat: Flat, tmp_path: Path) -> None:
    file = tmp_path / "flat.json"
    flat.save(file)
    assert load_flat(file).share(np.array([1.0])) == flat.share(np.array([1.0]))
    text = file.read_text()
    file.write_text(text.replace(f'"stars": {flat.stars}', '"stars": 9'))
    with pytest.raises(MasterRefused, match="own hash"):
        load_flat(file)
    file.write_text(text[:40])
    with pytest.raises(MasterRefused, match="damaged"):
        load_flat(file)
    with pytest.raises(MasterRefused, match="cannot be read"):
        load_flat(tmp_path / "none.json")
