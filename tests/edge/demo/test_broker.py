"""The demo's broker: delivers, ends with its starter, and says in one sentence why it did not start."""

from __future__ import annotations

import queue
import socket
import subprocess
import sys

import paho.mqtt.client as paho
import pytest

from edge.demo import broker
from edge.demo.broker import BrokerRefused, embedded_broker


def _client(host: str, port: int) -> tuple[paho.Client, queue.Queue[tuple[str, bytes]]]:
    inbox: queue.Queue[tuple[str, bytes]] = queue.Queue()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.on_message = lambda _c, _u, message: inbox.put((message.topic, message.payload))
    client.on_subscribe = lambda *_: inbox.put(("subscribed", b""))
    client.connect(host, port)
    client.loop_start()
    return client, inbox


def test_delivers_messages_and_stops_with_a_client_still_connected() -> None:
    with embedded_broker() as (host, port):
        client, inbox = _client(host, port)
        client.subscribe("skyspotter-sim/#", qos=1)
        assert inbox.get(timeout=10) == ("subscribed", b"")
        client.publish("skyspotter-sim/x/main/safety", b"one", qos=0)
        assert inbox.get(timeout=10) == ("skyspotter-sim/x/main/safety", b"one")
    client.loop_stop()
    client.disconnect()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, port), timeout=2).close()


def test_a_port_in_use_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((broker.HOST, 0))
        taken.listen()
        monkeypatch.setattr(broker, "_free_port", lambda: taken.getsockname()[1])
        with (
            pytest.raises(BrokerRefused, match=r"did not start: .*address.*; use your own with --broker HOST"),
            embedded_broker(),
        ):
            pass


def test_ends_by_itself_when_its_starter_is_gone() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "edge.demo.broker", str(broker._free_port())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.stdin.close()
    assert child.wait(10) == 0
    child.stdout.close()
