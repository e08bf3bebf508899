"""`skyspotter flat`: from stored frames and a plate to the file that camera.flat_file names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from camera.device import Frame
from camera.frames.flat import load_flat
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import night
from camera.store.fitsfile import encode
from camera.store.header import Origin
from edge.flat import flat

NIGHT = replace(night(1), aircraft=(), satellites=(), meteors=(), clouds=())
PLATE = simulated_plate(NIGHT, scale=0.5)


def test_frames_and_a_plate_become_a_flat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (width, height), origin = PLATE.region.size_px, PLATE.region.origin_px
    renderer = Renderer(NIGHT, PLATE, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    (tmp_path / "in").mkdir()
    for seq in range(2):
        start = NIGHT.utc_ns(3600.0 * seq)
        frame = Frame(
            seq, start, 0.0, 10.0, 120, 0.23, origin, "RGGB", 65532, 0.0, 0.0, renderer.render(start, 10.0),
            PLATE.camera_serial,
        )  # fmt: skip
        (tmp_path / "in" / f"{seq}.fits").write_bytes(encode(frame, Origin(station="test")))
    PLATE.save(tmp_path / "plate.json")
    out = tmp_path / "flat.json"
    assert flat([tmp_path / "in"], plate_file=tmp_path / "plate.json", out=out) == 0
    assert load_flat(out).frames == 2
    assert "stars" in capsys.readouterr().out
    assert flat([tmp_path / "in"], plate_file=tmp_path / "plate.json", out=tmp_path / "none" / "flat.json") == 1
    assert "flat.json: cannot be written: No such file or directory" in capsys.readouterr().out


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PLATE.save(tmp_path / "plate.json")
    (tmp_path / "empty").mkdir()
    assert flat([tmp_path / "empty"], plate_file=tmp_path / "plate.json", out=tmp_path / "flat.json") == 1
    assert "no frame was found" in capsys.readouterr().out
    assert flat([tmp_path / "empty"], plate_file=tmp_path / "none.json", out=tmp_path / "flat.json") == 1
    assert "run calibrate" in capsys.readouterr().out
    assert not (tmp_path / "flat.json").exists()
