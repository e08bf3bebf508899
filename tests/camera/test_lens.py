"""The lens model against itself, and against closed forms it must contain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from camera.lens import project, rotation_matrix, theta_limit_rad, unproject

EQUISOLID = (-1 / 24, 1 / 1920, -1 / 322560)  # 2 sin(theta / 2) to the seventh order
ONE = np.eye(3)


def parameters(rotation=(0.0, 0.0, 0.0), k=EQUISOLID, p=(0.0, 0.0), b=(0.0, 0.0), f=971.9):
    return np.array([*rotation, 2072.0, 1411.0, f, *k, *p, *b])


def test_nothing_is_lost_past_ninety_degrees():
    theta = np.radians(100.0)
    unit = np.array([np.sin(theta), 0.0, np.cos(theta)])
    xy = project(parameters(), ONE, 1, unit)
    # The series of 2 sin(theta / 2) is broken off after theta^7: 6e-7 of f here.
    assert xy == pytest.approx([2072.0 + 971.9 * 2 * np.sin(theta / 2), 1411.0], abs=0.02)
    assert unproject(parameters(), ONE, 1, xy) == pytest.approx(unit, abs=1e-9)


@given(
    seed=st.integers(0, 2**32 - 1),
    flip=st.sampled_from([1, -1]),
    rotation=st.tuples(*[st.floats(-3, 3)] * 3),
    k=st.tuples(st.floats(-0.08, 0.08), st.floats(-0.01, 0.01), st.floats(-0.001, 0.001)),
    p=st.tuples(*[st.floats(-0.02, 0.02)] * 2),
    b=st.tuples(*[st.floats(-0.02, 0.02)] * 2),
)
def test_there_and_back_is_closer_than_a_hundredth_of_a_pixel(seed, flip, rotation, k, p, b):
    lens = parameters(rotation, k, p, b)
    unit = np.random.default_rng(seed).normal(size=(200, 3))
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    r0 = rotation_matrix((0.4, -1.0, 2.0))
    xy = project(lens, r0, flip, unit)
    within = np.isfinite(xy[:, 0])
    back = project(lens, r0, flip, unproject(lens, r0, flip, xy[within]))
    assert np.abs(back - xy[within]).max(initial=0.0) < 0.01


def test_the_rotation_is_that_of_another_library():
    for vector in np.random.default_rng(1).normal(0, 2, (20, 3)):
        assert rotation_matrix(vector) == pytest.approx(Rotation.from_rotvec(vector).as_matrix(), abs=1e-12)
    assert rotation_matrix((0.0, 0.0, 0.0)) == pytest.approx(ONE)


def test_beyond_the_turning_point_there_is_no_pixel_and_no_direction():
    lens = parameters(k=(-0.2, 0.0, 0.0))  # radius grows until theta = sqrt(1 / 0.6)
    limit = theta_limit_rad(lens)
    assert limit == pytest.approx(np.sqrt(0.98 / 0.6), abs=3e-3)
    theta = np.array([limit - 0.01, limit + 0.01])
    xy = project(lens, ONE, 1, np.stack((np.sin(theta), 0 * theta, np.cos(theta)), axis=-1))
    assert np.isfinite(xy[0]).all()
    assert np.isnan(xy[1]).all()
    assert np.isnan(unproject(lens, ONE, 1, np.array([2072.0 + 971.9 * 1.5, 1411.0]))).all()
    assert np.isnan(project(lens, ONE, 1, np.full(3, np.nan))).all()
