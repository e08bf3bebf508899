"""A whole station in mode ADVISORY, and everything that may happen to it, judged from the consumer's side.

Each test begins with a permit, takes something away, measures on the consumer's own monotonic clock when the permit
ended, and leaves only when the station permits again by itself. The network's threshold is out of reach: what is tested
is what happens when something breaks, not what the network finds.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.e2e.station import ROOT, Station, command_run, running_station, runtime_folder, write_config
from tests.edge.publish.brokers import needs_mosquitto

pytestmark = [needs_mosquitto, pytest.mark.timeout(150)]

NO_TRAILS = {"network": {"threshold": 0.9999}}
START_S, BACK_S = 60.0, 60.0  # on a busy machine
KILLED_S = 2.0  # from a kill to no permit
FIRST_KNOCKED_PICTURE_S = 6.0  # two exposures may be under way, and the simulated camera makes a second renderer
EVIDENCE_S = 6.0  # from the last good evidence to no permit


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with running_station(tmp_path_factory.mktemp("station"), NO_TRAILS) as station:
        yield station


@pytest.fixture
def station(running: Station) -> Iterator[Station]:
    """Permitted before the test, and again after it, with nobody's help."""
    running.wait(running.consumer.permitted, START_S, "a permit")
    yield running
    running.wait(running.consumer.permitted, BACK_S, "a permit again")


def ended(station: Station, timeout_s: float = 10.0) -> float:
    """When the consumer's permit ended, and stayed ended for a second."""
    at = station.wait(lambda: not station.consumer.permitted(), timeout_s, "the end of the permit")
    while time.monotonic() < at + 1.0:
        assert not station.consumer.permitted()
        time.sleep(0.02)
    return at


def mono_s(utc: str) -> float:
    """A wall clock's stamp on this machine's CLOCK_MONOTONIC."""
    return datetime.fromisoformat(utc).timestamp() - time.time() + time.monotonic()


def last_picture_end_mono_s(station: Station) -> float:
    """End of exposure of the newest picture that was judged."""
    judged = [record for _, record in station.consumer.of("main/tracks") if record["picture_age_s"] is not None]
    return max(mono_s(record["issued_at"]) - record["picture_age_s"] for record in judged)


def last_radio_mono_s(station: Station) -> float:
    """The newest report in which the radio called itself well, as the safety messages carry its age."""
    heard = [
        record for _, record in station.consumer.of("main/safety") if record["sensors"]["radio"]["age_s"] is not None
    ]
    return max(mono_s(record["issued_at"]) - record["sensors"]["radio"]["age_s"] for record in heard)


def says(station: Station, words: str, timeout_s: float = 10.0) -> None:
    station.wait(lambda: words in station.consumer.reasons(), timeout_s, f"{words!r} among the reasons")


def _plate_state(station: Station) -> str:
    plate = (station.consumer.newest("sky") or {}).get("plate")
    return str(plate["state"]) if plate else ""


def test_a_killed_judgement_leaves_no_permit_for_two_seconds(station: Station) -> None:
    before = station.consumer.newest("main/safety")
    os.kill(station.pid("vision"), signal.SIGKILL)
    killed = time.monotonic()
    assert ended(station) - killed < KILLED_S
    again = station.wait(station.consumer.permitted, BACK_S, "a permit again")
    assert before is not None
    lives = [
        record for _, record in station.consumer.of("main/safety", killed) if record["boot_id"] != before["boot_id"]
    ]
    assert len({record["boot_id"] for record in lives}) == 1
    assert len(lives) >= 3, "a new boot_id permits only from its third live message on"
    assert again > killed + 2.0


def test_a_killed_broker_leaves_no_permit_for_two_seconds(station: Station) -> None:
    station.broker.kill()
    killed = time.monotonic()
    assert ended(station) - killed < KILLED_S
    station.broker.start()


