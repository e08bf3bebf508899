"""The camera's process, whole, over the simulated library: frames in the ring, the truth in the health."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from camera.device import CameraLost, Frame
from camera.zwo.library import import_zwoasi
from edge.capture import process as capture
from edge.capture import recorded
from edge.capture.simulated import FAULT_FILE
from edge.config import Config
from edge.records import CameraHealth, SensorState
from edge.runtime.clock import SkyClock
from edge.runtime.datagram import DatagramReceiver
from edge.runtime.place import datagram_path, frames_directory
from edge.runtime.ring import EndOfFrames, ReadError, RingReader

EPOCH_UTC_NS = 1_781_473_500_000_000_000


def config_of(source: str, **simulation: Any) -> Config:
    return Config.model_validate(
        {
            "station": {"id": "test", "latitude_deg": 40.5, "longitude_deg": -3.1, "height_m": 900.0},
            "camera": {"source": source, "exposure_s": 0.05, "width_px": 96, "height_px": 80},
            "simulation": {"epoch_utc_ns": EPOCH_UTC_NS, "mono_zero_s": time.monotonic(), **simulation},
        }
    )


class Station:
    """The judgement's side of one running capture process (a thread here)."""

    def __init__(self, config: Config) -> None:
        self.ring, self.socket = RingReader(frames_directory()), DatagramReceiver(datagram_path())
        self.stop, self.error = threading.Event(), None
        self.healths: list[CameraHealth] = []
        assert config.simulation is not None
        clock = SkyClock(EPOCH_UTC_NS, config.simulation.mono_zero_s, config.simulation.rate)
        self.thread = threading.Thread(target=self._run, args=(config, clock), daemon=True)
        self.thread.start()

    def _run(self, config: Config, clock: SkyClock) -> None:
        try:
            capture.main(config, clock, self.stop)
        except CameraLost as err:
            self.error = err

    def until(self, wanted: Callable[[CameraHealth], bool], timeout_s: float = 10.0) -> CameraHealth:
        give_up_mono_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_mono_s:
            for record in self.socket.receive(0.05):
                assert isinstance(record, CameraHealth)
                self.healths.append(record)
                if wanted(record):
                    return record
        raise AssertionError(f"never said; last: {self.healths[-3:]}")

    def frame(self, timeout_s: float = 5.0) -> Any:
        found = self.ring.newest(timeout_s)
        assert found is not None, "no frame came"
        return found

    def close(self) -> None:
        self.stop.set()
        self.thread.join(10.0)
        self.ring.close()
        self.socket.close()


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setattr(capture, "HEALTH_EVERY_S", 0.05)
    monkeypatch.setattr(recorded, "HEALTH_EVERY_S", 0.05)
    monkeypatch.setattr(capture, "SLICE_S", 0.2)
    monkeypatch.setattr(capture, "FIRST_BACKOFF_S", 0.05)
    monkeypatch.setattr(capture, "LONGEST_BACKOFF_S", 0.2)
    return tmp_path / "run"


@pytest.fixture
def start(runtime: Path) -> Iterator[Callable[[Config], Station]]:
    stations: list[Station] = []

    def make(config: Config) -> Station:
        stations.append(Station(config))
        return stations[-1]

    yield make
    for station in stations:
        station.close()
    if (sdk := import_zwoasi().zwolib) is not None:
        sdk.uninstall()


Start = Callable[[Config], Station]


def test_a_simulated_camera_fills_the_ring_and_reports_itself_well(start: Start):
    station = start(config_of("sim"))
    frame = station.frame()
    assert isinstance(frame, Frame)
    assert (frame.width, frame.height, frame.mosaic) == (96, 80, "RGGB")
    assert 0 <= time.monotonic() - frame.end_mono_s < 2.0
    health = station.until(lambda health: health.state is SensorState.OK)
    assert (health.reason, health.recovery) == ("", "")
    assert health.sensor_celsius is not None


