"""What `skyspotter status` says, also of a station that is gone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from edge.guard.payload import Reason, SafetyMessage, Sensor, Stamp, last_will
from edge.records import SensorState
from edge.status import StatusFile, read_status, show_status, write_status


def a_status(written_mono_s: float) -> StatusFile:
    will = last_will(
        Stamp(station="test", boot_id="b", simulated=True), "main", "SHADOW", "", 1_781_473_500_000_000_000
    )
    reason = Reason(code="aircraft", words="aircraft RYR1 3.2 deg from the beam", since="2026-06-14T21:45:00.000Z")
    return StatusFile(
        pid=4711,
        written_mono_s=written_mono_s,
        station="test",
        topic_root="skyspotter-sim/test",
        safety={"main": SafetyMessage(**{**dict(will), "reasons": (reason,)})},
        sensors={"camera": Sensor(state=SensorState.BLIND, reason="clouds", age_s=1.5)},
        counters={"ring": {"skipped": 3}},
        versions={"skyspotter": "0.1.0"},
    )


def test_a_status_reads_back_as_written(tmp_path: Path) -> None:
    status = a_status(100.0)
    write_status(status, tmp_path / "s")
    assert read_status(tmp_path / "s", 101.0) == status


@pytest.mark.parametrize("now_mono_s", [106.0, 50.0])  # too old, or written before the last boot
def test_a_status_that_is_not_fresh_is_none(tmp_path: Path, now_mono_s: float) -> None:
    write_status(a_status(100.0), tmp_path / "s")
    said = read_status(tmp_path / "s", now_mono_s)
    assert isinstance(said, str)
    assert said.startswith("not running: pid 4711 last wrote")


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "s").write_text('{"pid": 1}')
    said = read_status(tmp_path / "s", 1.0)
    assert isinstance(said, str)
    assert "cannot be read" in said


def test_people_see_why_and_programs_get_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    write_status(a_status(time.monotonic()))
    assert show_status(as_json=False) == 0
    text = capsys.readouterr().out
    for words in ("aircraft RYR1 3.2 deg from the beam", "BLIND", "clouds", "ring.skipped=3"):
        assert words in text
    assert show_status(as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["safety"]["main"]["schema"] == "skyspotter.safety/1"
