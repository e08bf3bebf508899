"""The camera's process for real, under the small supervisor: what a restart remembers, and what it cures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.capture.simulated import FAULT_FILE
from edge.config import Config
from edge.records import CameraHealth, SensorState
from edge.runtime.datagram import DatagramReceiver
from edge.runtime.supervisor import ChildSpec, Supervisor
from tests.e2e.station import runtime_folder
from tests.edge.capture.station import config_of


class Eye:
    """One camera's process and its word."""

    def __init__(self, config: Config, folder: Path, runtime: Path) -> None:
        file = folder / "config.json"
        file.write_text(config.model_dump_json())
        command = (sys.executable, "-I", "-m", "edge", "capture", "--config", str(file))
        self.fault = runtime / FAULT_FILE
        self._heard = DatagramReceiver(runtime / "judgement.sock")
        self._supervisor = Supervisor([ChildSpec("capture", command)], runtime=runtime)
        self._supervisor.start()

    def until(self, wanted: Callable[[CameraHealth], bool], timeout_s: float) -> CameraHealth:
        give_up_mono_s, last = time.monotonic() + timeout_s, None
        while time.monotonic() < give_up_mono_s:
            self._supervisor.step(0.05)
            for last in self._heard.receive(0.0):
                if isinstance(last, CameraHealth) and wanted(last):
                    return last
        raise AssertionError(f"not within {timeout_s} s; last: {last}")

    @property
    def restarts(self) -> int:
        return self._supervisor.children()["capture"].restarts

    def close(self) -> None:
        self._supervisor.stop()
        self._heard.close()


@pytest.fixture
def eye(tmp_path: Path) -> Iterator[Eye]:
    with runtime_folder() as runtime:
        eye = Eye(config_of("sim", exposure_s=0.2), tmp_path, runtime)
        try:
            eye.until(lambda health: health.state is SensorState.OK, 60.0)
            yield eye
        finally:
            eye.close()


def test_a_call_that_hangs_ends_the_process_and_the_next_one_shakes_the_device(eye: Eye) -> None:
    before = eye.until(lambda health: health.frames > 3, 10.0)
    eye.fault.write_text("hang-read")
    eye.until(lambda health: health.recovery == "restart", 20.0)
    shaken = eye.until(lambda health: health.counters.get("usb-reset", 0) == 1, 40.0)
    assert eye.restarts == 1
    assert shaken.frames >= before.frames, "counted since boot, not since the restart"
    eye.fault.unlink()
    back = eye.until(lambda health: health.state is SensorState.OK, 40.0)
    assert back.counters["restart"] == 1
    assert back.counters["missed"] > 0


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("fault", "cure"), [("poisoned", "restart"), ("wedged", "usb-reset"), ("unpowered", "power-cycle")]
)
def test_what_only_one_rung_cures_is_cured_by_the_real_process(eye: Eye, fault: str, cure: str) -> None:
    eye.fault.write_text(fault)
    back = eye.until(lambda health: cure in health.counters and health.state is SensorState.OK, 200.0)
    assert back.counters[cure] >= 1
    assert not eye.fault.exists()
