"""What a frame of the simulated sky costs, in seconds of processor time:  python -m tests.bench.render [frames]"""

from __future__ import annotations

import statistics
import sys
import time

from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import night

EXPOSURE_S = 2.0


def main(frames: int = 20) -> None:
    scenario = night(1)
    plate = simulated_plate(scenario)
    (width, height), origin = plate.region.size_px, plate.region.origin_px
    begin = time.process_time()
    renderer = Renderer(scenario, plate, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    renderer.render(scenario.utc_ns(0.0), EXPOSURE_S)
    print(f"{width} x {height}, preparation and first frame {time.process_time() - begin:.2f} core-seconds")
    for what, share in (("clear", 0.1), ("cloud over a third", 0.6)):
        costs_s = []
        for number in range(frames):
            start = scenario.utc_ns(share * scenario.duration_s + number * EXPOSURE_S)
            begin = time.process_time()
            renderer.render(start, EXPOSURE_S)
            costs_s.append(time.process_time() - begin)
        print(
            f"{what}: median {statistics.median(costs_s):.3f}, worst {max(costs_s):.3f} core-seconds, {frames} frames"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
