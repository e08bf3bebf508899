from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.fusion.greatcircle import Course, fit_courses, normalised

NOISE = float(np.radians(0.1))
EXPOSURE_S = 2.0


def flight(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Position and velocity of an aircraft above 15 deg: two of three airliners in cruise, a third of them climbing."""
    height = rng.uniform(9500, 12000) if rng.random() < 0.7 else rng.uniform(2000, 9000)
    speed = rng.uniform(200, 260) if height > 9000 else rng.uniform(70, 200)
    elevation = np.arcsin(rng.uniform(np.sin(np.radians(15)), 1))
    away, bearing, track = height / np.tan(elevation), *rng.uniform(0, 2 * np.pi, 2)
    climb = rng.uniform(-12, 12) if rng.random() < 0.3 else 0.0
    return (
        np.array([away * np.sin(bearing), away * np.cos(bearing), height]),
        np.array([speed * np.sin(track), speed * np.cos(track), climb]),
    )


def exposures(
    position: np.ndarray, velocity: np.ndarray, count: int, rng: np.random.Generator, sigma_deg: float
) -> tuple[Course, ...]:
    """Courses through `count` exposures of 2 s that end at t = 0."""
    points, begin_ns, end_ns = [], [], []
    for k in range(count):
        begin = (k - count) * EXPOSURE_S
        t_s = np.linspace(begin, begin + EXPOSURE_S, 5)[:, None]
        unit = normalised(position + t_s * velocity)
        unit = normalised(unit + rng.normal(0, np.radians(sigma_deg), unit.shape) * (sigma_deg > 0))
        points.append(unit[::-1] if rng.random() < 0.5 else unit)
        begin_ns.append(int(begin * 1e9))
        end_ns.append(int((begin + EXPOSURE_S) * 1e9))
    return fit_courses(np.array(points), np.array(begin_ns), np.array(end_ns), NOISE)


def miss(courses: tuple[Course, ...], position: np.ndarray, velocity: np.ndarray, t_s: float) -> tuple[float, float]:
    """Smallest error over the courses at t, in degrees and in the course's own sigmas."""
    truth = normalised(position + t_s * velocity)
    errors = []
    for course in courses:
        unit, _, along, across = course.at(np.array([int(t_s * 1e9)]))
        error = float(np.degrees(np.arccos(np.clip(unit[0] @ truth, -1, 1))))
        errors.append((error, error / float(np.degrees(max(along[0], across[0])))))
    return min(errors)


def test_straight_flight_without_noise_is_predicted_exactly_even_past_its_closest_approach():
    position, velocity = np.array([-4000.0, 3000.0, 10_000.0]), np.array([230.0, 20.0, 0.0])
    courses = exposures(position, velocity, 10, np.random.default_rng(0), 0.0)
    assert len(courses) == 1
    for t_s in (0.0, 15.0, 40.0):
        assert miss(courses, position, velocity, t_s)[0] < 0.02


def test_five_exposures_predict_five_seconds_within_three_tenths_of_a_degree_and_the_sigma_is_honest():
    rng = np.random.default_rng(3)
    flown = [flight(rng) for _ in range(150)]
    misses = np.array([miss(exposures(*one, 5, rng, 0.08), *one, 5.0) for one in flown])
    assert np.median(misses[:, 0]) < 0.15
    assert np.percentile(misses[:, 0], 95) < 0.4
    assert np.mean(misses[:, 1] < 3.0) > 0.97
    ahead = np.array([miss(exposures(*one, 5, rng, 0.08), *one, 15.0) for one in flown])
    assert np.mean(ahead[:, 1] < 3.0) > 0.97


def test_one_trail_has_two_directions_and_one_of_them_is_right():
    rng = np.random.default_rng(4)
    misses = []
    for _ in range(100):
        one = flight(rng)
        courses = exposures(*one, 1, rng, 0.05)
        assert len(courses) in (1, 2)
        misses.append(miss(courses, *one, 5.0))
        if len(courses) == 2:
            motions = [c.at(np.array([0]))[1][0] for c in courses]
            assert motions[0] @ motions[1] < 0
    assert np.median(np.array(misses)[:, 0]) < 0.6
    assert np.mean(np.array(misses)[:, 1] < 3.0) > 0.95


def test_a_dot_may_go_anywhere_until_it_stayed():
    dot = np.tile([0.0, 0.6, 0.8], (1, 5, 1))
    begin, end = np.array([0]), np.array([2_000_000_000])
    (first,) = fit_courses(dot, begin, end, NOISE)
    ten_s = np.array([10_000_000_000])
    assert np.degrees(first.at(ten_s)[2][0]) > 3.0
    five = np.arange(5) * 2_000_000_000
    (stayed,) = fit_courses(np.repeat(dot, 5, axis=0), five, five + 2_000_000_000, NOISE)
    assert np.degrees(stayed.at(five[-1:] + ten_s)[2][0]) < np.degrees(first.at(ten_s)[2][0]) / 5


def test_uncertainty_grows_with_the_time_nothing_is_seen():
    course = exposures(
        np.array([2000.0, 3000.0, 10_000.0]), np.array([200.0, 90.0, 0.0]), 5, np.random.default_rng(1), 0.08
    )[0]
    sigma = np.maximum(*course.at(np.arange(0, 30) * 1_000_000_000)[2:])
    assert (np.diff(sigma) > 0).all()


@settings(max_examples=150, deadline=None)
@given(
    points=hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(5), st.just(3)), elements=st.floats(-1, 1)),
    times=st.lists(st.integers(0, 10**12), min_size=6, max_size=6),
    exposure_ns=st.integers(0, 10**10),
    ahead_ns=st.integers(-(10**12), 10**12),
)
def test_any_directions_at_any_times_give_finite_paths(points, times, exposure_ns, ahead_ns):
    points = normalised(points)
    points[np.abs(np.linalg.norm(points, axis=2) - 1.0) > 1e-6] = [0.0, 0.0, 1.0]
    begin = np.sort(np.array(times[: len(points)], dtype=np.int64))
    for course in fit_courses(points, begin, begin + exposure_ns, NOISE):
        unit, motion, along, across = course.at(np.array([begin[-1] + ahead_ns, begin[0]]))
        assert np.isfinite(motion).all()
        assert np.linalg.norm(unit, axis=1) == pytest.approx([1.0, 1.0], abs=1e-6)
        assert ((along > 0) & (along <= np.pi / 2)).all()
        assert ((across > 0) & (across <= np.pi / 2)).all()
