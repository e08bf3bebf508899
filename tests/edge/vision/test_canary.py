"""A detector that sees nothing is found out, however dead it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.canary import Canary, made_up_frame
from models.contract import CLASSES
from models.detect import Detector
from models.engine_onnx import OnnxEngine
from models.zoo import zoo_path


class Constant:
    """A network that answers the same of every pixel."""

    precision = "float32"

    def __init__(self, value: float, name: str = "background") -> None:
        self._value, self._class = value, CLASSES.index(name)

    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = np.zeros((1, len(CLASSES), *planes.shape[2:]), np.float32)
        logits[:, self._class] = self._value
        return logits


def test_the_shipped_network_finds_the_made_up_trail() -> None:
    with OnnxEngine(zoo_path(), threads=1) as engine:
        assert Canary(engine).missed() == ""


@pytest.mark.parametrize("dead", [Constant(0.0), Constant(9.0), Constant(9.0, "aircraft"), Constant(9.0, "cloud")])
def test_a_network_that_says_the_same_of_everything_is_found_out(dead: Constant) -> None:
    assert "does not find" in Canary(dead).missed()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_no_number_is_an_error_and_no_empty_sky(value: float) -> None:
    with pytest.raises(FloatingPointError, match="no number"):
        Detector(Constant(value)).detect(made_up_frame())
