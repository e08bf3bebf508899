"""One frame, one file: the same numbers back, headers that others understand, a plate inside, damage noticed."""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from camera.device import FileUnreadable, PlateRefused
from camera.files import read_frame
from camera.geodesy import Site
from camera.plate import Plate
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from camera.store.fitsfile import encode, read_plate
from camera.store.header import Origin, plate_cards, plate_of
from tests.camera.store.frames import frame

SITE = Site(40.5247, -3.0883, 980.0)
FULL = Origin(
    software="Skyspotter 9.9", station="yebes", site=SITE, instrument="ZWO ASI294MC Pro", pixel_um=4.63,
    offset_setting=30,
)  # fmt: skip
SAME = ("start_utc_ns", "exposure_s", "gain_setting", "gain_e_per_adu", "origin_px", "mosaic", "white_adu",
        "sensor_celsius", "cooler_percent", "camera_serial")  # fmt: skip


def stored(tmp_path: Path, *arguments) -> Path:
    path = tmp_path / "one.fits.fz"
    path.write_bytes(encode(*arguments))
    return path


@pytest.fixture(scope="module")
def plate() -> Plate:
    return simulated_plate(night(1))


def frame_of(plate: Plate):
    width, height = plate.region.size_px
    pixels = np.zeros((height, width), np.uint16)
    return frame(1, pixels, camera_serial=plate.camera_serial, origin_px=plate.region.origin_px)


def test_what_was_written_reads_back_as_the_same_frame(tmp_path: Path):
    original = frame(7)
    read = read_frame(stored(tmp_path, original, FULL))
    assert (read.pixels == original.pixels).all()
    assert read.pixels.dtype == np.uint16
    for name in SAME:
        assert getattr(read, name) == getattr(original, name), name


@settings(max_examples=60, deadline=None)
@given(
    pixels=arrays.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.one_of(
            st.tuples(st.integers(1, 40), st.integers(2, 40)),
            st.tuples(st.integers(4, 40), st.integers(4, 40), st.just(3)),
        ),
    ),
    times_four=st.booleans(),
)
def test_every_number_comes_back_whatever_the_picture(tmp_path_factory, pixels, times_four: bool):
    if times_four and pixels.dtype == np.uint16:
        pixels = pixels << 2
    mosaic, white = ("rgb" if pixels.ndim == 3 else "mono"), int(np.iinfo(pixels.dtype).max)
    original = frame(1, pixels, mosaic=mosaic, white_adu=white)
    read = read_frame(stored(tmp_path_factory.mktemp("any"), original, Origin()))
    assert read.pixels.dtype == pixels.dtype
    assert (np.squeeze(read.pixels) == np.squeeze(pixels)).all()
    assert (read.gain_e_per_adu, read.white_adu) == (original.gain_e_per_adu, white)


def test_fourteen_bits_left_aligned_cost_no_space_for_the_empty_two():
    sky = np.random.default_rng(1).normal(480, 4, (320, 320)).astype(np.uint16)
    aligned, shifted_by_one = len(encode(frame(1, sky << 2), Origin())), len(encode(frame(1, (sky << 2) + 1), Origin()))
    assert aligned < 0.85 * shifted_by_one


def test_the_file_keeps_the_standard_and_its_checksums(tmp_path: Path, plate: Plate):
    path = stored(tmp_path, frame_of(plate), Origin(**{**as_dict(FULL), "plate": plate}))
    for raw in (False, True):  # as an image, and as the table it is stored in
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a wrong checksum is a warning of the library's
            with fits.open(path, checksum=True, disable_image_compression=raw) as units:
                units.verify("exception")
                assert units[1].data is not None
                assert {"CHECKSUM", "DATASUM"} <= set(units[1].header) or not raw