def test_a_killed_eye_leaves_no_permit_on_old_pictures(station: Station) -> None:
    os.kill(station.pid("capture"), signal.SIGKILL)
    at = ended(station)
    assert at - last_picture_end_mono_s(station) < EVIDENCE_S
    assert "camera" in station.consumer.reasons()


def test_a_killed_ear_leaves_no_permit_on_old_reports(station: Station) -> None:
    os.kill(station.pid("radio"), signal.SIGSTOP)  # else it would be back before anybody misses it
    stopped = station.pid("radio")
    at = ended(station)
    assert at - last_radio_mono_s(station) < EVIDENCE_S
    says(station, "radio-stale")
    os.kill(stopped, signal.SIGKILL)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("frozen", "camera-frozen: camera frozen: the same picture twice"),
        pytest.param("removed", "camera-", marks=pytest.mark.slow),
        pytest.param("timeout", "camera-stale", marks=pytest.mark.slow),
        pytest.param("hang", "camera-", marks=pytest.mark.slow),
    ],
)
def test_a_camera_that_fails_leaves_no_permit_on_old_pictures(station: Station, fault: str, code: str) -> None:
    station.fault("camera", fault)
    try:
        at = ended(station, 12.0)
        assert at - last_picture_end_mono_s(station) < EVIDENCE_S
        says(station, code)
    finally:
        station.fault("camera", "")


def test_a_knocked_camera_latches_within_ten_seconds_of_its_first_picture(station: Station) -> None:
    station.fault("camera", "knock")
    try:
        knocked = time.monotonic()
        says(station, "plate-jumped: ", 30.0)
        named_utc = next(
            reason["since"]
            for reason in station.consumer.of("main/safety")[-1][1]["reasons"]
            if reason["code"] == "plate-jumped"
        )
        assert mono_s(named_utc) - knocked < 10.0 + FIRST_KNOCKED_PICTURE_S
        assert not station.consumer.permitted()
        station.wait(lambda: _plate_state(station) == "JUMPED", 10.0, "the plate's state for everybody")
    finally:
        station.fault("camera", "")
    station.wait(lambda: _plate_state(station) == "OK", 60.0, "stars where the plate expects them")
    says(station, "plate-jumped: ")  # it stays until somebody has looked
    assert station.command("release", "plate-jumped", "--by", "S. Officer").returncode == 0


@pytest.mark.slow
def test_every_second_picture_is_enough(station: Station) -> None:
    station.fault("camera", "dropped")
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            assert station.consumer.permitted(), station.consumer.reasons()
            time.sleep(0.05)
    finally:
        station.fault("camera", "")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("stalled", "the dongle is stalled: no byte for"),
        pytest.param("removed", "radio-dead", marks=pytest.mark.slow),
        pytest.param("deaf", "radio-blind: noise floor", marks=pytest.mark.slow),
    ],
)
def test_a_radio_that_fails_leaves_no_permit_on_old_reports(station: Station, fault: str, code: str) -> None:
    station.fault("radio", fault)
    try:
        at = ended(station, 12.0)
        assert at - last_radio_mono_s(station) < EVIDENCE_S
        says(station, code)
    finally:
        station.fault("radio", "")


def test_no_permit_without_a_pointing_that_can_be_believed(station: Station) -> None:
    telescope = station.telescope
    good = telescope.says
    try:
        telescope.silent = True
        silent = time.monotonic()
        assert ended(station) - silent < 2.0
        says(station, "pointing-stale")
        telescope.says, telescope.silent = '{"azimuth_deg": "north", "elevation_deg": 60, "laser_state": "off"}', False
        says(station, "pointing-garbage: pointing: azimuth_deg: ")
        assert not station.consumer.permitted()
    finally:
        telescope.says, telescope.silent = good, False


