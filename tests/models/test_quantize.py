"""What eight bits must not add: an answer where the sky is empty, and ties between classes."""

from pathlib import Path

import numpy as np
import pytest

from models.contract import CLASSES, INPUT_NAME, OUTPUT_NAME
from models.engine_onnx import CONTRACT, CONTRACT_KEY, PRECISION_KEY, OnnxEngine
from models.preprocess import ZERO

onnx = pytest.importorskip("onnx")

LARGE, SMALL = 1.0, 0.4 / 127  # of the weights: the small ones round to nothing, all the same way


def two_convolutions(path: Path) -> Path:
    """Of every channel one large weight and 35 small ones; then a class for each channel."""
    from onnx import helper, numpy_helper

    many = len(CLASSES)
    first = np.full((many, 4, 3, 3), SMALL, np.float32)
    first[:, 0, 1, 1] = LARGE
    second = np.eye(many, dtype=np.float32)[:, :, None, None]
    weights = {"w1": first, "b1": np.zeros(many, np.float32), "w2": second, "b2": np.zeros(many, np.float32)}
    nodes = [
        helper.make_node("Conv", [INPUT_NAME, "w1", "b1"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w2", "b2"], [OUTPUT_NAME]),
    ]
    shapes = [(INPUT_NAME, [1, 4, "h", "w"]), (OUTPUT_NAME, [1, many, "h", "w"])]
    ends = [[helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)] for name, shape in shapes]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "two", *ends, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {CONTRACT_KEY: CONTRACT, PRECISION_KEY: "float32"})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("kind", ["int8-s8", "int8-u8"])
def test_rounded_weights_answer_an_empty_sky_as_the_exact_ones_do(kind: str, tmp_path: Path) -> None:
    from models.quantize import LOGIT_TOP, calibrate, quantise

    exact = two_convolutions(tmp_path / "exact.onnx")
    empty = np.full((1, 4, 32, 32), ZERO, np.float32)
    model = onnx.load(exact)
    ranges = calibrate(model, [empty])
    assert (ranges[OUTPUT_NAME] == LOGIT_TOP).all()
    ranges[OUTPUT_NAME][:] = 0.5  # a step that can tell
    onnx.save(quantise(model, ranges, kind), tmp_path / "bytes.onnx")
    inside = np.s_[0, :, 8:-8, 8:-8]
    with OnnxEngine(exact, threads=1) as one, OnnxEngine(tmp_path / "bytes.onnx", threads=1, optimise=False) as other:
        wanted, got = one.infer(empty)[inside], other.infer(empty)[inside]
    rounded_away = 35 * SMALL * ZERO
    assert np.abs(got - wanted).max() < 0.3 * rounded_away


@pytest.mark.parametrize("kind", ["int8-s8", "int8-u8"])
def test_a_bias_is_whole_steps_of_the_products_so_that_no_runtime_rounds_it_otherwise(kind, tmp_path: Path) -> None:
    from onnx import numpy_helper

    from models.int8_equalise import channel_factors
    from models.int8_steps import WEIGHT_BITS
    from models.quantize import calibrate, quantise

    model = onnx.load(two_convolutions(tmp_path / "exact.onnx"))
    rng = np.random.default_rng(3)
    biases = {"b1": rng.normal(0, 0.1, len(CLASSES)), "b2": rng.normal(0, 3, len(CLASSES))}
    for constant in model.graph.initializer:
        if constant.name in biases:
            constant.CopyFrom(numpy_helper.from_array(biases[constant.name].astype(np.float32), constant.name))
    ranges = calibrate(model, [np.full((1, 4, 32, 32), ZERO, np.float32)])
    factor = {"b1": channel_factors(model, ranges)["a"], "b2": 1.0}
    made = quantise(model, ranges, kind)
    value = {constant.name: numpy_helper.to_array(constant) for constant in made.graph.initializer}
    for bias, weight, source in (("b1", "w1", INPUT_NAME), ("b2", "w2", "b")):
        step = value[f"{source}.scale"].astype(np.float64) * value[f"{weight}.scale"]
        whole = np.round(value[bias] / step)
        np.testing.assert_array_equal(value[bias], (whole * step).astype(np.float32))  # as near as float32 holds it
        small = np.abs(whole) < 2 ** (24 - WEIGHT_BITS)
        assert np.abs(value[bias] / step - whole)[small].max(initial=0) < 1e-2
        assert np.all(np.abs(value[bias] / factor[bias] - biases[bias]) < 0.6 * step / factor[bias] + 36 * SMALL)
