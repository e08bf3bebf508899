"""Invented trails are labelled where their light is, and nowhere else."""

import numpy as np
import pytest

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
