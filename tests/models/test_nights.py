"""Invented nights: the same seed gives the same night, and weather teaches nothing but sky."""

import numpy as np

from models.nights import crowded_night, traffic_night, with_weather
from models.rendered import label_map, render, render_sum


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
    frame, truth = render_sum(traffic_night(101), 10.0, exposure_s=2.0, exposures=5)
    assert frame.exposure_s == 10.0
    (single,) = render(traffic_night(101), [10.0], exposure_s=2.0)
    longest = max(np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0]) for trail in truth)
    assert longest > 2 * max(np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0]) for trail in single.truth)
