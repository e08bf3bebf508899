from __future__ import annotations

import numpy as np
import pytest

from camera.geodesy import azel_to_unit, separation_deg
from edge.fusion import identify
from edge.fusion.sightings import Sighting, sample_evenly
from edge.fusion.telescope import beam_arc, pointing_vectors

TELESCOPE = np.array([9.0, 4.0, 1.0])
POINTING = azel_to_unit(200.0, 62.0)
ARC = beam_arc(TELESCOPE, POINTING)
ASIDE = np.cross(ARC[0], ARC[-1]) / np.linalg.norm(np.cross(ARC[0], ARC[-1]))


def sighting(unit: np.ndarray) -> Sighting:
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    return Sighting(sample_evenly(unit), 0, 2_000_000_000, "aircraft")


def between(a: np.ndarray, b: np.ndarray) -> Sighting:
    return sighting(a + np.linspace(0, 1, 9)[:, None] * (b - a))


def test_the_beam_runs_from_beside_the_telescope_to_where_it_points():
    points = TELESCOPE + np.geomspace(50, 20_000, 200)[:, None] * POINTING
    assert identify.distance_to_deg(points / np.linalg.norm(points, axis=1, keepdims=True), ARC).max() < 0.2
    assert float(separation_deg(ARC[-1], POINTING)) < 0.05
    assert float(separation_deg(ARC[0], points[0])) < 0.01


def test_the_beam_and_its_pieces_are_explained():
    whole = sighting(ARC)
    pieces = [sighting(ARC[:12]), sighting(ARC[14:30][::-1])]
    assert identify.on_own_beam([whole], [ARC]) == [True]
    assert identify.on_own_beam(pieces, [ARC]) == [True, True]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (between(azel_to_unit(195.0, 58.0), azel_to_unit(205.0, 60.0)), "crosses far from it"),
        (between(ARC[20] + 0.02 * ASIDE, ARC[20] - 0.02 * ASIDE), "a short trail across it"),
        (between(ARC[-8], ARC[-1] + 1.5 * (ARC[-1] - ARC[-20])), "runs out beyond its end"),
        (between(ARC[20], ARC[21]), "a dot on it"),
        (between(ARC[10], ARC[16]), "a short trail along it, without the rest of the beam"),
    ],
)  # fmt: skip
def test_what_is_not_wholly_the_beam_is_not_explained(other, why):
    assert identify.on_own_beam([other], [ARC]) == [False], why


def test_a_crossing_trail_stays_beside_an_explained_beam():
    crossing = between(ARC[20] + 0.015 * ASIDE, ARC[20] - 0.015 * ASIDE)
    assert identify.on_own_beam([sighting(ARC), crossing], [ARC]) == [True, False]


def test_a_beam_seen_end_on_is_a_dot_and_a_dot_is_not_explained():
    arc = beam_arc(np.zeros(3), POINTING)
    assert identify.on_own_beam([sighting(np.repeat(arc, 5, axis=0))], [arc]) == [False]


def test_a_meteor_path_is_empty_only_when_nothing_lies_along_it_on_either_side():
    meteor = between(azel_to_unit(100, 50), azel_to_unit(115, 45))
    ahead = between(azel_to_unit(122, 42), azel_to_unit(128, 39))
    behind = between(azel_to_unit(90, 53), azel_to_unit(84, 54))
    elsewhere = between(azel_to_unit(100, 65), azel_to_unit(105, 64))
    assert identify.fast_enough_for_a_meteor(meteor)
    assert not identify.fast_enough_for_a_meteor(elsewhere)
    assert identify.empty_along(meteor, [], 0.1)
    assert identify.empty_along(meteor, [elsewhere], 0.1)
    assert not identify.empty_along(meteor, [elsewhere, ahead], 0.1)
    assert not identify.empty_along(meteor, [behind], 0.1)


def test_own_target_needs_place_and_rate():
    towards, motion = pointing_vectors(200.0, 62.0, 0.5, 0.1, 0.0)
    assert towards == pytest.approx(POINTING)
    later, _ = pointing_vectors(200.0, 62.0, 0.5, 0.1, 1.0)
    assert (later - towards) == pytest.approx(motion, abs=5e-4)
    sure = float(np.radians(0.02))
    assert identify.is_own_target(towards, motion, sure, towards, motion)
    at_rest, slow = pointing_vectors(200.0, 62.0, 0.01, 0.0, 0.0)
    assert not identify.is_own_target(at_rest, slow, sure, at_rest, slow)  # so stands what flies down the beam
    assert not identify.is_own_target(towards, -motion, sure, towards, motion)
    assert not identify.is_own_target(towards, 1.5 * motion, sure, towards, motion)
    assert not identify.is_own_target(azel_to_unit(200.0, 62.6), motion, sure, towards, motion)
    assert not identify.is_own_target(towards, motion, float(np.radians(0.5)), towards, motion)
