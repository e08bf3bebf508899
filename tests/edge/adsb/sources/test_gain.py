"""The law of the gain against skies made of numbers: a noise floor, aircraft by level, bursts nobody can decode."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.adsb.sources.gain import HIGH_DBFS, LOW_DBFS, MANY_STRONG, START_DB, GainControl, Loudness

R820T = (0.0, 0.9, 1.4, 2.7, 3.7, 7.7, 8.7, 12.5, 14.4, 15.7, 16.6, 19.7, 20.7, 22.9, 25.4, 28.0, 29.7, 32.8, 33.8,
         36.4, 37.2, 38.6, 40.2, 42.1, 43.4, 43.9, 44.5, 48.0, 49.6)  # fmt: skip
BLOCK_S, BLOCK_BYTES = 1.0, 4_800_000


@dataclass(frozen=True)
class Sky:
    """Levels in dBFS at a gain of 0 dB."""

    noise: float = -68.0
    messages: tuple[float, ...] = ()  # each once a second
    deaf_below_db: float = 0.0  # a front end that passes no message under this gain
    bursts: int = 0  # a second, undecoded
    burst: float = -100.0

    def block(self, gain_db: float) -> Loudness:
        noise = 10 * log10(10 ** ((self.noise + gain_db) / 10) + 10**-4.7)
        heard = [min(0.5, level + gain_db) for level in self.messages if level + gain_db > noise + 8]
        heard = heard if gain_db >= self.deaf_below_db else []
        clipped = sum(160 for level in heard if level >= 0) + (160 * self.bursts if self.burst + gain_db >= 0 else 0)
        return Loudness(noise, heard, BLOCK_BYTES, clipped)


def live(sky: Sky, control: GainControl, start_s: float, seconds: float) -> list[tuple[float, float]]:
    """(time, new gain) of every step."""
    steps = []
    for second in range(int(seconds)):
        gain_db = control.take(start_s + second, sky.block(control.gain_db))
        if gain_db is not None:
            steps.append((start_s + second, gain_db))
    return steps


QUIET = Sky(messages=tuple(-80.0 + k * 0.5 for k in range(60)))

skies = st.builds(
    Sky,
    noise=st.floats(-90, -20),
    messages=st.lists(st.floats(-90, 0), max_size=40).map(tuple),
    deaf_below_db=st.floats(0, 40),
    bursts=st.integers(0, 200),
    burst=st.floats(-60, 0),
)
tuners = st.sampled_from([R820T, (-1.0, 1.5, 4.0, 6.5, 9.0, 11.5, 14.0, 19.0, 24.0, 29.0, 34.0, 42.0), (10.0,)])


@settings(max_examples=60, deadline=None)
@given(skies, tuners, st.sampled_from(["low", "high"]))
def test_in_a_steady_sky_it_settles_and_tries_again_ever_more_rarely(sky, gains_db, end):
    control = GainControl(gains_db, -100.0 if end == "low" else 100.0)
    live(sky, control, 0.0, 3600.0)
    assert len(live(sky, control, 3600.0, 3600.0)) <= 8


@settings(max_examples=60, deadline=None)
@given(skies, skies, tuners)
def test_whatever_was_before_a_quiet_sky_is_heard_again(before, earlier, gains_db):
    control = GainControl(gains_db)
    live(earlier, control, 0.0, 1800.0)
    live(before, control, 1800.0, 1800.0)
    live(QUIET, control, 3600.0, 3000.0)
    noise = QUIET.block(control.gain_db).noise_dbfs
    assert noise <= HIGH_DBFS
    assert noise >= LOW_DBFS or control.gain_db == max(gains_db)


def test_both_ends_come_to_the_same_band_within_three_minutes():
    for start_db in (-10.0, 60.0):
        control = GainControl(R820T, start_db)
        steps = live(QUIET, control, 0.0, 180.0)
        assert LOW_DBFS <= QUIET.block(control.gain_db).noise_dbfs <= HIGH_DBFS
        assert [gain for _, gain in steps] == sorted((gain for _, gain in steps), reverse=start_db > 0)


def test_no_message_at_all_is_no_proof_of_too_much_gain():
    control = GainControl(R820T, 0.0)
    live(Sky(messages=QUIET.messages, deaf_below_db=20.7), control, 0.0, 300.0)
    assert control.gain_db >= 20.7
    silent = GainControl(R820T)
    assert live(Sky(noise=-68.0), silent, 0.0, 3600.0) == []
    assert silent.gain_db == START_DB


def test_near_an_airport_strong_messages_bring_the_gain_down_and_it_comes_back_when_they_have_gone():
    tower = Sky(messages=tuple([-33.0] * 30 + [-57.0] * 30))
    control = GainControl(R820T)
    live(tower, control, 0.0, 600.0)
    heard = tower.block(control.gain_db).rssi_dbfs
    assert sum(level > -3.0 for level in heard) <= MANY_STRONG * len(heard)
    assert len(heard) > 30  # and the far ones are still there
    low_db = control.gain_db
    live(QUIET, control, 600.0, 600.0)
    assert control.gain_db > low_db
    assert QUIET.block(control.gain_db).noise_dbfs >= LOW_DBFS


def test_near_aircraft_never_cost_the_far_ones():
    control = GainControl(R820T)
    apron = Sky(messages=tuple([-10.0] * 30 + [-56.0] * 30))
    live(apron, control, 0.0, 1200.0)
    assert len(apron.block(control.gain_db).rssi_dbfs) == 60


def test_loud_bursts_that_nobody_decodes_bring_the_gain_down_whatever_the_noise_says():
    control = GainControl(R820T)
    live(Sky(noise=-75.0, bursts=50, burst=-20.0), control, 0.0, 600.0)
    assert control.gain_db < 20.0


def test_a_jammed_band_ends_at_the_lowest_gain_and_leaves_it_when_the_jammer_stops():
    control = GainControl(R820T)
    live(Sky(noise=-10.0), control, 0.0, 600.0)
    assert control.gain_db == 0.0
    live(QUIET, control, 600.0, 360.0)
    assert LOW_DBFS <= QUIET.block(control.gain_db).noise_dbfs <= HIGH_DBFS


def test_blocks_from_before_a_step_do_not_count_for_the_next():
    control = GainControl(R820T, 49.6)
    for tenth in range(101):
        if control.take(tenth / 10, Loudness(-10.0, [], 1000, 0)) is not None:
            break
    assert control.take(10.5, Loudness(-10.0, [], 1000, 0)) is None
    assert all(control.take(12.5 + k / 10, QUIET.block(control.gain_db)) is None for k in range(90))
