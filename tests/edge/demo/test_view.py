"""The demo's screen: fits the terminal, says what the station says, and shrinks to one line per change."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from camera.sim.scenario import night
from edge.demo.skymap import Curve, Mark, sky_map
from edge.demo.story import story, told_at
from edge.demo.view import Lines, Screen, render
from edge.watch.letters import large
from tests.edge.demo.samples import ROOT, screen

SIZES = [(80, 24), (100, 40), (160, 50), (40, 12), (240, 70), (96, 34), (120, 30)]


def _printed(shown: Screen, columns: int, rows: int) -> list[str]:
    console = Console(width=columns, height=rows, file=io.StringIO(), record=True, force_terminal=True)
    console.print(render(shown, 100.0, columns, rows), height=rows)
    return console.export_text().rstrip("\n").split("\n")


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@pytest.mark.parametrize("state", ["CLEAR", "CAUTION", "HOLD", "FAULT"])
def test_never_larger_than_the_terminal(columns: int, rows: int, state: str) -> None:
    lines = _printed(screen(state, number=30), columns, rows)
    assert len(lines) <= rows
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (100, 40), (160, 50)])
def test_says_state_reason_permit_sensors_tracks_and_what_goes_out(columns: int, rows: int) -> None:
    text = "\n".join(_printed(screen("HOLD"), columns, rows))
    for words in ("NO PERMIT", "an unknown object", "camera", "BLIND", "pointing", "SIM126", "own-beam", "tracks"):
        assert words in text
    for words in ("SIMULATED", "ADVISORY", "FULL", "72/180 s", "1.8/s", "A light aircraft without transponder"):
        assert words in text
    assert "█" in text  # the state in large letters


def test_an_empty_screen_is_drawn_and_claims_nothing() -> None:
    text = "\n".join(_printed(Screen(title="t", end_s=60.0, rate=1.0, cone_deg=6.0), 100, 40))
    assert "waiting for the first safety message" in text
    assert "NO PERMIT" in text


def test_old_words_are_not_believed() -> None:
    shown = screen("CLEAR")
    assert shown.shown_state(100.0) == "CLEAR"
    assert shown.shown_state(102.0) == "SILENT"


def test_unreadable_messages_are_counted_and_change_nothing() -> None:
    shown = screen("HOLD")
    before = shown.safety
    for payload in (b"", b"{", b"[]", b'{"schema": "skyspotter.safety/1"}', b"\xff"):
        shown.take(f"{ROOT}/main/safety", payload, 100.0)
        shown.take(f"{ROOT}/health", payload, 100.0)
    assert shown.safety is before
    assert shown.unreadable == 9  # an object without parts is a readable health message


def test_lines_tell_each_change_once() -> None:
    shown, lines = screen("CLEAR"), Lines()
    first = list(lines.changes(shown, 100.0))
    assert any("safety CLEAR permit" in line for line in first)
    assert any("aircraft SIM126 (radio)" in line for line in first)
    assert list(lines.changes(shown, 100.2)) == []
    shown.laser_on = False
    assert [line.split("  ")[-1] for line in lines.changes(shown, 100.4)] == ["laser off"]


def test_the_map_is_exactly_as_large_as_asked_with_east_at_the_left() -> None:
    for columns, rows in ((1, 1), (10, 5), (46, 21), (25, 40)):
        text = sky_map(
            columns, rows, [Curve(night(1).beam.azel_deg(3.0, night(1).epoch_utc_ns, night(1).site), "red")], []
        )
        assert [len(line) for line in text.plain.split("\n")] == [columns] * rows
    lines = sky_map(46, 21, [], [Mark(90.0, 45.0, "x", "red", "EASTERN"), Mark(0.0, 45.0, "y", "red")]).plain.split(
        "\n"
    )
    (row_x, x), (row_y, y) = (next((r, line.index(c)) for r, line in enumerate(lines) if c in line) for c in "xy")
    assert x < y
    assert row_y < row_x
    assert any("EASTERN" in line for line in lines)


def test_large_letters_are_three_rows_of_one_width() -> None:
    for word in ("CLEAR", "CAUTION", "HOLD", "FAULT", "SILENT"):
        for double, height in ((False, 3), (True, 6)):
            rows = large(word, "", double=double).plain.split("\n")
            assert len(rows) == height
            assert len({len(row) for row in rows}) == 1


def test_the_story_tells_both_crossings_cloud_satellite_and_meteor() -> None:
    scenario = night(1)
    told = {told_at(moments, t / 2) for moments in [story(scenario, 6.0)] for t in range(360)}
    for words in (
        "wakes up",
        "Airliner SIM126",
        "without transponder nears",
        "crossing the beam",
        "meteor",
        "Cloud",
        "SIM-SAT",
    ):
        assert any(words in sentence for sentence in told), words
    assert "" not in told
    assert max(map(len, told)) < 120
