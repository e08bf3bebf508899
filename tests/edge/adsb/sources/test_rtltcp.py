"""The client against a real server on the loopback, which misbehaves."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from edge.adsb.sources import arrivals, rtltcp
from edge.adsb.sources.iq import BLOCK_SAMPLES, SourceLost, SourceRefused, SourceTimeout
from edge.adsb.sources.rtltcp import RtlTcpSource
from edge.config import RadioSection
from edge.runtime.clock import RealClock

R820T = b"RTL0" + struct.pack(">II", 5, 29)
RATE = 2_400_000
BLOCK = 2 * BLOCK_SAMPLES
PAIRS = np.random.default_rng(1).integers(0, 128, 40 * BLOCK, dtype=np.uint8)
PAIRS[1::2] += 128  # I below 128, Q from there on
STREAM = PAIRS.tobytes()
Script = Callable[[socket.socket], None]


class Server:
    """Greets one client after the other, then does what the script says; writes down every command."""

    def __init__(self, script: Script, greeting: bytes = R820T) -> None:
        self._script, self._greeting = script, greeting
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._connections: list[socket.socket] = []
        self.commands: list[tuple[int, int]] = []
        self.done = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                connection.sendall(self._greeting)
                listener = threading.Thread(target=self._listen, args=(connection,), daemon=True)
                listener.start()
                self._threads.append(listener)
                with contextlib.suppress(OSError):
                    self._script(connection)
                self.done.wait(5.0)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)  # orderly: what was sent still arrives
                listener.join(1.0)
                connection.close()

    def _listen(self, connection: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            while fresh := connection.recv(64):
                data += fresh
                while len(data) >= 5:
                    self.commands.append(struct.unpack(">BI", data[:5]))
                    data = data[5:]

    def close(self) -> None:
        self.done.set()
        for one in (self._server, *self._connections):
            with contextlib.suppress(OSError):  # closed already
                one.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(5.0)


@pytest.fixture
def connected(monkeypatch):
    """(source, server) of a script; the settling time is shortened."""
    monkeypatch.setattr(rtltcp, "_SETTLE_S", 0.01)
    opened: list[Server | RtlTcpSource] = []

    def connect(script: Script, greeting: bytes = R820T, **section) -> tuple[RtlTcpSource, Server]:
        server = Server(script, greeting)
        section = {"source": "rtl_tcp", "port": server.port, **section}
        source = RtlTcpSource(RadioSection(**section), RealClock())
        opened.extend((server, source))
        return source, server

    yield connect
    for one in reversed(opened):
        one.close()


def wait_for(is_true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 5.0
    while not is_true():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def until_lost(source: RtlTcpSource) -> str:
    for _ in range(200):
        try:
            source.read(0.1)
        except SourceTimeout:
            continue
        except SourceLost as err:
            return str(err)
    raise AssertionError("not lost")


def test_i_and_q_stay_apart_however_oddly_tcp_splits_them(connected):
    def oddly(connection: socket.socket) -> None:
        at = 0
        for size in (1, 3, 4097, 65_535, 1, 262_143, 99_999, 7, 700_001):
            connection.sendall(STREAM[at : at + size])
            at += size
            time.sleep(0.01)

    source, _ = connected(oddly)
    source.open()
    blocks = [source.read(2.0) for _ in range(4)]
    assert [block.first_sample for block in blocks] == [k * BLOCK_SAMPLES for k in range(4)]
    for block in blocks:
        assert block.data[::2].max() < 128 <= block.data[1::2].min()
    skipped = round(0.01 * RATE) * 2
    assert blocks[1].data.tobytes() == STREAM[skipped + BLOCK : skipped + 2 * BLOCK]


def test_it_is_tuned_by_hand_and_its_bias_tee_switched_off_in_the_end(connected):
    source, server = connected(lambda connection: None, ppm=-3, bias_tee=True, gain_db=40.0)
    source.open()
    source.close()
    wait_for(lambda: len(server.commands) == 8)
    minus_three = 2**32 - 3
    assert dict(server.commands[:7]) == {
        0x0E: 1, 0x02: RATE, 0x01: 1_090_000_000, 0x05: minus_three, 0x08: 0, 0x03: 1, 0x04: 402,
    }  # fmt: skip
    assert server.commands[7] == (0x0E, 0)
    assert (source.gain_db, source.gains_db) == (40.2, ())
    source.close()


def test_an_automatic_gain_is_ours_to_lead_and_outlives_the_connection(connected):
    source, server = connected(lambda connection: None)
    source.open()
    assert (source.gain_db, len(source.gains_db)) == (38.6, 29)
    source.set_gain(20.7)
    wait_for(lambda: (0x04, 207) in server.commands)
    source.close()
    server.done.set()
    source.open()
    assert source.gain_db == 20.7
    source.close()
    with pytest.raises(SourceLost, match="not connected"):
        source.set_gain(1.4)


def test_an_unknown_tuner_asks_for_a_number(connected):
    strange = b"RTL0" + struct.pack(">II", 77, 3)
    source, _ = connected(lambda connection: None, strange)
    with pytest.raises(SourceRefused, match=r"type 77, 3 gains.*radio\.gain_db"):
        source.open()
    fixed, _ = connected(lambda connection: None, strange, gain_db=30.0)
    fixed.open()
    assert fixed.gain_db == 30.0


@pytest.mark.parametrize(
    ("greeting", "words"),
    [(b"\x1a3" + bytes(20), "begins with"), (b"RTL0\0\0", "instead of"), (b"", "says nothing")],
)
def test_what_is_no_rtl_tcp_is_refused_in_one_sentence(connected, monkeypatch, greeting, words):
    monkeypatch.setattr(rtltcp, "_GREETING_S", 0.1)
    source, server = connected(lambda connection: None, greeting)
    with pytest.raises(SourceRefused, match=rf"127\.0\.0\.1:{server.port} is no rtl_tcp: .*{words}.*radio\.port"):
        source.open()


def test_nobody_at_the_address_is_refused_by_name():
    source = RtlTcpSource(RadioSection(source="rtl_tcp", port=1), RealClock())
    with pytest.raises(SourceRefused, match=r"no rtl_tcp at 127\.0\.0\.1:1: .*radio\.port"):
        source.open()


def test_a_server_that_stalls_or_closes_is_lost_and_found_again(connected, monkeypatch):
    monkeypatch.setattr(arrivals, "STALL_S", 0.3)
    source, server = connected(lambda connection: connection.sendall(STREAM[: 2 * BLOCK]))
    source.open()
    assert "stalled: no byte for" in until_lost(source)
    source.close()
    server.done.set()
    source.open()
    assert source.read(2.0).first_sample == 0
    assert "closed the connection" in until_lost(source)


def test_a_server_that_floods_is_lost_and_what_found_no_room_is_counted(connected):
    def flood(connection: socket.socket) -> None:
        for k in range(4):
            connection.sendall(np.roll(PAIRS, 2 * k).tobytes())

    source, _ = connected(flood)
    source.open()
    wait_for(lambda: source.counters["overload_blocks"] >= 3)
    first = source.read(1.0)
    assert first.first_sample >= 3 * BLOCK_SAMPLES  # the oldest went first, and the count goes on
    assert "more than 2400000 samples a second" in until_lost(source)
    assert source.lost_blocks == source.counters["overload_blocks"]
