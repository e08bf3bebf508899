"""CPU time of one decision and of the closest approaches alone: `python -m tests.bench.guard`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from edge.config import BeamSection
from edge.guard.cone import approaches, region_of
from edge.records import SkyObject
from tests.edge.guard.scene import healthy, path, pointing, thing, warmed

OBJECTS, ROUNDS = 200, 40


def crowd(count: int) -> tuple[SkyObject, ...]:
    """Objects with two hypotheses each, anywhere on the sky, up to 2 deg/s."""
    rng = np.random.default_rng(1)
    things = []
    for i in range(count):
        azimuth, elevation = rng.uniform(0, 360), rng.uniform(10, 85)
        az_dps, el_dps = rng.uniform(-2, 2), rng.uniform(-1, 1)
        there, back = path(azimuth, elevation, az_dps, el_dps), path(azimuth, elevation, -az_dps, -el_dps)
        things.append(thing(f"{i}", there, back))
    return tuple(things)


def spent_ms(work: Callable[[], object]) -> str:
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        taken.append((time.process_time() - start) * 1e3)
    return f"median {np.median(taken):6.2f}  p95 {np.percentile(taken, 95):6.2f}  max {max(taken):6.2f}"


def main() -> None:
    region = region_of(BeamSection(), pointing(0.0), 0.0)
    assert region is not None
    print(f"CPU milliseconds, {ROUNDS} rounds, 2 hypotheses an object")
    for count in (20, OBJECTS):
        objects = crowd(count)
        cone = {"plate_sigma_deg": 0.02, "baseline_m": 20.0, "smallest_range_m": 500.0}
        print(f"approaches {count:3d} objects  {spent_ms(lambda o=objects, c=cone: approaches(o, region, **c))}")
        guard, t = warmed()
        moment = healthy(t, objects=objects)
        print(f"decide     {count:3d} objects  {spent_ms(lambda g=guard, m=moment, t=t: g.decide(m, t))}")


if __name__ == "__main__":
    main()
