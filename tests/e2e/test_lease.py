"""Against a real broker: what kills a permit, how fast, and that a box notices its twin.

The publisher is a process of its own that says CLEAR twice a second, so that it can be killed as power kills a box.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import pytest

from edge.config import MqttSection
from edge.demo.broker import embedded_broker
from edge.guard.payload import StatusMessage, rfc3339
from edge.publish.link import MqttLink
from edge.publish.messages import Outgoing
from edge.publish.topics import STATUS, topic_root
from edge.publish.twins import TwinWatch
from edge.watch.command import listen
from edge.watch.state import WatchState
from tests.edge.publish.brokers import mosquitto, needs_mosquitto, until

PUBLISHER = """
import sys, time
from edge.config import MqttSection
from edge.guard.verdict import safety_message
from edge.guard.payload import Stamp, last_will
from edge.publish.messages import Outgoing
from edge.publish.link import MqttLink
from edge.publish.topics import SAFETY, topic_root
from tests.edge.guard.scene import run, warmed

port, protocol, boot = int(sys.argv[1]), sys.argv[2], sys.argv[3]
guard, t = warmed()
verdict = run(guard, t, 0.5)[-1][1]
stamp = Stamp(station="yebes", boot_id=boot, simulated=False)
topic = SAFETY.path(topic_root("yebes", simulation=False), "main")
will = last_will(stamp, "main", "ENFORCE", "", time.time_ns()).to_bytes()
link = MqttLink(MqttSection(port=port, protocol=protocol), client_id=boot, will=Outgoing(topic, will))
link.start()
for seq in range(1, 10**6):
    now = time.time_ns()
    message = safety_message(verdict, stamp, "main", plate_sha="", seq=seq, utc_ns=now, sky_utc_ns=now)
    link.publish(Outgoing(topic, message.to_bytes(), expiry_s=2))
    time.sleep(0.5)
"""


@contextlib.contextmanager
def publisher(port, protocol="5", boot="boot-1"):
    child = subprocess.Popen([sys.executable, "-c", PUBLISHER, str(port), protocol, boot], start_new_session=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait(5)


class Watcher:
    """What `skyspotter watch` does, without its screen."""

    def __init__(self, port):
        self.state = WatchState("yebes", "main")
        subscriptions = [(topic, 0) for topic in self.state.topics()]
        self.link = MqttLink(MqttSection(port=port), client_id="watcher", subscriptions=subscriptions)
        self.link.start()

    def permitted(self):
        return self.state.verdict(listen(self.state, self.link, 0.02))[0]

    def seconds_until_not_permitted(self, limit_s=4.0):
        begun = time.monotonic()
        while self.permitted():
            assert time.monotonic() - begun < limit_s
        return time.monotonic() - begun


@contextlib.contextmanager
def watcher(port):
    watch = Watcher(port)
    try:
        yield watch
    finally:
        watch.link.stop()


@needs_mosquitto
def test_a_killed_publisher_leaves_no_permit_within_two_seconds_and_its_will_says_fault(tmp_path):
    with mosquitto(tmp_path) as broker, watcher(broker.port) as watch:
        with publisher(broker.port) as box:
            until(watch.permitted, 20.0, "a permit")
            box.kill()
            assert watch.seconds_until_not_permitted() < 2.0
            until(lambda: not watch.permitted() and watch.state.safety.state == "FAULT", what="the will")
        with publisher(broker.port, boot="boot-2"):
            until(watch.permitted, 20.0, "a permit of the new boot")


@needs_mosquitto
def test_a_killed_broker_leaves_no_permit_within_two_seconds_and_all_come_back(tmp_path):
    with mosquitto(tmp_path) as broker, watcher(broker.port) as watch, publisher(broker.port):
        until(watch.permitted, 20.0, "a permit")
        broker.kill()
        assert watch.seconds_until_not_permitted() < 2.0
        until(lambda: not watch.permitted() and "broker" in watch.state.reasons(time.monotonic())[0], what="the reason")
        broker.start()
        until(watch.permitted, 20.0, "a permit again")


@needs_mosquitto
def test_a_frozen_publisher_leaves_no_permit_within_two_seconds(tmp_path):
    import signal

    with mosquitto(tmp_path) as broker, watcher(broker.port) as watch, publisher(broker.port) as box:
        until(watch.permitted, 20.0, "a permit")
        box.send_signal(signal.SIGSTOP)
        assert watch.seconds_until_not_permitted() < 2.0
        assert "expired" in watch.state.verdict(time.monotonic())[1]


@needs_mosquitto
def test_two_boxes_that_publish_as_one_station_give_no_permit(tmp_path):
    with mosquitto(tmp_path) as broker, watcher(broker.port) as watch, publisher(broker.port):
        until(watch.permitted, 20.0, "a permit")
        with publisher(broker.port, boot="boot-2"):
            until(lambda: watch.state.safety.boot_id == "boot-2" or not watch.permitted(), 20.0, "the twin")
            for _ in range(50):
                assert not watch.permitted()
                time.sleep(0.02)


@needs_mosquitto
def test_two_boxes_with_one_station_id_notice_each_other_by_their_status(tmp_path):
    topic = STATUS.path(topic_root("yebes", simulation=False))

    def box(port, boot):
        def hello():
            status = StatusMessage(
                station="yebes", status="online", boot_id=boot, issued_at=rfc3339(time.time_ns()), simulated=False
            )
            return [Outgoing(topic, status.to_bytes(), qos=1, retain=True)]

        link = MqttLink(MqttSection(port=port), client_id=boot, subscriptions=[(topic, 1)], greetings=hello)
        link.start()
        return link, TwinWatch(boot), hello

    with mosquitto(tmp_path) as broker:
        boxes = [box(broker.port, boot) for boot in ("boot-a", "boot-b")]
        try:
            until(lambda: all(link.connected for link, _, _ in boxes))

            def noticed():
                for link, twins, hello in boxes:
                    link.publish(hello()[0])
                    for message in link.received(0.05):
                        twins.receive(message.payload, retained=message.retained, arrived_mono_s=message.arrived_mono_s)
                return all(twins.noticed(time.monotonic()) for _, twins, _ in boxes)

            until(noticed)
        finally:
            for link, _, _ in boxes:
                link.stop()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_without_mqtt_5_is_met_in_3_1_1(protocol):
    with embedded_broker() as (_, port), watcher(port) as watch, publisher(port, protocol):
        until(watch.permitted, 30.0, "a permit")
        assert watch.link.protocol == "3.1.1"
        assert "MQTT 3.1.1" in watch.link.state
