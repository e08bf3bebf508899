"""The demo's run folder: a configuration that the station accepts, apart from everything else on the box."""

from __future__ import annotations

from pathlib import Path

import pytest

from camera.plate import load_plate
from edge.demo.runfolder import DemoRefused, make_run_folder
from edge.fusion.satellites import SatelliteBook


def test_the_station_is_simulated_advisory_and_under_its_own_topics(tmp_path: Path) -> None:
    run = make_run_folder(seed=4, minutes=2.0, fast=3.0, address=("127.0.0.1", 4711), protocol="3.1.1", keep=tmp_path)
    config = run.config
    assert config.topic_root == "skyspotter-sim/demo"
    assert config.guard.mode == "advisory"
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.protocol) == ("127.0.0.1", 4711, "3.1.1")
    assert config.simulation is not None
    assert (config.simulation.seed, config.simulation.minutes, config.simulation.rate) == (4, 2.0, 3.0)
    assert config.recorder.keep_frames
    assert (config.guard.beams[0].telescope_east_m, config.guard.beams[0].telescope_north_m) == (9.0, 4.0)
    assert run.clock.utc_at(run.clock.mono_zero_s + 10.0) == run.scenario.utc_ns(30.0)


def test_plate_and_elements_are_those_of_the_scenario(tmp_path: Path) -> None:
    run = make_run_folder(seed=4, minutes=2.0, fast=1.0, address=("::1", 1), protocol="5", keep=tmp_path)
    assert run.config.plate.file is not None
    assert load_plate(run.config.plate.file) == run.plate
    book = SatelliteBook(run.config.satellites.directory)
    book.refresh()
    text = (tmp_path / "tle" / "demo.tle").read_text()
    assert [line for line in text.splitlines() if line.startswith("SIM")] == ["SIM-SAT", "SIM-TARGET"]
    assert book.age_days(run.scenario.epoch_utc_ns) is not None


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(DemoRefused, match="is not empty"):
        make_run_folder(seed=1, minutes=1.0, fast=1.0, address=("h", 1), protocol="5", keep=tmp_path)
    with pytest.raises(DemoRefused, match="cannot be used"):
        make_run_folder(seed=1, minutes=1.0, fast=1.0, address=("h", 1), protocol="5", keep=tmp_path / "x" / "y")
