"""`skyspotter models`: works without torch, refuses with a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner

from models.cli import app

run = CliRunner().invoke


def pictures(folder: Path) -> Path:
    folder.mkdir()
    light = np.random.default_rng(1).normal(60, 4, (300, 400)).clip(0, 255)
    for x in range(60, 340):
        light[150 + x // 6, x] = 190
        light[151 + x // 6, x] = 190
    cv2.imwrite(str(folder / "trail.png"), light.astype(np.uint8))
    (folder / "torn.png").write_bytes(b"\x89PNG")
    return folder


def test_detect_writes_a_line_for_every_picture_without_ever_importing_torch(tmp_path: Path):
    folder = pictures(tmp_path / "in")
    code = "import sys; sys.modules['torch'] = None; from models.cli import app; app()"
    command = [sys.executable, "-c", code, "detect", str(folder), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = {
        Path(r["file"]).name: r
        for r in map(json.loads, (tmp_path / "out" / "detections.jsonl").read_text().splitlines())
    }
    assert set(lines) == {"torn.png", "trail.png"}
    assert "torn.png" in lines["torn.png"]["error"]
    assert (lines["trail.png"]["width"], lines["trail.png"]["height"]) == (400, 300)
    (trail,) = lines["trail.png"]["trails"]
    assert trail["class"] in {"aircraft", "satellite", "meteor", "unknown"}
    assert 0 <= trail["score"] <= 1
    for x, y in trail["polyline_px"]:
        assert abs(y - (150.5 + x / 6)) < 2


def test_what_cannot_be_used_is_refused_with_exit_2_and_nothing_half_written(tmp_path: Path):
    folder = pictures(tmp_path / "in")
    (tmp_path / "wrong.onnx").write_bytes(b"no network")
    result = run(
        app, ["detect", str(folder), "--out", str(tmp_path / "out"), "--network", str(tmp_path / "wrong.onnx")]
    )
    assert result.exit_code == 2
    assert "wrong.onnx" in result.output
    assert not (tmp_path / "out" / "detections.jsonl").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(app, ["detect", str(empty), "--out", str(tmp_path / "out")]).exit_code == 2
