"""The engine's own logic, on a fake TensorRT; what needs a GPU is in test_engine_gpu.py."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from models import engine_tensorrt, parity
from models.contract import CLASSES, ModelRefused
from models.engine_onnx import OnnxEngine
from models.engine_tensorrt import EngineLost, TensorRtEngine
from models.parity import golden_tiles
from models.zoo import zoo_path
from tests.models.fake_tensorrt import Told, install

LARGEST_PX = (320, 320)


def literally(file: Path) -> OnnxEngine:
    return OnnxEngine(file, threads=1, optimise=False)


def load(file: Path, cache: Path) -> TensorRtEngine:
    return TensorRtEngine(file, reference=literally, cache=cache, largest_px=LARGEST_PX)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parity, "TILE_PX", 192)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    install(monkeypatch, told)
    return told


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The shipped INT8 file, with a half-precision one beside it that is told apart by what it says of itself."""
    s8 = tmp_path / "field.s8.onnx"
    s8.write_bytes(zoo_path("field.s8.onnx").read_bytes())
    s8.with_name("field.f16.onnx").write_bytes(s8.read_bytes().replace(b"int8-s8", b"float16"))
    return s8


def test_it_answers_what_the_file_says_and_leaves_nothing_on_the_gpu(told: Told, network: Path, tmp_path: Path):
    tile = golden_tiles(1)[0]
    with load(network, tmp_path / "cache") as engine:
        assert engine.precision == "int8"
        assert engine.parity is not None
        assert engine.parity.iou == 1.0
        assert (engine.infer(tile) == literally(network).infer(tile)).all()
        smaller = engine.infer(np.ascontiguousarray(tile[:, :, :64, :96]))
        assert smaller.shape == (1, len(CLASSES), 64, 96)
        assert told.allocated == 2
    engine.close()
    assert told.allocated == 0
    with pytest.raises(EngineLost):
        engine.infer(tile)


def test_one_thread_owns_the_context_whoever_calls(told: Told, network: Path, tmp_path: Path):
    tile = np.ascontiguousarray(golden_tiles(1)[0][:, :, :64, :64])
    with load(network, tmp_path) as engine:
        callers = [threading.Thread(target=engine.infer, args=(tile,)) for _ in range(3)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(30)
    assert len(told.threads) == 1
    assert threading.get_ident() not in told.threads


def test_an_engine_is_built_once_per_file_version_gpu_and_precision(told: Told, network: Path, tmp_path: Path):
    for _ in range(2):
        load(network, tmp_path / "cache").close()
    assert told.builds == ["int8-s8"]
    told.gpu = "another"
    load(network, tmp_path / "cache").close()
    assert len(told.builds) == 2
    (kept, _) = sorted((tmp_path / "cache").glob("*.engine"))
    for damaged in (tmp_path / "cache").glob("*.engine"):
        damaged.write_bytes(damaged.read_bytes()[:-9])
    load(network, tmp_path / "cache").close()
    assert len(told.builds) == 3
    assert kept.exists()


@pytest.mark.parametrize(
    ("version", "network_flags", "builder_flags"),
    [("8.5.3", 1, ("INT8", "FP16")), ("10.3.0", 0, ("INT8", "FP16")), ("10.16.1", 2, ()), ("11.4.1", 2, ())],
)
def test_each_version_is_asked_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, network: Path, tmp_path: Path, version: str, network_flags: int,
    builder_flags: tuple[str, ...],
):  # fmt: skip
    told = Told(version=version)
    install(monkeypatch, told)
    load(network, tmp_path / "cache").close()
    assert told.flags == [(network_flags, builder_flags)]


@pytest.mark.parametrize("fault", [{"unbuildable": ("int8-s8",)}, {"wrong": ("int8-s8",)}])
def test_half_precision_takes_over_where_eight_bits_fail(
    monkeypatch: pytest.MonkeyPatch, network: Path, tmp_path: Path, fault: dict
):
    told = Told(**fault)
    install(monkeypatch, told)
    with load(network, tmp_path / "cache") as engine:
        assert engine.precision == "float16"
    assert told.builds == ["int8-s8", "float16"]
    assert told.allocated == 0
    network.with_name("field.f16.onnx").unlink()
    with pytest.raises(ModelRefused, match="finds no way|computes another network"):
        load(network, tmp_path / "cache")
    assert told.allocated == 0


def test_an_engine_from_elsewhere_is_refused_by_what_is_different(told: Told, network: Path, tmp_path: Path):
    load(network, tmp_path).close()
    (kept,) = tmp_path.glob("*.engine")
    with load(kept, tmp_path) as engine:
        assert engine.precision == "int8"
    told.version = "10.3.0"
    with pytest.raises(ModelRefused, match=r"built for tensorrt '10\.16\.1', here is '10\.3\.0'"):
        _as(told, kept, tmp_path)
    told.version, told.gpu = "10.16.1", "Xavier"
    with pytest.raises(ModelRefused, match="built for gpu 'Orin', here is 'Xavier'"):
        _as(told, kept, tmp_path)
    told.gpu = "Orin"
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelRefused, match="damaged"):
        load(kept, tmp_path)
    kept.write_bytes(b"ftrt something built by trtexec")
    with pytest.raises(ModelRefused, match="not an engine of this project"):
        load(kept, tmp_path)


def _as(told: Told, kept: Path, cache: Path) -> TensorRtEngine:
    sys.modules["tensorrt"].__version__ = told.version
    return load(kept, cache)


def test_a_gpu_that_does_not_answer_is_given_up(
    told: Told, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with load(network, tmp_path) as engine:
        told.never_done = True
        monkeypatch.setattr(engine_tensorrt, "INFER_TIMEOUT_S", 0.2)
        begin = time.monotonic()
        with pytest.raises(EngineLost, match="not answered"):
            engine.infer(np.zeros((1, 4, 32, 32), np.float32))
        assert time.monotonic() - begin < 20


def test_a_larger_picture_goes_through_in_windows(told: Told, network: Path, tmp_path: Path):
    with load(network, tmp_path) as engine:
        assert engine.infer(np.full((1, 4, 32, 352), 0.225, np.float32)).shape == (1, len(CLASSES), 32, 352)


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (1, 4, 65, 64), (4, 64, 64), (1, 4, 0, 64)])
def test_planes_it_was_not_built_for_are_refused(told: Told, network: Path, tmp_path: Path, shape: tuple[int, ...]):
    with load(network, tmp_path) as engine, pytest.raises(ValueError, match="planes of"):
        engine.infer(np.zeros(shape, np.float32))


def test_what_cannot_run_is_refused_with_a_sentence(told: Told, network: Path, tmp_path: Path):
    with pytest.raises(ModelRefused, match="use the .s8.onnx"):
        load(zoo_path("field.u8.onnx"), tmp_path)
    with pytest.raises(ModelRefused, match="cannot be read"):
        load(tmp_path / "none.s8.onnx", tmp_path)
    told.unparsable = "UINT8 is not supported"
    with pytest.raises(ModelRefused, match="UINT8 is not supported"):
        load(network, tmp_path / "other")


def test_it_imports_without_tensorrt_and_says_what_to_do(network: Path, tmp_path: Path):
    code = (
        "import sys; sys.modules['tensorrt'] = sys.modules['pycuda'] = None\n"
        "from pathlib import Path; from models.engine_tensorrt import TensorRtEngine\n"
        "TensorRtEngine(Path(sys.argv[1]), reference=print, cache=Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(network), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "ModelRefused: [network] engine = 'tensorrt'" in done.stderr
    assert "use engine = 'onnx'" in done.stderr
