"""What is a trail within a polygon, and what only looks a little like one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.lineoflight import line_of_light

BOX = np.array([[40, 60], [120, 60], [120, 84], [40, 84]], float)  # of a path from (52, 72) to (108, 72)


def sky(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (150, 200)).astype(np.float32)


def with_line(seed: int, begin: tuple[int, int], end: tuple[int, int], sigma: float) -> np.ndarray:
    line = np.zeros((150, 200), np.float32)
    cv2.line(line, begin, end, 1.0, 1)
    return sky(seed) + sigma * cv2.GaussianBlur(line, (0, 0), 0.8)


@pytest.mark.parametrize("sigma", [6.0, 20.0, 200.0])
@pytest.mark.parametrize("across", [-6, 0, 7])
def test_a_trail_is_found_where_it_shines_and_no_longer_than_it_shines(sigma, across):
    line = line_of_light(with_line(1, (52, 72 + across), (108, 72 + across), sigma), BOX)
    assert line is not None
    x, y = line.T
    assert y == pytest.approx(np.full(9, 72 + across), abs=1.0)
    assert sorted([x[0], x[-1]]) == pytest.approx([52, 108], abs=3.0)


def test_of_a_bent_path_the_bent_trail_is_found():
    at = np.linspace(0, 1, 41)
    path = np.column_stack((30 + 140 * at, 100 - 60 * at * (1 - at)))
    light = np.zeros((150, 200), np.float32)
    cv2.polylines(light, [np.round((path + np.array([0, 3])) * 8).astype(np.int32)], False, 1.0, 1, cv2.LINE_8, 3)
    polygon = np.vstack((path[::10] - (0, 8), path[::-10] + np.array([0, 8])))
    line = line_of_light(sky(2) + 20 * cv2.GaussianBlur(light, (0, 0), 0.8), polygon)
    assert line is not None
    true_y = 103 - 60 * (line[:, 0] - 30) / 140 * (1 - (line[:, 0] - 30) / 140)
    assert line[:, 1] == pytest.approx(true_y, abs=1.2)


def test_noise_is_never_a_trail():
    assert all(line_of_light(sky(seed), BOX) is None for seed in range(60))


def test_stars_are_never_a_trail():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        light = np.zeros((150, 200), np.float32)
        for x, y in rng.uniform((40, 60), (120, 84), (3, 2)).astype(int):
            light[y, x] = rng.uniform(20, 3000)
        assert line_of_light(sky(seed) + cv2.GaussianBlur(light, (0, 0), 0.9), BOX) is None, seed


@pytest.mark.parametrize(
    ("begin", "end", "what"),
    [
        ((0, 72), (199, 72), "goes on where no aircraft flew"),
        ((60, 0), (90, 149), "goes another way"),
        ((70, 72), (84, 72), "is far too short"),
    ],
)
def test_other_light_is_not_taken_for_the_aircraft(begin, end, what):
    assert line_of_light(with_line(3, begin, end, 20.0), BOX) is None, what


def test_a_polygon_beside_the_picture_holds_nothing():
    assert line_of_light(sky(4), BOX + 1000) is None
