"""Invented trails are labelled where their light is, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from camera.sim.scenario import SimCloud
from models import synth
from models.nights import crowded_night
from models.rendered import label_map, render


@pytest.mark.parametrize("seed", range(6))
def test_light_is_added_under_the_label_and_nothing_far_from_it(seed: int):
    rng = np.random.default_rng(seed)
    planes, labels = np.zeros((4, 128, 128), np.float32), np.zeros((128, 128), np.uint8)
    trail = synth.random_trail(rng, labels.shape, shortest_px=40, faintest=5)
    synth.draw(trail, planes, labels, (0, 1, 1, 2))
    labelled = labels == trail.trail_class
    if labelled.any():
        assert planes.max() > 1
        assert planes[:, labelled].max() == planes.max()
    assert planes[:, labels == 0].max(initial=0) <= 3.0


def test_landing_lights_are_as_broad_as_told_and_bright_in_the_middle():
    path = np.column_stack((np.arange(20, 100, 0.5), np.full(160, 50.0)))
    for breadth_px in (2.0, 5.0):
        planes, labels = np.zeros((4, 128, 128), np.float32), np.zeros((128, 128), np.uint8)
        trail = synth.Trail(path, np.ones((160, 3)), synth.AIRCRAFT, 10.0, 0.5, breadth_px)
        synth.draw(trail, planes, labels, (0, 1, 1, 2))
        across = planes[0][:, 60]
        assert 6 < across[50] < 10.5
        assert (across > across[50] / 2).sum() == pytest.approx(breadth_px, abs=1.0)


def test_an_invented_sky_is_finite_and_the_same_for_the_same_seed():
    for seed in range(8):
        a, star_px = synth.random_sky(np.random.default_rng(seed), 96)
        b, _ = synth.random_sky(np.random.default_rng(seed), 96)
        assert np.isfinite(a).all()
        assert (a == b).all()
        assert star_px > 0


def test_labels_of_a_simulated_night_lie_under_its_trails_at_half_resolution():
    (rendered,) = render(crowded_night(3), [60.0])
    labels = label_map(rendered.truth, (1411, 1372))
    clear = [t for t in rendered.truth if t.visible and t.line_snr > 5 and len(t.polyline_px) > 2]
    assert clear
    for trail in clear:
        x, y = ((trail.polyline_px[1] - 0.5) / 2).round().astype(int)
        assert 0 < labels[y, x] < synth.IGNORE


def test_cloud_lies_under_the_bank_and_clear_sky_beside_it_and_neither_on_a_trail_or_behind_the_skyline():
    bank = SimCloud(0.0, 180.0, azimuth_deg=90.0, half_width_deg=60.0, transmission=0.03)
    (made,) = render(replace(crowded_night(3), clouds=(bank,)), [60.0])
    shape = made.cloud_opacity.shape
    assert shape == (made.frame.height // 2, made.frame.width // 2)
    labels, without = label_map(made.truth, shape, made.cloud_opacity), label_map(made.truth, shape)
    for azimuth, wanted in ((90.0, synth.CLOUD), (270.0, synth.CLEAR)):
        at = made.plate.azel_to_pixel(np.array([[azimuth, e] for e in range(20, 65, 5)]), made.frame.origin_px)
        here = [labels[y, x] for x, y in ((at - 0.5) / 2).round().astype(int)]
        assert np.mean(np.equal(here, wanted)) > 0.8  # the others lie on a trail
    low = made.plate.azel_to_pixel(np.array([[a, 0.3] for a in range(0, 360, 10)], float), made.frame.origin_px)
    x, y = ((low - 0.5) / 2).round().astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])
    assert inside.any()
    assert not np.isin(labels[y[inside], x[inside]], (synth.CLOUD, synth.CLEAR)).any()
    trails = synth.is_trail(without)
    assert trails.any()
    assert np.array_equal(synth.is_trail(labels), trails)
    assert np.array_equal(labels == synth.IGNORE, without == synth.IGNORE)
    assert not np.isin(without, (synth.CLOUD, synth.CLEAR)).any()


def test_a_trail_drawn_over_cloud_is_a_trail_and_what_it_lights_has_no_opinion():
    for seed in range(4):
        drawn = []
        for sky in (synth.BACKGROUND, synth.CLOUD, synth.CLEAR):
            rng, labels = np.random.default_rng(seed), np.full((128, 128), sky, np.uint8)
            synth.draw(synth.random_trail(rng, labels.shape, faintest=5), np.zeros((4, 128, 128), np.float32), labels,
                       (0, 1, 1, 2))  # fmt: skip
            drawn.append(np.where(labels == sky, synth.BACKGROUND, labels))
        assert np.array_equal(drawn[0], drawn[1])
        assert np.array_equal(drawn[0], drawn[2])
