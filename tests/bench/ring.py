"""The frame ring between two processes: copying in, frame made to frame in hand, and what waiting costs.

python -m tests.bench.ring
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from camera.device import Frame
from edge.runtime.ring import RingReader, RingWriter

SHAPE = (2822, 2744)
FRAMES = 40


def write(directory: Path) -> None:
    """The capture side: ten frames a second."""
    pixels, took_ms = np.zeros(SHAPE, np.uint16), []
    writer = RingWriter(directory, slot_bytes=pixels.nbytes)
    for seq in range(1, FRAMES + 1):
        time.sleep(0.1)
        begin_mono_s = time.monotonic()
        writer.write(
            Frame(
                seq=seq, start_utc_ns=0, end_mono_s=begin_mono_s, exposure_s=2.0, gain_setting=0, gain_e_per_adu=1.0,
                origin_px=(0, 0), mosaic="RGGB", white_adu=65535, sensor_celsius=0.0, cooler_percent=0.0, pixels=pixels,
            )
        )  # fmt: skip
        took_ms.append((time.monotonic() - begin_mono_s) * 1e3)
    report("write, ms", took_ms)
    time.sleep(0.5)
    writer.close()


def report(name: str, values: list[float]) -> None:
    p50, p95, most = np.percentile(values, [50, 95, 100])
    print(f"{name:32} p50 {p50:6.2f}  p95 {p95:6.2f}  max {most:6.2f}", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        reader, ages_ms = RingReader(Path(name)), []
        with subprocess.Popen([sys.executable, "-m", __spec__.name, name]):
            while len(ages_ms) + reader.skipped < FRAMES:
                if isinstance(frame := reader.newest(5.0), Frame):
                    ages_ms.append((time.monotonic() - frame.end_mono_s) * 1e3)
        report("frame made to frame in hand, ms", ages_ms)
        cpu_s = time.process_time()
        reader.newest(3.0)
        print(f"{'waiting, share of one core':32} {(time.process_time() - cpu_s) / 3.0:.2%}")
        reader.close()


if __name__ == "__main__":
    write(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
