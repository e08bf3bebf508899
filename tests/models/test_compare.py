"""What INT8 loses is counted against the truth, pixel by pixel and trail by trail."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from camera.device import FileUnreadable
from camera.files import read_frame
from models.compare import count_pixels, on_pictures
from models.engine_onnx import OnnxEngine
from models.evaluate import Case
from models.metrics import Confusion
from models.synth import ANY_TRAIL, CLEAR, CLOUD, IGNORE
from models.zoo import zoo_path


def test_pixels_are_counted_by_hand():
    labels = np.array([[0, 0, 1, 1, 2, ANY_TRAIL, IGNORE]], np.uint8)
    likeliest = [0, 1, 1, 2, 0, 3, 1]
    logits = np.full((5, 1, 7), -2.0, np.float32)
    logits[likeliest, 0, range(7)] = 2.0
    trail, kinds = count_pixels(labels, logits)
    assert trail == Confusion(tp=3, fn=1, fp=1, tn=1)
    assert kinds["aircraft"] == Confusion(tp=1, fn=1, fp=1, tn=2)
    assert kinds["satellite"] == Confusion(tp=0, fn=1, fp=1, tn=3)


def test_cloud_is_counted_where_it_is_known_and_is_no_trail():
    labels = np.array([[0, 0, CLEAR, CLEAR, CLOUD, CLOUD, CLOUD, 1, IGNORE]], np.uint8)
    likeliest = [0, 4, 0, 4, 0, 4, 1, 4, 4]
    logits = np.full((5, 1, 9), -2.0, np.float32)
    logits[likeliest, 0, range(9)] = 2.0
    trail, kinds = count_pixels(labels, logits)
    assert trail == Confusion(tp=0, fn=1, fp=1, tn=6)
    assert kinds["cloud"] == Confusion(tp=1, fn=2, fp=2, tn=1)
    assert kinds["background"] == Confusion(tp=1, fn=1, fp=1, tn=3)
    assert kinds["aircraft"] == Confusion(tp=0, fn=1, fp=1, tn=6)


class Blind:
    """Sees nothing in every second picture."""

    def __init__(self, engine: OnnxEngine) -> None:
        self._engine, self._asked, self.precision = engine, 0, engine.precision

    def infer(self, planes):
        self._asked += 1
        logits = self._engine.infer(planes)
        if self._asked % 2 == 0:
            logits[:, 0] = 20.0
        return logits


def test_a_trail_that_only_the_first_finds_is_lost(tmp_path: Path):
    rng, cases = np.random.default_rng(3), []
    for k in range(4):
        picture = Image.fromarray(rng.normal(60, 4, (256, 256)).clip(0, 255).astype(np.uint8))
        line = ((40, 60 + 20 * k), (220, 150 + 10 * k))
        ImageDraw.Draw(picture).line(line, 200, 3)
        picture.save(tmp_path / f"{k}.png")
        cases.append(Case(f"{k}", lambda k=k: read_frame(tmp_path / f"{k}.png"), (np.array(line, float),)))

    def torn():
        raise FileUnreadable("torn.png: damaged")

    cases.append(Case("torn", torn, ()))
    with OnnxEngine(zoo_path(), threads=1) as engine:
        same = on_pictures(cases, (engine, engine), threshold=0.5)
        assert (same.images, same.labelled, same.found, same.lost, same.gained) == (4, 4, [4, 4], 0, 0)
        assert same.unreadable == ["torn.png: damaged"]
        result = on_pictures(cases, (engine, Blind(engine)), threshold=0.5)
    assert (result.found, result.lost) == ([4, 2], 2)
    assert "lost 2 of 4" in result.text()


@pytest.mark.slow
def test_a_network_loses_nothing_against_itself_on_a_night():
    from models.compare import night_frames, on_nights

    with OnnxEngine(zoo_path(), threads=1) as engine:
        result = on_nights(night_frames([1], every_s=120.0), (engine, engine), threshold=0.5)
    assert result.pixels[0] == result.pixels[1]
    assert result.lost == result.gained == 0
    assert "points lost: F1 0.00, IoU 0.00" in result.text()
