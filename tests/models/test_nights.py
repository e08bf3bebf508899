"""Invented nights: the same seed gives the same night, and weather teaches nothing but sky."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camera.sim.renderer import TruthTrail
from models.dataset import Picture
from models.nights import crowded_night, traffic_night, with_weather
from models.rendered import label_map, plain_to_see, prepare_nights, render, render_stack
from models.synth import AIRCRAFT, BACKGROUND, CLEAR, IGNORE


def test_a_seed_is_a_night() -> None:
    assert traffic_night(7) == traffic_night(7)
    assert crowded_night(7) == crowded_night(7)
    assert with_weather(traffic_night(7), np.random.default_rng(1)) == with_weather(
        traffic_night(7), np.random.default_rng(1)
    )


def test_insects_are_background() -> None:
    rng = np.random.default_rng(0)
    night = traffic_night(101)
    while not night.sky.insects:
        night = with_weather(night, rng)
    start_s = night.sky.insects[0].t_s - 0.5
    (made,) = render(night, [start_s])
    moths = [trail for trail in made.truth if trail.trail_class == "insect"]
    assert moths
    others = [trail for trail in made.truth if trail.trail_class != "insect"]
    shape = (made.frame.height // 2, made.frame.width // 2)
    assert np.array_equal(label_map(made.truth, shape), label_map(others, shape))


def test_a_stack_carries_the_truth_of_all_its_exposures() -> None:
    made = render_stack(traffic_night(101), 10.0, exposure_s=2.0, exposures=5)
    assert made.frame.exposure_s == 10.0
    (single,) = render(traffic_night(101), [10.0], exposure_s=2.0)
    longest = max(np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0]) for trail in made.truth)
    assert longest > 2 * max(np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0]) for trail in single.truth)


@pytest.mark.parametrize(
    ("total_snr", "lit_px", "length_px", "told"),
    [
        (12.0, 50.0, 60, AIRCRAFT),  # under the noise of every single pixel, and yet plain as a whole
        (60.0, 12.0, 60, IGNORE),  # two flashes: could be stars
        (5.0, 50.0, 60, IGNORE),
        (12.0, 900.0, 1000, IGNORE),  # too little of it in any one place
        (40.0, 900.0, 1000, AIRCRAFT),
        (1.0, 50.0, 60, BACKGROUND),
    ],
)
def test_what_can_be_found_is_taught(total_snr: float, lit_px: float, length_px: int, told: int) -> None:
    line = np.array([[40.0, 41.0], [40.0 + length_px, 41.0]])
    trail = TruthTrail("aircraft", "340001", line, 1.5, 0.9, total_snr, lit_px, visible=False)
    labels = label_map([trail], (40, 600))
    assert labels[20, 20 + length_px // 4] == told
    assert (labels[:10] == BACKGROUND).all()


def test_a_person_draws_less_than_can_be_found() -> None:
    line = np.array([[40.0, 41.0], [100.0, 41.0]])
    faint = TruthTrail("aircraft", "340001", line, 1.5, 0.9, 12.0, 50.0, visible=False)
    assert not (label_map([faint], (40, 100), taught=plain_to_see) == AIRCRAFT).any()
    plain = replace(faint, peak_snr=9.0, line_snr=4.0, visible=True)
    assert (label_map([plain], (40, 100), taught=plain_to_see) == AIRCRAFT).any()


def test_a_night_is_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planes, made = np.zeros((4, 8, 8), np.float16), []

    def once(seed: int, frames: int) -> list[Picture]:
        made.append(seed)
        return [Picture(planes, np.full((8, 8), CLEAR, np.uint8), "")] * frames

    monkeypatch.setattr("models.rendered.training_pictures", once)
    for _ in range(2):
        (night,) = prepare_nights([8], tmp_path, frames=1)
        assert (night.labels == CLEAR).all()
    assert made == [8]
