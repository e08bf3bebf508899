"""The engine that is configured is the one that runs, and one that cannot is refused before anything is judged."""

import sys
from pathlib import Path

import pytest

from edge.vision.sight import load_sight
from models.contract import ModelRefused
from tests.edge.test_config import a_config


@pytest.mark.parametrize(("name", "kind"), [("auto", "OnnxEngine"), ("onnx", "OnnxEngine")])
def test_processors_run_the_shipped_file(name: str, kind: str) -> None:
    _, engine, *_ = load_sight(a_config(network={"engine": name, "threads": 1}))
    with engine:
        assert type(engine).__name__ == kind
        assert engine.path.name == "field.u8.onnx"


@pytest.mark.parametrize("name", ["tensorrt", "openvino"])
def test_an_engine_that_is_not_installed_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("tensorrt", "pycuda", "openvino"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with pytest.raises(ModelRefused, match="not installed"):
        load_sight(a_config(network={"engine": name}))
