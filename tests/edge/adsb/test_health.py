from dataclasses import replace

import pytest

from edge.adsb.health import Evidence, RateMeter, judge
from edge.records import SensorState

WELL = Evidence("", 0.1, 4.8e6, 4.8e6, -29.0, 0)


def test_bytes_and_noise_prove_life():
    assert judge(WELL).state is SensorState.OK


@pytest.mark.parametrize(
    ("change", "state", "word"),
    [
        ({"failure": "no dongle"}, SensorState.DEAD, "no dongle"),
        ({"age_s": 2.5}, SensorState.STALE, "2.5 s"),
        ({"age_s": float("nan")}, SensorState.STALE, "nothing"),
        ({"bytes_per_s": 2.4e6}, SensorState.STALE, "50%"),
        ({"bytes_per_s": 2 * 2.048e6}, SensorState.STALE, "85%"),
        ({"bytes_per_s": float("nan")}, SensorState.STALE, "samples"),
        ({"lost_blocks": 3}, SensorState.STALE, "3 blocks"),
        ({"age_s": float("inf")}, SensorState.STALE, "nothing received yet"),
        ({"turned_away": 2}, SensorState.BLIND, "invented"),
        ({"noise_dbfs": -46.0}, SensorState.BLIND, "antenna"),
        ({"noise_dbfs": None}, SensorState.BLIND, "unknown"),
        ({"noise_dbfs": float("nan")}, SensorState.BLIND, "antenna"),
        ({"noise_dbfs": -3.0}, SensorState.BLIND, "jammed"),
        ({"noise_dbfs": -10.0}, SensorState.BLIND, "jammed"),
    ],
)
def test_anything_else_is_no_proof_and_says_why(change, state, word):
    verdict = judge(replace(WELL, **change))
    assert verdict.state is state
    assert word in verdict.reason


def test_a_beast_stream_lives_as_long_as_it_speaks():
    beast = replace(WELL, expected_bytes_per_s=None, noise_dbfs=None, bytes_per_s=10.0)
    assert judge(replace(beast, age_s=9.0)).state is SensorState.OK
    assert judge(replace(beast, age_s=11.0)).state is SensorState.STALE


def test_the_rate_is_that_of_the_last_five_seconds():
    meter = RateMeter(0.0)
    for t in range(20):
        meter.add(t, 10.0)
    assert meter.per_s(19.5) == pytest.approx(10.0)
    assert meter.per_s(40.0) == 0.0
