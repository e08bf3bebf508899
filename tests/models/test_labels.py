"""Drawn polygons become lines of light."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.dataset import held_out
from models.labels import centre_line, read_anylabeling, read_sky_labels, snap


def test_the_middle_line_runs_from_short_side_to_short_side():
    line = centre_line(np.array([[10, 10], [110, 10], [110, 20], [10, 20]], float))
    assert line[np.argsort(line[:, 0])] == pytest.approx(np.array([[10, 15], [110, 15]]), abs=0.01)


def test_the_light_inside_a_loose_polygon_is_found():
    light = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    cv2.line(light, (20, 48), (180, 62), 12.0, 1)
    polygon = np.array([[20, 40], [180, 60], [180, 78], [20, 58]], float)
    x, y = snap(light, polygon).T
    assert y == pytest.approx(48 + (x - 20) * 14 / 160, abs=1.5)


def test_the_margins_that_people_leave_at_the_ends_are_cut():
    light = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    cv2.line(light, (40, 50), (165, 50), 12.0, 1)
    x, _ = snap(light, np.array([[28, 42], [180, 42], [180, 58], [28, 58]], float)).T
    assert sorted([x[0], x[-1]]) == pytest.approx([40, 165], abs=4)


def test_label_files_that_are_none_are_refused_by_name(tmp_path: Path):
    (tmp_path / "1-0.json").write_text("[]")
    with pytest.raises(ValueError, match=r"1-0\.json"):
        read_anylabeling(tmp_path)
    (tmp_path / "1-0.json").write_text(json.dumps({"shapes": [], "imagePath": "1-0.jpg"}))
    with pytest.raises(ValueError, match=r"1-0\.jpg is missing"):
        read_anylabeling(tmp_path)


@pytest.mark.realdata
def test_the_real_labels_are_read_and_split_by_source_photograph(real_data: Path):
    images = read_anylabeling(real_data / "streaks512")
    assert len(images) == 414
    assert sum(len(image.trails) for image in images) == 525
    assert sum(held_out(image.group) for image in images) == 134
    assert len(read_sky_labels(real_data / "sky" / "labels.json")) == 27
