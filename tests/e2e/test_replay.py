"""`skyspotter replay` as its user runs it: real processes, real files, good and bad."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.replay.plan import sole_writer

pytestmark = pytest.mark.timeout(180)
SKYSPOTTER = (sys.executable, "-I", "-m", "edge")


def sky(seed: int, shape: tuple[int, int] = (240, 320)) -> np.ndarray[Any, Any]:
    """A dark sky with one bright diagonal trail."""
    image = np.random.default_rng(seed).normal(40, 3, shape).clip(0, 255).astype(np.uint8)
    cv2.line(image, (60, 40), (260, 190), 140, 2, cv2.LINE_AA)
    return image


def replay(*arguments: object, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
    command = [*SKYSPOTTER, "replay", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()]


def test_every_file_has_its_line_and_an_unreadable_one_says_why(tmp_path: Path) -> None:
    night = tmp_path / "night"
    night.mkdir()
    cv2.imwrite(str(night / "grey.png"), sky(1))
    cv2.imwrite(str(night / "colour.jpg"), cv2.merge([sky(2)] * 3))
    cv2.imwrite(str(night / "deep.tif"), sky(3).astype(np.uint16) * 200)
    (night / "torn.fits").write_bytes(b"SIMPLE  =                    T" + bytes(50))
    (night / "empty.png").write_bytes(b"")
    (night / "notes.txt").write_text("not a frame")
    out = tmp_path / "out"
    done = replay(night, "--out", out)
    assert done.returncode == 0, done.stderr
    found = {line["file"]: line for line in lines(out)}
    assert found.keys() == {"grey.png", "colour.jpg", "deep.tif", "torn.fits", "empty.png"}
    assert {name for name, line in found.items() if "error" in line} == {"torn.fits", "empty.png"}
    assert (found["grey.png"]["width"], found["grey.png"]["height"]) == (320, 240)
    assert all((out / "pictures" / f"{name}.jpg").exists() for name in ("grey.png", "colour.jpg", "deep.tif"))
    assert json.loads((out / "summary.json").read_text())["unreadable"] == ["empty.png", "torn.fits"]
    safety = [json.loads(line) for line in (out / "safety.jsonl").read_text().splitlines()]
    assert safety
    assert all(message["simulated"] and not message["permit"] for message in safety)


def test_a_killed_replay_goes_on_and_every_frame_has_one_line(tmp_path: Path) -> None:
    night, out = tmp_path / "night", tmp_path / "out"
    night.mkdir()
    for number in range(12):
        cv2.imwrite(str(night / f"{number:02d}.png"), sky(number, (1200, 1600)))
    command = [*SKYSPOTTER, "replay", str(night), "--out", str(out)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (out / "detections.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with sole_writer(out, 30.0):  # the orphans notice, finish their frame and end
        assert 0 < len((out / "detections.jsonl").read_text().splitlines()) < 12
        with (out / "detections.jsonl").open("a") as file:
            file.write('{"file": "half a li')
    done = replay(night, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "going on" in done.stderr
    assert Counter(line["file"] for line in lines(out)) == {f"{number:02d}.png": 1 for number in range(12)}
    again = replay(night, "--out", out)
    assert again.returncode == 0
    assert len(lines(out)) == 12


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("odd.cu8", b"\x7f" * 1001, "odd"),
        ("text.bin", b"hello, I am not a recording" * 100, "text.bin"),
    ],
)
def test_a_bad_recording_is_one_sentence_and_exit_code_2(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = replay(path, "--out", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_path_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = replay(tmp_path / "gone", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "gone: no such file" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.realdata
def test_the_beast_recording_gives_its_eleven_aircraft(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "modes_logs/beastblackbox"
    [log] = folder.glob("*.log")
    done = replay(log, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    truth = set(re.findall(r"\b[0-9A-F]{6}\b", (folder / "ICAOs.txt").read_text().upper()))
    assert {one["icao"] for one in json.loads((tmp_path / "out/aircraft.json").read_text())} == truth
    assert len(truth) == 11


@pytest.mark.realdata
@pytest.mark.slow
def test_every_real_image_has_its_line(real_data: Path, tmp_path: Path) -> None:
    done = replay(real_data / "sky", real_data / "streaks512", "--out", tmp_path / "out", timeout_s=600)
    assert done.returncode == 0, done.stderr
    found = lines(tmp_path / "out")
    assert len(found) == 27 + 414
    assert not [line for line in found if "error" in line]
    labels = {image["file"]: image for image in json.loads((real_data / "sky/labels.json").read_text())["images"]}
    sizes = {line["file"]: (line["width"], line["height"]) for line in found}
    assert all(sizes[name] == (image["width"], image["height"]) for name, image in labels.items())
