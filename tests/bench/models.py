"""Field network against the published method, one run, one core, one 2560 x 2560 frame from raw pixels to trails:
`make bench-models`.

CPU seconds of the process, median of the rounds, so that other work on the machine counts little; wall seconds beside
them. The published U-Net/ResNet-50 has random weights here: that changes what it finds, not how long it takes.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch

from camera.background import background
from camera.device import Frame
from camera.views import classical
from models.contract import ModelRefused
from models.detect import Detector
from models.engine_openvino import OpenVinoPatches
from models.engines import load_engine
from models.networks.published import build, gmac
from models.patch_export import OnnxPatches, export_patches, quantise_patches, torch_patches
from models.patch_method import PatchDetector, Patches, in_colour, to_patches
from tests.bench.background import field_frame
from tests.bench.tables import machine

SIDE_PX, CALIBRATION = 2560, 4
REFRESHES = (1, 10)  # the station measures the sky on every frame; every tenth would do


@dataclass(frozen=True)
class Spent:
    cpu_s: float
    wall_s: float


def spend(work: Callable[[], object], rounds: int, *, warm_up: bool = True) -> Spent:
    """Medians of `rounds`, after one that is not counted."""
    spent = []
    for _ in range(rounds + warm_up):
        begin_cpu, begin = time.process_time(), time.perf_counter()
        work()
        spent.append(Spent(time.process_time() - begin_cpu, time.perf_counter() - begin))
    counted = spent[warm_up:]
    return Spent(statistics.median(s.cpu_s for s in counted), statistics.median(s.wall_s for s in counted))


def night_frame() -> Frame:
    """The field frame, cut to the published size, with three trails."""
    whole = field_frame()
    pixels = np.ascontiguousarray(whole.pixels[100 : 100 + SIDE_PX, 92 : 92 + SIDE_PX])
    for begin, end in (((400, 900), (900, 1000)), ((1500, 700), (1900, 1600)), ((1000, 2000), (1300, 1900))):
        cv2.line(pixels, begin, end, 6000, 4)
    return replace(whole, pixels=pixels)


def show(name: str, spent: Spent) -> None:
    print(f"  {name:62} {spent.cpu_s:8.3f} {spent.wall_s:8.3f}", flush=True)


def field(frame: Frame, rounds: int) -> Spent:
    """Prints each engine; returns ONNX Runtime's worst frame, the sky measured as well."""
    sky = background(frame)
    worst = Spent(0, 0)
    for name in ("onnx", "openvino"):
        try:
            engine = load_engine(name, None, threads=1)
        except ModelRefused as why:
            print(f"  {name}: not measured ({why})")
            continue
        with engine:
            detector = Detector(engine)
            every = spend(lambda: detector.detect(frame), rounds)  # noqa: B023
            reused = spend(lambda: detector.detect(frame, sky), rounds)  # noqa: B023
            title = f"field network {engine.precision}, {type(engine).__name__.removesuffix('Engine')}"
            show(f"{title}, worst frame (sep)", every)
            show(f"{title}, sky of an earlier frame", reused)
            for n in REFRESHES:
                cpu_s = reused.cpu_s + (every.cpu_s - reused.cpu_s) / n
                show(
                    f"{title}, amortised, sep every {n}",
                    Spent(cpu_s, reused.wall_s + (every.wall_s - reused.wall_s) / n),
                )
            last = detector.detect(frame)
            parts = ", ".join(f"{name.removesuffix('_ms')} {ms:.0f}" for name, ms in asdict(last.timings).items())
            print(f"    {len(last.trails)} trails; wall ms: {parts}")
            if name == "onnx":
                worst = every
    return worst


def published(frame: Frame, rounds: int, folder: Path) -> dict[str, Spent]:
    torch.manual_seed(1)
    net = build("unet-resnet50").eval()
    patches = to_patches(classical(in_colour(frame)), 256)
    samples = [patches[k : k + 1] for k in range(40, 40 + CALIBRATION)]
    exact = export_patches(net, folder / "published.onnx")
    eight = quantise_patches(exact, folder / "published.int8.onnx", samples)
    infer: dict[str, Patches] = {
        "PyTorch FP32": torch_patches(net), "ONNX Runtime FP32": OnnxPatches(exact),
        "ONNX Runtime INT8": OnnxPatches(eight),
    }  # fmt: skip
    if find_spec("openvino"):
        infer["OpenVINO INT8"] = OpenVinoPatches(eight)
    spent = {}
    for runtime, network in infer.items():
        detector = PatchDetector(network)
        one = spend(lambda: network(samples[0]), 2)  # noqa: B023
        spent[runtime] = spend(lambda: detector.detect(frame), rounds, warm_up=False)  # noqa: B023
        show(f"published U-Net/ResNet-50, {runtime}, 100 patches", spent[runtime])
        print(f"    one patch {1e3 * one.cpu_s:.0f} ms")
    with torch.device("meta"):
        print(f"    {100 * gmac(build('unet-resnet50').eval(), (1, 3, 256, 256)):.0f} GMAC per frame")
    return spent


def processor() -> str:
    """Which one: INT8 against float depends on it more than on the network."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown processor"
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    known = [flag for flag in ("avx2", "avx512_vnni", "amx_int8") if flag in flags]
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor")
    return f"{name}, {' '.join(known)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="of the field network")
    parser.add_argument("--published-rounds", type=int, default=1, help="of the published one, 10 to 25 s each")
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    frame = night_frame()
    print(f"{SIDE_PX} x {SIDE_PX} RGGB, raw pixels to trails, one core ({processor()}; {machine()}); seconds per frame")
    print(f"  {'':62} {'CPU':>8} {'wall':>8}")
    ours = field(frame, chosen.rounds)
    with tempfile.TemporaryDirectory() as folder:
        theirs = published(frame, chosen.published_rounds, Path(folder))
    base, exact, eight = theirs["PyTorch FP32"], theirs["ONNX Runtime FP32"], theirs["ONNX Runtime INT8"]
    rows = [
        ("field INT8, worst frame, against published FP32 in PyTorch", base.cpu_s / ours.cpu_s, "at least 40"),
        ("published INT8 in ONNX Runtime against its FP32 in PyTorch", base.cpu_s / eight.cpu_s, "at least 4"),
        *(
            [
                (
                    "published INT8 in OpenVINO against its FP32 in PyTorch",
                    base.cpu_s / theirs["OpenVINO INT8"].cpu_s,
                    "-",
                )
            ]
            if "OpenVINO INT8" in theirs
            else []
        ),
        ("published INT8 against FP32, both in ONNX Runtime", exact.cpu_s / eight.cpu_s, "-"),
        ("field INT8 in ONNX Runtime, worst frame, seconds", ours.cpu_s, "under 0.35"),
    ]
    print("\nof CPU seconds; the published network with random weights")
    for name, value, asked in rows:
        print(f"  {name:62} {value:8.2f}  asked: {asked}")


if __name__ == "__main__":
    main()
