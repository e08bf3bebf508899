"""Every row of the fault table does what it says, alone and with every other one."""

from __future__ import annotations

from itertools import combinations

import pytest

from edge.guard.facts import HEALTHY_S, TICK_S
from edge.guard.faults import BY_CODE, TABLE
from edge.guard.payload import PERMITTING
from tests.edge.guard.scene import ELSEWHERE, INJECTIONS, run, twin_of, warmed


def test_every_row_of_the_table_is_tested():
    assert set(INJECTIONS) | ELSEWHERE == set(BY_CODE)
    assert len(BY_CODE) == len(TABLE)


def test_no_row_takes_longer_than_six_seconds_except_the_heartbeat_of_another_machine():
    assert {fault.code for fault in TABLE if fault.within_s > 6.0} == {"primary-missing"}


@pytest.mark.parametrize("code", INJECTIONS)
def test_a_fault_ends_the_permit_within_its_seconds_and_says_why(code):
    guard, t = warmed()
    fault = BY_CODE[code]
    for after_s, verdict in run(guard, t, fault.within_s + 2.0, INJECTIONS[code]):
        if after_s >= fault.within_s:
            assert not verdict.permit
            assert code in {reason.code for reason in verdict.reasons}
            assert code in verdict.active
            assert verdict.state not in PERMITTING
    if len(verdict.reasons) == 1:  # nothing else makes it worse
        assert verdict.state == fault.state
    if fault.removes:
        assert verdict.basis == {"camera": "RADIO", "radio": "CAMERA"}[fault.removes]
    if fault.sensor:
        shown = getattr(verdict.sensors, fault.sensor)
        assert shown.state == fault.shows
        assert shown.reason


@pytest.mark.parametrize("code", INJECTIONS)
def test_a_fault_clears_itself_after_its_time_of_health_or_stays_latched(code):
    guard, t = warmed()
    fault = BY_CODE[code]
    t += run(guard, t, fault.within_s + 0.5, INJECTIONS[code])[-1][0]
    after = run(guard, t, 16.0)
    early = [verdict for after_s, verdict in after if after_s < fault.clear_s]
    assert not any(verdict.permit for verdict in early)
    if fault.latched:
        assert not after[-1][1].permit
        assert code in guard.latched
        assert guard.release(code, "officer")
        assert run(guard, t + 16.0, 0.5)[-1][1].permit
    else:
        assert after[-1][1].permit, after[-1][1].reasons


def test_every_pair_of_faults_ends_the_permit_within_the_faster_ones_seconds():
    warm, t = warmed()
    for one, two in combinations(INJECTIONS, 2):
        guard = twin_of(warm)
        within_s = min(BY_CODE[one].within_s, BY_CODE[two].within_s)
        for after_s, verdict in run(guard, t, within_s + TICK_S, INJECTIONS[two], INJECTIONS[one]):
            # two injections that change one field: the one applied last stands, and its row decides
            shared = INJECTIONS[one](0, 0).keys() & INJECTIONS[two](0, 0).keys()
            limit_s = BY_CODE[one].within_s if shared else within_s
            assert not verdict.permit or after_s < limit_s, (one, two, verdict)


def test_no_permit_before_ten_seconds_of_health_after_the_start():
    from edge.config import BeamSection, GuardSection
    from edge.guard.model import Guard

    guard = Guard(BeamSection(), GuardSection(mode="enforce"))
    for after_s, verdict in run(guard, 0.0, 12.0):
        assert verdict.permit == (after_s >= HEALTHY_S + TICK_S), after_s


def test_a_full_disk_is_an_event_and_nothing_more():
    guard, t = warmed()
    verdict = run(guard, t, 1.0, lambda t, t0: {"disk_full": "/var"})[-1][1]
    assert verdict.state == "CLEAR"
    assert "disk-full" in verdict.active
    assert not verdict.reasons
