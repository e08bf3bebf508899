"""Invented nights: the same seed gives the same night, and weather teaches nothing but sky."""

from pathlib import Path

import numpy as np
import pytest

from models.dataset import Picture
from models.nights import crowded_night, traffic_night, with_weather
from models.rendered import label_map, prepare_nights, render, render_sum
from models.synth import CLEAR


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


def test_a_sum_carries_the_truth_of_all_its_exposures() -> None:
    made = render_sum(traffic_night(101), 10.0, exposure_s=2.0, exposures=5)
    assert made.frame.exposure_s == 10.0
    (single,) = render(traffic_night(101), [10.0], exposure_s=2.0)
    longest = max(np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0]) for trail in made.truth)
    assert longest > 2 * max(np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0]) for trail in single.truth)


def test_nights_kept_from_before_cloud_was_told_serve_beside_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = np.zeros((1, 4, 8, 8), np.float16)
    np.savez(tmp_path / "night-7-1.npz", planes=planes, labels=np.zeros((1, 8, 8), np.uint8))
    made = []

    def once(seed: int, frames: int) -> list[Picture]:
        made.append(seed)
        return [Picture(planes[0], np.full((8, 8), CLEAR, np.uint8), "")] * frames

    monkeypatch.setattr("models.rendered.training_pictures", once)
    for _ in range(2):
        old, new = prepare_nights((7, 8), tmp_path, frames=1)
        assert (old.labels == 0).all()
        assert (new.labels == CLEAR).all()
    assert made == [8]
    assert (tmp_path / "night-8-1-v2.npz").is_file()
