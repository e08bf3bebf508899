"""Stations that are not whole, or not set up right: they work as far as they can and say what they cannot do."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.station import SKYSPOTTER, Station, environment, running_station, write_config
from tests.e2e.test_faults import NO_TRAILS, stopped_in_good_order
from tests.edge.publish.brokers import needs_mosquitto

pytestmark = [needs_mosquitto, pytest.mark.timeout(150)]

START_S = 60.0
NO_CAMERA = {"camera": {"source": "none"}}


def newest(station: Station, **wanted: object) -> bool:
    message = station.consumer.newest("main/safety")
    return message is not None and all(message[key] == value for key, value in wanted.items())


def caution_only_with_a_primary_measure(station: Station, basis: str) -> None:
    station.wait(lambda: newest(station, state="HOLD", basis=basis, permit=False), START_S, f"HOLD on basis {basis}")
    station.wait(lambda: "primary-missing" in station.consumer.reasons(), 15.0, "the missing primary measure named")
    station.telescope.primary = True
    station.wait(lambda: newest(station, state="CAUTION", basis=basis, permit=True), 30.0, "CAUTION")
    station.wait(station.consumer.permitted, 5.0, "a permit")
    station.telescope.primary = False
    gone = time.monotonic()
    assert station.wait(lambda: not station.consumer.permitted(), 10.0) - gone < 4.0


def test_without_a_plate_it_works_holds_and_says_what_to_run(tmp_path: Path) -> None:
    changes = {"plate": {"file": None}, "guard": {"allow_radio_basis": True}}
    with running_station(tmp_path, changes | NO_TRAILS) as station:
        station.wait(lambda: newest(station, basis="RADIO"), START_S, "basis RADIO")
        station.wait(lambda: (station.consumer.newest("main/tracks") or {}).get("picture_seq"), START_S, "a picture")
        assert "plate-absent: no plate" in station.consumer.reasons()
        assert "run `skyspotter calibrate`" in station.consumer.reasons()
        caution_only_with_a_primary_measure(station, "RADIO")


def test_a_station_with_radio_alone_works_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    with running_station(tmp_path, NO_CAMERA | {"guard": {"allow_radio_basis": True}}) as station:
        caution_only_with_a_primary_measure(station, "RADIO")
        assert "camera-absent: this station has no camera" in station.consumer.reasons()
        station.process.send_signal(signal.SIGINT)
        assert station.process.wait(20) == 0, station.log()
        stopped_in_good_order(station)


@pytest.mark.slow
def test_a_station_with_a_camera_alone_works(tmp_path: Path) -> None:
    changes = {"radio": {"source": "none"}, "guard": {"allow_camera_basis": True}}
    with running_station(tmp_path, changes | NO_TRAILS) as station:
        caution_only_with_a_primary_measure(station, "CAMERA")
        assert "radio-absent: this station has no radio" in station.consumer.reasons()


def test_one_sense_is_no_basis_where_the_station_did_not_allow_it(tmp_path: Path) -> None:
    with running_station(tmp_path, NO_CAMERA) as station:
        station.telescope.primary = True
        station.wait(lambda: newest(station, state="HOLD", basis="RADIO"), START_S, "HOLD")
        until = time.monotonic() + 12.0  # longer than any waiting time of a fault that is over
        while time.monotonic() < until:
            assert not station.consumer.permitted()
            time.sleep(0.05)


def test_a_broker_that_refuses_the_password_leaves_a_station_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "passwords").touch()
    settings = f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}"
    with running_station(tmp_path, NO_CAMERA, broker_settings=settings) as station:

        def link() -> str:
            status = station.command("status", "--json")
            return str(json.loads(status.stdout)["counters"]["mqtt"]["link"]) if status.returncode == 0 else ""

        station.wait(lambda: "refuses the user" in link(), START_S, "the refusal in `skyspotter status --json`")
        assert "check mqtt.username and the credential mqtt-password" in link()
        assert "refuses the user" in station.log()
        assert station.process.poll() is None


def start(tmp_path: Path, config: Path) -> subprocess.CompletedProcess[str]:
    command = [*SKYSPOTTER, "run", "--config", str(config)]
    return subprocess.run(command, env=environment(tmp_path / "run"), capture_output=True, text=True, timeout=60)


def test_what_is_no_network_of_ours_is_refused_by_its_file(tmp_path: Path) -> None:
    for name, content in (("text.onnx", b"a network, honestly"), ("other.onnx", another_network())):
        (tmp_path / name).write_bytes(content)
        changes = NO_CAMERA | {"network": {"file": str(tmp_path / name)}}
        refused = start(tmp_path, write_config(tmp_path, 1, time.monotonic(), changes))
        assert refused.returncode == 2, name
        assert str(tmp_path / name) in refused.stderr
        assert "Traceback" not in refused.stdout + refused.stderr


def another_network() -> bytes:
    onnx = pytest.importorskip("onnx")
    make = onnx.helper
    ends = [make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in ("x", "y")]
    graph = make.make_graph([make.make_node("Relu", ["x"], ["y"])], "other", ends[:1], ends[1:])
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_an_unknown_key_is_refused_by_its_path(tmp_path: Path) -> None:
    config = write_config(tmp_path, 1, time.monotonic(), {"camera": {"exposure": 2.0}})
    refused = start(tmp_path, config)
    assert refused.returncode == 2
    assert refused.stderr == f"{config}: camera.exposure: unknown key; remove it or correct its spelling\n"
