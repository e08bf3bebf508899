"""What is latched outlives the process; what releases it works once."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.vision.local import LatchedFile, read_latched, take_releases, write_latched

LATCHED = {"main": {"remote-hold": "visitors on the roof"}}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


def test_what_was_latched_is_read_back() -> None:
    assert read_latched() == {}
    assert write_latched(LATCHED) == ""
    assert read_latched() == LATCHED


@pytest.mark.parametrize("content", ["", "[]", "null", '{"main": 3}', '{"main": {"remote-hold'])
def test_a_damaged_list_latches_every_beam(tmp_path: Path, content: str) -> None:
    (tmp_path / "latched.json").write_text(content)
    assert "cannot be read" in read_latched()["*"]["evidence-broken"]


def test_a_disk_that_refuses_is_words_and_no_end_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/proc/nowhere")
    assert "cannot be kept over a restart" in write_latched(LATCHED)


def test_what_a_disk_refused_is_written_a_second_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LatchedFile({})
    monkeypatch.setenv("STATE_DIRECTORY", "/proc/nowhere")
    file.keep(LATCHED, 10.0)
    assert "cannot be kept over a restart" in file.trouble
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    file.keep(LATCHED, 10.5)
    assert (bool(file.trouble), read_latched()) == (True, {})
    file.keep(LATCHED, 11.0)
    assert (file.trouble, read_latched()) == ("", LATCHED)


def test_a_release_works_once(tmp_path: Path) -> None:
    (tmp_path / "release-remote-hold").write_text("J. Roe")
    assert take_releases() == [("remote-hold", "J. Roe")]
    assert take_releases() == []


def test_a_release_that_cannot_be_taken_away_releases_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "release-remote-hold").write_text("J. Roe")

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert take_releases() == []
