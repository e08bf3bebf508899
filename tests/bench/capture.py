"""CPU cost of one full frame from the library's buffer to the ring: `python -m tests.bench.capture`."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera.asi import AsiCamera, AsiSettings
from camera.frozen import FrozenWatch
from camera.sim.sdk import SimulatedSdk
from edge.runtime.clock import SkyClock
from edge.runtime.ring import RingWriter

WIDTH_PX, HEIGHT_PX, FRAMES = 4144, 2822, 15


def noise_scene(**view: Any) -> Callable[[int, float], NDArray[np.uint16]]:
    """Made once: what is measured is the way of a picture, not its making."""
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 65535, (view["height_px"], view["width_px"]), dtype=np.uint16) for _ in range(3)]
    return lambda start_utc_ns, exposure_s: pictures[start_utc_ns // 10**6 % 3]


def main() -> None:
    sdk = SimulatedSdk(noise_scene, SkyClock(10**18, time.monotonic()))
    sdk.install()
    camera = AsiCamera(AsiSettings(exposure_s=0.1, width_px=WIDTH_PX, height_px=HEIGHT_PX))
    watch, spent = FrozenWatch(), {"read": [], "frozen?": [], "ring": []}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        ring = RingWriter(Path(folder), slot_bytes=2 * WIDTH_PX * HEIGHT_PX)
        camera.open()
        for _ in range(FRAMES):
            times = [time.thread_time()]
            frame = camera.read(5.0)
            times.append(time.thread_time())
            watch.reason(frame)
            times.append(time.thread_time())
            ring.write(frame)
            times.append(time.thread_time())
            for name, begun, ended in zip(spent, times, times[1:], strict=False):
                spent[name].append((ended - begun) * 1e3)
        camera.close()
        ring.close()
    sdk.uninstall()
    print(f"{WIDTH_PX} x {HEIGHT_PX} RAW16, median CPU ms of {FRAMES} frames, in the camera's thread")
    for name, values in spent.items():
        print(f"{name:8} {statistics.median(values):6.1f}")


if __name__ == "__main__":
    main()
