"""Counting, on cases worked out by hand."""

import json

import numpy as np
import pytest

from camera.device import FileUnreadable, Frame
from models.contract import Trail
from models.detect import Detection, Timings
from models.evaluate import Case, evaluate, trails_as_json, wilson

LINE = np.array([[10.0, 10.0], [90.0, 10.0]])
ELSEWHERE = LINE + np.array([0.0, 200.0])
FAINT = LINE + np.array([0.0, 400.0])


def frame() -> Frame:
    return Frame(1, 0, 0.0, 2.0, 0, 1.0, (0, 0), "mono", 255, 0.0, 0.0, np.zeros((500, 500), np.uint8))


class Fixed:
    """Says the same of every frame."""

    threshold = 0.05

    def detect(self, _: Frame) -> Detection:
        trails = [Trail("satellite", 0.8, LINE + 1), Trail("unknown", 0.6, ELSEWHERE), Trail("unknown", 0.7, FAINT)]
        return Detection(trails, Timings(0, 0, 0, 0))


def test_found_false_faint_and_unreadable_are_counted_at_every_threshold():
    def torn() -> Frame:
        raise FileUnreadable("b.png: torn")

    cases = [Case("a", frame, (LINE,), ("high",), ("aircraft",), (FAINT,)), Case("b", torn, (LINE,))]
    table = evaluate("case", cases, Fixed(), at=0.5)
    assert (table.images, table.labelled, table.unreadable) == (1, 1, ["b.png: torn"])
    assert (table.found[0.5], table.false[0.5]) == (1, 1)
    assert (table.found[0.65], table.false[0.65]) == (1, 0)
    assert (table.found[0.85], table.false[0.85]) == (0, 0)
    assert table.by_stratum == {"high": [1, 1]}
    assert table.named == {"aircraft named satellite": 1}
    assert json.loads(table.to_json(0.5))["false_in"] == {"a": 1}
    assert "recall 1.000" in table.text(0.5)


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, 857, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_the_published_ones(found: int, of: int, low: float, high: float):
    assert wilson(found, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_line_of_detections_says_what_the_design_says():
    line = json.loads(trails_as_json("x.png", frame(), [Trail("meteor", 0.87654, LINE)]))
    trail = {"class": "meteor", "score": 0.8765, "polyline_px": [[10.0, 10.0], [90.0, 10.0]]}
    assert line == {"file": "x.png", "width": 500, "height": 500, "trails": [trail]}
