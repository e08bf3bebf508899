from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.adsb.sources.gaps import GapFinder

RATE, BLOCK = 2_400_000, 131_072
BLOCK_S = BLOCK / RATE


def run(delays_s, *, ppm=0.0, lost_before=None):
    """(finder, [(block, samples found missing)]): block k comes when its last sample was taken, plus its delay."""
    finder, found = GapFinder(RATE), []
    lost_before = lost_before or {}
    true_samples, mono_s = 0, 0.0
    for k, delay_s in enumerate(delays_s):
        true_samples += BLOCK + lost_before.get(k, 0)
        taken_s = true_samples / (RATE * (1 + ppm * 1e-6))
        mono_s = max(mono_s, taken_s + delay_s)  # in order: what was late is followed at once
        if lost := finder.lost((k + 1) * BLOCK, mono_s):
            found.append((k, lost))
    return finder, found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.03), st.floats(-200, 200))
def test_jitter_and_a_crystal_that_is_off_lose_nothing(seed, jitter_s, ppm):
    rng = np.random.default_rng(seed)
    finder, found = run(rng.uniform(0, jitter_s, 800), ppm=ppm)
    assert found == []
    assert finder.missing == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.003), st.integers(40, 300), st.integers(48_000, 3 * BLOCK))
def test_samples_that_never_arrive_are_found_within_a_second(seed, jitter_s, at, lost):
    rng = np.random.default_rng(seed)
    _, found = run(rng.uniform(0, jitter_s, 400), ppm=30.0, lost_before={at: lost})
    assert sum(count for _, count in found) == pytest.approx(lost, abs=RATE * 0.003)
    assert 0 < (found[0][0] - at) * BLOCK_S < 1.0
    assert len(found) <= 2


def test_a_computer_that_stops_for_half_a_second_loses_nothing():
    delays_s = np.zeros(200)
    delays_s[100] = 0.5
    assert run(delays_s)[1] == []


def test_a_computer_that_falls_ever_further_behind_and_recovers_loses_nothing():
    delays_s = np.zeros(300)
    delays_s[100:150] = np.linspace(0, 0.8, 50)
    delays_s[150:180] = np.linspace(0.8, 0, 30)
    assert run(delays_s)[1] == []


def test_every_gap_of_a_bad_cable_is_counted():
    finder, found = run(np.zeros(600), lost_before={100: BLOCK, 200: 2 * BLOCK, 300: BLOCK // 2})
    assert finder.missing == pytest.approx(3.5 * BLOCK, abs=10)
    assert len(found) == 3
