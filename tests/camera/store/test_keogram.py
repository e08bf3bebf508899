"""The keogram: north on top, time to the right, the same light always the same brightness, gaps black."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from camera.device import Frame
from camera.geodesy import azel_to_unit
from camera.plate import Plate
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from camera.store.keogram import RECORD, ROWS, append, keogram, line_of, read_records, record_of
from tests.camera.store.frames import START_UTC_NS, frame


@pytest.fixture(scope="module")
def plate() -> Plate:
    return simulated_plate(night(1))


def sky_frame(plate: Plate, pixels: NDArray[np.uint16]) -> Frame:
    return frame(0, pixels, camera_serial=plate.camera_serial, origin_px=plate.region.origin_px)


def empty(plate: Plate) -> NDArray[np.uint16]:
    width, height = plate.region.size_px
    return np.full((height, width), 100, np.uint16)


def flat(number: int, level: int = 1000, exposure_s: float = 2.0, every_s: float = 2.0) -> NDArray[np.void]:
    """A record of a grey sky with a brighter south; 400 is the camera's offset, seen at the north horizon."""
    record = np.zeros((), RECORD)
    record["utc_ns"] = START_UTC_NS + round(number * every_s * 1e9)
    record["exposure_s"], record["e_per_adu"] = exposure_s, 0.25
    record["rgb"] = 400
    record["rgb"][ROWS // 4 :] = 400 + level * exposure_s / 2.0
    record["rgb"][ROWS // 2 :] = 400 + 2 * level * exposure_s / 2.0
    return record


@pytest.mark.parametrize(("azimuth_deg", "elevation_deg"), [(0.0, 20.0), (0.0, 60.0), (180.0, 70.0), (180.0, 25.0)])
def test_a_light_on_the_meridian_stands_where_the_plate_says(plate: Plate, azimuth_deg: float, elevation_deg: float):
    pixels = empty(plate)
    x, y = plate.unit_to_pixel(azel_to_unit(np.array(azimuth_deg), np.array(elevation_deg)), plate.region.origin_px)
    pixels[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 60_000
    shot = sky_frame(plate, pixels)
    column = record_of(shot, line_of(shot, plate))["rgb"].sum(axis=1)
    from_north_deg = elevation_deg if azimuth_deg == 0 else 180.0 - elevation_deg
    assert np.argmax(column) == pytest.approx(from_north_deg / 180 * (ROWS - 1), abs=4)


def test_what_the_picture_does_not_show_is_black(plate: Plate):
    shot = sky_frame(plate, empty(plate))
    line = line_of(shot, plate)
    outside = line[:, 0] < 0
    assert (record_of(shot, line)["rgb"][outside] == 0).all()
    assert (record_of(shot, line)["rgb"][~outside] == 100).all()


def test_without_a_plate_it_is_the_middle_column_from_top_to_bottom():
    pixels = np.zeros((64, 64), np.uint16)
    pixels[:, 30:34] = np.linspace(0, 60_000, 64)[:, None].astype(np.uint16)
    shot = frame(1, pixels)
    column = record_of(shot, line_of(shot, None))["rgb"][:, 1].astype(float)
    assert (np.diff(column) >= 0).all()
    assert column[-1] > 20 * max(column[0], 1)


def test_colour_and_grey_pictures_have_columns_too():
    for pixels, mosaic in ((np.full((30, 40, 3), 7, np.uint8), "rgb"), (np.full((30, 40), 7, np.uint16), "mono")):
        shot = frame(1, pixels, mosaic=mosaic)
        assert (record_of(shot, line_of(shot, None))["rgb"] == 7).all()


def test_a_night_grows_over_restarts_and_a_crash_costs_the_last_record_only(tmp_path: Path):
    path = tmp_path / "keogram.columns"
    for number in range(3):
        assert append(path, flat(number)) == RECORD.itemsize
    with path.open("ab") as out:
        out.write(b"half a record")
    assert len(read_records(path)) == 3
    append(path, flat(3))
    assert [int(t - START_UTC_NS) // 10**9 for t in read_records(path)["utc_ns"]] == [0, 2, 4, 6]


def test_a_longer_exposure_of_the_same_sky_looks_the_same():
    picture = keogram(np.array([flat(n, exposure_s=2.0 if n < 100 else 8.0) for n in range(200)]))
    before, after = picture[: ROWS - 1, 50].astype(int), picture[: ROWS - 1, 150].astype(int)
    assert np.abs(before - after).max() <= 2
    assert len(np.unique(before[:, 1])) >= 3  # it shows something


def test_time_runs_evenly_and_where_no_frame_was_it_is_black():
    numbers = [*range(100), *range(400, 500)]
    picture = keogram(np.array([flat(n) for n in numbers]))
    assert picture.shape[1] == 500
    lit = picture[ROWS // 2 + 20 : ROWS - 20].any(axis=(0, 2))
    assert lit[:100].all()
    assert not lit[165:395].any()  # after the two minutes that a picture may be late
    assert lit[405:].all()


def test_a_long_night_is_no_wider_than_a_screen_can_show():
    records = np.zeros(20_000, RECORD)
    records["utc_ns"] = START_UTC_NS + np.arange(20_000) * 2 * 10**9
    records["exposure_s"], records["e_per_adu"], records["rgb"] = 2.0, 0.25, 500
    assert keogram(records).shape[1] == 3600


def test_no_frames_no_keogram():
    with pytest.raises(ValueError, match="no frames"):
        keogram(np.zeros(0, RECORD))
