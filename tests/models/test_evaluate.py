"""Counting, on cases worked out by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from camera.device import FileUnreadable, Frame
from models import synth
from models.contract import CLASSES, Trail
from models.cutouts import PICTURES, SIDE, Gallery, piece
from models.detect import Detection, Timings
from models.evaluate import TOLD, Case, evaluate, pixel_matrix, trails_as_json, wilson

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
    assert json.loads(json.dumps(table.facts(0.5)))["false_in"] == {"a": 1}
    assert [table.least_false(most) for most in (1.0, 0.0)] == [0.05, 0.65]
    assert "recall 1.000" in table.text(0.5)


def test_pixels_are_counted_by_what_is_known_of_them():
    labels = np.array(
        [[synth.CLEAR, synth.CLEAR, synth.AIRCRAFT, synth.CLOUD, 0, synth.ANY_TRAIL, synth.IGNORE]], np.uint8
    )
    answers = [0, 1, 1, 0, 3, 1, 1]
    logits = np.full((len(CLASSES), *labels.shape), -3.0, np.float32)
    logits[answers, 0, range(7)] = 3.0
    counts = pixel_matrix(labels, logits)
    expected = {("clear sky", 0): 1, ("clear sky", 1): 1, ("aircraft", 1): 1, ("cloud", 0): 1, ("untold", 3): 1}
    assert {(TOLD[r], int(c)): int(counts[r, c]) for r, c in zip(*np.nonzero(counts), strict=True)} == expected


def test_a_gallery_holds_a_few_of_each_and_says_of_how_many():
    gallery = Gallery()
    for k in range(40):
        lower = LINE + np.array([0.0, 10.0 * k])
        gallery.offer("misses", frame(), lower, [lower], [], f"{k}")
    assert [len(row) for row in gallery.rows.values()] == [0, PICTURES, 0]
    assert gallery.offered == {"misses": 40}
    numbers = [int(title) for *_, title in gallery.rows["misses"]]
    assert len(set(numbers)) == PICTURES
    assert max(numbers) >= 10  # not only the first ones
    assert all(true.any() and not found.any() for _, true, found, _ in gallery.rows["misses"])


@pytest.mark.parametrize("mosaic", ["RGGB", "mono", "rgb"])
def test_a_piece_shows_the_trail_in_its_middle_within_its_outline(mosaic: str):
    pixels = np.full((400, 500), 1000, np.uint16)
    pixels[200:204, 300:360] = 30000  # rows from y = 200, columns from x = 300
    pixels = np.dstack([pixels] * 3) if mosaic == "rgb" else pixels
    line = np.array([[300.0, 201.5], [359.0, 201.5]])
    image, true, found = piece(replace(frame(), mosaic=mosaic, white_adu=65535, pixels=pixels), line, [line], [])
    assert image.shape == (SIDE, SIDE, 3)
    bright = image.max(axis=2) > 128
    assert bright.any()
    assert true[bright].all()
    assert not found.any()
    rows, columns = np.nonzero(bright)
    assert abs(rows.mean() - SIDE / 2) < 3
    assert abs(columns.mean() - SIDE / 2) < 3


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
