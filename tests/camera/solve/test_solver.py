"""Where a camera looks comes out of its stars; and what chance, a wrong clock or a wrong place gives is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from camera.device import Frame
from camera.files import read_frame
from camera.geodesy import azel_to_unit, separation_deg
from camera.lens import rotation_matrix
from camera.plate import check_plate, load_plate
from camera.sim.renderer import SERIAL, Renderer, simulated_plate
from camera.sim.scenario import night
from camera.solve.accept import Evidence, doubt
from camera.solve.fit import star_sky
from camera.solve.refusal import plainly
from camera.solve.solver import hour_that_fits, solve, solve_blind, solve_from, solve_together
from camera.solve.starfield import Circle, StarField
from camera.store.fitsfile import encode
from camera.store.header import Origin
from tests.bench.plate import KINDS, run_trial

KIND = {kind.name: kind for kind in KINDS}
NIGHT = night(5)
TRUTH = simulated_plate(NIGHT, scale=0.5)
GRID = azel_to_unit(*np.meshgrid(np.arange(0, 360, 15), (20, 30, 45, 60, 80)))


def rendered(t_s: float) -> Frame:
    (width, height), origin = TRUTH.region.size_px, TRUTH.region.origin_px
    renderer = Renderer(NIGHT, TRUTH, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    return Frame(
        seq=1, start_utc_ns=NIGHT.utc_ns(t_s), end_mono_s=0.0, exposure_s=2.0, gain_setting=120, gain_e_per_adu=0.25,
        origin_px=origin, mosaic="RGGB", white_adu=65532, sensor_celsius=-5.0, cooler_percent=40.0,
        pixels=renderer.render(NIGHT.utc_ns(t_s), 2.0), camera_serial=SERIAL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def frame() -> Frame:
    return rendered(20.0)


@pytest.fixture(scope="module")
def solution(frame):
    return solve(frame, NIGHT.site)


def apart_arcmin(a, b):
    origin = TRUTH.region.origin_px
    return 60 * separation_deg(a.pixel_to_unit(b.unit_to_pixel(GRID, origin), origin), GRID)


def test_a_rendered_frame_is_solved_to_two_arcminutes(solution):
    assert solution.solved, solution.outcome.reason
    error = apart_arcmin(solution.plate, TRUTH)
    assert np.median(error) < 1.0
    assert error.max() < 2.0
    assert solution.plate.flip == TRUTH.flip


def test_the_covariance_says_how_far_off_the_plate_may_be(solution):
    assert apart_arcmin(solution.plate, TRUTH).max() < 5 * 60 * solution.outcome.evidence.uncertain_deg
    assert solution.outcome.evidence.uncertain_deg < 2 / 60


def test_rings_account_for_every_star(solution):
    rings = solution.outcome.evidence.rings
    assert sum(ring.stars for ring in rings) == solution.plate.stars
    assert all(ring.rms_px < 1.0 for ring in rings if ring.stars)


def test_a_station_accepts_the_plate_for_the_frames_its_recorder_keeps(frame, tmp_path: Path):
    (tmp_path / "kept.fits.fz").write_bytes(encode(frame, Origin()))
    kept = read_frame(tmp_path / "kept.fits.fz")
    solved = solve(kept, NIGHT.site)
    assert solved.plate is not None
    solved.plate.save(tmp_path / "plate.json")
    check_plate(load_plate(tmp_path / "plate.json"), frame)
    assert solved.plate.camera_serial == SERIAL
    assert solved.plate.date == "2026-06-14T21:45:20Z"


def test_a_knock_of_half_a_degree_is_followed_from_the_earlier_plate(solution):
    knock = rotation_matrix(np.radians((0.4, -0.3, 0.1)))
    earlier = solution.plate.model_copy(update={"r0": tuple(map(tuple, np.array(solution.plate.r0) @ knock))})
    followed = solve_from(earlier, solution.field.xy_px, solution.sky)
    assert not followed.reason
    assert followed.fit.lens.project(GRID) == pytest.approx(solution.outcome.fit.lens.project(GRID), abs=0.3)


def test_a_plate_of_another_attitude_is_no_prior(solution):
    turned = solution.plate.model_copy(
        update={"r0": tuple(map(tuple, np.array(solution.plate.r0) @ rotation_matrix((0.0, 0.0, 1.0))))}
    )
    assert solve_from(turned, solution.field.xy_px, solution.sky).reason


def test_frames_of_one_camera_make_one_plate_and_a_moved_camera_none(solution):
    later = solve(rendered(140.0), NIGHT.site, prior=solution.plate)
    joint = solve_together([solution, later])
    assert joint.plate.stars > 1.5 * solution.plate.stars
    assert apart_arcmin(joint.plate, TRUTH).max() < 2.0
    fit = later.outcome.fit
    lens = replace(fit.lens, r0=fit.lens.r0 @ rotation_matrix((0.0, 0.02, 0.0)))
    moved = replace(later, outcome=replace(later.outcome, fit=replace(fit, lens=lens)))
    assert "the camera moved" in solve_together([solution, moved]).outcome.reason


@pytest.mark.parametrize("kind", ["suburban", "urban", "40 % clouded", "300 false stars"])
def test_a_hidden_lens_of_another_family_is_found(kind):
    trial = run_trial(KIND[kind], 4001)
    assert trial.accepted, trial.outcome.reason
    assert np.median(trial.high_arcmin) < 3.0
    assert trial.high_arcmin.max() < 30.0


@pytest.mark.parametrize("kind", ["wrong hemisphere", "clock wrong >= 45 min", "no stars at all"])
def test_what_is_not_there_is_not_found(kind):
    assert run_trial(KIND[kind], 4001).outcome.reason


def test_a_clock_an_hour_off_is_refused_for_the_lean_and_the_hour_is_told(solution):
    hour_ns = 3_600_000_000_000
    early = solution.utc_ns - hour_ns
    refused = solve_blind(solution.field.xy_px, solution.field.circle, star_sky(early, NIGHT.site))
    assert "would lean by" in refused.reason
    assert refused.evidence.tilt_deg > 8
    leaning = solve_blind(solution.field.xy_px, solution.field.circle, star_sky(early, NIGHT.site), any_tilt=True)
    assert not leaning.reason
    assert hour_that_fits(solution.field, NIGHT.site, early) == 1


def test_by_day_and_without_stars_the_reason_is_said(frame):
    noon = solve(frame, NIGHT.site, utc_ns=NIGHT.utc_ns(0) + 13 * 3_600_000_000_000)
    assert "daylight: at 2026" in noon.outcome.reason
    black = solve(replace(frame, pixels=np.full_like(frame.pixels, 500)), NIGHT.site)
    assert "cloud" in black.outcome.reason
    assert "0 star-like points where" in black.outcome.reason
    assert not black.solved


def test_a_refusal_says_what_to_wait_for_only_where_the_frame_tells(solution):
    sky, weak, strong = solution.sky, Evidence(**(GOOD | dict(score=4.0))), Evidence(**GOOD)
    assert plainly("", None, 3, sky, -40.0) == ""
    assert plainly("nothing stands out", weak, 20, sky, -40.0).startswith("cloud")
    assert plainly("nothing stands out", None, 20, sky, -8.0).startswith("twilight: the Sun stands at -8 degrees")
    assert plainly("nothing stands out", weak, 400, sky, -8.0) == "nothing stands out"
    assert plainly("would lean", strong, 20, sky, -40.0) == "would lean"


def test_no_hour_is_tried_without_stars():
    nothing = StarField(np.empty((0, 2)), np.empty(0), Circle((0.0, 0.0), 1.0), np.empty((0, 2)))
    assert hour_that_fits(nothing, NIGHT.site, NIGHT.utc_ns(0)) is None


GOOD = dict(
    stars=80, rms_px=0.4, score=60.0, runner_up=8.0, turned=3.0, octants=8, tilt_deg=1.0, uncertain_deg=0.01, rings=()
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(stars=12), "only 12 stars match"),
        (dict(score=12.0), "no attitude stands out"),
        (dict(runner_up=30.0), "no attitude stands out"),
        (dict(turned=30.0), "no attitude stands out"),
        (dict(rms_px=4.0), "no fisheye of this kind"),
        (dict(octants=3), "stars in only 3 of 8 directions"),
        (dict(uncertain_deg=0.4), "0.40 degrees of doubt"),
        (dict(tilt_deg=7.0), "would lean by 7.0 degrees"),
    ],
)
def test_each_doubt_alone_refuses(change, words):
    assert doubt(Evidence(**GOOD), 17.0, any_tilt=False) == ""
    assert words in doubt(Evidence(**(GOOD | change)), 17.0, any_tilt=False)


def test_only_the_lean_can_be_allowed():
    leaning = Evidence(**(GOOD | dict(tilt_deg=40.0)))
    assert doubt(leaning, 17.0, any_tilt=True) == ""
    assert doubt(replace(leaning, octants=1), 17.0, any_tilt=True)


def test_solving_together_needs_solved_frames():
    unsolved = SimpleNamespace(outcome=SimpleNamespace(evidence=None, fit=None), plate=None)
    with pytest.raises(ValueError, match="only solved frames"):
        solve_together([unsolved])  # type: ignore[list-item]
