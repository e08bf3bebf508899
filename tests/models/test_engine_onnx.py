"""Only a network of this project runs, and whoever brings another one is told why."""

from pathlib import Path

import numpy as np
import onnxruntime
import psutil
import pytest

from models.contract import CLASSES, STRIDE, ModelRefused
from models.engine_onnx import SUMS, OnnxEngine
from models.zoo import zoo_path


@pytest.fixture(scope="module")
def shipped():
    with OnnxEngine(zoo_path(), threads=1) as engine:
        yield engine


def sky(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).normal(0.22, 0.06, (1, 4, height, width)).clip(0, 1).astype(np.float32)


def test_the_shipped_network_is_eight_bit_and_keeps_the_contract(shipped: OnnxEngine):
    assert shipped.precision == "int8-u8"
    logits = shipped.infer(sky(2 * STRIDE, 3 * STRIDE))
    assert logits.shape == (1, len(CLASSES), 2 * STRIDE, 3 * STRIDE)
    assert np.isfinite(logits).all()


def test_optimised_arithmetic_agrees_with_the_files_own(shipped: OnnxEngine):
    planes = sky(128, 160)
    planes[0, :, 40:43, 20:140] = 0.6
    with OnnxEngine(zoo_path(), threads=1, optimise=False) as literal:
        difference = np.abs(literal.infer(planes) - shipped.infer(planes))
    assert difference.mean() < 0.1


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (2, 4, 64, 64), (1, 4, 65, 64), (1, 4, 64, 16), (4, 64, 64)])
def test_planes_of_another_shape_are_refused_by_name(shipped: OnnxEngine, shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="multiples of 32"):
        shipped.infer(np.zeros(shape, np.float32))


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ModelRefused, match="cannot be read"):
        OnnxEngine(tmp_path / "none.onnx")


@pytest.mark.parametrize("content", [b"", b"not a network", zoo_path().read_bytes()[:50_000]])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "field.u8.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelRefused, match=r"field\.u8\.onnx"):
        OnnxEngine(path)


def test_a_file_that_is_not_the_listed_one_is_refused(tmp_path: Path):
    path = tmp_path / "field.u8.onnx"
    path.write_bytes(zoo_path().read_bytes())
    (tmp_path / SUMS).write_text("0" * 64 + "  field.u8.onnx\n")
    with pytest.raises(ModelRefused, match="SHA-256"):
        OnnxEngine(path)


def test_the_file_for_tensorrt_is_refused_on_a_processor():
    with pytest.raises(ModelRefused, match=r"\.u8\.onnx"):
        OnnxEngine(zoo_path("field.s8.onnx"))


def test_somebody_elses_network_is_refused(tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("image", "mask")]
    graph = helper.make_graph([helper.make_node("Relu", ["image"], ["mask"])], "other", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "other.onnx"
    onnx.save(model, path)
    with pytest.raises(ModelRefused, match="planes -> logits"):
        OnnxEngine(path)
    for info, name, channels in ((graph.input[0], "planes", 4), (graph.output[0], "logits", 4)):
        info.name = name
        info.type.tensor_type.shape.dim[1].dim_value = channels
    graph.node[0].input[0], graph.node[0].output[0] = "planes", "logits"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(ModelRefused, match="logits is tensor"):
        OnnxEngine(path)


def test_its_memory_does_not_grow_with_the_number_of_sizes_seen(shipped: OnnxEngine):
    rng = np.random.default_rng(9)
    shipped.infer(sky(32 * 20, 32 * 20))
    before = psutil.Process().memory_info().rss
    for height, width in rng.integers(1, 20, (25, 2)) * STRIDE:
        shipped.infer(sky(int(height), int(width)))
    assert psutil.Process().memory_info().rss - before < 120 * 2**20


def test_every_convolution_of_the_shipped_files_has_eight_bit_weights_and_input():
    onnx = pytest.importorskip("onnx")
    for name in ("field.u8.onnx", "field.s8.onnx"):
        model = onnx.load(zoo_path(name))
        made_by = {output: node for node in model.graph.node for output in node.output}
        stored = {i.name: onnx.numpy_helper.to_array(i).dtype for i in model.graph.initializer}
        convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
        assert len(convolutions) > 10
        for node in convolutions:
            weights, planes = made_by[node.input[1]], made_by[node.input[0]]
            assert weights.op_type == planes.op_type == "DequantizeLinear"
            assert stored[weights.input[0]] == np.int8
            assert stored[planes.input[2]] == (np.uint8 if "u8" in name else np.int8)


def test_onnx_runtime_does_run_it_in_eight_bits(tmp_path: Path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(zoo_path(), options, providers=["CPUExecutionProvider"])
    content = (tmp_path / "optimised.onnx").read_bytes()
    assert content.count(b"QLinearConv") > 10
    assert b"FusedConv" not in content
