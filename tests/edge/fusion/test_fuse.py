"""Whole nights of the scenario, driven by true directions with a detector's and a transponder's noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camera.geodesy import azel_to_unit, separation_deg
from camera.sim.scenario import YEBES, SimAircraft, night
from edge.fusion.fuse import Fusion
from edge.fusion.satellites import SatelliteBook
from edge.fusion.tracks import LARGEST_COUNT
from edge.records import HORIZON_S, Pointing, SkyObject, SkyTrail
from tests.edge.fusion.watch import CADENCE_S, EXPOSURE_S, LATENCY_S, Watch, noisy_trail, report, write_elements


def nearest_deg(one: SkyObject, unit: np.ndarray, step: int = 0) -> float:
    return min(float(separation_deg(h.unit_enu[step], unit)) for h in one.hypotheses)


def at(objects: dict[str, SkyObject], unit: np.ndarray, within_deg: float = 1.0) -> list[SkyObject]:
    return [one for one in objects.values() if nearest_deg(one, unit) < within_deg]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_everybody_with_a_transponder_is_matched_to_its_own_trail_and_the_silent_one_to_nobody(seed):
    watch = Watch(night(seed), missed_share=0.08, broken_share=0.2)
    silent = {one.icao for one in watch.scenario.aircraft if not one.transponder}
    keys = {f"icao:{one.icao}" for one in watch.scenario.aircraft if one.transponder}
    seen = matched = alone = 0
    for begin_s in np.arange(0.0, 175.0, CADENCE_S):
        watch.hear(begin_s + 0.5)
        watch.hear(begin_s + 1.5)
        watch.see(begin_s)
        now_s = begin_s + EXPOSURE_S + LATENCY_S
        objects = watch.objects(now_s)
        assert {one.id for one in objects.values() if "radio" in one.senses} <= keys
        for who in watch.shown - {"own-beam", "SIM-SAT", "meteor-0"}:
            seen += 1
            truth = watch.true_unit(who, now_s, from_telescope=False)
            if who in silent:
                mine = [
                    o for o in at(objects, truth) if o.senses == ("camera",) and o.identity in ("aircraft", "unknown")
                ]
                alone += bool(mine)
            else:
                mine = objects[f"icao:{who}"]
                matched += "camera" in mine.senses and nearest_deg(mine, truth) < 0.5
    assert seen > 300
    assert matched + alone >= 0.995 * seen


def test_five_seconds_ahead_the_camera_alone_is_right_within_three_tenths_of_a_degree():
    errors, honest = [], []
    for seed in range(4):
        watch = Watch(night(seed), seed=seed)
        for start_s in (20.0, 80.0, 140.0):
            watch.__post_init__()
            now_s = watch.run(start_s, start_s + 5 * CADENCE_S + LATENCY_S, hearing=False)
            step = int(np.searchsorted(HORIZON_S, 5.0))
            tracks = [o for o in watch.objects(now_s).values() if o.state == "confirmed"]
            for who in watch.shown - {"own-beam"}:
                if who.startswith("meteor"):
                    continue
                truth = watch.true_unit(who, now_s + 5.0, from_telescope=False)
                best = min(tracks, key=lambda one: nearest_deg(one, truth, step))
                errors.append(nearest_deg(best, truth, step))
                honest.append(errors[-1] < 3 * max(h.sigma_deg[step] for h in best.hypotheses))
    assert len(errors) > 50
    assert np.median(errors) < 0.3
    assert np.mean(honest) > 0.95


def test_one_trail_alone_is_an_object_with_both_directions_and_one_is_right():
    watch = Watch(night(1))
    now_s = watch.run(30.0, 30.0 + EXPOSURE_S + LATENCY_S, hearing=False)
    objects = [o for o in watch.objects(now_s).values() if o.identity != "own-beam"]
    assert len(objects) == len(watch.shown - {"own-beam"})
    for one in objects:
        assert one.state == "tentative"
        assert one.identity == "unknown"
        assert len(one.hypotheses) >= 2 or one.hypotheses[0].sigma_deg[-1] > 1.0
    for who in watch.shown - {"own-beam"}:
        assert at({o.id: o for o in objects}, watch.true_unit(who, now_s, from_telescope=False))


def test_the_radio_chooses_the_direction_of_a_single_trail():
    watch = Watch(night(1))
    watch.run(30.0, 30.0 + EXPOSURE_S + LATENCY_S)
    for one in watch.objects(32.9).values():
        if "radio" in one.senses and "camera" in one.senses:
            assert len(one.hypotheses) == 2  # its own and the camera's, not the camera's reversed


@pytest.mark.parametrize("stale", [False, True])
def test_a_satellite_is_named_after_two_exposures_and_never_with_stale_elements(tmp_path, stale):
    scenario = night(2)
    write_elements(tmp_path, scenario)
    watch = Watch(scenario, SatelliteBook(tmp_path, maximum_age_days=1e-9 if stale else 7.0))
    named = []
    for k in range(8):
        begin_s = 80.0 + k * CADENCE_S
        watch.hear(begin_s)
        watch.see(begin_s)
        objects = watch.objects(begin_s + EXPOSURE_S + LATENCY_S)
        truth = watch.true_unit("SIM-SAT", begin_s + EXPOSURE_S + LATENCY_S, from_telescope=False)
        named.append(any(o.identity == "satellite" and o.label == "SIM-SAT" for o in at(objects, truth)))
        assert at(objects, truth)
        assert not any(o.identity == "satellite" and nearest_deg(o, truth) > 1.5 for o in objects.values())
    assert not named[0]
    assert named[2:] == [not stale] * 6


def test_an_aircraft_on_the_path_of_a_satellite_but_slower_is_not_named_after_it(tmp_path):
    scenario = night(2)
    write_elements(tmp_path, scenario)
    watch = Watch(replace(scenario, satellites=(), aircraft=()), SatelliteBook(tmp_path))
    for k in range(5):
        begin_s = 80.0 + k * CADENCE_S
        # Where the satellite stands at mid-pass, on its line, at six tenths of its rate.
        t_s = 90.0 + 0.6 * (np.linspace(begin_s, begin_s + EXPOSURE_S, 7) - 90.0)
        whole = Watch(scenario)
        unit = np.array([whole.true_unit("SIM-SAT", t, from_telescope=False) for t in t_s])
        ends = watch.utc_ns(begin_s), watch.utc_ns(begin_s + EXPOSURE_S)
        watch.see(begin_s, extra=(noisy_trail(watch.rng, unit, *ends, sigma_deg=0.03, name="satellite"),))
    objects = watch.objects(90.0 + LATENCY_S)
    assert len(at(objects, unit[-1], 2.0)) >= 1
    assert not any(o.identity == "satellite" for o in objects.values())


def meteor_watch(seed: int = 3) -> tuple[Watch, float]:
    watch = Watch(night(seed))
    watch.scenario = replace(
        watch.scenario, beam=replace(watch.scenario.beam, lasing_s=()), aircraft=watch.scenario.aircraft[:3]
    )
    return watch, watch.scenario.meteors[0].t_s - 0.5


def test_a_meteor_is_released_only_after_the_following_exposure_was_judged_empty():
    watch, when_s = meteor_watch()
    for k in (-2, -1, 0):
        watch.see(when_s + k * CADENCE_S)
    assert "meteor-0" in watch.shown
    assert not any(o.identity == "meteor" for o in watch.objects(when_s + 2.9).values())
    watch.see(when_s + CADENCE_S)
    assert sum(o.identity == "meteor" for o in watch.objects(when_s + CADENCE_S + 2.9).values()) == 1
    assert not any(o.identity == "meteor" for o in watch.objects(when_s + 12.0).values())


@pytest.mark.parametrize("step", [-1, 1])
def test_a_meteor_with_a_trail_along_its_path_next_to_it_in_time_is_not_released(step):
    watch, when_s = meteor_watch()
    a, b = (
        azel_to_unit(*end) for end in (watch.scenario.meteors[0].start_azel_deg, watch.scenario.meteors[0].end_azel_deg)
    )
    other = b + np.linspace(0.3, 0.5, 5)[:, None] * (b - a)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    for k in (-2, -1, 0, 1):
        begin_s = when_s + k * CADENCE_S
        extra = noisy_trail(watch.rng, other, watch.utc_ns(begin_s), watch.utc_ns(begin_s + EXPOSURE_S))
        watch.see(begin_s, extra=(extra,) if k == step else ())
    assert not any(o.identity == "meteor" for o in watch.objects(when_s + CADENCE_S + 2.9).values())


def test_a_meteor_beside_a_dropped_exposure_is_not_released():
    watch, when_s = meteor_watch()
    for k in (-2, -1, 0, 3):
        watch.see(when_s + k * CADENCE_S)
    assert not any(o.identity == "meteor" for o in watch.objects(when_s + 3 * CADENCE_S + 2.9).values())


def test_the_own_beam_is_explained_while_lasing_only():
    watch = Watch(night(2))
    for begin_s in np.arange(90.0, 100.0, CADENCE_S):
        watch.see(begin_s)
        assert "own-beam" in watch.objects(begin_s + EXPOSURE_S + LATENCY_S)
    quiet = Watch(night(2))
    for begin_s in np.arange(90.0, 100.0, CADENCE_S):
        dark = replace(quiet.pointing(begin_s + EXPOSURE_S), laser_on=False)
        ends = quiet.utc_ns(begin_s), quiet.utc_ns(begin_s + EXPOSURE_S)
        quiet.fusion.see(quiet.trails(begin_s), *ends, 1000.0 + begin_s + EXPOSURE_S, dark)
        found = quiet.fusion.objects(quiet.utc_ns(begin_s + 2.9), 1002.9 + begin_s, dark)
        assert "own-beam" not in {o.id for o in found}
        beam = quiet.beam_unit(begin_s + 1.0)[::20]
        for part in beam:  # whatever stands there, the whole of it counts
            assert any(
                o.identity in ("aircraft", "unknown")
                and min(float(separation_deg(h.unit_enu[0], part)) - 3 * h.sigma_deg[0] for h in o.hypotheses) < 0
                for o in found
            )


def crossing(watch: Watch, at_s: float, track_deg: float) -> SimAircraft:
    """A silent aircraft at 6 km that stands on the beam at `at_s`."""
    from camera.geodesy import enu_to_geodetic

    azel = watch.scenario.beam.azel_deg(at_s, watch.scenario.epoch_utc_ns, YEBES)[0]
    unit = azel_to_unit(*azel)
    latitude, longitude, height = enu_to_geodetic(unit * 6000 / unit[2], YEBES)
    silent = next(a for a in watch.scenario.aircraft if not a.transponder)
    return replace(
        silent, t_ref_s=at_s, latitude_ref_deg=latitude, longitude_ref_deg=longitude, height_ref_m=height,
        track_deg=track_deg, speed_mps=200.0,
    )  # fmt: skip


@pytest.mark.parametrize("track_deg", range(0, 360, 30))
def test_the_own_beam_never_hides_an_aircraft_that_crosses_it(track_deg):
    watch = Watch(night(2))
    one = crossing(watch, 95.0, track_deg)
    watch.scenario = replace(watch.scenario, aircraft=(one,), satellites=(), meteors=())
    for begin_s in np.arange(85.0, 105.0, CADENCE_S):
        watch.see(begin_s)
        now_s = begin_s + EXPOSURE_S + LATENCY_S
        objects = watch.objects(now_s)
        truth = watch.true_unit(one.icao, now_s, from_telescope=False)
        assert any(o.identity in ("aircraft", "unknown") for o in at(objects, truth, 1.5)), begin_s
        assert "own-beam" in objects


def test_the_own_target_is_known_by_place_and_motion_and_an_aircraft_through_it_is_not():
    watch = Watch(night(2), show_target=True)
    watch.scenario = replace(
        watch.scenario, aircraft=(), satellites=(), meteors=(), beam=replace(watch.scenario.beam, lasing_s=())
    )
    now_s = watch.run(60.0, 80.0, hearing=False)
    (target,) = watch.objects(now_s).values()
    assert target.identity == "own-target"
    assert target.label == "target"
    nameless = Watch(night(2), show_target=True, target_id="")
    nameless.scenario = watch.scenario
    assert {o.identity for o in nameless.objects(nameless.run(60.0, 80.0, hearing=False)).values()} == {"unknown"}
    other = Watch(night(2))
    one = crossing(other, 95.0, 40.0)
    other.scenario = replace(watch.scenario, aircraft=(one,))
    for begin_s in np.arange(85.0, 105.0, CADENCE_S):
        other.see(begin_s)
        assert not any(o.identity == "own-target" for o in other.objects(begin_s + 2.9).values())


def test_camera_and_radio_that_disagree_both_stay():
    watch = Watch(night(1))
    watch.scenario = replace(watch.scenario, aircraft=watch.scenario.aircraft[2:3])
    one = watch.scenario.aircraft[0]
    wrong = replace(one, latitude_ref_deg=one.latitude_ref_deg + 0.08)  # 9 km beside where it flies
    for begin_s in np.arange(60.0, 72.0, CADENCE_S):
        watch.fusion.hear([report(wrong, begin_s, begin_s, watch.scenario)])
        watch.see(begin_s)
    now_s = begin_s + EXPOSURE_S + LATENCY_S
    objects = watch.objects(now_s)
    assert at(objects, watch.true_unit(one.icao, now_s, from_telescope=False), 0.6)
    heard = wrong.enu_m([now_s], YEBES)[0] - np.array(watch.scenario.beam.telescope_enu_m)
    assert nearest_deg(objects[f"icao:{one.icao}"], heard) < 0.1


def test_a_missed_aircraft_coasts_ever_less_certain_and_is_gone_after_half_a_minute():
    watch = Watch(night(1))
    one = watch.scenario.aircraft[1]
    watch.scenario = replace(
        watch.scenario, aircraft=(replace(one, transponder=False),), satellites=(), meteors=(),
        beam=replace(watch.scenario.beam, lasing_s=()),
    )  # fmt: skip
    watch.run(110.0, 122.0)
    track = next(iter(watch.objects(122.0)))
    watch.scenario = replace(watch.scenario, aircraft=())
    sigmas, states = [], []
    begin_s = 122.5
    while track in (objects := watch.objects(begin_s + 2.9)):
        watch.see(begin_s)
        states.append(watch.objects(begin_s + 2.9)[track].state if track in watch.objects(begin_s + 2.9) else "gone")
        sigmas.append(objects[track].hypotheses[0].sigma_deg[0])
        assert nearest_deg(objects[track], one.enu_m([begin_s + 2.9], YEBES)[0]) < 3 * sigmas[-1]
        begin_s += CADENCE_S
    assert set(states) <= {"coasting", "gone"}
    assert (np.diff(sigmas) > 0).all()
    assert 20.0 < begin_s + 2.9 - 122.0 < 35.0


def test_dropped_exposures_do_not_break_a_track():
    watch = Watch(night(1))
    watch.scenario = replace(watch.scenario, satellites=(), meteors=(), aircraft=watch.scenario.aircraft[1:2])
    seen = []
    for k in (0, 1, 2, 5, 6, 10):
        watch.see(115.0 + k * CADENCE_S)
        seen.append({o for o in watch.objects(115.0 + k * CADENCE_S + 2.9) if o.startswith("track")})
    assert all(one == seen[0] for one in seen)
    assert watch.fusion.counters["tracks_started"] == 1


def test_a_sky_full_of_trails_is_bounded_and_leaves_no_direction_free():
    watch = Watch(night(1))
    ends = watch.utc_ns(0.0), watch.utc_ns(EXPOSURE_S)
    directions = azel_to_unit(np.arange(400) * 47.0 % 360, 15 + np.arange(400) % 70)
    watch.see(0.0, extra=tuple(noisy_trail(watch.rng, np.tile(d, (3, 1)), *ends) for d in directions))
    objects = watch.objects(2.9)
    assert len(objects) <= LARGEST_COUNT + 10
    assert objects["crowd"].hypotheses[0].sigma_deg.min() >= 90.0
    watch.see(CADENCE_S)
    assert "crowd" not in watch.objects(5.0)


def test_a_calendar_that_steps_back_starts_anew_and_one_that_leaps_does_not_empty_the_sky():
    watch = Watch(night(1))
    watch.run(30.0, 50.0)
    before = watch.objects(50.0)
    leapt = watch.fusion.objects(watch.utc_ns(50.0) + 3600 * 10**9, 1050.0, None)
    assert {o.id for o in leapt if o.id.startswith("icao")} == {o for o in before if o.startswith("icao")}
    watch.see(10.0)
    assert watch.fusion.counters["calendar_stepped_back"] == 1


directions = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(allow_nan=True, allow_infinity=True)
)
azels = st.lists(st.tuples(st.floats(-720, 720), st.floats(-95, 95)), min_size=1, max_size=4).map(
    lambda ends: azel_to_unit(*np.array(ends).T)
)
exposures = st.lists(
    st.tuples(
        st.lists(st.one_of(directions, azels), max_size=6), st.integers(0, 10**11), st.integers(-(10**10), 10**10)
    ),
    min_size=1,
    max_size=6,
)
START_NS = night(1).utc_ns(60.0)


# Two opposite directions, but for numbers too small to square: no middle lies between them.
OPPOSITE = np.array([[-1.0, 3e-202, 3e-202], [1.0, 3e-202, 3e-202]])


@settings(max_examples=80, deadline=None)
@example(exposures=[([OPPOSITE], 0, 0)], lasing=False, rate=1.0)
@given(exposures=exposures, lasing=st.booleans(), rate=st.sampled_from([1.0, 10.0]))
def test_any_trails_at_any_times_give_finite_bounded_objects(exposures, lasing, rate):
    scenario = night_1
    fusion = Fusion(site=YEBES, telescope_enu_m=(9.0, 4.0, 1.0), book=BOOK, exposure_s=2.0, sky_rate=rate)
    fusion.hear([report(one, 60.0, 60.0, scenario) for one in scenario.aircraft])
    for trails, offset_ns, length_ns in exposures:
        begin, end = START_NS + offset_ns, START_NS + offset_ns + length_ns
        seen = [SkyTrail("unknown", 0.5, np.zeros((len(unit), 2)), unit, begin, end) for unit in trails]
        mono_s = 1060.0 + (offset_ns + length_ns) / 1e9 / rate
        pointing = Pointing(mono_s, 100.0, 60.0, 0.3, 0.1, "target", lasing)
        fusion.see(seen, begin, end, mono_s, pointing)
        objects = fusion.objects(end + 10**9, mono_s + 1.0, pointing)
        assert len(objects) <= LARGEST_COUNT + len(scenario.aircraft) + 2
        assert len({one.id for one in objects}) == len(objects)
        for one in objects:
            assert np.isfinite([one.azimuth_deg, one.elevation_deg, one.age_s]).all()
            assert one.hypotheses
            for path in one.hypotheses:
                assert path.unit_enu.shape == (len(HORIZON_S), 3)
                assert np.linalg.norm(path.unit_enu, axis=1) == pytest.approx(1.0, abs=1e-6)
                assert np.isfinite(path.sigma_deg).all()
                assert (path.sigma_deg > 0).all()


night_1 = night(1)
BOOK = SatelliteBook(None)


@settings(max_examples=40, deadline=None)
@given(azimuth=st.floats(0, 360), elevation=st.floats(15, 89), track=st.floats(0, 6.28), length=st.floats(0.0, 5.0))
def test_whatever_appears_beside_explained_objects_is_an_object(azimuth, elevation, track, length):
    watch = Watch(night_1)
    watch.scenario = replace(night_1, aircraft=night_1.aircraft[:2])
    watch.run(60.0, 75.0)
    here = azel_to_unit(azimuth, elevation)
    east = np.cross([0.0, 0.0, 1.0], here) / np.cos(np.radians(elevation))
    along = np.cos(track) * east + np.sin(track) * np.cross(here, east)
    unit = here + np.linspace(-0.5, 0.5, 5)[:, None] * np.radians(length) * along
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    begin_s = 74.7
    before = watch.fusion.counters["trails_of_own_beam"]
    extra = SkyTrail("satellite", 0.99, np.zeros((5, 2)), unit, watch.utc_ns(begin_s), watch.utc_ns(begin_s + 2.0))
    watch.see(begin_s, extra=(extra,))
    holding = [o for o in watch.objects(begin_s + 2.0).values() if o.identity in ("aircraft", "unknown")]
    if watch.fusion.counters["trails_of_own_beam"] <= before + 1:
        # However it was joined or tracked, something that holds passes within a degree and a half of its middle.
        assert min(nearest_deg(o, here) - 3 * o.hypotheses[0].sigma_deg[0] for o in holding) < max(1.5, length)


@pytest.mark.parametrize(("north_deg", "held"), [(0.5, True), (4.0, False)])
def test_more_aircraft_than_can_be_followed_leave_no_direction_free_when_they_are_near(north_deg, held):
    watch = Watch(night(1))
    near = report(watch.scenario.aircraft[0], 60.0, 60.5, watch.scenario)
    place = {"latitude_deg": watch.scenario.site.latitude_deg + north_deg}
    flood = [near.model_copy(update={"key": f"icao:{k:06X}", **place}) for k in range(600)]
    watch.fusion.hear(flood)
    assert ("crowd-heard" in watch.objects(60.6)) == held
