"""Invented landscapes: what stands before the sky hides it, and its labels."""

from __future__ import annotations

import cv2
import numpy as np

from models import landscape
from models.synth import AIRCRAFT, BACKGROUND, IGNORE

SKY_SIGMA = 1e5  # far beyond any lamp on a wall


def test_a_trail_ends_where_something_stands_before_it_and_nothing_else_changes_its_label() -> None:
    hidden = 0
    for seed in range(30):
        planes = np.full((4, 128, 128), SKY_SIGMA, np.float32)
        labels = np.full((128, 128), AIRCRAFT, np.uint8)
        landscape.foreground(np.random.default_rng(seed), planes, labels)
        assert np.isfinite(planes).all()
        assert set(np.unique(labels)) <= {BACKGROUND, AIRCRAFT, IGNORE}
        gone = cv2.erode((labels == BACKGROUND).astype(np.uint8), np.ones((15, 15))) > 0
        hidden += gone.any()
        assert (planes[:, gone] < 0.1 * SKY_SIGMA).all()
        assert (planes[:, labels == AIRCRAFT] > 0.5 * SKY_SIGMA).all()
    assert hidden > 15


def test_the_same_seed_builds_the_same_landscape() -> None:
    made = []
    for _ in range(2):
        planes, labels = np.zeros((1, 64, 64), np.float32), np.zeros((64, 64), np.uint8)
        landscape.foreground(np.random.default_rng(5), planes, labels)
        landscape.branches(np.random.default_rng(5), planes)
        made.append(planes)
    assert (made[0] == made[1]).all()
