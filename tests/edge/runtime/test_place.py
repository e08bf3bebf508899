"""Where processes meet: private, apart, and cleared of what the dead left."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from edge.runtime.place import passing_directory


def test_what_a_killed_run_left_is_removed_and_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f"skyspotter-demo-{gone.pid}-abc").mkdir()
    (tmp_path / f"skyspotter-demo-{os.getpid()}-abc").mkdir()
    made = passing_directory("demo")
    assert {p.name for p in tmp_path.iterdir()} == {f"skyspotter-demo-{os.getpid()}-abc", made.name}


def test_each_run_meets_in_a_private_place_of_its_own() -> None:
    first, second = passing_directory("demo"), passing_directory("demo")
    try:
        assert first != second
        assert first.stat().st_mode & 0o777 == 0o700
        assert len(str(first / "notify-capture.sock")) < 100  # a socket's path has 107 bytes
    finally:
        first.rmdir()
        second.rmdir()
