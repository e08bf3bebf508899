from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.adsb.sources.iq import SourceLost, SourceStuck
from edge.adsb.sources.ladder import END_AFTER_S, LONGEST_PAUSE_S, RESET_AGAIN_S, Ladder, Recovery, Rung
from edge.runtime.usb import UsbError


class Device:
    """Plugged in; writes down what is done to it."""

    def __init__(self, *, plugged: bool = True, refuses: str = "") -> None:
        self.plugged, self.refuses, self.done = plugged, refuses, []

    def is_plugged_in(self) -> bool:
        return self.plugged

    def usb_reset(self) -> None:
        self._do("reset")

    def power_cycle(self) -> None:
        self._do("power")

    def _do(self, what: str) -> None:
        if self.refuses:
            raise UsbError(self.refuses)
        self.done.append(what)


def climb(seconds: float, *, may_climb: bool = True) -> list[tuple[float, Rung]]:
    """Every failure of a source that delivers nothing for two seconds after each opening."""
    ladder, mono_s, rungs = Ladder(), 0.0, []
    while mono_s < seconds:
        rungs.append((mono_s, ladder.failed(mono_s, may_climb=may_climb, stuck=False)))
        if rungs[-1][1] is Rung.END:
            break
        mono_s += 2.0 + ladder.pause_s
    return rungs


def test_reopened_first_then_reset_then_switched_off_then_ended():
    rungs = [rung for _, rung in climb(1e4)]
    assert rungs[:2] == [Rung.REOPEN, Rung.REOPEN]
    order = [rung for rung in rungs if rung is not Rung.REOPEN]
    assert order[:2] == [Rung.RESET, Rung.POWER]
    assert order[-1] is Rung.END


def test_a_process_lives_for_a_while_before_it_ends():
    assert END_AFTER_S <= climb(1e4)[-1][0] < 3 * END_AFTER_S


def test_one_that_may_not_climb_is_opened_again_for_ever():
    rungs = climb(3600.0, may_climb=False)
    assert {rung for _, rung in rungs} == {Rung.REOPEN}
    assert len(rungs) > 3600 / (LONGEST_PAUSE_S + 2.1)


@given(st.lists(st.tuples(st.floats(0.1, 30), st.booleans(), st.booleans(), st.booleans()), max_size=80))
def test_resets_are_rare_pauses_bounded_and_a_stuck_driver_never_left(story):
    ladder, mono_s, resets = Ladder(), 0.0, []
    for wait_s, flows, may_climb, stuck in story:
        mono_s += wait_s
        if flows:
            ladder.delivered(mono_s)
            continue
        rung = ladder.failed(mono_s, may_climb=may_climb, stuck=stuck)
        assert 0 < ladder.pause_s <= LONGEST_PAUSE_S
        assert not stuck or rung is not Rung.REOPEN
        assert may_climb or rung is Rung.REOPEN or stuck
        if rung is Rung.RESET:
            assert not resets or mono_s - resets[-1] >= RESET_AGAIN_S
            resets.append(mono_s)


def test_ten_good_seconds_are_the_foot_of_the_ladder_again():
    ladder = Ladder()
    for mono_s in range(5):
        ladder.failed(float(mono_s), may_climb=True, stuck=False)
    ladder.delivered(10.0)
    ladder.delivered(15.0)
    assert ladder.failures == 5
    ladder.delivered(20.0)
    assert ladder.failures == 0


def test_each_rung_is_counted_and_stands_in_the_words():
    device, counters = Device(), Counter()
    recovery = Recovery(device, counters)
    why = SourceLost("the dongle is stalled: no byte for 2.1 s")
    words = [recovery.failed(why, 10.0 * k) for k in range(3)]
    assert words[0] == "the dongle is stalled: no byte for 2.1 s; again in 0.5 s"
    assert "USB reset done, again in 2.0 s" in words[2]
    assert (device.done, counters["usb_resets"]) == (["reset"], 1)
    assert not recovery.is_due(21.9)
    assert recovery.is_due(22.0)


def test_a_reset_that_is_refused_says_why_and_goes_on():
    counters = Counter()
    recovery = Recovery(Device(refuses="install the udev rule"), counters)
    words = [recovery.failed(SourceLost("stalled"), 10.0 * k) for k in range(3)]
    assert words[2] == "stalled; install the udev rule; again in 2.0 s"
    assert counters["usb_refused"] == 1


def test_a_driver_that_hangs_is_reset_at_once_and_ends_the_process_if_that_did_not_help():
    device = Device()
    recovery = Recovery(device, Counter())
    assert "USB reset done" in recovery.failed(SourceStuck("it hangs"), 0.0)
    words = recovery.failed(SourceStuck("it hangs"), 1.0)
    assert "the process ends" in words
    assert not recovery.is_due(2.9)
    with pytest.raises(SourceStuck, match="nothing helped"):
        recovery.is_due(3.0)


def test_what_is_not_plugged_in_is_waited_for_and_what_is_far_away_not_reset():
    for plugged in (None, Device(plugged=False)):
        recovery = Recovery(plugged, Counter())
        for k in range(50):
            assert "again in" in recovery.failed(SourceLost("gone"), 100.0 * k)
            assert recovery.is_due(100.0 * k + 99.0)
