"""On a machine with a GPU, TensorRT and pycuda: `make test-gpu`. Prints latency per frame beside the published network.

Imports nothing that Python 3.10 lacks: the last full public TensorRT wheel (8.5.3) runs there.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.gpu

from models.contract import ModelRefused  # noqa: E402
from models.engine_onnx import OnnxEngine  # noqa: E402
from models.engine_tensorrt import LARGEST_PX, TensorRtEngine  # noqa: E402
from models.parity import LEAST_IOU, MARGIN_PX, compare, golden_tiles  # noqa: E402
from models.zoo import zoo_path  # noqa: E402

ROUNDS, PATCH_BATCH, PATCHES = 30, 25, 100


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


def literally(file: Path) -> OnnxEngine:
    return OnnxEngine(file, threads=4, optimise=False)


@pytest.fixture(scope="module")
def engine(cache: Path):
    with TensorRtEngine(zoo_path("field.s8.onnx"), reference=literally, cache=cache) as engine:
        yield engine


def test_the_shipped_file_runs_in_eight_bits_and_agrees_with_onnx_runtime(engine: TensorRtEngine):
    assert engine.precision == "int8"
    parity = compare(literally(zoo_path("field.s8.onnx")), engine, golden_tiles(4), margin_px=MARGIN_PX)
    print(f"\n{parity}")
    assert parity.iou >= LEAST_IOU


def test_it_is_loaded_from_the_cache_the_second_time(engine: TensorRtEngine, cache: Path):
    begin = time.monotonic()
    TensorRtEngine(zoo_path("field.s8.onnx"), reference=literally, cache=cache).close()
    print(f"\nloaded again, parity proven, in {time.monotonic() - begin:.1f} s")
    assert len(list(cache.glob("*.engine"))) == 1


def test_an_engine_that_claims_another_gpu_is_refused(cache: Path, engine: TensorRtEngine, tmp_path: Path):
    (kept,) = cache.glob("*.engine")
    head, _, plan = kept.read_bytes().partition(b"\n")
    line, _, plan = plan.partition(b"\n")
    other = tmp_path / kept.name
    other.write_bytes(head + b"\n" + line.replace(b'"gpu": "', b'"gpu": "not ') + b"\n" + plan)
    with pytest.raises(ModelRefused, match="built for gpu"):
        TensorRtEngine(other, reference=literally, cache=cache)


def test_latency_beside_the_published_network(engine: TensorRtEngine):
    planes = np.random.default_rng(1).uniform(0.1, 0.3, (1, 4, *LARGEST_PX)).astype(np.float32)
    ours_ms = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        engine.infer(planes)
        ours_ms.append(1e3 * (time.perf_counter() - begin))
    ours = statistics.median(ours_ms[5:])
    print(f"\nfield network INT8, {LARGEST_PX[0]} x {LARGEST_PX[1]} planes, to and from the GPU: {ours:.2f} ms")
    torch = pytest.importorskip("torch", reason="the published network runs in PyTorch: pip install torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA: the published network is not measured")
    from models.networks.published import build

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    net = build("unet-resnet50").cuda().eval()
    patches, theirs_ms = torch.zeros(PATCHES, 3, 256, 256), []
    with torch.inference_mode():
        for _ in range(8):
            begin = time.perf_counter()
            for k in range(0, PATCHES, PATCH_BATCH):
                net(patches[k : k + PATCH_BATCH].cuda()).sigmoid().cpu()
            theirs_ms.append(1e3 * (time.perf_counter() - begin))
    theirs = statistics.median(theirs_ms[3:])
    print(
        f"published U-Net/ResNet-50 FP32 (random weights), {PATCHES} patches of 256 x 256: {theirs:.1f} ms: "
        f"{theirs / ours:.0f}x"
    )
