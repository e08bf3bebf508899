"""The simulated telescope follows the contract: it fires only while a permit lives, and keeps the truth about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from camera.sim.laser import LASER_FILE, read_intervals
from camera.sim.scenario import night
from edge.demo.telescope import Telescope
from edge.guard.payload import rfc3339
from edge.runtime.clock import SkyClock
from tests.edge.demo.samples import safety

SCENARIO = night(1)
ON_S = SCENARIO.beam.lasing_s[0][0]
UTC_S = 1_790_000_000.0


class Bench:
    """A telescope on virtual time; mono_s = seconds of the scenario."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / LASER_FILE
        self.telescope = Telescope(SCENARIO, SkyClock(SCENARIO.epoch_utc_ns, 0.0), self.file)
        self.seq = 0

    def say(self, state: str, mono_s: float) -> None:
        self.seq += 1
        stamp = rfc3339(round((UTC_S + mono_s) * 1e9))
        message = safety(state).model_copy(update={"seq": self.seq, "issued_at": stamp, "boot_id": "b1"})
        self.telescope.receive(message.to_bytes(), False, mono_s, UTC_S + mono_s + 0.01)

    def run(self, state: str, begin_s: float, end_s: float) -> None:
        """Messages twice a second, decisions twenty times."""
        for tick in range(round((end_s - begin_s) * 20)):
            mono_s = begin_s + tick / 20
            if tick % 10 == 0:
                self.say(state, mono_s)
            self.telescope.step(mono_s)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_fires_with_a_permit_and_stops_with_the_hold(bench: Bench) -> None:
    bench.run("CLEAR", ON_S, ON_S + 5)
    assert bench.telescope.laser_on
    bench.run("HOLD", ON_S + 5, ON_S + 6)
    assert not bench.telescope.laser_on
    ((on_s, off_s),) = read_intervals(bench.file)
    assert on_s == pytest.approx(ON_S + 1.0, abs=0.11)  # the third live message of an unknown boot
    assert off_s == pytest.approx(ON_S + 5, abs=0.06)


def test_silence_ends_the_laser_within_the_lease(bench: Bench) -> None:
    bench.run("CLEAR", ON_S, ON_S + 5)
    for tick in range(60):
        bench.telescope.step(ON_S + 5 + tick / 20)
    ((_, off_s),) = bench.telescope.fired
    assert off_s <= ON_S + 4.5 + 1.5 + 0.06


def test_does_not_fire_before_the_operators_want_to(bench: Bench) -> None:
    bench.run("CLEAR", 0.0, ON_S - 0.5)
    assert bench.telescope.lease_left_s > 0
    assert not bench.telescope.laser_wanted
    assert bench.telescope.fired == ()


def test_parks_with_the_laser_off(bench: Bench) -> None:
    bench.run("CLEAR", ON_S, ON_S + 5)
    bench.telescope.park(ON_S + 5)
    assert not bench.telescope.laser_on
    assert read_intervals(bench.file)[-1][1] == pytest.approx(ON_S + 5)


def test_pointing_and_its_rates_agree(bench: Bench) -> None:
    now, then = (json.loads(bench.telescope.pointing(t)) for t in (60.0, 61.0))
    assert then["elevation_deg"] - now["elevation_deg"] == pytest.approx(now["elevation_rate_dps"], abs=0.01)
    assert then["azimuth_deg"] - now["azimuth_deg"] == pytest.approx(now["azimuth_rate_dps"], abs=0.02)
    assert now["target_id"] == "SIM-TARGET"
