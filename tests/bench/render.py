"""What a frame of the simulated sky costs, in seconds of processor time:  python -m tests.bench.render [frames]

The budget is 0.6 core-seconds for a full-size frame, so that a simulated station keeps its 2 s cadence on two cores.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

from camera.sim.conditions import SimDew, SimDome, SimInsect, SimSky
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import Scenario, night

EXPOSURE_S = 2.0


def utc_ns(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp() * 1e9)  # type: ignore[arg-type, misc]


def measure(what: str, scenario: Scenario, begin_s: float, frames: int) -> None:
    plate = simulated_plate(scenario)
    (width, height), origin = plate.region.size_px, plate.region.origin_px
    begin = time.process_time()
    renderer = Renderer(scenario, plate, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    renderer.render(scenario.utc_ns(begin_s - EXPOSURE_S), EXPOSURE_S)
    first_s, costs_s = time.process_time() - begin, []
    for number in range(frames):
        begin = time.process_time()
        renderer.render(scenario.utc_ns(begin_s + number * EXPOSURE_S), EXPOSURE_S)
        costs_s.append(time.process_time() - begin)
    print(f"{what:32} {first_s:8.2f} {statistics.median(costs_s):8.3f} {max(costs_s):8.3f}")


def main(frames: int = 20) -> None:
    plain = night(1)
    moonlit = replace(plain, epoch_utc_ns=utc_ns(2026, 6, 28, 0, 0))
    dusk = replace(plain, epoch_utc_ns=utc_ns(2026, 6, 14, 20, 40))
    lit = SimSky(moon=True, milky_way=True, lit_clouds=True)
    all_of_it = replace(
        lit,
        dew=SimDew(0.0, 200.0),
        dome=SimDome(200.0, 25.0, 20.0),
        insects=(SimInsect(108.0, 30.0, (20.0, 50.0), (100.0, 60.0), 12.0, -5.0),),
    )
    print(f"core-seconds of {frames} full-size frames       first   median    worst")
    measure("clear", plain, 18.0, frames)
    measure("cloud over a third", plain, 108.0, frames)
    measure("dusk", dusk, 18.0, frames)
    measure("Moon, Milky Way", replace(moonlit, sky=lit), 18.0, frames)
    measure("all of it, cloud, dew, insect", replace(moonlit, sky=all_of_it), 108.0, frames)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
