"""The stream server with real sockets on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from edge.adsb.share import server as module
from edge.adsb.share.server import StreamServer


def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, "did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def make() -> Iterator[Callable[..., StreamServer]]:
    servers: list[StreamServer] = []

    def made(**options) -> StreamServer:
        server = StreamServer("test", "127.0.0.1", 0, **options)
        servers.append(server)
        until(lambda: server.port)
        return server

    yield made
    for server in servers:
        server.close()


def client(server: StreamServer, *, receive_bytes: int | None = None) -> socket.socket:
    connected = server.counters["clients"]
    connection = socket.socket()
    if receive_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.connect(("127.0.0.1", server.port))
    connection.settimeout(10.0)
    until(lambda: server.counters["clients"] == connected + 1)
    return connection


def receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(65536)
        assert piece
        data += piece
    return data


def test_every_client_gets_every_message_and_the_end(make):
    server = make()
    assert not server.wanted
    server.offer([b"nobody listens"])
    clients = [client(server) for _ in range(3)]
    assert server.wanted
    sent = [f"message {number}\n".encode() for number in range(500)]
    for message in sent:
        server.offer([message])
    whole = b"".join(sent)
    assert all(receive(connection, len(whole)) == whole for connection in clients)
    server.close()
    assert all(connection.recv(10) == b"" for connection in clients)
    for connection in clients:
        connection.close()
    assert server.counters["dropped"] == 0


def test_a_slow_client_loses_whole_old_messages_counted_and_the_others_none(make):
    server = make(queued=100)
    slow, fast = client(server, receive_bytes=4096), client(server)
    size, count = 1000, 4000
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(receive(fast, size * count)))
    reader.start()
    for number in range(count):
        server.offer([number.to_bytes(4, "big") * (size // 4)])
        if number % 50 == 0:
            time.sleep(0.005)
    reader.join(20.0)
    numbers = [int.from_bytes(got[0][at : at + 4], "big") for at in range(0, size * count, size)]
    assert numbers == list(range(count))
    until(lambda: server.counters["dropped"])
    slow.settimeout(0.5)
    data = b""
    try:
        while piece := slow.recv(65536):
            data += piece
    except TimeoutError:
        pass
    assert len(data) == size * (count - server.counters["dropped"])
    kept = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), size)]
    assert kept == sorted(set(kept))
    assert kept[-1] == count - 1  # the oldest went
    slow.close()
    fast.close()


def test_a_client_that_never_catches_up_is_closed_and_counted(make):
    server = make(queued=10, behind_s=0.2)
    stuck = client(server, receive_bytes=4096)
    deadline_s = time.monotonic() + 10.0
    while not server.counters["closed"]:
        server.offer([bytes(10_000)] * 20)
        time.sleep(0.01)
        assert time.monotonic() < deadline_s
    assert server.counters["clients"] == 0
    assert not server.wanted
    stuck.close()


def test_a_client_that_goes_or_talks_harms_nobody(make):
    server = make()
    gone, talker = client(server), client(server)
    talker.sendall(b"\x1a1C\x1a1d" * 1000)  # readsb's client sends settings
    gone.close()
    until(lambda: server.counters["clients"] == 1)
    server.offer([b"still here"])
    assert receive(talker, 10) == b"still here"
    talker.close()


def test_more_clients_than_there_is_room_for_are_turned_away(make, monkeypatch):
    monkeypatch.setattr(module, "CLIENTS", 1)
    server = make()
    first = client(server)
    second = socket.create_connection(("127.0.0.1", server.port), timeout=5.0)
    assert second.recv(10) == b""
    assert server.counters["turned_away"] == 1
    for connection in (first, second):
        connection.close()


def test_a_silent_sky_still_shows_that_the_line_lives(make, monkeypatch):
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.0)
    server = make(heartbeat=b"alive")
    connection = client(server)
    assert receive(connection, 5).startswith(b"alive")
    connection.close()


def test_a_taken_port_is_a_sentence_and_a_counter_and_is_tried_again():
    squatter = socket.create_server(("127.0.0.1", 0))
    port = squatter.getsockname()[1]
    server = StreamServer("beast", "127.0.0.1", port, retry_s=0.05)
    until(lambda: server.counters["failed"] >= 2)
    assert server.failure == f"beast: port {port} of 127.0.0.1 cannot be opened: Address already in use"
    server.offer([b"lost, not raised"])
    squatter.close()
    until(lambda: not server.failure)
    connection = client(server)
    server.close()
    connection.close()


def test_a_host_that_can_be_no_name_is_a_sentence():
    server = StreamServer("test", f"{'a' * 70}.example", 0, retry_s=0.05)
    until(lambda: server.counters["failed"] > 1)
    assert "cannot be opened" in server.failure
    server.close()


def test_a_client_that_vanished_is_noticed_by_the_kernel(make):
    server = make()
    theirs = client(server)
    (ours,) = server._clients
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    theirs.close()
