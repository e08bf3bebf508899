"""An hour of random faults of the camera, hurried: `python -m tests.bench.camera_faults --hours 1`.

The camera's process as it is, over the simulated library with small frames and every time constant divided by `TIMES`.
Faults come at random, last a random time, or until the rung of the ladder that cures them. In the end frames must flow,
and every exposure that the sensor made must be accounted for:

    made = delivered + frozen + spoilt + dropped + cut

where the camera's process counted all but the last: "cut" are exposures that were in the library when its video was
stopped, its cable pulled or its process ended, which nobody outside it can know of (here the simulated library tells).
What they cost is counted all the same, as time: "missed" are the exposures that fitted between two good pictures.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np

from camera.sim.asi_faults import CURES, FAULTS
from edge.capture.ladder import Rung
from edge.capture.simulated import FAULT_FILE
from edge.records import SensorState
from tests.edge.capture.station import Station, config_of, hurried

TIMES = 40.0
EXPOSURE_S = 2.0
WELL_S, FAULT_S = (15.0, 90.0), (4.0, 40.0)  # of the hour's own time, uniform
RARE = {"unpowered": 2}  # the ladder allows its cure four times an hour
# Not faults of delivery: nothing would be seen, or the hour would be spent waiting for a person.
LEFT_OUT = {"warm", "white", "shifted", "knock", "cap"}


@dataclass
class Outcome:
    """What the hour brought; times in its own seconds."""

    faults: Counter[str] = field(default_factory=Counter)
    blind_s: Counter[str] = field(default_factory=Counter)
    ledger: Counter[str] = field(default_factory=Counter)
    counters: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    back_after_s: float = 0.0  # the last fault's end

    @property
    def accounted(self) -> int:
        counted = ("frames", "thinned", "frozen", "spoilt", "dropped")
        return sum(self.counters.get(name, 0) for name in counted) + self.ledger["cut"]


def run(hours: float, seed: int) -> Outcome:
    """Raises AssertionError when frames do not flow in the end."""
    rng, outcome = np.random.default_rng(seed), Outcome()
    names = [name for name in FAULTS if name not in LEFT_OUT]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, hurried(TIMES):
        environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        with mock.patch.dict(os.environ, environment | {"RUNTIME_DIRECTORY": folder}, clear=True):
            station = Station(config_of("sim", exposure_s=EXPOSURE_S / TIMES), revive=True)
            try:
                _hour(station, Path(folder) / FAULT_FILE, rng, names, hours * 3600 / TIMES, outcome)
            finally:
                station.close()
    outcome.ledger, outcome.counters, outcome.restarts = station.ledger, station.counters, len(station.ends)
    return outcome


def _hour(
    station: Station, file: Path, rng: np.random.Generator, names: list[str], lasts_s: float, outcome: Outcome
) -> None:
    def ok_within(seconds: float) -> None:
        station.until(lambda health: health.state is SensorState.OK and health.mono_s > time.monotonic() - 0.2, seconds)

    ok_within(20.0)
    end_mono_s = time.monotonic() + lasts_s
    while time.monotonic() < end_mono_s:
        fault = str(rng.choice(names))
        if outcome.faults[fault] >= RARE.get(fault, 1000):
            continue
        time.sleep(rng.uniform(*WELL_S) / TIMES)
        before_mono_s = time.monotonic()
        file.write_text(fault)
        outcome.faults[fault] += 1
        if fault in CURES:
            while file.exists() and time.monotonic() < before_mono_s + 600 / TIMES:
                time.sleep(0.01)
        else:
            time.sleep(rng.uniform(*FAULT_S) / TIMES)
        file.unlink(missing_ok=True)
        ended_mono_s = time.monotonic()
        ok_within(30.0)
        outcome.blind_s[fault] += round(TIMES * (time.monotonic() - before_mono_s))
        outcome.back_after_s = TIMES * (time.monotonic() - ended_mono_s)


def main() -> None:
    parser = argparse.ArgumentParser(description="An hour of random faults of the camera, hurried.")
    parser.add_argument("--hours", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # hundreds of lines that are wanted
    outcome = run(arguments.hours, arguments.seed)
    print(f"{arguments.hours:g} h of faults, {TIMES:.0f} times as fast, seed {arguments.seed}; times as in the hour")
    print(f"{'fault':14} {'times':>5} {'until well, mean s':>19}")
    for fault, times in sorted(outcome.faults.items()):
        print(f"{fault:14} {times:5} {outcome.blind_s[fault] / times:19.0f}")
    print("rungs: " + ", ".join(f"{rung} {outcome.counters.get(rung, 0)}" for rung in Rung), end="; ")
    print(f"refused {outcome.counters.get('refused', 0)}, processes ended {outcome.restarts}")
    made = outcome.ledger["made"]
    print(f"exposures made {made}; delivered {outcome.counters['frames']}", end="")
    for name in ("frozen", "spoilt", "dropped"):
        print(f" + {name} {outcome.counters.get(name, 0)}", end="")
    print(f" + cut {outcome.ledger['cut']} = {outcome.accounted} ({'all' if outcome.accounted == made else 'NOT ALL'})")
    print(f"missed in time: {outcome.counters.get('missed', 0)} exposures; frames flow again", end=" ")
    print(f"{outcome.back_after_s:.0f} s after the last fault")
    assert outcome.accounted == made


if __name__ == "__main__":
    main()
