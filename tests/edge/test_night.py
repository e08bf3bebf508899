"""`skyspotter night`: the pictures asked for, or a sentence."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from camera.device import PlateRefused
from camera.store.fitsfile import encode
from camera.store.header import Origin
from edge.capture.recording import BUILD_COMMAND
from edge.night import NightRefused, night
from tests.camera.store.frames import frame

NONE = {"keogram": False, "timelapse": False, "startrail": False, "enhanced": False, "plate": None}


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for seq in range(3):
        (folder / f"{seq}.fits.fz").write_bytes(encode(frame(seq), Origin()))
    return folder


def test_one_picture_is_made_when_asked_for_and_all_when_nothing_is(frames: Path, tmp_path: Path, capsys):
    assert night(frames, tmp_path / "one", **(NONE | {"keogram": True})) == 0
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["keogram.jpg"]
    assert night(frames, tmp_path / "all", **NONE) == 0
    assert len(list((tmp_path / "all").iterdir())) == 4
    assert "3 frames" in capsys.readouterr().out


def test_what_the_recorder_starts_at_dawn_makes_everything_beside_the_frames(frames: Path):
    done = subprocess.run([*BUILD_COMMAND, str(frames)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"keogram.jpg", "startrail.jpg", "timelapse.mp4", "night.json"} <= {path.name for path in frames.iterdir()}


def test_what_is_no_night_is_refused(frames: Path, tmp_path: Path):
    with pytest.raises(NightRefused, match="is no folder"):
        night(tmp_path / "absent", tmp_path, **NONE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NightRefused, match="no frames that can be read"):
        night(tmp_path / "empty", tmp_path, **NONE)
    with pytest.raises(PlateRefused, match="cannot be read"):
        night(frames, tmp_path, **(NONE | {"plate": tmp_path / "none.json"}))
