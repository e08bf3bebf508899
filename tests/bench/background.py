"""CPU cost of the sky's level and noise on one frame of the field camera: `python -m tests.bench.background`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from camera.background import background, half_planes, normalised_planes
from camera.device import Frame

WIDTH_PX, HEIGHT_PX, STARS, ROUNDS = 2744, 2822, 4000, 9


def field_frame() -> Frame:
    """Fisheye circle on a pedestal, a glow at one side, stars, photon noise: what costs time, not what looks real."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX].astype(np.float32)
    inside = np.hypot(x - WIDTH_PX / 2, y - HEIGHT_PX / 2) < 1340
    light = 480.0 + inside * (1500.0 + 0.3 * x)
    light += rng.normal(0, 1, light.shape) * np.where(inside, 60.0, 12.0)
    sy, sx = rng.integers(4, HEIGHT_PX - 4, STARS), rng.integers(4, WIDTH_PX - 4, STARS)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            light[sy + dy, sx + dx] += np.exp(-(dx * dx + dy * dy) / 1.5) * 4000
    pixels = np.clip(light, 0, 65535).astype(np.uint16)
    return Frame(1, 0, 0.0, 2.0, 120, 0.25, (700, 0), "RGGB", 65532, -5.0, 40.0, pixels)


def median_cpu_ms(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) * 1e3)
    return statistics.median(spent)


def main() -> None:
    frame = field_frame()
    sky = background(frame)
    print(f"{WIDTH_PX} x {HEIGHT_PX} RGGB, median CPU ms of {ROUNDS} (all threads together)")
    print(f"half_planes        {median_cpu_ms(lambda: half_planes(frame)):6.1f}")
    print(f"background         {median_cpu_ms(lambda: background(frame)):6.1f}")
    print(f"normalised_planes  {median_cpu_ms(lambda: normalised_planes(frame, sky)):6.1f}")


if __name__ == "__main__":
    main()
