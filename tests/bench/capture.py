"""What one full frame costs from the library's buffer to the ring, and whether recording delays the next exposure.

`python -m tests.bench.capture`: CPU time (user and system) of the camera's thread per frame of 4144 x 2822, and the gap
between exposures without a recorder and with one that writes every frame as FITS.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera.asi import AsiCamera, AsiSettings
from camera.exposure import sky_level
from camera.frozen import FrozenWatch
from camera.sim.sdk import SimulatedSdk
from camera.store.recorder import FrameRecorder, RecorderSettings
from edge.runtime.clock import SkyClock
from edge.runtime.ring import RingWriter
from tests.bench.tables import table

WIDTH_PX, HEIGHT_PX, FRAMES = 4144, 2822, 20
EXPOSURE_S = 1.0  # half the usual: the disk has less time than in the field


def sky_scene(**view: Any) -> Callable[[int, float], NDArray[np.uint16]]:
    """Made once: what is measured is the way of a picture, not its making. Noise as of a night sky, for the writer."""
    rng = np.random.default_rng(1)
    shape = (view["height_px"], view["width_px"])
    # More of them than the watch over frozen pictures remembers.
    pictures = [4 * rng.normal(600, 9, shape).astype(np.uint16) for _ in range(10)]
    turn = cycle(pictures)
    return lambda start_utc_ns, exposure_s: next(turn)


def measure(recorder: FrameRecorder | None) -> tuple[dict[str, list[float]], list[float]]:
    """CPU ms of each step, and every gap in ms."""
    sdk = SimulatedSdk(sky_scene, SkyClock(10**18, time.monotonic()))
    sdk.prepare(WIDTH_PX, HEIGHT_PX, 120, 30)
    sdk.install()
    camera = AsiCamera(AsiSettings(exposure_s=EXPOSURE_S, width_px=WIDTH_PX, height_px=HEIGHT_PX))
    watch, gaps_ms = FrozenWatch(), []
    steps: dict[str, list[float]] = {"read": [], "believe": [], "ring": [], "offer": [], "all": []}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        ring = RingWriter(Path(folder), slot_bytes=2 * WIDTH_PX * HEIGHT_PX)
        camera.open()
        for _ in range(FRAMES):
            times = [time.thread_time()]
            frame = camera.read(5.0)
            times.append(time.thread_time())
            assert watch.doubt(frame) is None
            sky_level(frame)
            times.append(time.thread_time())
            ring.write(frame)
            times.append(time.thread_time())
            if recorder is not None:
                recorder.offer(frame)
            times.append(time.thread_time())
            for name, begun, ended in zip(steps, times, times[1:], strict=False):
                steps[name].append(1e3 * (ended - begun))
            steps["all"].append(1e3 * (times[3] - times[0]))
            gaps_ms.append(frame.end_mono_s)
        camera.close()
        ring.close()
    sdk.uninstall()
    assert camera.dropped == 0
    return steps, [1e3 * (later - earlier - EXPOSURE_S) for earlier, later in pairwise(gaps_ms)]


def main() -> None:
    alone, gaps_alone = measure(None)
    with tempfile.TemporaryDirectory() as folder:
        recorder = FrameRecorder(RecorderSettings(directory=Path(folder)))
        recording, gaps_recording = measure(recorder)
        recorder.close(30.0)
        counters = recorder.counters()
    alone.pop("offer")
    gaps = {"without recorder": gaps_alone, "recording": gaps_recording}
    table(f"{WIDTH_PX} x {HEIGHT_PX} RAW16, CPU ms, camera's thread", "frames", alone, 1)
    table("the same while every frame is recorded", "frames", recording, 1)
    table(f"gap between exposures of {EXPOSURE_S} s, ms", "gaps", gaps, 1)
    print(f"recorded {counters['recorded']}, record_dropped {counters['record_dropped']} of {FRAMES}, exposures lost 0")


if __name__ == "__main__":
    main()
