"""A ramp goes steadily from one temperature to the other and never beyond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from camera.zwo.cooler import Ramp

CELSIUS = st.floats(-40.0, 40.0)


@given(CELSIUS, CELSIUS, st.floats(0.5, 30.0), st.lists(st.floats(0.0, 1e4), min_size=2).map(sorted))
def test_the_setpoint_moves_one_way_at_the_pace_and_stays_between_the_ends(
    begin: float, end: float, pace: float, times: list[float]
) -> None:
    ramp = Ramp(from_celsius=begin, to_celsius=end, celsius_per_min=pace, begin_mono_s=0.0)
    setpoints = [ramp.setpoint_celsius(time_s) for time_s in times]
    assert setpoints == sorted(setpoints, reverse=end < begin)
    assert all(round(min(begin, end)) <= setpoint <= round(max(begin, end)) for setpoint in setpoints)
    for time_s, setpoint in zip(times, setpoints, strict=True):
        assert abs(setpoint - begin) <= pace * time_s / 60.0 + 0.5 + 1e-9
    assert ramp.setpoint_celsius(1e6) == round(end)
