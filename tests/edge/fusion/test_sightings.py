from __future__ import annotations

import numpy as np
import pytest

from camera.geodesy import azel_to_unit
from edge.fusion.sightings import POINTS, Sighting, join_pieces, on_one_line, sample_evenly, sighting_of
from edge.records import SkyTrail

NOISE = float(np.radians(0.1))


def line(azimuth: tuple[float, float], elevation: tuple[float, float], share: tuple[float, float] = (0, 1)) -> Sighting:
    a, b = azel_to_unit(azimuth, elevation)
    ends = np.array(share)[:, None]
    points = a + np.linspace(*ends, 20) * (b - a)
    return Sighting(sample_evenly(points / np.linalg.norm(points, axis=1, keepdims=True)), 0, 2_000_000_000, "aircraft")


def test_pieces_of_one_line_become_one_from_end_to_end():
    whole = line((100, 104), (45, 46))
    pieces = [line((100, 104), (45, 46), share) for share in ((0.7, 1.0), (0.0, 0.3), (0.45, 0.5))]
    (joined,) = join_pieces(pieces, NOISE)
    assert joined.pieces == 3
    assert joined.length_deg == pytest.approx(whole.length_deg, abs=0.02)
    ends = (
        joined.points[[0, -1]]
        if joined.points[0] @ whole.points[0] > joined.points[0] @ whole.points[-1]
        else joined.points[[-1, 0]]
    )
    assert ends == pytest.approx(whole.points[[0, -1]], abs=1e-3)


def test_two_halves_of_a_slow_trail_are_joined_because_they_touch():
    pieces = [line((10, 10.5), (40, 40.2), share) for share in ((0.0, 0.45), (0.55, 1.0))]
    assert len(join_pieces(pieces, NOISE)) == 1


@pytest.mark.parametrize(
    "other",
    [
        line((100, 104), (46, 47)),  # beside it
        line((103, 100), (44, 48)),  # across it
        line((107, 110), (46.5, 47)),  # further along
        line((104, 104.5), (46.1, 50)),  # from its end elsewhere
    ],
)
def test_lines_of_others_stay_apart(other):
    assert len(join_pieces([line((100, 104), (45, 46)), other], NOISE)) == 2


def test_across_the_zenith_and_north_pieces_are_still_one_line():
    over = [line((0, 180), (88, 89), (0.0, 0.4)), line((0, 180), (88, 89), (0.6, 1.0))]
    north = [line((358, 362), (30, 30), (0.0, 0.4)), line((358, 362), (30, 30), (0.6, 1.0))]
    assert len(join_pieces(over, NOISE)) == 1
    assert len(join_pieces(north, NOISE)) == 1


def trail(unit: list[list[float]]) -> SkyTrail:
    return SkyTrail("unknown", 0.5, np.zeros((len(unit), 2)), np.array(unit).reshape(-1, 3), 0, 1)


def test_what_has_no_direction_is_no_sighting_and_what_has_one_is_kept():
    nan, zero, up = [np.nan, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]
    assert sighting_of(trail([]), 0, 1) is None
    assert sighting_of(trail([nan, zero, [1e308, 1e308, 1e308]]), 0, 1) is None
    dot = sighting_of(trail([nan, up, up]), 0, 1)
    assert dot is not None
    assert dot.points == pytest.approx(np.tile([0.0, 0.0, 1.0], (POINTS, 1)))
    assert dot.length_deg == 0.0


def test_on_one_line_knows_length_and_direction():
    a, b = line((100, 104), (45, 46), (0.0, 0.3)), line((100, 104), (45, 46), (0.6, 1.0))
    assert on_one_line(a, b, 3.5, NOISE)
    assert not on_one_line(a, b, 2.0, NOISE)
    assert not on_one_line(a, line((101, 101), (46, 48)), 9.0, NOISE)
