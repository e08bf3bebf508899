from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.replay.plan import ReplayRefused, already_done, is_beast, make_plan


def _touch(path: Path, data: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_frames_are_named_by_their_path_below_the_folder_given(tmp_path: Path) -> None:
    _touch(tmp_path / "sky/kho/a.jpg")
    _touch(tmp_path / "sky/b.fits.bz2")
    plan = make_plan([tmp_path / "sky"])
    assert [name for name, _ in plan.frames] == ["b.fits.bz2", "kho/a.jpg"]


def test_frames_of_one_name_in_two_folders_get_the_folder_in_front(tmp_path: Path) -> None:
    _touch(tmp_path / "monday/1.png")
    _touch(tmp_path / "tuesday/1.png")
    plan = make_plan([tmp_path / "monday", tmp_path / "tuesday"])
    assert [name for name, _ in plan.frames] == ["monday/1.png", "tuesday/1.png"]


def test_a_radio_recording_is_known_by_its_content(tmp_path: Path) -> None:
    beast = _touch(tmp_path / "log.bin", (b"\x1a3" + bytes(21)) * 10)
    iq = _touch(tmp_path / "x.cu8", bytes(range(100, 150)) * 20)
    plan = make_plan([beast, iq])
    assert (plan.beast, plan.iq, plan.frames) == ((beast,), (iq,), ())


@pytest.mark.realdata
def test_the_real_beast_recording_and_the_real_iq_are_told_apart(real_data: Path) -> None:
    [log] = (real_data / "modes_logs/beastblackbox").glob("*.log")
    assert is_beast(log)
    assert not is_beast(real_data / "iq/modes1.bin")


def test_a_missing_path_and_an_empty_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ReplayRefused, match=r"gone\.fits: no such file"):
        make_plan([tmp_path / "gone.fits"])
    with pytest.raises(ReplayRefused, match="nothing to read there"):
        make_plan([tmp_path])


def test_a_line_cut_off_by_a_crash_is_removed_and_done_again(tmp_path: Path) -> None:
    whole = json.dumps({"file": "a.png", "trails": []}) + "\n"
    path = tmp_path / "detections.jsonl"
    path.write_text(whole + '{"file": "b.p')
    assert already_done(path) == {"a.png"}
    assert path.read_text() == whole


def test_a_file_that_is_not_ours_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "detections.jsonl"
    path.write_text("my notes\n")
    with pytest.raises(ReplayRefused, match="line 1"):
        already_done(path)
    assert path.read_text() == "my notes\n"
