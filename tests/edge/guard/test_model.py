"""The guard as a whole: basis, modes, hysteresis, latches, and that nothing broken looks safe."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import BeamSection, GuardSection
from edge.guard.facts import TICK_S
from edge.guard.faults import BY_CODE
from edge.guard.model import Guard
from edge.guard.payload import PERMITTING, SafetyMessage, Stamp
from edge.guard.situation import ABSENT
from edge.guard.verdict import safety_message
from edge.records import HORIZON_S, Hypothesis, SensorState
from tests.edge.guard.scene import (
    BEAM_AZEL,
    INJECTIONS,
    UTC_NS,
    healthy,
    path,
    pointing,
    report,
    run,
    thing,
    twin_of,
    warmed,
)

AZ, EL = BEAM_AZEL
BLIND = {"camera": report(SensorState.BLIND, "daylight")}
DEAF = {"radio": report(SensorState.DEAD, "unplugged")}


def objects(*things):
    return lambda t, t0: {"objects": things}


# -- modes and basis ------------------------------------------------------------------------------------------------


def test_shadow_never_permits_but_says_what_it_would_have_said():
    guard, t = warmed(GuardSection(mode="shadow"))
    verdict = run(guard, t, 1.0)[-1][1]
    assert (verdict.state, verdict.permit, verdict.would_permit, verdict.mode) == ("CLEAR", False, True, "SHADOW")


@pytest.mark.parametrize(("lost", "basis"), [(BLIND, "RADIO"), (DEAF, "CAMERA"), ({**BLIND, **DEAF}, "NONE")])
def test_a_lost_sense_is_no_permit_unless_the_station_enabled_it(lost, basis):
    guard, t = warmed()
    verdict = run(guard, t, 1.0, lambda t, t0: lost)[-1][1]
    assert (verdict.basis, verdict.permit) == (basis, False)


@pytest.mark.parametrize(("lost", "basis"), [(BLIND, "RADIO"), (DEAF, "CAMERA")])
def test_one_sense_alone_gives_at_most_caution_and_only_beside_a_living_primary_measure(lost, basis):
    guard, t = warmed(GuardSection(mode="enforce", allow_radio_basis=True, allow_camera_basis=True))
    verdict = run(guard, t, 1.0, lambda t, t0: lost)[-1][1]
    assert (verdict.state, verdict.permit, verdict.basis) == ("CAUTION", True, basis)
    silent = run(guard, t + 1.0, 3.0, lambda t, t0: {**lost, "primary_heard_mono_s": t0})
    assert all(verdict.permit == (after_s <= 2.0) for after_s, verdict in silent)
    assert "primary-missing" in {reason.code for reason in silent[-1][1].reasons}


def test_no_sense_at_all_never_permits_whatever_is_enabled():
    guard, t = warmed(GuardSection(mode="enforce", allow_radio_basis=True, allow_camera_basis=True))
    assert run(guard, t, 1.0, lambda t, t0: {**BLIND, **DEAF})[-1][1].basis == "NONE"
    assert not run(guard, t + 1, 1.0, lambda t, t0: {**BLIND, **DEAF})[-1][1].permit


def test_daylight_is_a_hold_that_ends_by_itself_and_never_a_fault():
    guard, t = warmed()
    day = run(guard, t, 3600.0, lambda t, t0: {**BLIND, "picture_end_mono_s": t0}, step_s=10.0)
    assert {verdict.state for _, verdict in day} == {"HOLD"}
    assert run(guard, t + 3600.0, 11.0)[-1][1].state == "CLEAR"


def test_a_station_without_camera_says_so_and_works_on_its_radio_where_enabled():
    without = {"camera": report(SensorState.DEAD, "", ABSENT), "sees": None, "picture_end_mono_s": None,
               "plate": report(SensorState.DEAD, "no plate")}  # fmt: skip
    guard, t = warmed(GuardSection(mode="enforce", allow_radio_basis=True))
    verdict = run(guard, t, 1.0, lambda t, t0: without)[-1][1]
    assert (verdict.state, verdict.basis) == ("CAUTION", "RADIO")
    assert verdict.sensors.camera.reason == "this station has no camera"


def test_one_dropped_frame_changes_nothing():
    guard, t = warmed()
    assert all(v.state == "CLEAR" for _, v in run(guard, t, 5.5, lambda t, t0: {"picture_end_mono_s": t0}))


def test_a_camera_that_sees_the_beam_but_not_the_cone_around_it_is_no_basis():
    beam = np.array([math.sin(math.radians(AZ)), math.cos(math.radians(AZ)), math.tan(math.radians(EL))])
    beam /= np.linalg.norm(beam)
    guard, t = warmed()
    verdict = run(guard, t, 1.0, lambda t, t0: {"sees": lambda unit: unit @ beam > math.cos(math.radians(3.0))})[-1][1]
    assert (verdict.basis, verdict.sensors.camera.state) == ("RADIO", "BLIND")


# -- objects ---------------------------------------------------------------------------------------------------------


def test_something_that_will_enter_the_cone_is_caution_with_the_time_and_hold_when_it_is_near():
    guard, t = warmed()
    seen = []
    for i in range(60):  # descends towards the beam at 1 deg/s from 26 deg above it
        now = t + (i + 1) * 0.5
        above = thing("A", path(AZ, EL + 26.0 - 0.5 * i, 0.0, -1.0, sigma_deg=0.0), label="IBE123", identity="aircraft")
        seen.append(guard.decide(healthy(now, objects=(above,), plate_sigma_deg=0.0), now))
    states = [verdict.state for verdict in seen]
    caution, hold = states.index("CAUTION"), states.index("HOLD")
    assert states[:hold] == ["CLEAR"] * caution + ["CAUTION"] * (hold - caution)
    assert (26.0 - 0.5 * hold) - 6.0 == pytest.approx(5.0, abs=0.6)  # 5 s before it is inside
    assert seen[hold - 1].caution_in_s == pytest.approx(5.4, abs=0.6)
    assert "IBE123" in seen[hold].reasons[0].words


def test_clear_returns_only_after_five_seconds_with_two_degrees_to_spare():
    guard, t = warmed(beam=BeamSection(caution_deg=6.0))
    run(guard, t, 1.0, objects(thing("A", path(AZ, EL + 3.0, sigma_deg=0.0))))
    t += 1.0
    just_outside = run(guard, t, 20.0, objects(thing("A", path(AZ, EL + 7.0, sigma_deg=0.0))))
    assert {verdict.state for _, verdict in just_outside} == {"HOLD"}
    away = run(guard, t + 20.0, 12.0, objects(thing("A", path(AZ, EL + 8.5, sigma_deg=0.0))))
    assert [verdict.permit for _, verdict in away].index(True) == 9  # 5.0 s
    assert away[-1][1].state == "CLEAR"


def test_the_other_direction_of_an_ambiguous_trail_counts():
    guard, t = warmed()
    away, towards = path(AZ, EL + 12.0, 0.0, 2.0), path(AZ, EL + 12.0, 0.0, -2.0)
    assert run(twin_of(guard), t, 0.5, objects(thing("A", away)))[-1][1].state != "HOLD"
    assert run(guard, t, 0.5, objects(thing("A", away, towards)))[-1][1].state == "HOLD"


def test_an_object_nobody_has_a_path_for_may_be_anywhere():
    guard, t = warmed()
    assert run(guard, t, 0.5, objects(thing("lost")))[-1][1].state == "HOLD"


def test_whole_sky_holds_for_anything_above_the_elevation_and_needs_no_pointing():
    guard, t = warmed(beam=BeamSection(region="whole-sky", minimum_elevation_deg=30.0))
    blind = {"pointing": None}
    assert run(guard, t, 1.0, lambda t, t0: blind)[-1][1].state == "CLEAR"
    low, high = thing("low", path(10.0, 15.0)), thing("high", path(10.0, 32.0))
    assert run(guard, t + 1, 0.5, lambda t, t0: {**blind, "objects": (low,)})[-1][1].state == "CLEAR"
    assert run(guard, t + 2, 0.5, lambda t, t0: {**blind, "objects": (low, high)})[-1][1].state == "HOLD"


def test_paths_computed_a_moment_ago_are_met_by_the_beam_of_their_own_time():
    guard, t = warmed()
    passing = thing("A", path(AZ, EL + 15.0, 0.0, -12.0, sigma_deg=0.0))  # inside 0.75 s after its time zero
    now = t + 0.5
    moving = pointing(now, elevation_rate_dps=-12.0)  # the beam runs before it at the same pace: never nearer than 15
    verdict = guard.decide(healthy(now, objects=(passing,), objects_mono_s=now - 1.0, pointing=moving), now)
    assert verdict.closest.separation_deg == pytest.approx(15.0 - 12.0, abs=0.3)  # the beam is 1 s behind the object


def test_the_guard_does_not_hold_on_its_own_beam_but_on_what_is_beside_it():
    guard, t = warmed()
    green = thing("beam", path(AZ, EL), identity="own-beam", evidence="straight line to the zenith side, laser on")
    firing = {"objects": (green,)}
    on = run(guard, t, 3.0, lambda t, t0: {**firing, "pointing": pointing(t, laser_on=True)})
    assert {verdict.state for _, verdict in on} == {"CLEAR"}
    assert "own-beam" in on[-1][1].passed["beam"]
    both = {"objects": (green, thing("dark", path(AZ, EL + 1.0)))}
    t += 3.0
    assert run(guard, t, 0.5, lambda t, t0: {**both, "pointing": pointing(t, laser_on=True)})[-1][1].state == "HOLD"


# -- latches -----------------------------------------------------------------------------------------------------------


def test_a_latch_survives_a_restart_also_one_of_another_version():
    guard, t = warmed()
    run(guard, t, 0.5, INJECTIONS["canary-missed"])
    heir = Guard(guard.beam, guard.section, latched={**guard.latched, "new-thing": "of tomorrow"})
    verdict = run(heir, t, 30.0)[-1][1]
    assert {"canary-missed", "evidence-broken"} <= verdict.active
    assert verdict.state == "FAULT"
    assert heir.release("canary-missed", "officer")
    assert heir.release("evidence-broken", "officer")
    assert not heir.release("canary-missed", "officer")
    assert run(heir, t + 30.0, 0.5)[-1][1].state == "CLEAR"


def test_setting_an_unsynchronised_clock_for_the_first_time_is_no_step():
    guard = Guard(BeamSection(), GuardSection(mode="enforce"))
    bad = report(SensorState.STALE, "not synchronised")
    run(guard, 0.0, 5.0, lambda t, t0: {"clock": bad, "utc_ns": round(t * 1e9)})
    assert run(guard, 5.0, 12.0)[-1][1].state == "CLEAR"


def test_a_laser_that_ignores_the_permit_latches_only_where_an_interlock_promised_to_follow():
    for mode, latched in (("enforce", True), ("advisory", False), ("shadow", False)):
        guard, t = warmed(GuardSection(mode=mode))
        run(guard, t, 4.0, INJECTIONS["beam-disagrees"])
        assert ("beam-disagrees" in guard.latched) == latched


def test_a_laser_that_stops_within_the_lease_does_not_latch():
    guard, t = warmed()
    t += run(guard, t, 5.0, lambda t, t0: {"pointing": pointing(t, laser_on=True)})[-1][0]
    held = run(guard, t, 6.0, lambda t, t0: {"local_hold": "x", "pointing": pointing(t, laser_on=t <= t0 + 1.7)})
    assert "beam-disagrees" not in held[-1][1].active


# -- nothing broken looks safe -----------------------------------------------------------------------------------------

STAMP = Stamp(station="yebes", boot_id="b1", simulated=False)
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([math.nan, math.inf, -math.inf, -1e300, None, "x"])
)
NUMERIC = ["picture_end_mono_s", "picture_exposure_s", "radio_heard_mono_s", "clock_error_s", "plate_sigma_deg",
           "objects_mono_s", "utc_ns", "sees", "camera", "objects", "pointing", "clock"]  # fmt: skip
WARM = warmed()


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(NUMERIC), NUMBERS, min_size=1), st.one_of(st.just(0.0), NUMBERS))
def test_no_rubbish_in_the_situation_raises_or_makes_a_message_that_cannot_be_sent(changes, jump_s):
    guard, t = copy.deepcopy(WARM)
    now = t + 0.5 + jump_s if isinstance(jump_s, float) else jump_s
    verdict = guard.decide(replace(healthy(t + 0.5), **changes), now)
    message = safety_message(verdict, STAMP, "main", plate_sha="", seq=1, utc_ns=UTC_NS, sky_utc_ns=UTC_NS)
    assert SafetyMessage.model_validate_json(message.to_bytes()).permit == verdict.permit
    if verdict.permit:  # then what was changed must still be sound evidence
        for name, value in changes.items():
            assert isinstance(value, float), name
            assert math.isfinite(value), name


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, len(HORIZON_S) - 1),
    st.sampled_from([math.nan, math.inf, 5.0]),
    st.sampled_from(["unit", "sigma", "length"]),
)
def test_a_path_with_one_bad_number_is_a_fault(i, bad, where):
    guard, t = copy.deepcopy(WARM)
    good = path(10.0, 20.0)
    unit, sigma = good.unit_enu.copy(), good.sigma_deg.copy()
    if where == "unit":
        unit[i, 1] = bad
    elif where == "sigma":
        sigma[i] = -1.0 if bad == 5.0 else bad
    else:
        unit, sigma = unit[:i], sigma[:i]
    verdict = guard.decide(healthy(t + 0.5, objects=(thing("A", Hypothesis(unit, sigma)),)), t + 0.5)
    assert verdict.state == "FAULT"
    assert not verdict.permit


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["well", "well", "jump", "back", *INJECTIONS]), st.integers(1, 24)), max_size=6),
)
def test_over_any_history_a_permit_means_full_basis_and_no_fault_past_its_seconds(history):
    guard, t = copy.deepcopy(WARM)
    for what, ticks in history:
        start = t
        for _ in range(ticks):
            t += TICK_S
            now = t + (1000.0 if what == "jump" else -20.0 if what == "back" else 0.0)
            changes = INJECTIONS[what](now, start) if what in INJECTIONS else {}
            verdict = guard.decide(healthy(now, **changes), now)
            assert verdict.permit == (verdict.state in PERMITTING)
            if verdict.permit:
                assert (verdict.basis, verdict.reasons) == ("FULL", ())
                assert what not in BY_CODE or t - start < BY_CODE[what].within_s


def test_an_empty_sky_from_a_sense_that_does_not_work_is_never_full():
    for code, injection in INJECTIONS.items():
        if code.startswith(("camera", "radio", "plate")) and code != "plate-jumped":
            guard, t = warmed()
            assert run(guard, t, 6.5, injection)[-1][1].basis != "FULL"
