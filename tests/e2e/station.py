"""A whole station for tests: real processes over the simulated devices, a real broker, a consumer, a telescope.

Everything runs on loopback and in a folder of the test's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from camera.sim.renderer import simulated_plate
from camera.sim.scenario import EPOCH_UTC_NS, YEBES, night
from edge.guard.consumer import PermitHolder
from tests.edge.publish.brokers import MOSQUITTO, Mosquitto, free_port

ROOT = "skyspotter-sim/test"
QUIET_AZEL_DEG = (345.0, 60.0)  # nobody comes within 40 deg of it in the first quarter of an hour of this night
ANYBODY = "allow_anonymous true"
POINTING = json.dumps(
    {"azimuth_deg": QUIET_AZEL_DEG[0], "elevation_deg": QUIET_AZEL_DEG[1], "azimuth_rate_dps": 0.0,
     "elevation_rate_dps": 0.0, "laser_state": "off"}
)  # fmt: skip
PRIMARY = json.dumps({"measure": "radar", "working": True})
SKYSPOTTER = (sys.executable, "-I", "-m", "edge")


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
        if message.topic.rpartition("/")[2] not in ("pointing", "hold", "primary"):  # what others say
            self.messages.append((now, message.topic.removeprefix(ROOT + "/"), json.loads(message.payload)))

    def permitted(self) -> bool:
        return bool(self.holder.permitted(time.monotonic())[0])

    def of(self, topic: str, since_mono_s: float = 0.0) -> list[tuple[float, dict[str, Any]]]:
        """(arrival, message) of one topic."""
        return [(at, record) for at, name, record in list(self.messages) if name == topic and at >= since_mono_s]

    def reasons(self) -> str:
        """Codes and words of the newest safety message."""
        newest = self.newest("main/safety") or {"reasons": []}
        return "; ".join(f"{reason['code']}: {reason['words']}" for reason in newest["reasons"])

    def newest(self, topic: str) -> dict[str, Any] | None:
        return next((record for _, name, record in reversed(self.messages) if name == topic), None)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Telescope:
    """Points to one quiet place of the sky at 10 Hz, laser off, on its own connection.

    `silent` stops it, `says` replaces what it says; `primary` makes it say that the primary measure works.
    """

    def __init__(self, port: int) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect_async("127.0.0.1", port, keepalive=5)
        self.client.loop_start()
        self.silent, self.says, self.primary = False, POINTING, False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._point, daemon=True)
        self._thread.start()

    def _point(self) -> None:
        while not self._end.wait(0.1):
            if not self.silent:
                self.client.publish(f"{ROOT}/main/pointing", self.says)
            if self.primary:
                self.client.publish(f"{ROOT}/primary", PRIMARY)

    def hold(self, message: str) -> None:
        self.client.publish(f"{ROOT}/main/hold", message, qos=1)

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        self.client.disconnect()
        self.client.loop_stop()


@dataclass
class Station:
    """The three processes under the supervisor's command `run`, and what belongs to them."""

    directory: Path
    runtime: Path
    config: Path
    broker: Mosquitto
    consumer: Consumer
    telescope: Telescope
    process: subprocess.Popen[bytes]

    def wait(self, wanted: Callable[[], Any], timeout_s: float, what: str = "") -> float:
        """The monotonic time when `wanted()` was true. Fails with the station's newest word."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if wanted():
                return time.monotonic()
            time.sleep(0.02)
        raise AssertionError(f"not within {timeout_s} s: {what}\n{self.consumer.newest('main/safety')}\n{self.log()}")

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`skyspotter ARGUMENTS` on the station's box."""
        return subprocess.run(
            [*SKYSPOTTER, *arguments], env=environment(self.runtime), capture_output=True, text=True, timeout=60
        )

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

    def fault(self, device: str, name: str) -> None:
        """A fault of the simulated camera or radio; empty: well again."""
        path = self.runtime / f"fault-{device}"
        if name:
            path.write_text(name)
        else:
            path.unlink(missing_ok=True)


Changes = Mapping[str, Mapping[str, object]]  # section -> key -> value


def write_config(directory: Path, port: int, mono_zero_s: float, changes: Changes | None = None) -> Path:
    """A simulated station in mode ADVISORY at Yebes with its true plate. Programs write JSON."""
    simulation = {"seed": 1, "minutes": 30.0, "epoch_utc_ns": EPOCH_UTC_NS, "mono_zero_s": mono_zero_s}
    simulated_plate(night(1, minutes=30.0)).save(directory / "plate.json")
    sections: dict[str, dict[str, object]] = {
        "station": {"id": "test", **asdict(YEBES)},
        "camera": {"source": "sim"},
        "plate": {"file": str(directory / "plate.json")},
        "radio": {"source": "sim"},
        "network": {},
        "guard": {"mode": "advisory"},
        "mqtt": {"port": port},
        "simulation": simulation,
    }
    for section, values in (changes or {}).items():
        sections[section] |= values
    path = directory / "station.json"
    path.write_text(json.dumps(sections))
    return path


def environment(runtime: Path) -> dict[str, str]:
    return {**os.environ, "RUNTIME_DIRECTORY": str(runtime), "NO_COLOR": "1"}


@contextlib.contextmanager
def runtime_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="skyspotter-test-", dir="/dev/shm", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextlib.contextmanager
def command_run(config: Path, runtime: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`skyspotter run`, ended in good order."""
    with log.open("ab") as output:
        command = [*SKYSPOTTER, "run", "--config", str(config)]
        process = subprocess.Popen(command, env=environment(runtime), stdout=output, stderr=output)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()


@contextlib.contextmanager
def running_station(
    directory: Path, changes: Changes | None = None, *, broker_settings: str = ANYBODY
) -> Iterator[Station]:
    """Starts everything, ends everything."""
    if MOSQUITTO is None:
        raise SystemExit("mosquitto is not installed: a whole station is tried against a real broker")
    broker = Mosquitto(free_port(), directory, broker_settings)
    config = write_config(directory, broker.port, time.monotonic(), changes)
    broker.start()
    consumer, telescope = Consumer(broker.port), Telescope(broker.port)
    try:
        with runtime_folder() as runtime, command_run(config, runtime, directory / "station.log") as process:
            yield Station(directory, runtime, config, broker, consumer, telescope, process)
    finally:
        consumer.close()
        telescope.close()
        broker.kill()
