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
    for shapes in ([3], [{"label": "trail"}], [{"points": [[1, 2], "no", [3, 4]]}], 7):
        (tmp_path / "1-0.json").write_text(json.dumps({"shapes": shapes, "imagePath": "1-0.jpg"}))
        with pytest.raises(ValueError, match=r"1-0\.json: no label file"):
            read_anylabeling(tmp_path)
    for content in ("[]", '{"images": [{"file": 3}]}', '{"images": [{"file": "a/b.jpg", "trails": [1]}]}'):
        (tmp_path / "labels.json").write_text(content)
        with pytest.raises(ValueError, match=r"labels\.json: no label file"):
            read_sky_labels(tmp_path / "labels.json")


def test_label_files_are_read_in_the_order_of_their_numbers_whatever_else_they_are_called(tmp_path: Path):
    for name in ("10-0", "2-1", "2-10", "notes-x"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"shapes": [], "imagePath": f"{name}.jpg"}))
    assert [image.file.stem for image in read_anylabeling(tmp_path)] == ["2-1", "2-10", "10-0", "notes-x"]
    with pytest.raises(ValueError, match="'notes': its name must begin with the number"):
        held_out("notes")


@pytest.mark.realdata
def test_the_real_labels_are_read_and_split_by_source_photograph(real_data: Path):
    images = read_anylabeling(real_data / "streaks512")
    assert len(images) == 414
    assert sum(len(image.trails) for image in images) == 525
    assert sum(held_out(image.group) for image in images) == 134
    assert len(read_sky_labels(real_data / "sky" / "labels.json")) == 27
