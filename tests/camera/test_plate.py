"""A plate is believed only when whole, unaltered and of this camera and region."""

from __future__ import annotations

import json

import numpy as np
import pytest

from camera.device import Frame, PlateRefused
from camera.geodesy import azel_to_unit
from camera.plate import Plate, check_plate, load_plate
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night


@pytest.fixture(scope="module")
def plate() -> Plate:
    return simulated_plate(night(3))


def frame_of(plate: Plate, **changes) -> Frame:
    width, height = plate.region.size_px
    fields = dict(
        seq=1, start_utc_ns=0, end_mono_s=0.0, exposure_s=2.0, gain_setting=120, gain_e_per_adu=0.23,
        origin_px=plate.region.origin_px, mosaic="RGGB", white_adu=65532, sensor_celsius=0.0, cooler_percent=0.0,
        pixels=np.broadcast_to(np.uint16(0), (height, width)), camera_serial=plate.camera_serial,
    )  # fmt: skip
    return Frame(**(fields | changes))


def test_a_saved_plate_is_the_same_plate(plate, tmp_path):
    path = tmp_path / "plate.json"
    plate.save(path)
    assert load_plate(path) == plate
    assert [entry.name for entry in tmp_path.iterdir()] == ["plate.json"]


def test_the_simulated_circle_fills_the_region(plate):
    assert plate.region.origin_px == (700, 0)
    assert plate.region.size_px == (2744, 2822)
    azel = np.array([[azimuth, 0.0] for azimuth in range(0, 360, 10)])
    xy = plate.azel_to_pixel(azel, plate.region.origin_px)
    assert np.ptp(xy, axis=0) == pytest.approx([2749.0, 2749.0], abs=40.0)
    back = plate.pixel_to_unit(xy, plate.region.origin_px)
    assert back == pytest.approx(azel_to_unit(azel[:, 0], azel[:, 1]), abs=1e-9)


def test_seen_from_below_the_way_from_north_to_east_is_counter_clockwise(plate):
    zenith, north, east = plate.azel_to_pixel(np.array([[0.0, 90.0], [0.0, 60.0], [90.0, 60.0]]), (700, 0))
    (nx, ny), (ex, ey) = north - zenith, east - zenith
    assert nx * ey - ny * ex < 0  # rows run downwards


def test_the_origin_moves_the_pixel_not_the_direction(plate):
    unit = plate.pixel_to_unit(np.array([500.0, 600.0]), (700, 0))
    assert plate.pixel_to_unit(np.array([440.0, 590.0]), (760, 10)) == pytest.approx(unit)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text[: len(text) // 2], "not JSON"),
        (lambda text: "[" * 100_000, "not JSON"),
        (lambda text: text.replace('"kb13/1"', '"kb13/2"'), "of model 'kb13/2'"),
        (lambda text: "[]", "of model None"),
        (lambda text: text.replace('"flip": 1', '"flip": -1'), "does not match its own hash"),
        (lambda text: text.replace('"flip": 1', '"flip": 2'), "flip"),
        (lambda text: text.replace('"stars": 0', '"colour": 0'), "stars"),
        (lambda text: edited(text, "r0", [[1, 0, 0], [0, 1, 0], [0, 0, -1]]), "not a rotation"),
        (lambda text: edited(text, "covariance", [[1.0]]), "13 x 13"),
        (lambda text: edited(text, "parameters", json.loads(text)["parameters"] | {"k1": -2.0}), "turns back"),
    ],
)
def test_a_damaged_plate_is_refused_with_a_sentence(plate, tmp_path, damage, sentence):
    path = tmp_path / "plate.json"
    plate.save(path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(PlateRefused, match=sentence) as refused:
        load_plate(path)
    assert "run calibrate" in str(refused.value)
    assert str(path) in str(refused.value)


def edited(text: str, key: str, value: object) -> str:
    return json.dumps(json.loads(text) | {key: value})


def test_a_missing_plate_is_refused(tmp_path):
    with pytest.raises(PlateRefused, match="cannot be read"):
        load_plate(tmp_path / "none.json")


def test_a_plate_of_another_camera_or_region_is_refused(plate):
    check_plate(plate, frame_of(plate))
    with pytest.raises(PlateRefused, match="another|frame is of camera 'other'"):
        check_plate(plate, frame_of(plate, camera_serial="other"))
    with pytest.raises(PlateRefused, match="run calibrate"):
        check_plate(plate, frame_of(plate, origin_px=(702, 0)))
    with pytest.raises(PlateRefused, match="run calibrate"):
        check_plate(plate, frame_of(plate, pixels=np.zeros((16, 16), np.uint16)))
