"""Cost of one frame from pixels to trails with the shipped network: `python -m tests.bench.detect`."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time

import cv2
import psutil

from models.detect import Detector
from models.engine_onnx import OnnxEngine
from models.rendered import render
from models.zoo import zoo_path

ROUNDS = 7


def main() -> None:
    from camera.sim.scenario import night

    cv2.setNumThreads(1)
    (rendered,) = render(night(1), [60.0])
    frame = rendered.frame
    with OnnxEngine(zoo_path(), threads=1) as engine:
        detector = Detector(engine)
        wall, cpu_ms = [], []
        for _ in range(ROUNDS):
            begin = time.process_time()
            detection = detector.detect(frame)
            cpu_ms.append(1e3 * (time.process_time() - begin))
            wall.append(detection.timings)
    print(f"{frame.width} x {frame.height} {frame.mosaic}, {zoo_path().name}, one thread, median of {ROUNDS}")
    for part in ("background_ms", "preprocess_ms", "network_ms", "postprocess_ms"):
        print(f"{part.removesuffix('_ms'):12} {statistics.median(getattr(t, part) for t in wall):7.1f} ms wall")
    print(f"{'all':12} {statistics.median(cpu_ms):7.1f} ms CPU, {len(detection.trails)} trails")
    print(f"{'memory':12} {psutil.Process().memory_info().rss / 2**20:7.0f} MiB resident")


if __name__ == "__main__":
    main()
