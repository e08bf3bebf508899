"""`skyspotter calibrate`: the plate file, the record, the picture; exit codes 0, 1 and 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.lens import rotation_matrix
from camera.plate import Plate, check_plate, load_plate
from camera.store.fitsfile import encode
from camera.store.header import Origin
from edge.calibrate import CalibrationRefused, calibrate
from tests.camera.solve.test_solver import NIGHT, TRUTH, rendered

SITE = (NIGHT.site.latitude_deg, NIGHT.site.longitude_deg, NIGHT.site.height_m)


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    path = folder / "kept.fits.fz"
    path.write_bytes(encode(rendered(20.0), Origin()))
    return path


def test_a_clear_frame_becomes_a_plate_a_record_and_a_picture(kept, tmp_path, capsys):
    out, picture = tmp_path / "plate.json", tmp_path / "stars.png"
    assert calibrate([kept], site=SITE, out=out, picture=picture, as_json=True) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["solved"]
    assert record["reason"] == ""
    assert record["stars"] > 200
    assert record["rms_px"] < 0.6
    assert sum(ring["stars"] for ring in record["rings"]) == record["stars"]
    plate = load_plate(out)
    assert plate.model_dump(mode="json") == record["plate"]
    check_plate(plate, rendered(22.0))
    image = cv2.imread(str(picture))
    matched = (image == (110, 235, 120)).all(axis=2)
    assert matched.sum() > 300


def test_two_frames_become_one_plate_and_people_read_a_table(kept, tmp_path, capsys):
    second = tmp_path / "second.fits.fz"
    second.write_bytes(encode(rendered(140.0), Origin()))
    assert calibrate([kept, second], site=SITE, out=tmp_path / "plate.json") == 0
    said = capsys.readouterr().out
    assert "elevation" in said
    assert "[plate] file = " in said
    assert load_plate(tmp_path / "plate.json").stars > 400


def test_an_earlier_plate_is_refined_and_what_changed_since_is_said(kept, tmp_path, capsys):
    earlier = TRUTH.model_copy(
        update={"r0": tuple(map(tuple, np.array(TRUTH.r0) @ rotation_matrix(np.radians((0.2, 0.0, 0.0)))))}
    )
    Plate.sealed(**earlier.model_dump(exclude={"sha256"})).save(tmp_path / "old.json")
    out = tmp_path / "plate.json"
    assert calibrate([kept], site=SITE, prior=tmp_path / "old.json", out=out, as_json=True) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["turned_deg"] == pytest.approx(0.2, abs=0.06)  # median over the sky; 0.2 at most
    assert load_plate(out).stars > 200
    other = earlier.model_copy(update={"camera_serial": "another"})
    Plate.sealed(**other.model_dump(exclude={"sha256"})).save(tmp_path / "old.json")
    assert calibrate([kept], site=SITE, prior=tmp_path / "old.json", out=out, as_json=True) == 1
    assert "made with camera 'another'" in json.loads(capsys.readouterr().out)["reason"]


def test_a_cloudy_frame_is_refused_with_the_reason_and_no_plate(tmp_path, capsys):
    grey = tmp_path / "grey.png"
    cv2.imwrite(str(grey), np.full((400, 400), 90, np.uint8))
    out, picture = tmp_path / "plate.json", tmp_path / "stars.png"
    code = calibrate([grey], site=SITE, time="2026-06-14T22:00:00Z", out=out, picture=picture, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert code == 1
    assert not record["solved"]
    assert "star-like points" in record["reason"]
    assert record["plate"] is None
    assert not out.exists()
    assert picture.exists()


def test_a_damaged_frame_is_named(tmp_path, capsys):
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE  = nonsense")
    assert calibrate([tmp_path], site=SITE, out=tmp_path / "plate.json") == 1
    assert "broken.fits" in capsys.readouterr().out


def test_wrong_usage_is_said_in_one_sentence(kept, tmp_path):
    undated = tmp_path / "undated.png"
    cv2.imwrite(str(undated), np.full((400, 400), 90, np.uint8))
    for paths, options, words in (
        ([tmp_path / "absent.fits"], {}, "no such file"),
        ([undated], {}, "give --time UTC"),
        ([undated], {"time": "yesterday"}, "no date and time"),
        ([undated], {"time": "9999-12-31T23:59:59"}, "a year from 1970 to 2200"),
        ([kept, undated], {"time": "2026-06-14T22:00:00Z"}, "2 were given"),
        ([kept], {"out": tmp_path / "nowhere" / "plate.json"}, "there is no folder"),
    ):
        with pytest.raises(CalibrationRefused, match=words):
            calibrate(paths, site=SITE, **{"out": tmp_path / "plate.json", **options})


def test_the_command_ends_with_two_for_wrong_usage(tmp_path):
    for arguments in (["absent.fits", "--site", "40,-3,900"], ["absent.fits"], ["absent.fits", "--site", "here"]):
        command = [sys.executable, "-m", "edge", "calibrate", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert done.stderr
