"""The ladder climbs in order, keeps its limits, goes around, and never answers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture import ladder
from edge.capture.ladder import LIMITS, WELL_AFTER_S, Climb, Rung, Step, Trouble, climb_on, picture

ALL = frozenset(Rung)
# (seconds until it happens, what): None is a good picture.
Event = tuple[float, Trouble | None]
EVENTS = st.lists(
    st.tuples(st.floats(0.0, 200.0), st.one_of(st.none(), st.sampled_from(list(Trouble)))), min_size=1, max_size=80
)
ABLE = st.sampled_from([ladder.ALWAYS, ladder.ALWAYS | {Rung.USB_RESET}, ALL])


def told(events: Sequence[Event], able: frozenset[Rung] = ALL) -> list[tuple[Trouble, float, Climb, Step]]:
    """Every trouble with its time, the ladder before, and the step; nobody acts before a step's time."""
    climb, now, steps = Climb(), 1000.0, []
    for wait_s, event in events:
        now += wait_s
        if event is None:
            climb = picture(climb, now)
            continue
        before = climb
        climb, step = climb_on(climb, event, now, able)
        steps.append((event, now, before, step))
        now = max(now, step.at_mono_s)
    return steps


def test_a_camera_that_stays_away_is_met_with_every_rung_in_order_and_then_again() -> None:
    rungs = [step.rung for *_, step in told([(1.0, Trouble.LOST)] * 60)]
    firsts = list(dict.fromkeys(rungs))
    assert firsts == [Rung.REOPEN, Rung.RESTART, Rung.USB_RESET, Rung.POWER_CYCLE]
    assert rungs[:5] == [Rung.REOPEN] * 4 + [Rung.RESTART]
    top = rungs.index(Rung.POWER_CYCLE)
    assert set(firsts) <= set(rungs[top + 1 :]), "around again, every rung"


def test_a_silent_camera_is_read_again_before_it_is_reopened() -> None:
    rungs = [step.rung for *_, step in told([(1.0, Trouble.SILENT)] * 4)]
    assert rungs == [Rung.RETRY, Rung.REOPEN, Rung.REOPEN, Rung.REOPEN]


def test_the_pause_before_reopening_doubles_and_has_a_ceiling() -> None:
    steps = told([(0.0, Trouble.LOST)] * 40, ladder.ALWAYS)
    pauses = [step.at_mono_s - now for _, now, _, step in steps if step.rung is Rung.REOPEN]
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == ladder.LONGEST_BACKOFF_S


def test_one_picture_does_not_end_the_climb_and_a_minute_of_them_does() -> None:
    climb = Climb()
    for second in range(4):
        climb, _ = climb_on(climb, Trouble.LOST, 20.0 * second)
    short = picture(picture(climb, 110.0), 110.0 + WELL_AFTER_S - 1)
    assert climb_on(short, Trouble.LOST, 300.0)[1].rung is Rung.RESTART
    well = picture(picture(climb, 110.0), 110.0 + WELL_AFTER_S)
    assert climb_on(well, Trouble.LOST, 300.0)[1].rung is Rung.REOPEN


def test_a_refusal_is_told_tried_again_and_costs_no_rung() -> None:
    climb, step = climb_on(Climb(), Trouble.REFUSED, 50.0)
    assert (step.rung, step.at_mono_s) == (None, 50.0 + ladder.REFUSED_AGAIN_S)
    assert climb == Climb()
    assert "put right" in step.words(50.0)


def test_a_step_says_what_it_is_and_when() -> None:
    assert Step(Rung.REOPEN, 12.0).words(10.0) == "reopen in 2.0 s"
    assert Step(Rung.RESTART, 10.0).words(10.0) == "restart"


@given(EVENTS, ABLE)
def test_no_rung_is_used_more_often_than_its_limits_allow(events: list[Event], able: frozenset[Rung]) -> None:
    for rung in Rung:
        at = [step.at_mono_s for *_, step in told(events, able) if step.rung is rung]
        assert all(later - earlier >= LIMITS[rung].least_s - 1e-6 for earlier, later in pairwise(at))
        budget = LIMITS[rung].per_hour
        assert all(later - earlier >= ladder.HOUR_S - 1e-6 for earlier, later in zip(at, at[budget:], strict=False))


@given(EVENTS, ABLE)
def test_every_trouble_is_answered_by_a_rung_that_can_help_and_that_this_machine_has(
    events: list[Event], able: frozenset[Rung]
) -> None:
    for trouble, now, _, step in told(events, able):
        if trouble is Trouble.REFUSED:
            assert step.rung is None
            continue
        assert step.rung in able
        assert trouble is not Trouble.LOST or step.rung is not Rung.RETRY
        assert trouble is not Trouble.HUNG or step.rung not in (Rung.RETRY, Rung.REOPEN)
        if trouble is not Trouble.HUNG:
            assert step.at_mono_s - now <= ladder.LONGEST_BACKOFF_S, "reopening is always left"


@given(
    st.lists(st.sampled_from([Trouble.LOST, Trouble.SILENT, Trouble.FROZEN, Trouble.HUNG]), min_size=70, max_size=70)
)
def test_without_pictures_every_climb_reaches_the_top(troubles: list[Trouble]) -> None:
    assert Rung.POWER_CYCLE in [step.rung for *_, step in told([(5.0, trouble) for trouble in troubles])]


@given(EVENTS)
def test_within_a_climb_each_rung_is_the_same_the_next_or_the_way_around(events: list[Event]) -> None:
    for _, now, before, step in told(events):
        if step.rung is None or before.rung is None or step.rung is before.rung:
            continue
        order = list(Rung)
        first = (order.index(before.rung) + 1) % len(order)
        passed = []
        while order[first] is not step.rung:
            passed.append(order[first])
            first = (first + 1) % len(order)
        for rung in passed:  # passed over for a reason: it cannot help, or has to wait
            waiting = ladder._free_mono_s(before, rung) > now
            assert rung in (Rung.RETRY, Rung.REOPEN) or waiting


@pytest.mark.parametrize("trouble", list(Trouble))
def test_after_any_number_of_failures_the_next_step_is_never_far(trouble: Trouble) -> None:
    events: list[Event] = [(5.0, trouble)] * 300
    waits = [step.at_mono_s - now for _, now, _, step in told(events, ladder.ALWAYS)]
    assert max(waits) <= LIMITS[Rung.RESTART].least_s