def test_a_hold_over_the_network_stays_until_somebody_at_the_box_releases_it(station: Station) -> None:
    station.telescope.hold('{"by": "J. Roe", "reason": "glider in the west", "release": true}')
    assert ended(station) > 0
    says(station, "remote-hold: held over the network: J. Roe: glider in the west")
    for message in ("", "{}", '{"release": true}', '{"hold": false}'):  # nothing there can take it back
        station.telescope.hold(message)
    os.kill(station.pid("vision"), signal.SIGKILL)  # nor does a restart
    before = station.consumer.of("main/safety")[-1][1]["boot_id"]
    station.wait(lambda: station.consumer.of("main/safety")[-1][1]["boot_id"] != before, START_S, "the new process")
    says(station, "remote-hold: held over the network: J. Roe: glider in the west")
    assert station.command("release", "remote-hold").returncode == 2, "without a name"
    assert station.command("release", "remote-hold", "--by", "S. Officer").returncode == 0


def test_a_hold_at_the_box_lasts_until_it_is_ended_there(station: Station) -> None:
    assert station.command("hold", "maintenance", "on", "the", "roof").returncode == 0
    assert ended(station) > 0
    says(station, "local-hold: held at the box: maintenance on the roof")
    assert station.command("release", "local").returncode == 0
    station.wait(station.consumer.permitted, 5.0, "a permit at once: somebody looked")


def test_two_boxes_with_one_station_id_both_withdraw(station: Station, tmp_path: Path) -> None:
    config = write_config(tmp_path, station.broker.port, time.monotonic(), {"camera": {"source": "none"}})
    first = station.consumer.newest("main/safety")
    assert first is not None
    with runtime_folder() as runtime, command_run(config, runtime, tmp_path / "twin.log"):

        def both_say_so() -> bool:
            newest = {record["boot_id"]: record for _, record in station.consumer.of("main/safety")[-20:]}
            saying = {boot for boot, record in newest.items() if "twin" in {r["code"] for r in record["reasons"]}}
            return first["boot_id"] in saying and len(saying) == 2

        station.wait(both_say_so, START_S, "both boxes naming their twin")
        assert not station.consumer.permitted()


def test_a_second_run_on_the_box_is_refused_in_one_sentence(station: Station) -> None:
    refused = station.command("run", "--config", str(station.config))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "already runs on this box" in refused.stderr
    assert station.consumer.permitted()


def test_an_empty_sky_was_never_published_by_a_sense_that_is_not_well(station: Station) -> None:
    everything = [record for _, record in station.consumer.of("main/tracks")]
    assert len(everything) > 50
    doubtful = [record for record in everything if {record["camera"], record["radio"]} != {"OK"}]
    assert doubtful
    assert not [record for record in doubtful if record["tracks"] == []]
    assert all(record["simulated"] is True for _, _, record in station.consumer.messages)


def test_a_clean_stop_says_hold_and_leaves_nothing_behind(running: Station) -> None:
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0, running.log()
    stopped_in_good_order(running)


def stopped_in_good_order(station: Station) -> None:
    """The last word of each beam is HOLD: stopping; a newcomer learns that the box is offline; the ring is gone."""
    station.wait(lambda: "stopping" in station.consumer.reasons(), 5.0, "the last word")
    last = station.consumer.of("main/safety")[-1][1]
    assert (last["permit"], last["state"]) == (False, "HOLD")
    assert not station.consumer.permitted()
    status = retained(station.broker.port, f"{ROOT}/status")
    assert status["status"] == "offline"
    assert not list((station.runtime / "frames").glob("slot-*"))
    assert not list(station.runtime.glob("*.sock"))


def retained(port: int, topic: str) -> dict[str, Any]:
    """What a newcomer to the broker finds."""
    found: list[dict[str, Any]] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect = lambda client, *_: client.subscribe(topic, 1)
    client.on_message = lambda _client, _data, message: (
        found.append(json.loads(message.payload)) if message.retain else None
    )
    client.connect("127.0.0.1", port)
    deadline = time.monotonic() + 5
    while not found and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()
    assert found, f"nothing retained on {topic}"
    return found[0]
