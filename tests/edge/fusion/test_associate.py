"""The hard sky: three airways, everybody on one track, 300 m levels, 5-15 km in trail, three without transponder."""

from __future__ import annotations

import numpy as np

from edge.fusion.associate import GATE, NEVER, assign, chi_square
from edge.fusion.greatcircle import normalised

NOISE = float(np.radians(0.1))
EXPOSURE_S = 2.0


def airways(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    flown = []
    for _ in range(3):
        track = rng.uniform(0, 2 * np.pi)
        along = np.array([np.sin(track), np.cos(track)])
        aside, offset, s = np.array([-along[1], along[0]]), rng.uniform(-15e3, 15e3), -40e3
        while s < 40e3:
            s += rng.uniform(5e3, 15e3)
            height = rng.choice(np.arange(9000, 12300, 300))
            ground = along * s + aside * (offset + rng.normal(0, 300))
            if np.degrees(np.arctan2(height, np.hypot(*ground))) > 15:
                flown.append((np.array([*ground, height]), np.array([*(along * rng.uniform(215, 250)), 0.0])))
    rng.shuffle(flown)
    return flown


def judge(rng: np.random.Generator, height_sigma_m: float, bias_m: float) -> tuple[int, int, int, int]:
    """How many with transponder were right and wrong, how many silent ones explained, and how many there were."""
    flown = airways(rng)
    silent = 3
    heard = flown[silent:]
    t_s = np.linspace(-1.0, 1.0, 5)[:, None]
    points = []
    for position, velocity in flown:
        unit = normalised(position + (t_s * rng.uniform(0.92, 1.0)) * velocity)
        points.append(
            normalised(unit + rng.normal(0, np.radians(0.08), unit.shape) + rng.normal(0, np.radians(0.05), 3))
        )
    error = rng.normal([0.0, 0.0, bias_m], [20.0, 20.0, 30.0], (len(heard), 3))
    late_s = rng.normal(0, 0.3, (len(heard), 1))
    velocity = np.array([v for _, v in heard])
    enu = np.array([p for p, _ in heard]) + error + late_s * velocity
    distance = np.linalg.norm(enu, axis=1, keepdims=True)
    unit = enu / distance
    motion = (velocity - np.sum(velocity * unit, axis=1, keepdims=True) * unit) / distance
    sigma_m = np.sqrt(50.0**2 + (height_sigma_m * np.hypot(unit[:, 0], unit[:, 1])) ** 2)
    sigma = sigma_m / distance[:, 0]
    cost = chi_square(np.array(points), unit, motion, sigma, sigma, EXPOSURE_S, NOISE)
    chosen = dict(assign(cost))
    right = sum(chosen.get(silent + k) == k for k in range(len(heard)))
    wrong = sum(i >= silent and k != i - silent for i, k in chosen.items())
    return right, wrong, sum(i < silent for i in chosen), len(heard)


def test_on_crowded_airways_everybody_gets_its_own_and_the_silent_get_nobody():
    rng = np.random.default_rng(7)
    right, wrong, explained, heard = np.sum([judge(rng, 60.0, 0.0) for _ in range(60)], axis=0)
    assert heard > 500
    assert right >= 0.99 * heard
    assert wrong <= 0.002 * heard
    assert explained == 0


def test_with_barometric_heights_350_m_wrong_almost_everybody_still_gets_its_own():
    rng = np.random.default_rng(8)
    right, wrong, explained, heard = np.sum([judge(rng, 300.0, rng.uniform(-350, 350)) for _ in range(60)], axis=0)
    assert right >= 0.98 * heard
    assert wrong <= 0.01 * heard
    assert explained <= 0.02 * 180


def test_nobody_is_better_than_somebody_too_far():
    assert assign(np.array([[GATE + 1.0, NEVER]])) == []
    assert assign(np.empty((0, 3))) == []
    assert assign(np.array([[3.0, 1.0], [1.0, 30.0]])) == [(0, 1), (1, 0)]


def test_a_path_behind_the_observer_is_never_near():
    trail = np.tile([0.0, 0.6, 0.8], (1, 5, 1))
    cost = chi_square(trail, np.array([[0.0, -0.6, -0.8]]), np.zeros((1, 3)), np.ones(1), np.ones(1), 2.0, NOISE)
    assert cost[0, 0] == NEVER
