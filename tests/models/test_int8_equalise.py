"""Channels that are multiplied and divided again: the same answers, and ranges that a byte is filled by."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

from models.contract import INPUT_NAME, OUTPUT_NAME  # noqa: E402
from models.engine_onnx import OnnxEngine  # noqa: E402
from models.export import export  # noqa: E402
from models.int8_equalise import LEAST_RANGE, channel_factors, equalise  # noqa: E402
from models.int8_plan import plan  # noqa: E402
from models.quantize import LOGIT_TOP, calibrate  # noqa: E402


class Joined(torch.nn.Module):
    """Pooling, enlarging, joining and a sum: all that a factor passes through. One channel never speaks."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(4, 6, 3, padding=1), torch.nn.Conv2d(6, 6, 3, padding=1)
        self.last = torch.nn.Conv2d(12, 5, 1)
        with torch.no_grad():
            self.first.weight *= torch.tensor([9.0, 3, 1, 1, 0.1, 0])[:, None, None, None]
            self.first.bias[5] = -1

    def forward(self, x):
        x = self.first(x).relu()
        deep = torch.nn.functional.max_pool2d(x, 2)
        deep = (deep + self.second(deep)).relu()
        return self.last(torch.cat([torch.nn.functional.interpolate(deep, scale_factor=2), x], 1))


class Shifted(torch.nn.Module):
    """A sum with a constant, which hands no factor on."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(4, 6, 3, padding=1), torch.nn.Conv2d(6, 5, 1)
        self.shift = torch.nn.Parameter(torch.linspace(-1, 1, 6)[:, None, None])

    def forward(self, x):
        return self.last((self.first(x) + self.shift).relu())


@pytest.fixture
def exact(tmp_path: Path) -> tuple[Path, list[np.ndarray]]:
    torch.manual_seed(4)
    rng = np.random.default_rng(4)
    samples = [rng.random((1, 4, 64, 64), np.float32) for _ in range(3)]
    export(Joined().eval(), tmp_path / "exact.onnx", samples[:1])
    return tmp_path / "exact.onnx", samples


def test_it_answers_as_before_and_its_ranges_are_one(exact: tuple[Path, list[np.ndarray]], tmp_path: Path):
    path, samples = exact
    model = onnx.load(path)
    equal, largest = equalise(model, calibrate(model, samples))
    onnx.save(equal, tmp_path / "equal.onnx")
    with OnnxEngine(path, threads=1) as one, OnnxEngine(tmp_path / "equal.onnx", threads=1) as other:
        for planes in samples:
            np.testing.assert_allclose(other.infer(planes), one.infer(planes), atol=1e-5)
    measured = calibrate(equal, samples)
    assert largest[INPUT_NAME] == 1
    assert largest[OUTPUT_NAME] == LOGIT_TOP
    for tensor in set(plan(equal).tensors) - {INPUT_NAME, OUTPUT_NAME}:
        assert measured[tensor].max() == pytest.approx(largest[tensor], rel=1e-4)
        assert largest[tensor] <= 1
        if tensor.startswith("/first/") or "Concat" in tensor:
            assert largest[tensor] == pytest.approx(1)


def test_a_sum_with_a_constant_stays_the_same_sum(tmp_path: Path):
    torch.manual_seed(5)
    planes = np.random.default_rng(5).random((1, 4, 64, 64), np.float32)
    export(Shifted().eval(), tmp_path / "exact.onnx", [planes])
    model = onnx.load(tmp_path / "exact.onnx")
    convolved = [node.output[0] for node in model.graph.node if node.op_type == "Conv"]
    equal, _ = equalise(model, {convolved[0]: np.full(6, 3.0)})
    onnx.save(equal, tmp_path / "equal.onnx")
    with OnnxEngine(tmp_path / "exact.onnx", threads=1) as one, OnnxEngine(tmp_path / "equal.onnx", threads=1) as other:
        np.testing.assert_allclose(other.infer(planes), one.infer(planes), atol=1e-5)


def test_tied_channels_have_one_factor_and_quiet_ones_are_not_magnified_without_end(
    exact: tuple[Path, list[np.ndarray]],
):
    path, samples = exact
    model = onnx.load(path)
    factors = channel_factors(model, calibrate(model, samples))
    (added,) = (node for node in model.graph.node if node.op_type == "Add")
    (joined,) = (node for node in model.graph.node if node.op_type == "Concat")
    np.testing.assert_array_equal(factors[added.input[0]], factors[added.input[1]])
    np.testing.assert_array_equal(factors[joined.output[0]], np.tile(factors[added.output[0]], 2))
    assert np.all(factors[OUTPUT_NAME] == 1)
    assert INPUT_NAME not in factors
    between = [value for name, value in factors.items() if name != OUTPUT_NAME]
    assert max(f.max() / f.min() for f in between) == pytest.approx(1 / LEAST_RANGE)
