"""Rates that do not fit the way are found out; those of a true telescope never are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from camera.sim.scenario import night
from edge.guard.rates import LONGEST_GAP_S, RatesWatch
from edge.records import Pointing

SCENARIO = night(1)


def satellite(t_s: float) -> Pointing:
    """The night's telescope, as its controller should say it."""
    before, now, after = SCENARIO.beam.azel_deg(t_s + np.array([-0.5, 0.0, 0.5]), SCENARIO.epoch_utc_ns, SCENARIO.site)
    return Pointing(t_s, now[0], now[1], (after[0] - before[0] + 180) % 360 - 180, after[1] - before[1], "t", False)


def faults(watch: RatesWatch, pointings: list[Pointing]) -> list[str]:
    return [watch.fault(pointing) for pointing in pointings]


@pytest.mark.parametrize("hz", [5, 10])
def test_a_telescope_that_follows_its_target_is_believed_also_when_messages_come_late(hz: int) -> None:
    rng = np.random.default_rng(1)
    way = []
    for t_s in np.arange(0.0, 170.0, 1 / hz):
        way.append(replace(satellite(float(t_s)), received_mono_s=float(t_s + rng.uniform(0, 0.15))))
    assert not any(faults(RatesWatch(), way))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda p: replace(p, azimuth_rate_dps=0.0, elevation_rate_dps=0.0),
        lambda p: replace(p, azimuth_rate_dps=-p.azimuth_rate_dps, elevation_rate_dps=-p.elevation_rate_dps),
        lambda p: replace(
            p, azimuth_rate_dps=57.3 * p.azimuth_rate_dps, elevation_rate_dps=57.3 * p.elevation_rate_dps
        ),
    ],
)
def test_rates_left_out_of_the_other_sign_or_in_another_unit_are_found_out(wrong) -> None:
    way = [wrong(Pointing(t / 5, (100 + 0.2 * t) % 360, 40 + 0.04 * t, 1.0, 0.2, "t", False)) for t in range(60)]
    assert all("rate_dps" in words for words in faults(RatesWatch(), way)[25:])


def test_a_slew_that_speeds_up_and_brakes_is_believed() -> None:
    t = np.arange(0.0, 20.0, 0.2)
    rate = np.clip(np.minimum(4 * t, 4 * (12 - t)), 0, 12)
    azimuth = np.cumsum(np.concatenate(([0.0], (rate[1:] + rate[:-1]) / 2 * 0.2)))
    way = [Pointing(*map(float, (t[i], azimuth[i] % 360, 50.0, rate[i], 0.0)), "t", False) for i in range(len(t))]
    assert not any(faults(RatesWatch(), way))


def test_after_a_pause_the_way_begins_anew_and_a_simulated_night_runs_faster() -> None:
    watch = RatesWatch()
    assert not any(faults(watch, [Pointing(t / 5, 100.0, 40.0, 0.0, 0.0, "t", False) for t in range(20)]))
    later = 4.0 + LONGEST_GAP_S + 0.1
    assert not any(faults(watch, [Pointing(later + t / 5, 200.0, 60.0, 0.0, 0.0, "t", False) for t in range(20)]))
    fast = RatesWatch(sky_rate=4.0)
    assert not any(faults(fast, [Pointing(t / 10, 100 + 0.4 * t, 40.0, 1.0, 0.0, "t", False) for t in range(80)]))
