"""CPU cost of the sky's level and noise, of darks and of the two views, on one frame of the field camera:

python -m tests.bench.background
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from camera.background import background, half_planes, normalised_planes
from camera.device import Frame
from camera.exposure import sky_level
from camera.frames.dark import Dark
from camera.frames.flat import Flat, Flattener
from camera.frames.hot import HotWatch
from camera.frames.masters import Masters
from camera.refresh import SkyKeeper
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from camera.views import classical, enhanced

WIDTH_PX, HEIGHT_PX, STARS, ROUNDS, LIVE_FRAMES = 2744, 2822, 4000, 9, 30


def field_frame(seed: int = 1) -> Frame:
    """Fisheye circle on a pedestal, a glow at one side, stars, photon noise: what costs time, not what looks real."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX].astype(np.float32)
    inside = np.hypot(x - WIDTH_PX / 2, y - HEIGHT_PX / 2) < 1340
    light = 480.0 + inside * (1500.0 + 0.3 * x)
    sy, sx = rng.integers(4, HEIGHT_PX - 4, STARS), rng.integers(4, WIDTH_PX - 4, STARS)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            light[sy + dy, sx + dx] += np.exp(-(dx * dx + dy * dy) / 1.5) * 4000
    light += np.random.default_rng(seed).normal(0, 1, light.shape) * np.where(inside, 60.0, 12.0)
    pixels = np.clip(light, 0, 65535).astype(np.uint16)
    return Frame(1, 0, 0.0, 2.0, 120, 0.25, (700, 0), "RGGB", 65532, -5.0, 40.0, pixels)


def field_dark() -> Dark:
    rng = np.random.default_rng(3)
    pixels = rng.normal(480, 3, (HEIGHT_PX, WIDTH_PX)).astype(np.uint16)
    pixels.reshape(-1)[rng.integers(0, pixels.size, 3000)] += 2000
    return Dark(pixels, "", (700, 0), 120, 2.0, -5.0, 20, "")


def cpu_ms(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1e3


def median_cpu_ms(work: Callable[[], object]) -> float:
    work()
    return statistics.median(cpu_ms(work) for _ in range(ROUNDS))


def main() -> None:
    frame = field_frame()
    sky = background(frame)
    masters, watch = Masters([field_dark()]), HotWatch((HEIGHT_PX, WIDTH_PX))
    plate = simulated_plate(night(1))
    flat = Flat(
        camera_serial=plate.camera_serial, a=-0.35, b=0.0, c=-0.25, stars=0, frames=0, rms_mag=0.0, extinction_mag=0.2
    )
    flattener = Flattener(flat, plate)
    own = replace(frame, camera_serial=plate.camera_serial, origin_px=plate.region.origin_px)
    print(f"{WIDTH_PX} x {HEIGHT_PX} RGGB, median CPU ms of {ROUNDS} (all threads together)")
    for name, work in (
        ("half_planes", lambda: half_planes(frame)),
        ("background", lambda: background(frame)),
        ("normalised_planes", lambda: normalised_planes(frame, sky)),
        ("darks and hot pixels", lambda: masters.apply(frame)),
        ("flat", lambda: flattener.apply(own)),
        ("hot pixels, learning", lambda: watch.add(frame.pixels)),
        ("exposure law's look", lambda: sky_level(frame)),
        ("classical view", lambda: classical(frame)),
        ("enhanced view", lambda: enhanced(frame, sky)),
    ):
        print(f"{name:22} {median_cpu_ms(work):6.1f}")

    keeper = SkyKeeper()
    pictures = [field_frame(seed).pixels for seed in (1, 2, 3)]
    live = [
        replace(frame, start_utc_ns=(1 + 2 * number) * 10**9, pixels=pictures[number % 3])
        for number in range(LIVE_FRAMES)
    ]
    spent = [cpu_ms(lambda one=one: keeper.sky_of(one)) for one in live]  # type: ignore[misc]
    mean_ms, worst_ms = statistics.mean(spent), max(spent)
    print(
        f"live background, {LIVE_FRAMES} frames of 2 s under a steady sky: {keeper.made} maps, "
        f"{mean_ms:.1f} ms a frame, worst frame {worst_ms:.1f} ms"
    )


if __name__ == "__main__":
    main()
