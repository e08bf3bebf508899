"""What a training prepares once is whole or made anew; one bad picture stops no training."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.cache import kept
from models.dataset import prepare_photographs, prepare_skies
from models.evaluate import skies

PAIR = np.ones((1, 2, 2), np.float16), np.zeros((2, 2), np.uint8)


def test_what_was_made_is_read_again_and_not_made_again(tmp_path: Path):
    kept(tmp_path / "cache" / "a.npz", lambda: PAIR)
    planes, labels = kept(tmp_path / "cache" / "a.npz", pytest.fail)
    assert np.array_equal(planes, PAIR[0])
    assert np.array_equal(labels, PAIR[1])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a.npz"]


@pytest.mark.parametrize("spoiled", ["cut", "empty", "text", "flipped", "another"])
def test_a_file_that_was_spoiled_is_named_and_made_anew(tmp_path: Path, spoiled: str, caplog: pytest.LogCaptureFixture):
    stored = tmp_path / "a.npz"
    kept(stored, lambda: PAIR)
    whole = stored.read_bytes()
    stored.write_bytes({
        "cut": whole[: len(whole) // 2], "empty": b"", "text": b"no array", "another": b"",
        "flipped": whole[:60] + bytes(255 - byte for byte in whole[60:160]) + whole[160:],
    }[spoiled])  # fmt: skip
    if spoiled == "another":
        np.savez(stored, something=np.ones(3))
    planes, _ = kept(stored, lambda: PAIR)
    assert np.array_equal(planes, PAIR[0])
    assert str(stored) in caplog.text
    kept(stored, pytest.fail)


def test_bad_photographs_are_named_counted_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    photographs, names = tmp_path / "photographs", ("1-0", "1-1", "2-0")
    photographs.mkdir()
    for name in names:
        (photographs / f"{name}.json").write_text(json.dumps({"shapes": [], "imagePath": f"{name}.png"}))
    cv2.imwrite(str(photographs / "1-0.png"), np.random.default_rng(1).integers(0, 90, (64, 64, 3), np.uint8))
    (photographs / "1-1.png").write_bytes(b"no picture")  # and 2-0.png is missing
    assert [picture.group for picture in prepare_photographs(photographs, tmp_path / "cache")] == ["1"]
    assert "file=1-1.png" in caplog.text
    assert "file=2-0.png" in caplog.text
    assert "left out pictures=2 of=3" in caplog.text


def test_a_photograph_whose_labels_were_corrected_is_prepared_anew(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "1-0.png"), np.random.default_rng(1).integers(0, 90, (64, 64, 3), np.uint8))
    for shapes in ([], [{"points": [[5, 30], [55, 30], [55, 36], [5, 36]]}]):
        (tmp_path / "1-0.json").write_text(json.dumps({"shapes": shapes, "imagePath": "1-0.png"}))
        (picture,) = prepare_photographs(tmp_path, tmp_path / "cache")
        assert picture.labels.any() == bool(shapes)


def test_a_sky_that_is_missing_is_left_out_of_training_and_named_where_it_is_scored(tmp_path: Path):
    entries = [{"file": f"{camera}/gone.fits", "trails": []} for camera in ("pyASC_maryland", "another")]
    (tmp_path / "labels.json").write_text(json.dumps({"images": entries}))
    assert prepare_skies(tmp_path / "labels.json", tmp_path / "cache") == []
    assert [case.name for case in skies(tmp_path / "labels.json")] == ["gone.fits"]
