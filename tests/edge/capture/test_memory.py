"""A fresh process goes on where the one before it ended; a damaged memory is none."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from edge.capture.ladder import Climb, Rung, Trouble, climb_on
from edge.capture.memory import Memory, recall, remember


def climbed(now_mono_s: float) -> Climb:
    climb = Climb()
    for second in range(5):
        climb, _ = climb_on(climb, Trouble.LOST, now_mono_s - 100.0 + 20.0 * second)
    return climb


def test_what_was_remembered_is_recalled_and_the_climb_goes_on(tmp_path: Path) -> None:
    now = time.monotonic()
    remember(tmp_path / "ladder.json", climbed(now), Counter(frames=7))
    memory = recall(tmp_path / "ladder.json")
    assert memory == Memory(climbed(now), {"frames": 7})
    assert memory.climb.rung is Rung.RESTART
    assert climb_on(memory.climb, Trouble.LOST, now, frozenset(Rung))[1].rung is Rung.USB_RESET


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '{"climb": {"rung": "jump"}}', '{"counters": {"frames": "many"}}',
        '{"counters": {"frames": -1}}', '{"last_frame_mono_s": NaN}', '{"last_frame_mono_s": 1e999}',
        '{"last_frame_mono_s": -1e300}',
        '{"last_frame_mono_s": 1e15}',
        '{"climb": {"well_since_mono_s": 1e15}}', '{"climb": {"used": [["reopen", NaN]]}}',
    ],
)  # fmt: skip
def test_a_damaged_memory_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "ladder.json").write_text(text)
    assert recall(tmp_path / "ladder.json") == Memory()


def test_a_memory_from_the_future_is_none_for_the_clock_began_anew(tmp_path: Path) -> None:
    remember(tmp_path / "ladder.json", climbed(time.monotonic() + 1e6), Counter())
    assert recall(tmp_path / "ladder.json") == Memory()


def test_no_memory_is_the_foot_of_the_ladder(tmp_path: Path) -> None:
    assert recall(tmp_path / "nothing.json") == Memory()
