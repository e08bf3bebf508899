"""The process body against a real datagram socket."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from rtlsdr import rtlsdr as binding

from camera.sim.scenario import EPOCH_UTC_NS, night
from edge.adsb import process
from edge.adsb.ear import Ear, Heard, TimedFrame
from edge.adsb.frames import ModeSFrame
from edge.adsb.sim import encode
from edge.adsb.sim.librtlsdr import FAULT_FILE
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources import arrivals, ladder, rtl
from edge.adsb.sources.iq import SourceRefused, SourceStuck
from edge.adsb.table import AircraftTable
from edge.config import CameraSection, Config, RadioSection, SimulationSection, StationSection
from edge.records import RadioHealth, SensorState
from edge.runtime.clock import RealClock
from edge.runtime.datagram import DatagramReceiver
from edge.runtime.place import datagram_path
from tests.edge.adsb.sources.test_rtltcp import Server

STATION = StationSection(id="test", latitude_deg=40.5, longitude_deg=-3.1, height_m=900.0)


@pytest.fixture
def healths_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the process with a radio section until a health record satisfies `wanted`; that record."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))

    def run(radio: RadioSection, wanted, simulation: SimulationSection | None = None) -> RadioHealth:
        receiver, stop = DatagramReceiver(datagram_path()), threading.Event()
        config = Config(station=STATION, camera=CameraSection(source="asi"), radio=radio, simulation=simulation)
        thread = threading.Thread(target=process.main, args=(config, RealClock(), stop))
        thread.start()
        try:
            deadline_s = time.monotonic() + 20.0
            while time.monotonic() < deadline_s:
                for record in receiver.receive(0.2):
                    if isinstance(record, RadioHealth) and wanted(record):
                        return record
            raise AssertionError("no such health record within 20 s")
        finally:
            stop.set()
            thread.join(10.0)
            receiver.close()
            assert not thread.is_alive()

    return run


def test_a_radio_that_is_switched_off_says_so(healths_of):
    health = healths_of(RadioSection(source="none"), lambda record: True)
    assert health.state is SensorState.DEAD
    assert "switched off" in health.reason


def test_a_stream_that_is_not_there_is_dead_with_the_reason_and_tried_again(healths_of):
    health = healths_of(
        RadioSection(source="beast", host="127.0.0.1", port=1), lambda record: record.counters.get("open_failed", 0) > 1
    )
    assert health.state is SensorState.DEAD
    assert "127.0.0.1:1" in health.reason


def test_a_dongle_that_is_not_there_is_dead_with_the_reason(healths_of, monkeypatch):
    def absent(self):
        raise SourceRefused("first dongle cannot be opened")

    monkeypatch.setattr(process.RtlSource, "open", absent)
    health = healths_of(RadioSection(source="rtlsdr"), lambda record: "first dongle" in record.reason)
    assert health.state is SensorState.DEAD


def test_a_dongle_that_hangs_is_reset_on_its_bus_and_heard_again(healths_of, tmp_path, monkeypatch):
    monkeypatch.setattr(arrivals, "STALL_S", 0.5)
    monkeypatch.setattr(rtl, "_JOIN_S", 0.2)
    monkeypatch.setattr(binding, "librtlsdr", binding.librtlsdr)  # the real one comes back in the end
    told = []

    def wanted(record: RadioHealth) -> bool:
        told.append(record)
        if record.state is SensorState.OK and not (tmp_path / FAULT_FILE).exists():
            (tmp_path / FAULT_FILE).write_text("hung")
        return record.state is SensorState.OK and record.counters.get("usb_resets") == 1

    simulation = SimulationSection(epoch_utc_ns=EPOCH_UTC_NS, mono_zero_s=time.monotonic() - 60.0)
    health = healths_of(RadioSection(source="sim"), wanted, simulation)
    assert health.gain_db == 38.6
    assert health.counters["lost"] == 1
    words = [record.reason for record in told if record.state is SensorState.DEAD]
    assert any("USB reset done" in reason for reason in words)


def test_a_dongle_that_nothing_helps_ends_the_process_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(arrivals, "STALL_S", 0.1)
    monkeypatch.setattr(ladder, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(ladder, "END_AFTER_S", 0.5)
    monkeypatch.setattr(ladder, "_LAST_WORDS_S", 0.1)
    monkeypatch.setattr(binding, "librtlsdr", binding.librtlsdr)
    (tmp_path / FAULT_FILE).write_text("stalled")
    config = Config(
        station=STATION,
        radio=RadioSection(source="sim"),
        simulation=SimulationSection(epoch_utc_ns=EPOCH_UTC_NS, mono_zero_s=time.monotonic() - 60.0),
    )
    with pytest.raises(SourceStuck, match="stalled.*nothing helped, the process ends"):
        process.main(config, RealClock(), threading.Event())


def test_a_dongle_at_another_computer_is_heard_like_one_of_our_own(healths_of):
    signal = SkySignal(night(1))
    blocks = [signal.block(60 * 2_400_000 + k * 120_000, 120_000).tobytes() for k in range(100)]  # 5 s

    def at_its_pace(connection) -> None:
        start_s = time.monotonic()
        for k, block in enumerate(blocks):
            time.sleep(max(0.0, start_s + 0.05 * k - time.monotonic()))
            connection.sendall(block)

    server = Server(at_its_pace)
    try:
        health = healths_of(
            RadioSection(source="rtl_tcp", port=server.port),
            lambda record: record.state is SensorState.OK and record.aircraft > 0,
        )
    finally:
        server.close()
    assert (health.gain_db, health.lost_blocks) == (38.6, 0)


def heard(t_s: float, kind: int) -> TimedFrame:
    frame = encode.position(0x3409F1, 40.5, -3.0, 30_000, kind)
    return TimedFrame(ModeSFrame(frame, 0.0, -10.0), t_s, round(t_s * 1e9))


def test_an_aircraft_is_told_at_most_twice_a_second_and_health_once():
    ear = Ear(STATION.site, 0.0, expected_bytes_per_s=None)
    ear.opened(0.0)
    told, healths = 0, 0
    for tick in range(100):  # 10 s
        t_s = tick / 10
        ear.take(Heard((heard(t_s, tick % 2),), 23), t_s, 0)
        told += len(ear.due(t_s))
        healths += ear.health(t_s) is not None
    assert 18 <= told <= 21
    assert healths == 10


def test_blocks_lost_before_a_source_was_reopened_are_not_lost_again():
    ear = Ear(STATION.site, 0.0, expected_bytes_per_s=None)
    ear.opened(0.0)
    ear.take(Heard((), 23), 0.0, 7)
    ear.opened(60.0)
    ear.take(Heard((), 23), 60.0, 7)
    health = ear.health(60.0)
    assert (health.lost_blocks, health.state) == (7, SensorState.OK)
    ear.take(Heard((), 23), 60.5, 8)
    assert ear.health(61.5).lost_blocks == 8


def test_an_empty_sky_of_a_closed_source_is_not_reported_as_well():
    ear = Ear(STATION.site, 0.0, expected_bytes_per_s=4.8e6)
    assert ear.health(0.0).state is SensorState.DEAD
    ear.opened(1.0)
    assert ear.health(1.0).state is SensorState.STALE


def test_a_stream_that_was_opened_and_says_nothing_or_no_message_is_no_ear():
    ear = Ear(STATION.site, 0.0, expected_bytes_per_s=None)
    ear.opened(0.0)
    assert ear.health(0.0).state is SensorState.STALE
    ear.take(Heard((), 0), 1.0, 0)
    assert ear.health(1.0).state is SensorState.STALE
    ear.take(Heard((heard(2.0, 0),), 23), 2.0, 0)
    assert ear.health(2.0).state is SensorState.OK


def test_an_ear_that_cannot_follow_everybody_is_blind_until_it_can():
    ear = Ear(STATION.site, 0.0, expected_bytes_per_s=None)
    ear.table = AircraftTable(STATION.site, limit=1)
    ear.opened(0.0)
    other = encode.position(0x111111, 40.5, -3.0, 30_000, 0)
    ear.take(Heard((heard(0.0, 0),), 23), 0.0, 0)
    assert ear.health(0.0).state is SensorState.OK
    ear.take(Heard((TimedFrame(ModeSFrame(other, 0.0, -10.0), 1.0, 10**9),), 23), 1.0, 0)
    assert ear.health(1.0).state is SensorState.BLIND
    ear.take(Heard((heard(8.0, 0),), 23), 8.0, 0)
    assert ear.health(8.0).state is SensorState.OK