@pytest.mark.parametrize(
    ("fault", "says"),
    [("removed", "camera"), ("timeout", "no frame"), ("wrong-buffer", "library says"), ("frozen", "same picture")],
)
def test_trouble_is_named_with_its_rung_and_passes(start: Start, runtime: Path, fault: str, says: str):
    station = start(config_of("sim"))
    station.until(lambda health: health.state is SensorState.OK)
    (runtime / FAULT_FILE).write_text(fault)
    trouble = station.until(lambda health: health.state is not SensorState.OK and "reopen" in health.recovery)
    assert says in trouble.reason
    assert trouble.cause == ("frozen" if fault == "frozen" else "")
    station.ring.newest(0.0)  # the last good one
    assert station.ring.newest(0.7) is None  # nothing is passed on as fresh, after reopening neither
    (runtime / FAULT_FILE).unlink()
    back = station.until(lambda health: health.state is SensorState.OK)
    assert (back.reopened >= 1, back.cause) == (True, "")
    assert isinstance(station.frame(), Frame)


def test_a_refusal_is_told_as_long_as_it_lasts(start: Start, runtime: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(capture, "REFUSED_AGAIN_S", 0.1)
    runtime.mkdir()
    (runtime / FAULT_FILE).write_text("old-library")
    station = start(config_of("sim"))
    health = station.until(lambda health: "too old" in health.reason)
    assert health.state is SensorState.DEAD
    (runtime / FAULT_FILE).unlink()
    station.until(lambda health: health.state is SensorState.OK)


def test_a_hung_call_ends_the_process_after_saying_so(start: Start, runtime: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(capture, "HUNG_AFTER_S", 0.5)
    monkeypatch.setattr(capture, "STOP_WAIT_S", 0.2)
    station = start(config_of("sim"))
    station.until(lambda health: health.state is SensorState.OK)
    (runtime / FAULT_FILE).write_text("hang")
    last = station.until(lambda health: health.recovery == "restart")
    assert "has not come back" in last.reason
    assert last.state is SensorState.DEAD
    station.thread.join(10.0)
    assert "a fresh process" in str(station.error)


def test_a_camera_that_stays_away_ends_the_process(start: Start, runtime: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(capture, "RESTART_AFTER_S", 0.5)
    runtime.mkdir()
    (runtime / FAULT_FILE).write_text("no-camera")
    station = start(config_of("sim"))
    last = station.until(lambda health: health.recovery == "restart", 20.0)
    assert "no camera is connected" in last.reason
    station.thread.join(10.0)
    assert isinstance(station.error, CameraLost)


def test_a_replay_gives_every_file_once_in_order_and_names_the_unreadable(start: Start, tmp_path: Path):
    files = []
    for number in range(6):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(np.full((10 + number, 20), number, np.uint8)).save(files[-1])
    files[2].write_bytes(b"no picture")
    (tmp_path / "list.txt").write_text("3.png\n\n4.png\n5.png\n")
    config = config_of("replay", files=tuple(files[:3]), file_list=tmp_path / "list.txt")
    station = start(config)
    found = []
    while not isinstance(got := station.frame(), EndOfFrames):
        found.append(got)
    assert [got.pixels[0, 0] if isinstance(got, Frame) else "bad" for got in found] == [0, 1, "bad", 3, 4, 5]
    assert isinstance(found[2], ReadError)
    assert "neither FITS" in found[2].error
    assert [got.file for got in found] == [str(file) for file in files]
    station.thread.join(10.0)
    assert not station.thread.is_alive()


def test_no_camera_fitted_is_said_every_second(start: Start):
    station = start(config_of("none"))
    for _ in range(3):
        health = station.until(lambda health: True)
        assert (health.state, health.reason) == (SensorState.DEAD, "not fitted")


def test_frames_are_kept_when_asked_for(start: Start, tmp_path: Path):
    config = config_of("sim")
    recorder = config.recorder.model_copy(update={"keep_frames": True, "directory": tmp_path / "state"})
    station = start(config.model_copy(update={"recorder": recorder}))
    station.until(lambda health: health.counters.get("recorded", 0) >= 2)
    assert list((tmp_path / "state" / "frames").glob("*.fits"))
