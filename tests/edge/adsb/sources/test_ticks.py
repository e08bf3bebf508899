from edge.adsb.frames import TICK_HZ
from edge.adsb.sources.ticks import ReceiverTicks

DAY_S = 86_400.0


def dated(events):
    """(seconds of the receiver's ticks, arrival) of each message -> what each is dated."""
    ticks = ReceiverTicks()
    return [ticks.at(ticks.arrived(tick_s * TICK_HZ, mono_s, round(mono_s * 1e9)))[0] for tick_s, mono_s in events]


def worst_s(events, true_s):
    return max(abs(is_s - was_s) for is_s, was_s in zip(dated(events), true_s, strict=True))


HEARD_S = [1000.0 + k / 50 for k in range(1500)]


def test_messages_on_time_keep_the_receiver_s_own_time():
    assert worst_s([(at_s - 700, at_s + 0.01 * (k % 3)) for k, at_s in enumerate(HEARD_S)], HEARD_S) < 0.011


def test_what_a_network_held_back_is_as_old_as_it_is():
    held = [(at_s - 700, 1020.0 if 1005 < at_s < 1020 else at_s) for at_s in HEARD_S]
    assert worst_s(held, HEARD_S) < 0.01


def test_a_lag_that_grows_is_not_taken_for_now():
    slower = [(at_s, at_s + max(0.0, at_s - 1005) / 2) for at_s in HEARD_S]
    assert worst_s(slower, HEARD_S) < 0.01


def test_ticks_of_several_receivers_in_turn_of_none_or_of_another_rate_are_not_believed():
    for strange in (
        lambda k, at_s: at_s + (k % 2) * 12.0,
        lambda k, at_s: at_s - (k % 2) * 3 * DAY_S,
        lambda k, at_s: 0.0,
        lambda k, at_s: 89.0 * at_s,
        lambda k, at_s: at_s if k < 700 else at_s - 999.0,
    ):
        assert worst_s([(strange(k, at_s), at_s) for k, at_s in enumerate(HEARD_S)], HEARD_S) < 0.05


def test_a_crystal_that_is_off_stays_right_for_a_day():
    heard_s = [1000.0 + 10.0 * k for k in range(8640)]
    for off in (-1e-4, 1e-4):
        assert worst_s([(at_s * (1 + off), at_s) for at_s in heard_s], heard_s) < 0.1


def test_counts_run_on_with_our_clock_whatever_the_ticks_do():
    ticks = ReceiverTicks()
    for k, at_s in enumerate(HEARD_S):
        strange_s = (at_s, 0.0, 89.0 * at_s)[k // 50 % 3]
        ours = ticks.arrived(strange_s * TICK_HZ, at_s, 0)
        assert abs(ours / TICK_HZ - at_s) < 1.1
