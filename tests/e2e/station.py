"""A whole station for tests: real processes over the simulated devices, a real broker, a consumer, a telescope.

Everything runs on loopback and in a folder of the test's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from camera.sim.renderer import simulated_plate
from camera.sim.scenario import EPOCH_UTC_NS, YEBES, night
from edge.guard.consumer import PermitHolder

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
ROOT = "skyspotter-sim/test"
QUIET_AZEL_DEG = (240.0, 75.0)  # nobody flies there in the first minutes of this night


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A Mosquitto that can be killed and started again on the same port."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._config = directory / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.05)
        raise AssertionError("mosquitto does not listen")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Consumer:
    """A laser interlock on its own connection; keeps every message with its arrival on CLOCK_MONOTONIC."""

    port: int
    holder: PermitHolder = field(default_factory=lambda: PermitHolder(simulation=True))
    messages: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe(f"{ROOT}/#")
        self.client.on_message = self._take
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_async("127.0.0.1", self.port, keepalive=5)
        self.client.loop_start()

    def _take(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        now = time.monotonic()
        if message.topic.endswith("/safety"):
            self.holder.receive(message.payload, bool(message.retain), now, time.time())
        if not message.topic.endswith("/pointing"):
            self.messages.append((now, message.topic.removeprefix(ROOT + "/"), json.loads(message.payload)))

    def permitted(self) -> bool:
        return bool(self.holder.permitted(time.monotonic())[0])

    def newest(self, topic: str) -> dict[str, Any] | None:
        return next((record for _, name, record in reversed(self.messages) if name == topic), None)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Telescope:
    """Points to one quiet place of the sky at 10 Hz, laser off, on its own connection."""

    def __init__(self, port: int) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_async("127.0.0.1", port, keepalive=5)
        self.client.loop_start()
        self.silent = False

    def point(self) -> None:
        if not self.silent:
            message = {"azimuth_deg": QUIET_AZEL_DEG[0], "elevation_deg": QUIET_AZEL_DEG[1], "laser_state": "off"}
            self.client.publish(f"{ROOT}/main/pointing", json.dumps(message))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@dataclass
class Station:
    """The three processes under the supervisor's command `run`, and what belongs to them."""

    directory: Path
    runtime: Path
    config: Path
    broker: Broker
    consumer: Consumer
    telescope: Telescope
    process: subprocess.Popen[bytes]

    def wait(self, wanted: Any, timeout_s: float) -> float:
        """Points the telescope until `wanted()` is true; the monotonic time when it was. Fails with the newest word."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.telescope.point()
            if wanted():
                return time.monotonic()
            time.sleep(0.1)
        raise AssertionError(f"not within {timeout_s} s: {self.consumer.newest('main/safety')}\n{self.log()}")

    def log(self) -> str:
        return (self.directory / "station.log").read_text(errors="replace")[-4000:]

    def pid(self, role: str) -> int:
        """Of one child of the supervisor, by its command line."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    command = (entry / "cmdline").read_bytes().split(b"\0")
                    if role.encode() in command and str(self.config).encode() in command:
                        return int(entry.name)
        raise AssertionError(f"no process {role}")

    def fault(self, name: str) -> None:
        """A fault of the simulated camera; empty: well again."""
        path = self.runtime / "fault-camera"
        if name:
            path.write_text(name)
        else:
            path.unlink(missing_ok=True)


def write_config(directory: Path, port: int, mono_zero_s: float, *, changes: str = "", minutes: float = 30.0) -> Path:
    """A simulated station in mode ADVISORY at Yebes with its true plate."""
    scenario = night(1, minutes=minutes)
    simulated_plate(scenario).save(directory / "plate.json")
    path = directory / "station.toml"
    text = f"""
[station]
id = "test"
latitude_deg = {YEBES.latitude_deg}
longitude_deg = {YEBES.longitude_deg}
height_m = {YEBES.height_m}
[camera]
source = "sim"
[plate]
file = "{directory / "plate.json"}"
[radio]
source = "sim"
[network]
threads = 1
[guard]
mode = "advisory"
[mqtt]
port = {port}
[simulation]
seed = 1
minutes = {minutes}
epoch_utc_ns = {EPOCH_UTC_NS}
mono_zero_s = {mono_zero_s}
"""
    for change in changes.splitlines():
        old, _, new = change.partition(" => ")
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    return path


@contextlib.contextmanager
def running_station(directory: Path, *, changes: str = "") -> Iterator[Station]:
    """Starts everything, ends everything."""
    runtime = Path(tempfile.mkdtemp(prefix="skyspotter-test-", dir="/dev/shm"))
    broker = Broker(directory)
    broker.start()
    mono_zero_s = time.monotonic()
    config = write_config(directory, broker.port, mono_zero_s, changes=changes)
    log = (directory / "station.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "edge", "run", "--config", str(config)],
        env={**os.environ, "RUNTIME_DIRECTORY": str(runtime)},
        stdout=log,
        stderr=log,
    )
    consumer = Consumer(broker.port)
    telescope = Telescope(broker.port)
    try:
        yield Station(directory, runtime, config, broker, consumer, telescope, process)
    finally:
        consumer.close()
        telescope.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        broker.kill()
        log.close()
        shutil.rmtree(runtime, ignore_errors=True)