def test_nasas_checker_finds_nothing_to_say(tmp_path: Path, plate: Plate):
    if (checker := shutil.which("fitsverify")) is None:
        pytest.skip("no fitsverify on this machine")
    path = stored(tmp_path, frame_of(plate), Origin(**{**as_dict(FULL), "plate": plate}))
    done = subprocess.run([checker, "-e", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_flipped_bit_is_noticed_by_the_checksum(tmp_path: Path):
    path = stored(tmp_path, frame(1), FULL)
    content = bytearray(path.read_bytes())
    content[-3000] ^= 1
    with (
        pytest.warns(Warning, match="verification failed"),
        fits.open(io.BytesIO(content), checksum=True, disable_image_compression=True) as units,
    ):
        assert units[1].data is not None


def test_a_frame_with_a_flipped_bit_is_refused_by_who_reads_it(tmp_path: Path):
    path = stored(tmp_path, frame(7), FULL)
    content = bytearray(path.read_bytes())
    content[-2880 - 700] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileUnreadable, match="DATASUM|damaged"):
        read_frame(path)


def test_the_header_says_when_where_and_with_what(tmp_path: Path):
    with fits.open(stored(tmp_path, frame(0), FULL)) as units:
        header = units[1].header
    expected = {
        "DATE-OBS": "2026-06-14T21:45:00.250000", "DATE-END": "2026-06-14T21:45:02.250000", "EXPTIME": 2.0,
        "TIMESYS": "UTC", "GAIN": 120, "EGAIN": 0.25, "OFFSET": 30, "CCD-TEMP": -5.0, "COOLPOWR": 40.0,
        "BAYERPAT": "RGGB", "XBAYROFF": 0, "YBAYROFF": 0, "ROWORDER": "TOP-DOWN", "XPIXSZ": 4.63,
        "INSTRUME": "ZWO ASI294MC Pro", "OBSERVAT": "yebes", "SITELAT": 40.5247, "SITELONG": -3.0883, "SITEELEV": 980.0,
        "SERIAL": "51d0c0de00000001", "SWCREATE": "Skyspotter 9.9", "XORGSUBF": 700, "YORGSUBF": 4, "SATURATE": 65532,
        "ZCMPTYPE": None,
    }  # fmt: skip
    assert {key: header.get(key) for key in expected} == expected
    assert "SIMULATE" not in header


def test_what_nobody_knows_is_not_made_up(tmp_path: Path):
    unknown = frame(1, sensor_celsius=float("nan"), cooler_percent=float("nan"))
    with fits.open(stored(tmp_path, unknown, Origin())) as units:
        assert not {"CCD-TEMP", "COOLPOWR", "SITELAT", "XPIXSZ", "OFFSET", "INSTRUME", "KBMODEL"} & set(units[1].header)


def test_a_name_that_a_header_cannot_hold_costs_letters_not_the_frame(tmp_path: Path):
    with fits.open(stored(tmp_path, frame(1, camera_serial="\x00é"), Origin(instrument="Kamera 中\n"))) as units:
        assert (units[1].header["INSTRUME"], units[1].header["SERIAL"]) == ("Kamera ??", "??")


def test_a_simulated_frame_says_so_in_its_file(tmp_path: Path):
    with fits.open(stored(tmp_path, frame(1), Origin(simulated=True))) as units:
        assert units[1].header["SIMULATE"] is True


def test_one_file_alone_gives_directions_again(tmp_path: Path, plate: Plate):
    path = stored(tmp_path, frame_of(plate), Origin(plate=plate))
    carried = read_plate(path)
    assert carried is not None
    corners = np.array([[10.0, 20.0], [1400.0, 1400.0], [2000.0, 700.0], [600.0, 2500.0]])
    apart = carried.pixel_to_unit(corners, (0, 0)) - plate.pixel_to_unit(corners, (0, 0))
    assert np.nanmax(np.abs(apart)) < 1e-12
    with fits.open(path) as units:
        assert units[1].header["KBSHA"] == plate.sha256


def test_a_plate_of_another_camera_or_region_is_left_out(tmp_path: Path, plate: Plate):
    assert read_plate(stored(tmp_path, frame(1), Origin(plate=plate))) is None


@pytest.mark.parametrize(
    ("damage", "words"),
    [({"KB_F": None}, "lacks keyword KB_F"), ({"KBMODEL": "x/2"}, "'x/2'"), ({"KB_R33": 3.0}, "not a rotation")],
)
def test_a_damaged_plate_inside_a_file_is_refused(plate: Plate, damage: dict[str, object], words: str):
    header = {key: value for key, value, _ in plate_cards(plate)} | damage
    header = {key: value for key, value in header.items() if value is not None}
    with pytest.raises(PlateRefused, match=words):
        plate_of(header, frame_of(plate))


def as_dict(origin: Origin) -> dict[str, object]:
    return {name: getattr(origin, name) for name in Origin.__slots__}
