"""The runtime that was asked for, or a sentence; and none that computes something else."""

import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models import parity
from models.cli import app
from models.contract import ModelRefused
from models.engine_onnx import OnnxEngine
from models.engines import engine_cache, load_engine
from models.parity import compare, demand_parity, golden_tiles
from models.zoo import zoo_path
from tests.models.fake_tensorrt import Told, install


class Altered:
    """An engine that is wrong in one way."""

    def __init__(self, engine: OnnxEngine, change) -> None:
        self._engine, self._change = engine, change

    def infer(self, planes):
        return self._change(self._engine.infer(planes))


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(parity, "TILE_PX", 256)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))


@pytest.fixture(scope="module")
def literal():
    with OnnxEngine(zoo_path(), threads=1, optimise=False) as engine:
        yield engine


def test_golden_tiles_hold_trails_that_the_shipped_network_sees(literal: OnnxEngine):
    with OnnxEngine(zoo_path(), threads=1) as engine:
        measured = demand_parity(engine, literal, "ONNX Runtime")
    assert measured.trail_pixels > 1000
    assert measured.iou > 0.99
    assert measured.mean_logit_difference == 0, "the same bytes"
    assert compare(literal, literal, golden_tiles(1)).mean_logit_difference == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[:, [1, 0, 2, 3, 4]],  # classes mixed up
        lambda x: np.roll(x, 3, axis=3),  # shifted
        lambda x: x + np.random.default_rng(1).normal(0, 0.6, x.shape),  # coarse
        lambda x: x * np.nan,
        lambda x: np.zeros_like(x),
    ],
)
def test_an_engine_that_computes_something_else_is_refused(literal: OnnxEngine, change):
    with pytest.raises(ModelRefused, match="computes another network"):
        demand_parity(Altered(literal, change), literal, "this runtime")


def test_a_network_that_sees_nothing_proves_nothing(literal: OnnxEngine):
    blind = Altered(literal, lambda x: x * 0 + np.array([5, 0, 0, 0, 0], np.float32).reshape(1, 5, 1, 1))
    with pytest.raises(ModelRefused, match="no trail in the golden tiles"):
        demand_parity(blind, blind, "this runtime")


def test_auto_is_onnx_runtime_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch):
    for name in ("auto", "onnx"):
        with load_engine(name, None, threads=1) as engine:
            assert isinstance(engine, OnnxEngine)
            assert engine.path == zoo_path()
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(ModelRefused, match="engine = 'onnx'"):
        load_engine("tensorrt", None)


def test_auto_takes_tensorrt_once_it_is_built_and_falls_back_where_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    told = Told()
    install(monkeypatch, told)
    monkeypatch.setattr("models.engines.find_spec", lambda name: sys.modules.get(name))
    with load_engine("auto", None, threads=1) as engine:  # a station does not wait for minutes
        assert isinstance(engine, OnnxEngine)
    with pytest.raises(ModelRefused, match="build-engine"):
        load_engine("tensorrt", None)
    done = CliRunner().invoke(app, ["build-engine"])
    assert done.exit_code == 0, done.output
    assert "in int8" in done.output.replace("\n", " ")
    with load_engine("auto", None) as engine:
        assert type(engine).__name__ == "TensorRtEngine"
        assert engine.path.name == "field.s8.onnx"
    assert list(engine_cache().glob("field-int8-*.engine"))
    told.wrong = ("int8-s8",)
    with load_engine("auto", None, threads=1) as engine:
        assert isinstance(engine, OnnxEngine)
    assert "tensorrt refused" in caplog.text
    with pytest.raises(ModelRefused, match="another network"):
        load_engine("tensorrt", None)
    told.gpu = "another"
    done = CliRunner().invoke(app, ["build-engine"])
    assert done.exit_code == 0, done.output
    assert "in float16" in done.output.replace("\n", " "), "half precision where eight bits are wrong"
    told.gpu, told.wrong = "a third", ("int8-s8", "float16")
    done = CliRunner().invoke(app, ["build-engine"])
    assert done.exit_code == 2
    assert "another network" in done.output


def test_openvino_agrees_with_onnx_runtime_or_is_refused(monkeypatch: pytest.MonkeyPatch, literal: OnnxEngine):
    pytest.importorskip("openvino")
    with load_engine("openvino", None, threads=1) as engine:
        assert engine.precision == "int8-u8"
        assert compare(literal, engine, golden_tiles(1)).mean_logit_difference == 0
        with pytest.raises(ValueError, match="multiples of 32"):
            engine.infer(np.zeros((1, 4, 33, 32), np.float32))
    with pytest.raises(ModelRefused, match="not for the CPU"):
        load_engine("openvino", zoo_path("field.s8.onnx"))
    monkeypatch.setattr(parity, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(ModelRefused, match=r"OpenVINO .*: computes another network"):
        load_engine("openvino", None)


def test_openvino_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelRefused, match=r"skyspotter\[openvino\]"):
        load_engine("openvino", None)
