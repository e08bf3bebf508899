"""The trail score on cases worked out by hand."""

import numpy as np
import pytest

from models.score import covered_share, score_image, tolerance_px


def line(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, float)


def test_tolerance_is_eight_thousandths_of_the_width_and_at_least_five_pixels():
    assert tolerance_px(512) == 5.0
    assert tolerance_px(625) == 5.0
    assert tolerance_px(2744) == pytest.approx(21.952)


def test_a_parallel_line_within_tolerance_covers_all_and_one_beyond_nothing():
    label = line((0, 0), (100, 0))
    assert covered_share(label, [line((0, 4.9), (100, 4.9))], 5.0) == 1.0
    assert covered_share(label, [line((0, 5.1), (100, 5.1))], 5.0) == 0.0


def test_half_of_the_length_is_enough_and_less_is_not():
    label = line((0, 0), (100, 0))
    half = score_image([label], [line((0, 0), (45, 0))], 512)  # reaches 45 + 5 pixels
    less = score_image([label], [line((0, 0), (43, 0))], 512)
    assert half.found == (True,)
    assert less.found == (False,)


def test_two_fragments_together_find_a_trail():
    label = line((0, 0), (100, 0))
    fragments = [line((0, 1), (20, 1)), line((70, -1), (95, -1))]
    assert score_image([label], [fragments[0]], 512).found == (False,)
    result = score_image([label], fragments, 512)
    assert result.found == (True,)
    assert result.false == (False, False)


def test_a_detection_that_leaves_its_label_for_more_than_half_of_its_length_is_false():
    label = line((0, 0), (100, 0))
    assert score_image([label], [line((50, 0), (50, 9))], 512).false == (False,)
    assert score_image([label], [line((50, 0), (50, 11))], 512).false == (True,)


def test_detections_where_nothing_is_labelled_are_false_and_labels_without_detections_missed():
    assert score_image([], [line((0, 0), (9, 9))], 512).false == (True,)
    assert score_image([line((0, 0), (9, 9))], [], 512).found == (False,)


def test_bends_are_followed_and_a_point_counts():
    corner = line((0, 0), (50, 0), (50, 50))
    assert covered_share(corner, [line((0, 0), (50, 0))], 5.0) == pytest.approx(0.55, abs=0.01)
    assert covered_share(line((3, 3)), [corner], 5.0) == 1.0
    assert covered_share(line((3, 3), (3, 3)), [line((0, 0))], 5.0) == 1.0
