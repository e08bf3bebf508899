"""How a process starts and ends: exit codes, sentences, one instance per box."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from camera.device import CameraLost, CameraRefused
from camera.whole import write_whole
from edge.config import ConfigRefused
from edge.runtime.lock import sole_instance
from edge.runtime.place import StartRefused, runtime_directory
from edge.runtime.stage import is_refusal

PRELUDE = "import sys, time, threading\nfrom edge.runtime.stage import run_stage\nfrom camera.device import *\n"


def stage(tmp_path: Path, body: str) -> subprocess.Popen[str]:
    script = PRELUDE + f"def body(stop):\n    {body}\nsys.exit(run_stage('vision', body))\n"
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("pass", 0, ""),
        ("raise CameraRefused('camera.serial: none such')", 2, "camera.serial: none such\n"),
    ],
)
def test_the_exit_code_says_whether_to_start_again(tmp_path: Path, body: str, code: int, words: str) -> None:
    out, err = (process := stage(tmp_path, body)).communicate(timeout=60)
    assert (process.returncode, err) == (code, words)
    assert "event=start stage=vision" in out


def test_a_bug_shows_its_trace_and_ends_with_1(tmp_path: Path) -> None:
    out, _ = (process := stage(tmp_path, "1 / 0")).communicate(timeout=60)
    assert process.returncode == 1
    assert "ZeroDivisionError" in out


def test_the_first_signal_asks_and_a_second_instance_is_refused(tmp_path: Path) -> None:
    first = stage(tmp_path, "print('in', flush=True); stop.wait(600); print('orderly', flush=True)")
    assert first.stdout is not None
    while first.stdout.readline() != "in\n":
        pass
    _, err = (second := stage(tmp_path, "pass")).communicate(timeout=60)
    assert second.returncode == 2
    assert err == f"{tmp_path}/vision.lock: skyspotter vision already runs on this box with pid {first.pid}; " + (
        "stop that one first\n"
    )
    first.send_signal(signal.SIGTERM)
    out, _ = first.communicate(timeout=60)
    assert (first.returncode, "orderly" in out) == (0, True)


def test_a_lock_dies_with_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    holder = stage(tmp_path, "print('in', flush=True); time.sleep(600)")
    assert holder.stdout is not None
    while holder.stdout.readline() != "in\n":
        pass
    with pytest.raises(StartRefused), sole_instance("vision"):
        pass
    holder.kill()
    holder.communicate()
    with sole_instance("vision"):
        assert (tmp_path / "vision.lock").read_text() == f"{os.getpid()}\n"
    with sole_instance("vision"):
        pass


def test_only_refusals_are_refusals() -> None:
    assert is_refusal(ConfigRefused("x"))
    assert is_refusal(CameraRefused("x"))
    assert is_refusal(StartRefused("x"))
    assert not is_refusal(CameraLost("x"))
    assert not is_refusal(ConnectionRefusedError("a broker that is away is no reason to stop"))


def test_the_meeting_place_is_private_and_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}/a:{tmp_path}/b")
    assert runtime_directory() == tmp_path / "a"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_directory() == tmp_path / "skyspotter"
    (tmp_path / "skyspotter").rmdir()
    (tmp_path / "skyspotter").symlink_to("/tmp")
    with pytest.raises(StartRefused, match="is a link"):
        runtime_directory()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "status.json"
    write_whole(file, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_whole(file, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
    assert file.read_bytes() == b"old"
