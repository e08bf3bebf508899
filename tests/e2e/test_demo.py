"""The demo as a newcomer starts it: one command, real processes, a verdict against the truth."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

SKYSPOTTER = (sys.executable, "-I", "-m", "edge")


def _start(*arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.Popen(
        [*SKYSPOTTER, "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )


def _children_of(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 3])
def test_a_whole_night_passes_and_leaves_picture_and_verdict(seed: int, tmp_path: Path) -> None:
    keep = tmp_path / "night"
    demo = _start("--seed", str(seed), "--keep", str(keep))
    output, _ = demo.communicate(timeout=500)
    assert demo.returncode == 0, output
    assert "PASSED" in output
    summary = json.loads((keep / "summary.json").read_text())
    assert summary["passed"] is True
    picture = cv2.imread(str(keep / "sky.png"))
    assert picture is not None
    assert picture.shape[1] > picture.shape[0] > 1000
    messages = [json.loads(line) for line in (keep / "out" / "safety.jsonl").read_text().splitlines()]
    assert all(message["simulated"] is True and message["mode"] == "ADVISORY" for message in messages)
    assert messages[-1]["permit"] is False  # the last word is a hold
    assert "stopping" in [reason["code"] for reason in messages[-1]["reasons"]]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_control_c_ends_everything_within_seconds() -> None:
    demo = _start("--minutes", "3")
    time.sleep(12.0)
    assert demo.poll() is None
    children = _children_of(demo.pid)
    assert len(children) >= 4  # capture, radio, vision, broker
    began = time.monotonic()
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=30)
    assert time.monotonic() - began < 8.0
    assert demo.returncode == 130
    assert "no verdict" in output
    for pid in children:
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_killed_demo_leaves_no_process_behind() -> None:
    demo = _start("--minutes", "3")
    time.sleep(12.0)
    children = _children_of(demo.pid)
    demo.kill()
    demo.communicate(timeout=10)
    deadline = time.monotonic() + 15.0
    while (left := [pid for pid in children if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


@pytest.mark.timeout(180)
def test_half_a_minute_goes_from_light_and_radio_waves_to_messages_and_picture(tmp_path: Path) -> None:
    """The whole chain once, in the default tests; the verdict on so short a night is not asked for."""
    keep = tmp_path / "run"
    demo = _start("--minutes", "0.5", "--seed", "3", "--keep", str(keep))
    output, _ = demo.communicate(timeout=170)
    assert demo.returncode in (0, 1), output
    assert "What was asked of the station" in output
    lines = {
        name: (keep / "out" / f"{name}.jsonl").read_text().splitlines() for name in ("detections", "safety", "tracks")
    }
    assert len(lines["detections"]) >= 5
    assert len(lines["safety"]) >= 40
    tracks = [track for line in lines["tracks"] for track in json.loads(line)["tracks"] or ()]
    assert any(track["senses"] == ["radio", "camera"] and track["label"].startswith("SIM") for track in tracks)
    assert (keep / "sky.png").stat().st_size > 100_000
    assert sorted((keep / "record").rglob("*.fits*"))  # --keep keeps the frames as well


def test_a_folder_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{}")
    demo = _start("--keep", str(tmp_path))
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert "is not empty; name a new one" in output
    assert len(output.strip().splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.slow
def test_a_broker_that_is_not_there_is_said_while_the_station_stays_safe(tmp_path: Path) -> None:
    demo = _start("--minutes", "0.2", "--broker", "127.0.0.1:9", "--keep", str(tmp_path / "run"))
    output, _ = demo.communicate(timeout=110)
    assert demo.returncode == 1, output
    assert "no broker listens at 127.0.0.1:9" in output
    assert "laser on" not in output
