"""Stacks of exposures: they add what single ones do not show, and nothing else."""

import numpy as np
import pytest

from camera.geodesy import separation_deg
from camera.sim.scenario import night
from tests.edge.fusion.watch import CADENCE_S, EXPOSURE_S, LATENCY_S, Watch

STACK = 5


def run(watch: Watch, exposures: int, *, stacks: bool, start_s: float = 20.0, hearing: bool = False) -> float:
    """Sees `exposures` of them, a stack after every fifth; returns when the last was judged."""
    for k in range(exposures):
        begin_s = start_s + k * CADENCE_S
        if hearing:
            watch.hear(begin_s + 1.0)
        watch.see(begin_s)
        if stacks and k % STACK == STACK - 1:
            watch.see_stack(begin_s - (STACK - 1) * CADENCE_S)
    return start_s + (exposures - 1) * CADENCE_S + EXPOSURE_S + LATENCY_S


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_too_slow_for_single_exposures_is_an_object_by_its_stacks(seed):
    watch = Watch(night(seed), lowest_deg=25.0)
    now_s = run(watch, 4 * STACK, stacks=True)
    objects = watch.objects(now_s).values()
    low = 0
    for one in watch.scenario.aircraft:
        truth = watch.true_unit(one.icao, now_s, from_telescope=False)
        if 7.0 < np.degrees(np.arcsin(truth[2])) < 23.0:
            low += 1
            near = [o for o in objects if min(float(separation_deg(h.unit_enu[0], truth)) for h in o.hypotheses) < 1.0]
            assert near
            assert any(o.identity in ("aircraft", "unknown") for o in near)
    assert low
    assert watch.fusion.counters["tracks_of_stacks"] >= low


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_what_single_exposures_show_gets_no_second_object_from_the_stacks(seed):
    plain, deeper = Watch(night(seed), lowest_deg=5.0), Watch(night(seed), lowest_deg=5.0)
    for start_s in (20.0, 90.0):
        now_s = run(plain, 3 * STACK, stacks=False, start_s=start_s)
        run(deeper, 3 * STACK, stacks=True, start_s=start_s)
        assert len(deeper.objects(now_s)) <= len(plain.objects(now_s))
    assert deeper.fusion.counters["tracks_of_stacks"] == 0


def test_the_own_beam_and_a_meteor_are_not_brought_back_by_a_stack():
    scenario = night(1)
    meteor_s = scenario.meteors[0].t_s
    watch = Watch(scenario, lowest_deg=5.0)
    start_s = meteor_s - 2 * CADENCE_S - 0.5
    now_s = run(watch, STACK, stacks=True, start_s=start_s)
    assert watch.fusion.counters["meteors"] == 1
    assert watch.fusion.counters["tracks_of_stacks"] == 0
    assert sum(o.identity == "own-beam" for o in watch.objects(now_s).values()) == 1


def test_an_own_beam_that_only_the_stack_shows_is_explained():
    watch = Watch(night(1), lowest_deg=5.0)
    watch.show_beam = False
    begin_s, end_s = max(watch.scenario.beam.lasing_s, key=lambda span: span[1] - span[0])
    assert end_s - begin_s > 2 * STACK * CADENCE_S
    run(watch, 2 * STACK, stacks=True, start_s=begin_s)
    assert watch.fusion.counters["trails_of_own_beam"] == 2 * STACK
    assert watch.fusion.counters["tracks_of_stacks"] == 0


def test_a_heard_aircraft_and_its_trail_in_the_stack_are_one_object():
    watch = Watch(night(1), lowest_deg=89.0)
    now_s = run(watch, 2 * STACK, stacks=True, hearing=True)
    objects = watch.objects(now_s)
    both = [o for o in objects.values() if o.senses == ("radio", "camera")]
    assert both
    for one in both:
        assert not any(
            o.senses == ("camera",) and separation_deg(o.hypotheses[0].unit_enu[0], one.hypotheses[0].unit_enu[0]) < 0.7
            for o in objects.values()
        )
