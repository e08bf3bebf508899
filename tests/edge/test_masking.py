"""`skyspotter mask`: a drawing becomes the file that the station believes; what is wrong is said in one sentence."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.geodesy import azel_to_unit
from camera.mask import Hidden, load_mask
from camera.store.fitsfile import encode
from camera.store.header import Origin
from edge.config import ConfigRefused, parse_config
from edge.masking import MaskCommandRefused, draw, learn, mask_picture
from tests.camera.solve.test_solver import TRUTH, rendered

WIDTH, HEIGHT = TRUTH.region.size_px


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    TRUTH.save(tmp_path / "plate.json")
    return tmp_path / "plate.json"


def test_a_painted_picture_and_an_outline_give_the_same_mask(plate, tmp_path, capsys):
    outline = [(170.0, 0.0), (190.0, 0.0), (190.0, 35.0), (170.0, 35.0)]
    (tmp_path / "south.json").write_text(json.dumps([outline]))
    assert draw(tmp_path / "south.json", plate=plate, out=tmp_path / "a.json") == 0
    assert "[plate] mask_file = " in capsys.readouterr().out.replace("\n", " ")
    first = load_mask(tmp_path / "a.json", TRUTH)
    painted = np.full((HEIGHT, WIDTH), 255, np.uint8)
    y, x = np.indices(painted.shape).astype(float)
    azel = TRUTH.pixel_to_azel(np.stack((x, y), axis=-1), TRUTH.region.origin_px)
    painted[(azel[..., 0] > 170) & (azel[..., 0] < 190) & (azel[..., 1] > 0) & (azel[..., 1] < 35)] = 0
    cv2.imwrite(str(tmp_path / "south.png"), painted)
    assert draw(tmp_path / "south.png", plate=plate, out=tmp_path / "b.json") == 0
    second = load_mask(tmp_path / "b.json", TRUTH)
    assert (first.cells ^ second.cells).sum() < 0.06 * first.cells.sum()
    for mask in (first, second):
        hides = Hidden.behind(mask, TRUTH).hides(azel_to_unit([180.0, 180.0, 150.0, 0.0], [20.0, 42.0, 20.0, 20.0]))
        assert hides.tolist() == [True, False, False, False]


def test_an_outline_may_cross_north(plate, tmp_path):
    (tmp_path / "north.json").write_text(json.dumps([[(350.0, 0.0), (10.0, 0.0), (10.0, 30.0), (350.0, 30.0)]]))
    draw(tmp_path / "north.json", plate=plate, out=tmp_path / "mask.json")
    hidden = Hidden.behind(load_mask(tmp_path / "mask.json", TRUTH), TRUTH)
    assert hidden.hides(azel_to_unit([0.0, 355.0, 20.0, 180.0], [15.0, 15.0, 15.0, 15.0])).tolist() == [
        True, True, False, False,
    ]  # fmt: skip


def test_wrong_drawings_are_named(plate, tmp_path):
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), np.zeros((10, 10), np.uint8))
    (tmp_path / "text.txt").write_text("here be trees")
    (tmp_path / "line.json").write_text("[[[0, 1], [2, 3]]]")
    (tmp_path / "words.json").write_text('[["north"]]')
    for name, corner in (("nan", "NaN"), ("infinite", "1e400"), ("metres", "1e18")):
        (tmp_path / f"{name}.json").write_text(f"[[[{corner}, 0], [10, 0], [10, 40]]]")
    (tmp_path / "steep.json").write_text("[[[0, 0], [10, 0], [10, 200]]]")
    (tmp_path / "nothing.json").write_text("[]")
    for name, words in (
        ("absent.png", "cannot be read"),
        ("small.png", "is 10 x 10"),
        ("text.txt", "neither a picture"),
        ("line.json", "at least 3 items"),
        ("nan.json", "finite number"),
        ("infinite.json", "finite number|less than or equal to 720"),
        ("metres.json", r"\[0\]\[0\]\[0\] .* 720"),
        ("steep.json", "less than or equal to 90"),
        ("nothing.json", "hides nothing"),
        ("words.json", "no JSON list of outlines"),
    ):
        with pytest.raises(MaskCommandRefused, match=words):
            draw(tmp_path / name, plate=plate, out=tmp_path / "mask.json")
    assert not (tmp_path / "mask.json").exists()


def test_a_disk_that_refuses_the_mask_is_said_and_keeps_no_half_of_it(plate, tmp_path, monkeypatch):
    (tmp_path / "south.json").write_text("[[[170, 0], [190, 0], [190, 35], [170, 35]]]")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(MaskCommandRefused, match=r"--out .*mask.json: cannot be written: No space left on device"):
        draw(tmp_path / "south.json", plate=plate, out=tmp_path / "mask.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plate.json", "south.json"]


def test_one_frame_teaches_nothing_and_the_reason_says_what_would(plate, tmp_path, capsys):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "one.fits.fz").write_bytes(encode(rendered(20.0), Origin()))
    assert learn([tmp_path / "frames"], plate=plate, out=tmp_path / "mask.json") == 1
    assert "1 of 1 frames are clear" in capsys.readouterr().out.replace("\n", " ")
    with pytest.raises(MaskCommandRefused, match="holds no frame"):
        learn([tmp_path / "nowhere"], plate=plate, out=tmp_path / "mask.json")


def test_the_picture_shows_the_mask_and_the_stars_beside_it(plate, tmp_path):
    (tmp_path / "south.json").write_text(json.dumps([[(90.0, 0.0), (270.0, 0.0), (270.0, 80.0), (90.0, 80.0)]]))
    draw(tmp_path / "south.json", plate=plate, out=tmp_path / "mask.json")
    mask = load_mask(tmp_path / "mask.json", TRUTH)
    image = mask_picture(rendered(20.0), mask, TRUTH)
    green = (image.astype(int)[..., 1] - image[..., 2]) > 60
    hidden = cv2.resize(mask.cells.astype(np.uint8), image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert green[~hidden].sum() > 50 * max(green[hidden].sum(), 1)


def test_a_mask_without_a_plate_is_refused_by_the_configuration():
    station = '[station]\nid = "x"\nlatitude_deg = 40.0\nlongitude_deg = 3.0\nheight_m = 1.0\n'
    with pytest.raises(ConfigRefused, match="a mask belongs to a plate"):
        parse_config(station + '[plate]\nmask_file = "mask.json"\n', "a.toml")
