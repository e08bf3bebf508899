from __future__ import annotations

import numpy as np
import pytest

from camera.geodesy import azel_to_unit, enu_to_azel, separation_deg
from camera.satellites import view
from camera.sim.scenario import ELSEWHERE_DEG, night

SEEDS = range(1, 7)


def test_the_same_seed_gives_the_same_night() -> None:
    assert night(3) == night(3)
    assert night(3) != night(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_aircraft_cross_the_beam_one_of_them_silent_and_the_others_stay_away(seed: int) -> None:
    truth = night(seed)
    t_s = np.arange(0.0, truth.duration_s, 0.5)
    beam = azel_to_unit(*truth.beam.azel_deg(t_s, truth.epoch_utc_ns, truth.site).T)
    nearest = [float(separation_deg(a.enu_m(t_s, truth.site), beam).min()) for a in truth.aircraft]
    assert max(nearest[:2]) < 1.5
    assert min(nearest[2:]) > ELSEWHERE_DEG - 1.0
    assert [a.transponder for a in truth.aircraft] == [True, False, True, True, True, True, True, True]
    assert len({a.icao for a in truth.aircraft}) == 8


@pytest.mark.parametrize("seed", SEEDS)
def test_satellite_and_target_stand_high_and_lit_in_the_middle_of_the_night(seed: int) -> None:
    truth = night(seed)
    for elements in (truth.satellites[0].elements, truth.beam.target):
        seen = view(elements, truth.utc_ns(truth.duration_s / 2), truth.site)
        assert seen.sunlit.all()
        assert enu_to_azel(seen.enu_m)[0, 1] > 35


def test_an_aircraft_flies_as_fast_as_it_says() -> None:
    truth = night(1)
    for aircraft in truth.aircraft:
        a, b = aircraft.enu_m([0.0, 1.0], truth.site)
        speed = np.hypot(aircraft.speed_mps, aircraft.vertical_rate_mps)
        assert np.linalg.norm(b - a) == pytest.approx(speed, rel=0.005)
