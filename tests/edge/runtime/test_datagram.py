"""Records between processes: whole or counted, never waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.records import AircraftState, CameraHealth, RadioHealth, SensorState
from edge.runtime.datagram import DatagramReceiver, DatagramSender
from edge.runtime.place import StartRefused

Ends = tuple[DatagramReceiver, DatagramSender]


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    with closing(DatagramReceiver(tmp_path / "s")) as receiver, closing(DatagramSender(tmp_path / "s")) as sender:
        yield receiver, sender


def health(mono_s: float) -> RadioHealth:
    return RadioHealth(mono_s=mono_s, state=SensorState.OK, counters={"crc": 3})


def test_records_arrive_in_order_as_they_were_sent(ends: Ends) -> None:
    receiver, sender = ends
    sent = [
        health(1.5),
        AircraftState(key="icao:4D2023", icao="4D2023", callsign="RYR1", seen_mono_s=2.0, flags=("nic",)),
        CameraHealth(mono_s=3.0, state=SensorState.DEAD, reason="no camera"),
    ]
    assert all(sender.send(record) for record in sent)
    assert receiver.receive(1) == sent
    assert receiver.receive(0) == []


def test_a_missing_reader_costs_only_what_was_sent_meanwhile(tmp_path: Path) -> None:
    with closing(DatagramSender(tmp_path / "s")) as sender:
        assert not sender.send(health(1))
        with closing(DatagramReceiver(tmp_path / "s")):
            assert sender.send(health(2))
        assert not sender.send(health(3))
        with closing(DatagramReceiver(tmp_path / "s")) as second:
            sender.send(health(4))
            assert second.receive(1) == [health(4)]
        assert sender.dropped == 2


def test_a_burst_goes_out_at_once_however_few_datagrams_the_kernel_queues(ends: Ends) -> None:
    receiver, sender = ends
    sent = [health(i) for i in range(1000)]
    assert sender.send(*sent)
    assert receiver.receive(1) == sent


def test_a_reader_that_falls_behind_gets_the_queue_later_in_order(ends: Ends) -> None:
    receiver, sender = ends
    sender._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 70_000)  # room for two full datagrams
    assert all(sender.send(health(i)) for i in range(900))
    got = receiver.receive(0)
    assert len(got) < 900
    while len(got) < 900:
        sender.flush()
        more = receiver.receive(0)
        assert more
        got += more
    assert [record.mono_s for record in got] == list(range(900))


def test_the_oldest_beyond_the_queue_is_dropped_and_counted(ends: Ends) -> None:
    receiver, sender = ends
    sender._queue, results = 5, []
    while not sender.dropped:  # the kernel's buffer fills, then the queue
        results.append(sender.send(health(len(results))))
    assert results[-1] is False
    got = receiver.receive(1)
    sender.flush()
    got += receiver.receive(1)
    assert len(got) == len(results) - 1
    assert got[-1].mono_s == len(results) - 1, "the newest is there"


NEARLY = [b"{}", b"[]", b"", b'{"kind":"aircraft"}', b'{"kind":"radio-health","version":2,"mono_s":1,"state":"OK"}']


@given(st.binary(max_size=200) | st.sampled_from(NEARLY))
def test_whatever_is_no_record_is_counted_not_believed(receiver_and_socket, data: bytes) -> None:
    receiver, raw, path = receiver_and_socket
    before = receiver.refused
    raw.sendto(data, path)
    assert receiver.receive(0) == []
    assert receiver.refused == before + 1 + data.count(b"\n")


@pytest.fixture(scope="module")
def receiver_and_socket(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("datagram") / "s"
    receiver, raw = DatagramReceiver(path), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    yield receiver, raw, str(path)
    raw.close()
    receiver.close()


def test_a_path_too_long_for_a_socket_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for kind in (DatagramSender, DatagramReceiver):
        with pytest.raises(StartRefused, match="set a shorter RUNTIME_DIRECTORY"):
            kind(tmp_path / ("x" * 120))


def test_a_socket_left_by_a_crash_is_replaced_and_a_successors_is_kept(tmp_path: Path) -> None:
    first = DatagramReceiver(tmp_path / "s")
    with closing(DatagramReceiver(tmp_path / "s")) as second, closing(DatagramSender(tmp_path / "s")) as sender:
        first.close()
        sender.send(health(1))
        assert second.receive(1) == [health(1)]
