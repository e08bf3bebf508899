"""Stored frames: exact where they are whole, refused in a sentence where they are not."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from math import isnan
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from camera.device import FileUnreadable, Frame
from camera.files import list_frames, read_frame

GREY = (np.arange(20 * 30).reshape(20, 30) * 97 % 65536).astype(np.uint16)
COLOUR8 = (np.arange(20 * 30 * 3).reshape(20, 30, 3) % 251).astype(np.uint8)


def fits_bytes(array: NDArray[Any] | None, compressed: bool = False, **header: Any) -> bytes:
    unit = fits.CompImageHDU(array) if compressed else fits.PrimaryHDU(array)
    unit.header.update({name.replace("_", "-"): value for name, value in header.items()})
    out = io.BytesIO()
    (fits.HDUList([fits.PrimaryHDU(), unit]) if compressed else unit).writeto(out)
    return out.getvalue()


def picture_bytes(array: NDArray[Any], kind: str, mode: str | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(out, kind, **options)
    return out.getvalue()


def read_bytes(folder: Path, content: bytes, name: str = "frame.fits") -> Frame:
    (folder / name).write_bytes(content)
    return read_frame(folder / name)


def test_fits_keeps_orientation_and_reads_its_header(tmp_path: Path):
    content = fits_bytes(
        GREY, DATE_OBS="2026-06-14T21:45:00.250", EXPTIME=2.0, GAIN=120, EGAIN=0.25, CCD_TEMP=-5.5, SATURATE=65532
    )
    frame = read_bytes(tmp_path, content)
    assert frame.pixels.dtype == np.uint16
    assert (frame.pixels == GREY).all()
    assert (frame.mosaic, frame.start_utc_ns, frame.exposure_s) == ("mono", 1_781_473_500_250_000_000, 2.0)
    assert (frame.gain_setting, frame.gain_e_per_adu, frame.sensor_celsius, frame.white_adu) == (120, 0.25, -5.5, 65532)
    assert not frame.pixels.flags.writeable


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gz", "bz2"])
def test_packed_fits_is_known_by_its_bytes(tmp_path: Path, pack: Any):
    assert (read_bytes(tmp_path, pack(fits_bytes(GREY)), "misnamed.fits").pixels == GREY).all()


def test_date_and_time_in_two_headers_make_one_instant(tmp_path: Path):
    frame = read_bytes(tmp_path, fits_bytes(GREY, DATE_OBS="2015-11-08", TIME_OBS="05:09:50"))
    assert frame.start_utc_ns == 1_446_959_390 * 10**9


def test_what_a_file_does_not_say_is_told_so(tmp_path: Path):
    frame = read_bytes(tmp_path, fits_bytes(GREY, DATE_OBS="yesterday", EXPTIME="long"))
    assert (frame.start_utc_ns, frame.exposure_s, frame.gain_e_per_adu) == (0, 0.0, 1.0)
    assert isnan(frame.sensor_celsius)


def test_rggb_stays_a_mosaic_and_other_mosaics_become_colour_of_the_same_size(tmp_path: Path):
    flat = np.tile(np.array([[100, 200], [300, 100]], np.uint16), (20, 20))  # GRBG: G R / B G
    assert read_bytes(tmp_path, fits_bytes(flat, BAYERPAT="RGGB")).mosaic == "RGGB"
    frame = read_bytes(tmp_path, fits_bytes(flat, BAYERPAT="GRBG"))
    assert (frame.mosaic, frame.pixels.shape) == ("rgb", (40, 40, 3))
    assert frame.pixels[20, 20].tolist() == [200, 100, 300]


@pytest.mark.parametrize("layout", ["planes", "pixels"])
def test_colour_fits_in_either_order(tmp_path: Path, layout: str):
    array = np.moveaxis(COLOUR8, 2, 0) if layout == "planes" else COLOUR8
    frame = read_bytes(tmp_path, fits_bytes(np.ascontiguousarray(array)))
    assert frame.mosaic == "rgb"
    assert (frame.pixels == COLOUR8).all()


def test_the_first_image_of_several_units_is_read(tmp_path: Path):
    assert (read_bytes(tmp_path, fits_bytes(GREY, compressed=True)).pixels == GREY).all()


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64, np.float32, np.float64])
def test_whole_numbers_that_fit_are_kept_whatever_their_type(tmp_path: Path, kind: type):
    array = GREY.astype(np.int64) % 32000
    assert (read_bytes(tmp_path, fits_bytes(array.astype(kind))).pixels == array).all()


def test_floats_are_scaled_and_never_stay_nan(tmp_path: Path):
    array = np.linspace(-1.0, 1.0, 600).reshape(20, 30)
    array[3, 4], array[5, 6], array[7, 8] = np.nan, np.inf, -np.inf
    frame = read_bytes(tmp_path, fits_bytes(array))
    assert (frame.pixels[3, 4], frame.pixels[5, 6], frame.pixels[7, 8]) == (0, 65535, 0)
    assert frame.pixels[0, 0] == 0
    assert frame.pixels[-1, -1] == 65535
    assert frame.gain_e_per_adu == pytest.approx(2.0 / 65535)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_pictures_of_8_and_16_bits_are_exact(tmp_path: Path, kind: str):
    for array in (GREY, GREY.astype(np.uint8), COLOUR8):
        assert (read_bytes(tmp_path, picture_bytes(array, kind)).pixels == array).all()
    deep = COLOUR8.astype(np.uint16) * np.uint16(257) ^ np.uint16(5)
    _, content = cv2.imencode(f".{kind.lower()}", deep[:, :, ::-1])
    frame = read_bytes(tmp_path, content.tobytes())
    assert frame.pixels.dtype == np.uint16
    assert (frame.pixels == deep).all()


@pytest.mark.parametrize(("mode", "mosaic"), [("LA", "mono"), ("1", "mono"), ("RGBA", "rgb"), ("P", "rgb")])
def test_other_kinds_of_png_become_grey_or_colour(tmp_path: Path, mode: str, mosaic: str):
    frame = read_bytes(tmp_path, picture_bytes(COLOUR8, "PNG", mode))
    assert (frame.mosaic, frame.pixels.dtype, frame.pixels.shape[:2]) == (mosaic, np.uint8, (20, 30))


def test_jpeg_is_read_as_stored_with_its_exif(tmp_path: Path):
    notes = Image.Exif()
    notes[274] = 6  # "turn by 90 degrees"
    notes.get_ifd(0x8769).update({0x829A: 4.0, 0x9003: "2011:12:20 20:09:33"})
    frame = read_bytes(tmp_path, picture_bytes(np.full((20, 30), 90, np.uint8), "JPEG", exif=notes), "x.jpg")
    assert (frame.width, frame.height, frame.mosaic) == (30, 20, "mono")
    assert (frame.exposure_s, frame.start_utc_ns) == (4.0, 1_324_411_773 * 10**9)


REFUSED = {
    "empty": b"",
    "text": b"no picture at all",
    "truncated fits": fits_bytes(np.zeros((200, 300), np.uint16))[:6000],
    "header only": fits_bytes(GREY)[:2880],
    "no data": fits_bytes(None),
    "one dimension": fits_bytes(np.zeros(30, np.uint16)),
    "cube of exposures": fits_bytes(np.zeros((5, 20, 30), np.uint16)),
    "zero-sized": fits_bytes(GREY).replace(b"NAXIS1  =                   30", b"NAXIS1  =                    0"),
    "gigantic": fits_bytes(GREY).replace(b"NAXIS1  =                   30", b"NAXIS1  =           3000000000"),
    "all nan": fits_bytes(np.full((5, 6), np.nan)),
    "truncated gz": gzip.compress(fits_bytes(GREY))[:-200],
    "truncated png": picture_bytes(GREY, "PNG")[:-60],
    "truncated jpeg": picture_bytes(COLOUR8, "JPEG")[:-60],
    "print colours": picture_bytes(COLOUR8, "TIFF", "CMYK"),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_frame_is_refused_with_its_path(tmp_path: Path, content: bytes):
    with pytest.raises(FileUnreadable, match=r"frame\.fits: "):
        read_bytes(tmp_path, content)


def test_missing_files_and_folders_are_refused_with_their_path(tmp_path: Path):
    for path in (tmp_path / "absent.fits", tmp_path):
        with pytest.raises(FileUnreadable, match=str(path)):
            read_frame(path)


WHOLE = [
    fits_bytes(GREY, BAYERPAT="RGGB", DATE_OBS="2026-06-14"),
    fits_bytes(GREY, compressed=True),
    gzip.compress(fits_bytes(GREY)),
    picture_bytes(GREY, "PNG"),
    picture_bytes(COLOUR8, "TIFF"),
    picture_bytes(COLOUR8, "TIFF", compression="tiff_lzw"),
    picture_bytes(COLOUR8, "JPEG"),
]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    st.floats(0, 1),
    st.binary(max_size=12),
)
def test_damaged_bytes_give_a_frame_or_file_unreadable(
    tmp_path: Path, content: bytes, changes: list[tuple[float, int]], cut: float, tail: bytes
):
    mutated = bytearray(content)
    for place, value in changes:
        mutated[int(place**3 * (len(mutated) - 1))] = value  # headers come first: damage them most
    if cut < 0.5:
        mutated = mutated[: int(2 * cut * len(mutated))]
    try:
        frame = read_bytes(tmp_path, bytes(mutated + tail))
    except FileUnreadable:
        return
    assert frame.pixels.dtype in (np.uint8, np.uint16)
    assert frame.pixels.size


def test_folders_are_searched_sorted_and_files_kept_as_named(tmp_path: Path):
    (tmp_path / "b").mkdir()
    for name in ("b/2.PNG", "b/1.fit.gz", "a.jpg", "notes.txt", "b/.hidden.png"):
        (tmp_path / name).touch()
    notes = tmp_path / "notes.txt"
    expected = [notes, tmp_path / "a.jpg", tmp_path / "b/1.fit.gz", tmp_path / "b/2.PNG"]
    assert list_frames([notes, tmp_path, tmp_path / "a.jpg"]) == expected


@pytest.mark.realdata
def test_every_real_sky_has_the_size_its_labels_say(real_data: Path):
    images = json.loads((real_data / "sky" / "labels.json").read_text())["images"]
    assert len(list_frames([real_data / "sky"])) == len(images)
    for image in images:
        frame = read_frame(real_data / "sky" / image["file"])
        assert (frame.width, frame.height) == (image["width"], image["height"])


@pytest.mark.realdata
def test_every_real_crop_is_read(real_data: Path):
    crops = list_frames([real_data / "streaks512"])
    assert len(crops) == 414
    frames = [read_frame(crop) for crop in crops]
    assert {(frame.mosaic, frame.height, frame.width // 2) for frame in frames} == {
        ("rgb", 512, 256)
    }  # one is 513 wide
