"""Logits drawn by hand come back as the trails they were drawn from."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import CLASSES
from models.postprocess import trails_from_logits
from models.score import covered_share

SIDE = 256


def logits_of(*strokes: tuple[str, list[tuple[float, float]]], side: int = SIDE) -> np.ndarray:
    """Background everywhere but on strokes three pixels wide, given as (class, points)."""
    logits = np.full((1, len(CLASSES), side, side), -8.0, np.float32)
    logits[0, 0] = 4.0
    for name, points in strokes:
        canvas = np.zeros((side, side), np.uint8)
        fixed = np.round(np.array(points) * 8).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(canvas, [fixed], False, 1, 3, cv2.LINE_8, 3)
        logits[0, 0][canvas > 0] = -4.0
        logits[0, CLASSES.index(name)][canvas > 0] = 4.0
    return logits


def test_an_empty_sky_has_no_trails():
    assert trails_from_logits(logits_of(), threshold=0.1) == []


@pytest.mark.parametrize("name", ["aircraft", "satellite", "meteor"])
def test_a_line_comes_back_with_its_place_and_class(name: str):
    (trail,) = trails_from_logits(logits_of((name, [(30, 40), (200, 120)])), threshold=0.5)
    assert trail.trail_class == name
    assert trail.score > 0.9
    ends = trail.polyline_px[np.argsort(trail.polyline_px[:, 0])][[0, -1]]
    assert ends == pytest.approx(np.array([[30, 40], [200, 120]]), abs=2.5)
    assert covered_share(trail.polyline_px, [np.array([[30, 40], [200, 120]])], 1.0) > 0.98


def test_half_resolution_planes_come_back_in_stored_pixels_to_a_fraction_of_one():
    # Plane pixel 100 covers stored pixels 200 and 201: its middle is 200.5.
    logits = logits_of(("aircraft", [(20, 100), (220, 100)]))
    (trail,) = trails_from_logits(logits, threshold=0.5, stored_px_per_plane_px=2)
    assert trail.polyline_px[:, 1] == pytest.approx(200.5, abs=0.05)
    (same,) = trails_from_logits(logits, threshold=0.5)
    assert same.polyline_px[:, 1] == pytest.approx(100.0, abs=0.05)
    assert trail.polyline_px[:, 0].min() == pytest.approx(2 * same.polyline_px[:, 0].min() + 0.5)


def test_the_dashes_of_a_strobe_are_one_trail():
    along = np.array([150, 90]) / np.hypot(150, 90)
    dashes = [
        ("aircraft", [tuple(np.array([40, 50]) + along * s), tuple(np.array([40, 50]) + along * (s + 4))])
        for s in range(0, 170, 24)
    ]
    (trail,) = trails_from_logits(logits_of(*dashes), threshold=0.3)
    assert np.linalg.norm(trail.polyline_px[-1] - trail.polyline_px[0]) > 160


def test_crossing_trails_are_two():
    trails = trails_from_logits(
        logits_of(("aircraft", [(20, 20), (230, 200)]), ("satellite", [(30, 210), (220, 30)])), threshold=0.5
    )
    assert len(trails) == 2
    for truth in ([[20, 20], [230, 200]], [[30, 210], [220, 30]]):
        assert max(covered_share(np.array(truth, float), [t.polyline_px], 3.0) for t in trails) > 0.95


def test_neighbours_side_by_side_stay_two():
    trails = trails_from_logits(
        logits_of(("aircraft", [(20, 100), (230, 100)]), ("aircraft", [(20, 112), (230, 112)])), threshold=0.5
    )
    assert len(trails) == 2


def test_a_bent_trail_is_followed_within_two_pixels():
    x = np.linspace(10, 245, 60)
    arc = np.column_stack((x, 60 + 0.0012 * (x - 128) ** 2))
    trails = trails_from_logits(logits_of(("satellite", [tuple(p) for p in arc])), threshold=0.4)
    assert len(trails) == 1
    assert covered_share(arc, [trails[0].polyline_px], 2.0) > 0.97
    assert covered_share(trails[0].polyline_px, [arc], 2.0) > 0.97


def test_a_blob_is_no_trail():
    logits = logits_of()
    yy, xx = np.mgrid[:SIDE, :SIDE]
    blob = np.hypot(xx - 100, yy - 100) < 25
    logits[0, 0][blob], logits[0, 1][blob] = -4, 4
    assert trails_from_logits(logits, threshold=0.6) == []


def test_the_trailed_stars_of_a_long_exposure_are_no_trails_but_what_crosses_them_is():
    rng = np.random.default_rng(8)
    stars = [("aircraft", [(x, y), (x + 22, y + 6)]) for x, y in rng.uniform(10, 220, (14, 2))]
    trails = trails_from_logits(logits_of(*stars, ("aircraft", [(20, 240), (200, 5)])), threshold=0.3)
    longest = max(trails, key=lambda t: float(np.linalg.norm(t.polyline_px[-1] - t.polyline_px[0])))
    assert len(trails) <= 3  # stars that touch or lie on one line may be joined
    assert covered_share(np.array([[20.0, 240.0], [200.0, 5.0]]), [longest.polyline_px], 3.0) > 0.9


def test_undecided_between_classes_is_unknown():
    logits = logits_of(("aircraft", [(30, 40), (200, 120)]))
    on = logits[0, 1] > 0
    logits[0, 2][on] = 3.9
    (trail,) = trails_from_logits(logits, threshold=0.5)
    assert trail.trail_class == "unknown"


def test_noise_over_the_whole_picture_ends_in_bounded_time_with_finite_trails():
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 4, (1, len(CLASSES), SIDE, SIDE)).astype(np.float32)
    for trail in trails_from_logits(logits, threshold=0.05):
        assert np.isfinite(trail.polyline_px).all()
        assert 0 <= trail.score <= 1


def drawn_broad(*lines: tuple[tuple[int, int], tuple[int, int]], width: int, side: int = 400) -> np.ndarray:
    logits = logits_of(side=side)
    canvas = np.zeros((side, side), np.uint8)
    for a, b in lines:
        cv2.line(canvas, a, b, 1, width)
    logits[0, 0][canvas > 0], logits[0, 1][canvas > 0] = -4, 4
    return logits


def test_a_lamp_out_of_focus_draws_a_broad_trail_and_it_is_one():
    (trail,) = trails_from_logits(drawn_broad(((20, 60), (380, 300)), width=15), threshold=0.5)
    assert covered_share(np.array([[20.0, 60.0], [380.0, 300.0]]), [trail.polyline_px], 3.0) > 0.95


def test_two_bright_trails_that_cross_are_two_and_nothing_is_left_beside_them():
    cross = ((20, 40), (380, 330)), ((200, 5), (240, 395))
    trails = trails_from_logits(drawn_broad(*cross, width=8), threshold=0.3)
    assert len(trails) == 2
    for truth in cross:
        assert max(covered_share(np.array(truth, float), [t.polyline_px], 3.0) for t in trails) > 0.95


def test_a_bright_rim_or_a_mast_with_stays_is_no_trail():
    ring = logits_of(side=400)
    canvas = np.zeros((400, 400), np.uint8)
    cv2.circle(canvas, (200, 200), 170, 1, 6)
    ring[0, 0][canvas > 0], ring[0, 1][canvas > 0] = -4, 4
    assert trails_from_logits(ring, threshold=0.5) == []
    stays = [((200, 20), (60 + 70 * k, 380)) for k in range(5)]
    assert trails_from_logits(drawn_broad(*stays, width=8), threshold=0.5) == []


@pytest.mark.parametrize("width", [5, 11])
@pytest.mark.parametrize("between_deg", [15, 40, 65, 90])
def test_of_two_bright_crossing_lines_none_is_lost_at_any_angle(width: int, between_deg: float):
    lines = [through((200, 200), 20 + turn, 360) for turn in (0, between_deg)]
    trails = trails_from_logits(drawn_broad(*lines, width=width), threshold=0.5)
    assert len(trails) == 2
    assert all(share_found(line, trails) > 0.8 for line in lines)


def test_three_bright_lines_through_one_point_are_three():
    lines = [through((200, 200), 15 + turn, 360) for turn in (0, 50, 110)]
    trails = trails_from_logits(drawn_broad(*lines, width=11), threshold=0.5)
    assert all(share_found(line, trails) > 0.8 for line in lines)


@pytest.mark.parametrize("width", [3, 6, 10])
def test_an_aircraft_that_flies_into_the_lit_rim_of_the_lens_is_not_lost_with_it(width: int):
    line = (230, 260), (230 + 190, 260 - 210)  # from inside to the rim
    trails = trails_from_logits(with_a_rim(drawn_broad(line, width=width, side=600)), threshold=0.5)
    assert share_found(line, trails) > 0.8
    assert len(trails) == 1


@pytest.mark.parametrize("what", ["lit", "ring", "grid", "blobs"])
def test_whatever_is_lit_ends_in_finite_trails_inside_the_picture(what: str):
    side = 640
    logits, canvas, rng = logits_of(side=side), np.zeros((side, side), np.uint8), np.random.default_rng(5)
    if what == "lit":
        canvas[:] = 1
    elif what == "ring":
        cv2.circle(canvas, (320, 320), 300, 1, 12)
    elif what == "grid":
        for at in range(5, side, 21):
            canvas[at : at + 3], canvas[:, at : at + 3] = 1, 1
    else:
        for x, y, radius in rng.integers((0, 0, 1), (side, side, 7), (1500, 3)):
            cv2.circle(canvas, (int(x), int(y)), int(radius), 1, -1)
    logits[0, 0][canvas > 0], logits[0, 1][canvas > 0] = -4, 4
    trails = trails_from_logits(logits, threshold=0.05)
    assert what == "blobs" or trails == []
    assert_sane(trails, side)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(8, 50),
    st.integers(8, 50),
    st.floats(0.1, 12.0),
    st.sampled_from([1, 3, 9]),
)
def test_any_logits_give_finite_polylines_near_the_picture_and_scores_from_0_to_1(
    seed: int, height: int, width: int, spread: float, lumps: int
):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, spread * lumps, (height, width, len(CLASSES))).astype(np.float32)
    logits = cv2.blur(noise, (lumps, lumps)).transpose(2, 0, 1)[None]
    assert_sane(trails_from_logits(np.ascontiguousarray(logits), threshold=0.05), max(height, width))


@pytest.mark.parametrize(
    "turned", [lambda a: a[..., ::-1], lambda a: a[..., ::-1, :], lambda a: np.rot90(a, 1, (2, 3))]
)
def test_mirrored_or_turned_pictures_have_the_same_trails(turned):
    logits = drawn_broad(((20, 40), (380, 330)), ((200, 5), (240, 395)), ((30, 380), (120, 300)), width=8)
    back = np.stack(np.meshgrid(np.arange(400.0), np.arange(400.0)))[None]
    columns, rows = turned(back)[0]
    plain = trails_from_logits(logits, threshold=0.3)
    other = trails_from_logits(np.ascontiguousarray(turned(logits)), threshold=0.3)
    assert len(plain) == len(other)
    for trail in other:
        column, row = trail.polyline_px.round().astype(int).clip(0, 399).T
        there = np.column_stack((columns[row, column], rows[row, column]))
        assert max(covered_share(there, [same.polyline_px], 1.6) for same in plain) > 0.95


def through(middle: tuple[float, float], angle_deg: float, length: float) -> tuple[tuple[int, int], tuple[int, int]]:
    half = length / 2 * np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
    (x0, y0), (x1, y1) = (np.array(middle) - half).round().astype(int), (np.array(middle) + half).round().astype(int)
    return (int(x0), int(y0)), (int(x1), int(y1))


def with_a_rim(logits: np.ndarray) -> np.ndarray:
    canvas = np.zeros(logits.shape[2:], np.uint8)
    cv2.circle(canvas, (300, 300), 278, 1, 8)
    logits[0, 0][canvas > 0], logits[0, 1][canvas > 0] = -4, 4
    return logits


def share_found(line, trails) -> float:
    return max((covered_share(np.array(line, float), [t.polyline_px], 4.0) for t in trails), default=0.0)


def assert_sane(trails, side: int) -> None:
    for trail in trails:
        assert np.isfinite(trail.polyline_px).all()
        assert ((trail.polyline_px > -8) & (trail.polyline_px < side + 8)).all()
        assert 0 <= trail.score <= 1
