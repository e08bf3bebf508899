"""The laser's file: what the interlock wrote is what the renderer draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from camera.sim.laser import read_intervals, write_intervals
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import night


def test_intervals_come_back_and_no_file_means_never_fired(tmp_path: Path) -> None:
    file = tmp_path / "sim-laser"
    assert read_intervals(file) == ()
    write_intervals(file, [(1.5, 8.25), (20.0, float("inf"))])
    assert read_intervals(file) == ((1.5, 8.25), (20.0, float("inf")))
    assert list(tmp_path.iterdir()) == [file]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sim-laser"
    file.write_text("1.0\n")
    with pytest.raises(ValueError, match="sim-laser: not a list of laser intervals"):
        read_intervals(file)


def test_the_beam_is_drawn_only_while_it_was_fired() -> None:
    scenario = night(1)
    plate = simulated_plate(scenario, scale=0.25)
    width, height = plate.region.size_px
    fired: list[tuple[float, float]] = []
    renderer = Renderer(
        scenario, plate, width_px=width, height_px=height, origin_px=plate.region.origin_px, gain_setting=120,
        lasing=lambda: tuple(fired),
    )  # fmt: skip
    during = scenario.utc_ns(60.0)  # the operators want to lase, the interlock has not fired
    assert "own-beam" not in [trail.trail_class for trail in renderer.truth(during, 2.0)]
    fired.append((59.0, float("inf")))
    assert "own-beam" in [trail.trail_class for trail in renderer.truth(during, 2.0)]
