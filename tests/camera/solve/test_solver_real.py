"""Real frames of two cameras: what solves, agrees; what cannot be solved is refused for the right reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from camera.files import read_frame
from camera.geodesy import Site, azel_to_unit
from camera.platewatch import measure_turn
from camera.solve.fit import FINE, match, star_sky
from camera.solve.solver import hour_that_fits, solve, solve_from
from camera.solve.starfield import find_stars
from camera.starcheck import check_stars

LOWELL, MARYLAND = Site(34.7443, -111.4222, 2360.0), Site(39.0021, -76.956, 20.0)
CLEAR, HIDDEN = (1, 3, 4, 5, 6, 8), (0, 2, 7, 9)
HOUR_NS = 3_600_000_000_000
pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def lowell(real_data: Path):
    folder = real_data / "sky" / "cloudynight_lowell"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}")
    return {number: solve(read_frame(folder / f"{number:03}.fits.bz2"), LOWELL) for number in (*CLEAR, *HIDDEN)}


@pytest.fixture(scope="module")
def maryland(real_data: Path):
    file = real_data / "sky" / "pyASC_maryland" / "IMG01324.FIT.gz"
    if not file.is_file():
        pytest.skip(f"no recording {file}")
    return read_frame(file)


def test_the_six_clear_frames_solve_blind_and_agree(lowell):
    plates = [lowell[number].plate for number in CLEAR]
    assert all(plates)
    cx, cy, f = (np.array([getattr(plate.parameters, name) for plate in plates]) for name in ("cx", "cy", "f"))
    assert np.ptp(cx) < 1.0
    assert np.ptp(cy) < 1.0
    assert np.ptp(f) < 0.002 * f.mean()
    assert all(plate.rms_px < 0.45 for plate in plates)


def test_cloud_and_twilight_are_refused_with_the_reason(lowell):
    for number in HIDDEN:
        assert not lowell[number].solved
        assert lowell[number].outcome.reason.startswith("twilight: the Sun stands at -7" if number == 2 else "cloud")


def test_the_plate_of_one_frame_predicts_the_stars_of_the_others(lowell):
    lens = lowell[5].outcome.fit.lens
    for number in CLEAR:
        other = lowell[number]
        star, detection = match(lens, other.sky, other.detections, 2.0, FINE[-1].stars)
        assert len(star) >= 0.8 * other.outcome.evidence.stars
        apart = np.hypot(*(lens.project(other.sky.unit_enu[star]) - other.field.xy_px[detection]).T)
        assert np.median(apart) < 0.6
        assert not solve_from(lowell[5].plate, other.field.xy_px, other.sky).reason


def test_local_time_taken_for_utc_is_refused_and_the_shift_is_told(maryland):
    refused = solve(maryland, MARYLAND)
    assert not refused.solved
    assert hour_that_fits(refused.field, MARYLAND, refused.utc_ns) == 5


def test_at_the_right_hour_it_solves_and_an_hour_off_it_leans(maryland):
    solved = solve(maryland, MARYLAND, utc_ns=maryland.start_utc_ns + 5 * HOUR_NS)
    assert solved.plate.rms_px < 0.25
    assert solved.outcome.evidence.tilt_deg == pytest.approx(1.5, abs=0.1)
    for hours, lean_deg in ((4, 13), (6, 10)):
        turned = solve(maryland, MARYLAND, utc_ns=maryland.start_utc_ns + hours * HOUR_NS)
        assert "would lean by" in turned.outcome.reason
        assert turned.outcome.evidence.tilt_deg == pytest.approx(lean_deg, abs=0.7)


@pytest.mark.parametrize(
    ("file", "site", "taken", "least_stars"),
    [
        (
            "kho_svalbard/LYR-Sony-111220_200933.jpg",
            Site(78.148, 16.043, 520.0),
            datetime(2011, 12, 20, 20, 9, 33),
            700,
        ),
        ("tudo_allsky/magic_images_20180816_2101.fits.gz", Site(28.762, -17.89, 2200.0), None, 200),
    ],
)
def test_other_cameras_solve_blind_as_well(real_data: Path, file, site, taken, least_stars):
    path = real_data / "sky" / file
    if not path.is_file():
        pytest.skip(f"no recording {path}")
    utc_ns = None if taken is None else round(taken.replace(tzinfo=UTC).timestamp() * 1e9)
    solved = solve(read_frame(path), site, utc_ns=utc_ns)
    assert solved.solved, solved.outcome.reason
    assert solved.plate.stars > least_stars
    assert all(ring.median_arcmin < 3.0 for ring in solved.outcome.evidence.rings if ring.stars)


def test_one_night_s_frames_agree_with_each_other(real_data: Path, maryland):
    first = solve(maryland, MARYLAND, utc_ns=maryland.start_utc_ns + 5 * HOUR_NS)
    later = read_frame(real_data / "sky" / "pyASC_maryland" / "IMG01328.FIT.gz")
    middle_ns = later.start_utc_ns + 5 * HOUR_NS + round(later.exposure_s * 5e8)
    followed = solve_from(first.plate, find_stars(later).xy_px, star_sky(middle_ns, MARYLAND))
    assert not followed.reason
    grid = azel_to_unit(*np.meshgrid(np.arange(0, 360, 30), (35, 50, 75)))
    shift = followed.fit.lens.project(grid) - first.outcome.fit.lens.project(grid)
    assert np.median(np.hypot(*shift.reshape(-1, 2).T)) < 0.3


def test_a_plate_holds_over_months_by_every_frame_with_stars_and_cloud_tells_nothing_against_it(real_data, lowell):
    plate = lowell[5].plate
    assert plate is not None
    for number in (*CLEAR, *HIDDEN):
        frame = read_frame(real_data / "sky" / "cloudynight_lowell" / f"{number:03}.fits.bz2")
        turn = measure_turn(frame, plate, check_stars(frame, plate))
        assert (turn is None) == (number in HIDDEN)
        if turn is not None:
            assert turn.stars >= 30
            assert turn.shift_deg < 0.06
