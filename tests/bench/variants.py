"""The field network and its kind as INT8 on one core, a 2560 x 2560 frame as planes in, logits out:
`python -m tests.bench.variants [NAME...]`. Needs PyTorch to make the files.

CPU seconds of the process, median of the rounds. Weights are random, with the normalisation settled: that changes what
a network finds, not how long it takes. Beside them what these shapes took when they were chosen, with one class.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import tempfile
from importlib.util import find_spec
from pathlib import Path

import onnx
import torch

from camera.background import background, normalised_planes
from models.architectures import NETWORKS
from models.average import settle
from models.dataset import Sources, make_batch
from models.engine_onnx import OnnxEngine
from models.engine_openvino import OpenVinoPatches
from models.export import export
from models.networks.published import gmac
from models.preprocess import network_input
from models.quantize import calibrate, quantise
from tests.bench.models import SIDE_PX, night_frame, processor, spend
from tests.bench.tables import machine

# CPU seconds in ONNX Runtime 1.31 and in OpenVINO 2026.4, INT8, tiles of 256, one core of a Zen 5 with VNNI
CHOSEN_BY = {"c16d3b": (0.319, 0.189), "c32d3bs2": (0.208, 0.155), "rn18b": (0.446, 0.318)}


def eight_bit(name: str, folder: Path) -> Path:
    torch.manual_seed(1)
    samples = [make_batch(Sources([], []), size=128, batch=1, seed=2, step=k)[0] for k in range(8)]
    exact = folder / f"{name}.float32.onnx"
    export(settle(NETWORKS[name](), samples), exact, samples[:1])
    model, path = onnx.load(exact), folder / f"{name}.u8.onnx"
    onnx.save(quantise(model, calibrate(model, samples), "int8-u8"), path)
    return path


def figure(seconds: float | None) -> str:
    return f"{seconds:9.3f}" if seconds is not None else f"{'-':>9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    frame = night_frame()
    planes = network_input(normalised_planes(frame, background(frame)))
    print(f"{SIDE_PX} x {SIDE_PX} as planes of {planes.shape[2:]}, INT8, one core ({processor()}; {machine()})")
    print(f"{'':10} {'':>7} {'ONNX Runtime':^29} {'OpenVINO':^29}")
    print(
        f"{'':10} {'GMAC':>7} {'CPU s':>9} {'GMAC/s':>9} {'chosen':>9} {'CPU s':>9} {'GMAC/s':>9} {'chosen':>9}",
        flush=True,
    )
    for name in chosen.names:
        with torch.device("meta"):
            cost = gmac(NETWORKS[name]().eval(), planes.shape)
        columns = []
        with tempfile.TemporaryDirectory() as folder:
            path = eight_bit(name, Path(folder))
            with OnnxEngine(path, threads=1) as engine:
                columns.append(spend(lambda: engine.infer(planes), chosen.rounds).cpu_s)
            if find_spec("openvino"):
                other = OpenVinoPatches(path)
                columns.append(spend(lambda: other(planes), chosen.rounds).cpu_s)  # noqa: B023
        row = f"{name:10} {cost:7.1f}"
        for k, seconds in enumerate(columns):
            row += f" {seconds:9.3f} {cost / seconds:9.0f} {figure(CHOSEN_BY[name][k] if name in CHOSEN_BY else None)}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
