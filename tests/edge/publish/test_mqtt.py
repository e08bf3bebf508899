"""The link against real brokers, and against machines that are none."""

from __future__ import annotations

import contextlib
import gc
import socket
import subprocess
import threading

import pytest

from edge.config import MqttSection
from edge.publish.link import MqttLink, credential_password
from edge.publish.messages import Outgoing
from tests.edge.publish.brokers import free_port, mosquitto, needs_mosquitto, until


@contextlib.contextmanager
def linked(port, *, wait=True, name="tester", **kwargs):
    settings = {key: kwargs.pop(key) for key in ("protocol", "username", "ca_file", "host") if key in kwargs}
    link = MqttLink(MqttSection(port=port, **settings), client_id=name, **kwargs)
    link.start()
    try:
        if wait:
            until(lambda: link.connected, what=link.state)
        yield link
    finally:
        link.stop()


def test_without_a_broker_the_caller_never_waits_and_reads_why():
    port = free_port()
    with linked(port, wait=False) as link:
        assert not link.publish(Outgoing("t", b"x"))
        until(lambda: "no broker listens" in link.state)
        assert str(port) in link.state
        assert link.counters["dropped"] == 1


def test_something_that_is_no_broker_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    client.close()

        threading.Thread(target=greet, daemon=True).start()
        with linked(server.getsockname()[1], wait=False) as link:
            until(lambda: "127.0.0.1" in link.state)
            assert not link.connected
        server.shutdown(socket.SHUT_RDWR)


def test_the_password_comes_as_a_credential(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert credential_password() is None
    (tmp_path / "mqtt-password").write_text("secret\n")
    assert credential_password() == "secret"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert credential_password() is None


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_messages_arrive_with_their_retained_flag(tmp_path, protocol):
    with mosquitto(tmp_path) as broker, linked(broker.port, protocol=protocol) as sender:
        sender.publish(Outgoing("a/kept", b"old", qos=1, retain=True, token=7))
        until(lambda: sender.counters["sent"] == 1)
        until(lambda: [d.token for d in sender.deliveries() if d.acknowledged] == [7])
        with linked(broker.port, protocol=protocol, name="reader", subscriptions=[("a/#", 1)]) as reader:
            assert [(m.payload, m.retained) for m in reader.received(3.0)] == [(b"old", True)]
            sender.publish(Outgoing("a/live", b"new", expiry_s=2))
            assert [(m.payload, m.retained) for m in reader.received(3.0)] == [(b"new", False)]


@needs_mosquitto
def test_a_broker_that_comes_back_is_found_and_greeted_again(tmp_path):
    with mosquitto(tmp_path) as broker, linked(broker.port, greetings=lambda: [Outgoing("hello", b"x")]) as link:
        broker.kill()
        until(lambda: not link.connected)
        assert "gone" in link.state or "no broker listens" in link.state
        assert not link.publish(Outgoing("t", b"never queued"))
        broker.start()
        until(lambda: link.connected)
        assert link.counters["connected"] == 2
        assert link.counters["sent"] == 2


@needs_mosquitto
def test_a_broker_that_refuses_the_password_is_one_sentence(tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text("box:secret\n")
    passwords.chmod(0o600)
    tool = subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=False, capture_output=True)
    if tool.returncode:
        pytest.skip("mosquitto_passwd does not work here")
    passwords.chmod(0o644)
    with mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as broker:
        for protocol in ("5", "3.1.1"):
            with linked(broker.port, wait=False, protocol=protocol, username="box", password="wrong") as link:
                until(lambda link=link: "mqtt-password" in link.state)
                assert link.state.count("\n") == 0
        with linked(broker.port, username="box", password="secret") as link:
            assert link.connected


@needs_mosquitto
def test_a_forbidden_topic_is_refused_aloud_and_given_back(tmp_path):
    (tmp_path / "acl").write_text("topic read #\ntopic write allowed\n")
    with (
        mosquitto(tmp_path, f"allow_anonymous true\nacl_file {tmp_path / 'acl'}") as broker,
        linked(broker.port) as link,
    ):
        link.publish(Outgoing("forbidden", b"x", qos=1, token=1))
        link.publish(Outgoing("allowed", b"x", qos=1, token=2))
        found = []
        until(lambda: found.extend(link.deliveries()) or len(found) == 2)
        assert {d.token: (d.acknowledged, d.refused) for d in found} == {1: (False, "Not authorized"), 2: (True, "")}
        assert link.counters["refused"] == 1


@needs_mosquitto
def test_what_was_handed_over_before_the_stop_still_arrives_and_the_will_stays_unsaid(tmp_path):
    with mosquitto(tmp_path) as broker, linked(broker.port, name="reader", subscriptions=[("#", 0)]) as reader:
        until(lambda: reader.counters["connected"] == 1)
        with linked(broker.port, will=Outgoing("t", b"will")) as sender:
            reader.received(0.3)
            sender.publish(Outgoing("t", b"HOLD"))
        said = [m.payload for _ in range(4) for m in reader.received(0.25)]
        assert said == [b"HOLD"]


@needs_mosquitto
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves its socket to the collector
def test_an_untrusted_certificate_is_one_sentence(tmp_path):
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=tmp_path)

    for name in ("ours", "theirs"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1")  # fmt: skip
        (tmp_path / f"{name}.key").chmod(0o644)
    tmp_path.chmod(0o755)
    settings = f"allow_anonymous true\ncertfile {tmp_path}/theirs.pem\nkeyfile {tmp_path}/theirs.key"
    with mosquitto(tmp_path, settings) as broker:
        with linked(broker.port, ca_file=tmp_path / "theirs.pem") as good:
            good.publish(Outgoing("t", b"x", qos=1, token=1))
            until(good.deliveries)
        with linked(broker.port, wait=False, ca_file=tmp_path / "ours.pem") as bad:
            until(lambda: "TLS: the certificate" in bad.state)
        with linked(broker.port, wait=False, ca_file=tmp_path / "absent.pem") as absent:
            until(lambda: "mqtt.ca_file" in absent.state)
    gc.collect()


class _Ears:
    """A broker that takes every connection, answers CONNECT and refuses each subscription."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                with client, contextlib.suppress(OSError):
                    client.settimeout(5.0)
                    while packet := client.recv(4096):
                        if packet[0] >> 4 == 1:
                            client.sendall(b"\x20\x03\x00\x00\x00")
                        elif packet[0] >> 4 == 8:
                            client.sendall(b"\x90\x04" + packet[2:4] + b"\x00\x87")


def test_a_link_that_may_not_listen_does_not_speak_either():
    ears = _Ears()
    with linked(ears.port, wait=False, subscriptions=[("s/main/hold", 1)]) as link:
        until(lambda: link.counters["connected"] > 0 and link.connected is False)
        until(lambda: link.counters["subscriptions_refused"] > 0)
        until(lambda: "refuses a subscription" in link.state and not link.connected)
        assert not link.publish(Outgoing("s/main/safety", b"CLEAR"))
    ears.server.close()
