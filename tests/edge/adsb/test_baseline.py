from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.adsb.baseline import Baseline, BaselineDamaged, BaselineKeeper
from tests.edge.adsb.share.test_server import until

STEP_S = 60.0


def live(baseline: Baseline, hours: float, per_s: float, *, start_h: float = 0.0, hears: bool = True) -> None:
    for step in range(round(hours * 60)):
        utc_ns = round((start_h * 3600 + step * STEP_S) * 1e9)
        baseline.take(utc_ns, STEP_S, round(per_s * STEP_S), hears=hears)


def test_it_is_silent_until_it_knows_the_hour_from_three_days():
    baseline = Baseline()
    live(baseline, 70, 50.0)
    live(baseline, 0.5, 0.0, start_h=70)
    assert baseline.warning() == ""
    live(baseline, 4, 50.0, start_h=71)
    live(baseline, 0.5, 0.0, start_h=75)
    assert baseline.warning().startswith("0.0 messages a second, where 50 are usual at this hour")


def test_the_usual_and_even_a_fifth_of_it_are_no_warning():
    baseline = Baseline()
    live(baseline, 75, 50.0)
    for per_s, silent in ((50.0, True), (10.0, True), (4.0, False)):
        live(baseline, 0.2, per_s, start_h=75)
        assert (baseline.warning() == "") is silent


def test_a_quiet_hour_makes_silence_nothing_to_speak_of():
    baseline = Baseline()
    live(baseline, 75, 0.1)
    live(baseline, 0.5, 0.0, start_h=75)
    assert baseline.warning() == ""


def test_a_curfew_that_begins_an_hour_earlier_is_no_warning():
    baseline = Baseline()
    for day in range(4):
        for hour in range(24):
            live(baseline, 1, 0.0 if hour < 5 else 50.0, start_h=24 * day + hour)
    live(baseline, 0.9, 0.0, start_h=96 + 5)  # summer time
    assert baseline.warning() == ""
    live(baseline, 0.9, 0.0, start_h=96 + 12)
    assert baseline.warning()


def test_a_week_without_antenna_does_not_become_normal_but_a_move_does():
    baseline = Baseline()
    live(baseline, 5 * 24, 50.0)
    live(baseline, 7 * 24, 0.0, start_h=5 * 24)
    assert baseline.warning()
    live(baseline, 150 * 24, 0.0, start_h=12 * 24)
    assert baseline.usual_per_s() < 3.0


def test_an_ear_that_does_not_hear_teaches_nothing_and_warns_of_nothing():
    baseline = Baseline()
    live(baseline, 75, 50.0)
    live(baseline, 0.1, 0.0, start_h=75, hears=False)
    before = baseline.stored()
    live(baseline, 2.9, 0.0, start_h=75.1, hears=False)
    assert baseline.warning() == ""
    live(baseline, 1, 50.0, start_h=78, hears=False)
    assert baseline.stored() == before


def test_an_hour_that_was_half_heard_is_not_learned():
    baseline = Baseline()
    live(baseline, 0.5, 50.0, start_h=0.0)
    live(baseline, 0.5, 50.0, start_h=1.0)
    assert baseline.stored() == Baseline().stored()


def test_it_comes_back_from_the_disk_and_goes_on_warning(tmp_path):
    path = tmp_path / "radio-baseline.json"
    keeper = BaselineKeeper(path)
    live(keeper.baseline, 75, 50.0)
    path.write_text(keeper.baseline.stored())
    keeper.close()
    keeper = BaselineKeeper(path)
    live(keeper.baseline, 0.5, 0.0, start_h=75)
    assert keeper.take(round(75.5 * 3.6e12), STEP_S, 0, hears=True)
    keeper.close()
    assert keeper.counters["baseline_damaged"] == 0


def test_it_is_written_when_an_hour_is_over(tmp_path):
    path = tmp_path / "not yet made" / "radio-baseline.json"
    keeper = BaselineKeeper(path)
    live(keeper.baseline, 1, 50.0)
    assert not path.exists()
    keeper.take(3_600_000_000_000, STEP_S, 500, hears=True)
    until(path.exists)
    keeper.close()
    assert Baseline(path.read_text()).stored() == keeper.baseline.stored()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b'{"format": "other"}', b'{"format": 1, "hours": 2}']
)
def test_a_damaged_file_begins_anew_and_is_counted(tmp_path, content):
    path = tmp_path / "radio-baseline.json"
    path.write_bytes(content)
    keeper = BaselineKeeper(path)
    keeper.close()
    assert keeper.counters["baseline_damaged"] == 1
    assert keeper.baseline.stored() == Baseline().stored()


@given(
    st.text(max_size=80) | st.just(Baseline().stored()).flatmap(lambda s: st.integers(0, len(s)).map(lambda n: s[:n]))
)
def test_whatever_the_file_holds_it_is_read_or_refused_by_name(text):
    with contextlib.suppress(BaselineDamaged):
        assert Baseline(Baseline(text).stored()).usual_per_s() is None
