"""Simulated traffic on real skies: light where the labels are, and nowhere taught where it does not show."""

import cv2
import numpy as np
import pytest

from models import synth
from models.dataset import Picture
from models.inject import CIRCLES_PX, LIMIT_SIGMA, injected
from models.sources import prepare_injected

SHAPE = (1, 1040, 1392)


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray]:
    return injected(np.zeros(SHAPE, np.float16), "pyASC_maryland", 105)


def test_the_light_lies_within_the_horizon_circle_and_the_labels_on_the_light(made):
    planes, labels = made
    x, y, radius = CIRCLES_PX["pyASC_maryland"]
    rows, columns = np.nonzero(planes[0] > LIMIT_SIGMA)
    assert len(rows) > 500
    assert (np.hypot(columns - x, rows - y) < radius).all()
    near = cv2.dilate((planes[0] > LIMIT_SIGMA).astype(np.uint8), np.ones((29, 29), np.uint8)) > 0
    assert (synth.is_trail(labels) <= near).all()
    assert synth.is_trail(labels)[planes[0] > 10 * LIMIT_SIGMA].mean() > 0.3  # the rest: a wide beam, wings of the PSF


def test_every_class_is_taught_and_the_same_seed_gives_the_same_picture(made):
    planes, labels = made
    assert {synth.AIRCRAFT, synth.SATELLITE, synth.METEOR} <= set(np.unique(labels))
    again = injected(np.zeros(SHAPE, np.float16), "pyASC_maryland", 105)
    assert (planes == again[0]).all()
    assert (labels == again[1]).all()


def test_what_is_too_faint_to_be_seen_is_not_taught(monkeypatch):
    monkeypatch.setattr("models.inject.NOISE_E", (1e6, 1e6))
    _, labels = injected(np.zeros(SHAPE, np.float16), "cloudynight_lowell", 102)
    assert not synth.is_trail(labels).any()
    assert (labels == synth.IGNORE).any()


def test_injected_skies_are_made_once_and_kept(monkeypatch, tmp_path):
    monkeypatch.setattr("models.sources.INJECTIONS", 2)
    sky = Picture(np.zeros(SHAPE, np.float16), np.zeros(SHAPE[1:], np.uint8), "pyASC_maryland")
    first = prepare_injected([sky], tmp_path)
    monkeypatch.setattr("models.sources.injected", pytest.fail)  # not asked again
    again = prepare_injected([sky], tmp_path)
    assert len(first) == 2
    assert not (first[0].labels == first[1].labels).all()
    assert all((a.planes_sigma == b.planes_sigma).all() for a, b in zip(first, again, strict=True))
    assert not list(tmp_path.glob("*.partial*"))
