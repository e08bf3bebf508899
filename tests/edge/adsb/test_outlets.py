"""The radio process with everything switched on, over real sockets on loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camera.sim.scenario import night
from edge.adsb import process
from edge.adsb.archive.tracks import tracks
from edge.adsb.ear import TimedFrame
from edge.adsb.frames import TICK_HZ, ModeSFrame
from edge.adsb.outlets import Outlets
from edge.adsb.share.beast import beast_message
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources.beast import BeastParser
from edge.adsb.sources.beastfeed import read_beast
from edge.config import (
    CameraSection,
    Config,
    RadioSection,
    RecorderSection,
    ShareSection,
    SimulationSection,
    StationSection,
)
from edge.records import RadioHealth, SensorState
from edge.runtime.clock import RealClock, clock_for
from edge.runtime.datagram import DatagramReceiver
from edge.runtime.place import datagram_path
from tests.edge.adsb.share.dump1090 import connected, free_ports
from tests.edge.adsb.share.test_server import until

STATION = StationSection(id="test", latitude_deg=40.5247, longitude_deg=-3.0883, height_m=980.0)
SENT = [ModeSFrame(item.frame, item.t_s * TICK_HZ, -12.0) for item in SkySignal(night(1)).transmissions(60.0, 64.0)]


@dataclass
class Running:
    """The radio process in a thread, and the health it told."""

    config: Config
    healths: list[RadioHealth] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Running:
        self._receiver = DatagramReceiver(datagram_path())
        clock = RealClock() if self.config.simulation is None else clock_for(self.config)
        self._thread = threading.Thread(target=process.main, args=(self.config, clock, self.stop))
        self._thread.start()
        return self

    def health(self, wanted, limit_s: float = 15.0) -> RadioHealth:
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            for record in self._receiver.receive(0.2):
                if isinstance(record, RadioHealth):
                    self.healths.append(record)
                    if wanted(record):
                        return record
        raise AssertionError(f"no such health; the last: {self.healths[-1:]}")

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(15.0)
        self._receiver.close()
        assert not self._thread.is_alive()


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path


def receive_until_closed(connection: socket.socket) -> bytes:
    connection.settimeout(10.0)
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def test_a_station_behind_another_receiver_shares_and_keeps_all_it_believes(station):
    source = socket.create_server(("127.0.0.1", 0))
    source.settimeout(10.0)
    beast_port, sbs_port = free_ports(2)
    config = Config(
        station=STATION,
        camera=CameraSection(source="asi"),
        radio=RadioSection(source="beast", host="127.0.0.1", port=source.getsockname()[1]),
        share=ShareSection(beast_port=beast_port, sbs_port=sbs_port),
        recorder=RecorderSection(directory=station / "record", keep_messages=True),
    )
    with Running(config) as running:
        feed, _ = source.accept()
        running.health(lambda health: health.counters["sbs_failed"] == health.counters["beast_failed"] == 0)
        clients = [socket.create_connection(("127.0.0.1", port)) for port in (beast_port, sbs_port)]
        running.health(lambda health: health.counters["beast_clients"] == health.counters["sbs_clients"] == 1)
        begin_ns = time.time_ns()
        for frame in SENT:  # as they come: a fifth of a second for the four
            feed.sendall(beast_message(frame))
            time.sleep(0.0005)
        health = running.health(lambda health: health.aircraft >= 5)
        assert (health.state, health.warning) == (SensorState.OK, "")
        file = station / "aircraft.json"
        until(lambda: file.exists() and len(json.loads(file.read_bytes())["aircraft"]) >= 5)
        document = json.loads((station / "aircraft.json").read_bytes())
        assert "simulated" not in document
        assert abs(document["now"] - time.time()) < 10.0
        assert json.loads((station / "receiver.json").read_bytes())["lat"] == 40.5247
        running.stop.set()
        beast, sbs = (receive_until_closed(client) for client in clients)
    for end in (*clients, feed, source):
        end.close()
    relayed = [frame.data for frame in BeastParser().feed(beast)]
    (kept,) = (station / "record/messages").rglob("*.beast")
    assert sorted(relayed) == sorted(frame.data for frame in read_beast(kept))
    assert set(relayed) <= {frame.data for frame in SENT}
    assert len(relayed) > 200
    icaos = {line.split(",")[4] for line in sbs.decode().splitlines()}
    assert icaos == {plane["hex"].upper() for plane in document["aircraft"]}
    assert {track.icao for track in tracks(station / "record", begin_ns, time.time_ns())} <= icaos
    assert not (station / "aircraft.json").exists()


def test_a_simulated_station_says_so_in_its_file_and_teaches_no_baseline(station):
    config = Config(
        station=STATION,
        camera=CameraSection(source="sim"),
        radio=RadioSection(source="sim", gain_db=40.2),
        recorder=RecorderSection(directory=station / "record"),
        simulation=SimulationSection(epoch_utc_ns=night(1).epoch_utc_ns, mono_zero_s=time.monotonic() - 60.0),
    )
    with Running(config) as running:
        running.health(lambda health: health.counters["json_lost"] == 0 and health.messages_per_s > 0)
        until((station / "aircraft.json").exists)
        assert json.loads((station / "aircraft.json").read_bytes())["simulated"] is True
    assert list((station / "record/aircraft").rglob("*.parquet"))
    assert not (station / "record/radio-baseline.json").exists()


def test_a_taken_port_and_a_folder_that_cannot_be_written_are_warnings_of_an_ear_that_hears_on(station):
    squatter = socket.create_server(("127.0.0.1", 0))
    port = squatter.getsockname()[1]
    (station / "record").write_text("a file where the folder should be")
    source = socket.create_server(("127.0.0.1", 0))
    source.settimeout(10.0)
    config = Config(
        station=STATION,
        camera=CameraSection(source="asi"),
        radio=RadioSection(source="beast", host="127.0.0.1", port=source.getsockname()[1]),
        share=ShareSection(beast_port=port, json_directory=station / "absent"),
        recorder=RecorderSection(directory=station / "record", keep_messages=True),
    )
    with Running(config) as running:
        feed, _ = source.accept()
        for frame in SENT:
            feed.sendall(beast_message(frame))
        health = running.health(lambda health: health.counters["messages_lost"] and "absent" in health.warning)
        assert health.state is SensorState.OK
        assert f"beast: port {port} of 127.0.0.1 cannot be opened: Address already in use" in health.warning
        assert "record: cannot be written" in health.warning
        assert health.counters["beast_failed"] >= 1
    for end in (feed, source, squatter):
        end.close()


def test_an_ear_that_does_not_hear_writes_no_empty_sky(station):
    config = Config(
        station=STATION,
        camera=CameraSection(source="asi"),
        radio=RadioSection(source="beast", host="127.0.0.1", port=1),
    )
    with Running(config) as running:
        running.health(lambda health: health.counters["open_failed"] > 1)
        assert (station / "receiver.json").exists()
        assert not (station / "aircraft.json").exists()


def test_what_is_believed_late_is_kept_but_not_sent_after(station):
    """The first of an aircraft, believed with its second; other programs want messages in order of time."""
    (port,) = free_ports(1)
    config = Config(
        station=STATION,
        share=ShareSection(beast_port=port, aircraft_json=False),
        recorder=RecorderSection(directory=station, keep_messages=True),
    )
    outlets = Outlets(config, RealClock())
    with connected(port) as connection:
        until(lambda: outlets.counters()["beast_clients"])
        now_s, now_ns = time.monotonic(), time.time_ns()
        frames = [
            TimedFrame(ModeSFrame(SENT[n].data, 0.0, -10.0), now_s - age_s, now_ns - round(age_s * 1e9))
            for n, age_s in enumerate((40.0, 0.0, 0.02))
        ]
        outlets.take(frames, [])
        until(lambda: outlets.counters()["messages_recorded"] == 3)
        outlets.close()
        sent = BeastParser().feed(receive_until_closed(connection))
    assert [frame.data for frame in sent] == [SENT[2].data, SENT[1].data]
    (kept,) = (station / "messages").rglob("*.beast")
    assert [frame.data for frame in read_beast(kept)] == [frame.data for frame in SENT[:3]]


@pytest.mark.parametrize("simulated", [False, True])
def test_only_the_real_sky_is_kept_in_the_station_s_state_directory(station, monkeypatch, simulated):
    monkeypatch.setenv("STATE_DIRECTORY", f"{station / 'state'}:/another")
    simulation = SimulationSection(epoch_utc_ns=1, mono_zero_s=0.0) if simulated else None
    outlets = Outlets(Config(station=STATION, simulation=simulation), RealClock())
    outlets.close()
    assert ("states_recorded" in outlets.counters()) is not simulated
