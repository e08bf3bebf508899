"""The camera's process, whole, over the simulated library: frames in the ring, the truth in the health."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from camera.device import Frame
from edge.capture.ladder import Rung
from edge.capture.simulated import FAULT_FILE
from edge.config import Config
from edge.records import SensorState
from edge.runtime.ring import EndOfFrames, ReadError
from tests.edge.capture.station import EPOCH_UTC_NS, Station, config_of, hurried

Start = Callable[..., Station]


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with hurried(20.0):
        yield tmp_path / "run"


@pytest.fixture
def start(runtime: Path) -> Iterator[Start]:
    stations: list[Station] = []

    def make(config: Config, *, revive: bool = False) -> Station:
        stations.append(Station(config, revive=revive))
        return stations[-1]

    yield make
    for station in stations:
        station.close()


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
    [
        ("removed", "camera"),
        ("timeout", "no frame"),
        ("wrong-buffer", "library says"),
        ("frozen", "same picture"),
        ("half-written", "picture spoilt"),
        ("short", "one value only"),
        ("black", "one value only"),
    ],
)
def test_trouble_is_named_with_its_rung_and_passes(start: Start, runtime: Path, fault: str, says: str):
    station = start(config_of("sim"), revive=True)
    station.until(lambda health: health.state is SensorState.OK)
    (runtime / FAULT_FILE).write_text(fault)
    trouble = station.until(lambda health: health.state is SensorState.DEAD and "reopen" in health.recovery)
    assert says in trouble.reason
    assert trouble.cause == ("frozen" if fault == "frozen" else "")
    assert station.no_frame_for(0.3)  # nothing is passed on as fresh, after reopening neither
    (runtime / FAULT_FILE).unlink()
    back = station.until(lambda health: health.state is SensorState.OK)
    assert (back.reopened >= 1, back.cause, back.recovery) == (True, "", "")
    assert isinstance(station.frame(), Frame)


@pytest.mark.parametrize(
    ("fault", "cured_by", "not_by"),
    [
        ("confused", "reopen", "restart"),
        ("poisoned", "restart", "usb-reset"),
        ("wedged", "usb-reset", "power-cycle"),
        ("unpowered", "power-cycle", "never"),
    ],
)
def test_each_rung_cures_what_the_lower_ones_cannot(
    start: Start, runtime: Path, fault: str, cured_by: str, not_by: str
):
    station = start(config_of("sim"), revive=True)
    station.until(lambda health: health.state is SensorState.OK)
    (runtime / FAULT_FILE).write_text(fault)
    station.until(lambda health: cured_by in health.recovery, 30.0)
    back = station.until(lambda health: health.state is SensorState.OK, 30.0)
    assert back.counters[cured_by] >= 1
    assert not_by not in back.counters
    assert not (runtime / FAULT_FILE).exists(), "cured, not forgotten"


def test_a_missed_picture_is_waited_for_once_more_and_nothing_is_reopened(start: Start, runtime: Path):
    station = start(config_of("sim"))
    station.until(lambda health: health.state is SensorState.OK)
    (runtime / FAULT_FILE).write_text("timeout")
    trouble = station.until(lambda health: health.recovery == "retry")
    (runtime / FAULT_FILE).unlink()
    assert (trouble.state, "no frame within" in trouble.reason) == (SensorState.STALE, True)
    back = station.until(lambda health: health.state is SensorState.OK)
    assert (back.timeouts, back.reopened) == (1, 0)


def test_a_refusal_is_told_as_long_as_it_lasts_and_uses_no_rung(start: Start, runtime: Path):
    runtime.mkdir()
    (runtime / FAULT_FILE).write_text("old-library")
    station = start(config_of("sim"))
    health = station.until(lambda health: health.counters.get("refused", 0) >= 2)
    assert health.state is SensorState.DEAD
    assert "too old" in health.reason
    assert "put right" in health.recovery
    (runtime / FAULT_FILE).unlink()
    back = station.until(lambda health: health.state is SensorState.OK)
    assert not set(back.counters) & {str(rung) for rung in Rung}


@pytest.mark.parametrize("call", ["open", "init", "read", "stop", "close"])
def test_a_call_that_hangs_ends_the_process_after_saying_which(start: Start, runtime: Path, call: str):
    station = start(config_of("sim"))
    station.until(lambda health: health.state is SensorState.OK)
    (runtime / FAULT_FILE).write_text(f"hang-{call}")
    last = station.until(lambda health: health.recovery == "restart")
    assert "has not come back from ASI" in last.reason
    assert last.state is SensorState.DEAD
    station.thread.join(10.0)
    assert "a fresh process" in station.ends[0]


def test_a_call_that_hangs_again_is_shaken_loose_from_outside(start: Start, runtime: Path):
    station = start(config_of("sim"), revive=True)
    station.until(lambda health: health.state is SensorState.OK)
    (runtime / FAULT_FILE).write_text("hang-read")
    station.until(lambda health: health.counters.get("usb-reset", 0) >= 1, 20.0)
    (runtime / FAULT_FILE).unlink()
    station.until(lambda health: health.state is SensorState.OK, 20.0)
    assert len(station.ends) == 1, "the call came back with an error; no second end was needed"


def test_a_camera_that_stays_away_is_looked_for_by_every_rung_and_never_given_up(start: Start, runtime: Path):
    runtime.mkdir()
    (runtime / FAULT_FILE).write_text("no-camera")
    station = start(config_of("sim"), revive=True)
    health = station.until(lambda health: health.counters.get("restart", 0) >= 2, 40.0)
    assert health.state is SensorState.DEAD
    assert "no camera is connected" in health.reason
    (runtime / FAULT_FILE).unlink()
    station.until(lambda health: health.state is SensorState.OK, 20.0)


def test_single_exposures_fill_the_ring_too(start: Start):
    station = start(config_of("sim", mode="snap"))
    station.until(lambda health: health.state is SensorState.OK and health.frames >= 3)
    assert isinstance(station.frame(), Frame)


def test_a_bright_sky_is_exposed_shorter_and_no_more_often_than_by_night(start: Start):
    noon_utc_ns = EPOCH_UTC_NS + 14 * 3600 * 10**9
    station = start(config_of("sim", exposure_s=0.4, shortest_exposure_s=0.001, epoch_utc_ns=noon_utc_ns))
    station.until(lambda health: health.counters.get("thinned", 0) > 5, 20.0)
    frames = [station.frame() for _ in range(3)]
    assert frames[-1].exposure_s < 0.05
    assert frames[2].end_mono_s - frames[1].end_mono_s >= 0.9 * 0.4
    health = station.until(lambda health: True)
    assert health.state is SensorState.OK, "a bright sky is no broken camera"


def test_the_gap_between_exposures_is_published(start: Start):
    station = start(config_of("sim"))
    health = station.until(lambda health: health.gap_ms is not None)
    assert health.gap_worst_ms is not None


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
    assert list((tmp_path / "state" / "frames").rglob("*.fits.fz"))
