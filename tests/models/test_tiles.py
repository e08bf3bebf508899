"""A picture looked at in windows is the picture looked at whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract import CLASSES, STRIDE
from models.engine_onnx import OnnxEngine
from models.parity import golden_tiles, trail_mask
from models.tiles import infer_in_tiles, windows
from models.zoo import zoo_path


@given(st.integers(1, 60), st.integers(9, 40))
def test_windows_cover_everything_once_and_are_small_enough(strides: int, largest: int):
    length, known = strides * STRIDE, np.zeros(strides * STRIDE, int)
    for know, seen in windows(length, largest * STRIDE):
        known[know] += 1
        assert seen.start <= know.start < know.stop <= seen.stop
        assert seen.stop - seen.start <= largest * STRIDE
        assert seen.start % STRIDE == seen.stop % STRIDE == 0
    assert (known == 1).all()


def test_the_answer_is_nearly_that_of_the_whole():
    planes = np.concatenate([golden_tiles(1)[0]] * 2, axis=3)
    with OnnxEngine(zoo_path(), threads=1) as engine:
        whole, tiled = engine.infer(planes), infer_in_tiles(engine.infer, planes, (384, 416))
    assert whole.shape == tiled.shape == (1, len(CLASSES), 384, 768)
    assert (trail_mask(whole) != trail_mask(tiled)).mean() < 1e-3
    assert np.abs(whole - tiled).mean() < 0.05


def test_windows_that_are_all_rim_are_refused():
    with pytest.raises(ValueError, match="too small"):
        list(windows(1024, 256))
