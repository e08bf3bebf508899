import random
from math import log10

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.adsb.aircraft.strength import SignalRange

SEEDS = st.integers(0, 2**32 - 1)


def sky(signals: SignalRange, rng: random.Random, count: int = 30, *, gain_db: float = 40.0) -> None:
    """Half a minute of true aircraft: transmitters 5 dB apart, lobes that come and go by 3 dB, 10 to 250 km."""
    planes = [(rng.uniform(10, 250), rng.gauss(0, 5)) for _ in range(count)]
    for t_s in range(30):
        for k, (far_km, power_db) in enumerate(planes):
            level = gain_db - 15.0 + power_db - 20 * log10(far_km) + rng.gauss(0, 3) - 20
            signals.hear(f"icao:{k:06X}", min(level, 0.0), gain_db, far_km * 1000, float(t_s))


def say(signals: SignalRange, key: str, rssi_dbfs: float, far_km: float, gain_db: float = 40.0) -> None:
    for t_s in range(30, 50):
        signals.hear(key, rssi_dbfs, gain_db, far_km * 1000, float(t_s))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_true_aircraft_are_not_suspected(seed):
    signals = SignalRange()
    sky(signals, random.Random(seed), 40)
    assert len(signals._suspects) <= 1  # four sigma of forty


def test_who_is_much_too_strong_for_how_far_it_claims_to_be_is_suspected_and_so_is_the_opposite():
    signals = SignalRange()
    sky(signals, random.Random(3))
    say(signals, "icao:AAAAAA", -10.0, 200.0)
    say(signals, "icao:BBBBBB", -46.0, 5.0)
    say(signals, "icao:CCCCCC", 5.0 - 20 * log10(50.0), 50.0)
    assert signals.suspect("icao:AAAAAA")
    assert signals.suspect("icao:BBBBBB")
    assert not signals.suspect("icao:CCCCCC")


def test_a_change_of_gain_changes_nothing():
    signals, rng = SignalRange(), random.Random(4)
    sky(signals, rng, gain_db=40.0)
    say(signals, "icao:CCCCCC", -15.0 - 20 * log10(50.0), 50.0, gain_db=20.0)
    assert not signals.suspect("icao:CCCCCC")


def test_one_transmitter_that_plays_many_aircraft_is_found_by_its_one_level():
    signals, rng = SignalRange(), random.Random(5)
    sky(signals, rng, 10)
    for t_s in range(30, 50):
        for k in range(12):
            signals.hear(f"icao:F0000{k:X}", -30.0 + rng.gauss(0, 0.1), 40.0, 1000.0 * (8 + 20 * k), float(t_s))
    assert {key for key in signals._suspects if key.startswith("icao:F")} == {f"icao:F0000{k:X}" for k in range(12)}


def test_nobody_is_suspected_before_the_station_has_learned_nor_by_a_tower_s_level():
    signals = SignalRange()
    say(signals, "icao:AAAAAA", -5.0, 300.0)
    assert not signals.suspect("icao:AAAAAA")
    sky(signals, random.Random(6))
    say(signals, "tisb:AAAAAA", -5.0, 300.0)
    assert not signals.suspect("tisb:AAAAAA")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.floats(-60, 0), st.floats(0, 1e6), st.floats(-1, 8)), max_size=200))
def test_any_levels_are_survived_in_bounded_memory(heard):
    signals, t_s = SignalRange(), 0.0
    for number, rssi_dbfs, range_m, step_s in heard:
        t_s += step_s
        signals.hear(f"icao:{number:06X}", rssi_dbfs, 0.0, range_m, t_s)
    assert len(signals._learned) <= 500
