"""What was put is delivered, over crashes, refusals and full tables; what is lost is counted."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from edge.publish.messages import IN_FLIGHT, Delivery
from edge.publish.outbox import Outbox, OutboxRefused


class FakeLink:
    """Acknowledges when told to; `connected` as set."""

    def __init__(self, connected=True, answer=True):
        self.connected, self.answer = connected, answer
        self.seen, self._done = [], []
        self.unanswered = 0

    def publish(self, message):
        if not self.connected:
            self._done.append(Delivery(message.token, False))
            return False
        self.seen.append(message.payload)
        if self.answer:
            self._done.append(Delivery(message.token, True))
        else:
            self.unanswered += 1
        return True

    def refuse(self, tokens):
        self._done += [Delivery(token, False, "Not authorized") for token in tokens]

    def deliveries(self):
        done, self._done = self._done, []
        return done


def until(condition, limit_s=5.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path


def test_everything_put_is_delivered_in_order_and_then_gone(folder):
    link = FakeLink()
    outbox = Outbox(folder / "outbox.sqlite", link, maximum_rows=1000)
    outbox.start()
    for i in range(100):
        assert outbox.put("t", b"%d" % i)
    until(lambda: outbox.counters["delivered"] == 100)
    outbox.stop()
    assert link.seen == [b"%d" % i for i in range(100)]
    assert outbox.waiting == 0


def test_what_waited_for_the_broker_is_delivered_after_a_restart(folder):
    first = Outbox(folder / "outbox.sqlite", FakeLink(connected=False), maximum_rows=1000)
    first.start()
    for i in range(30):
        first.put("t", b"%d" % i)
    first.stop()
    link = FakeLink()
    second = Outbox(folder / "outbox.sqlite", link, maximum_rows=1000)
    assert second.waiting == 30
    second.start()
    until(lambda: second.counters["delivered"] == 30)
    second.stop()
    assert link.seen == [b"%d" % i for i in range(30)]


def test_at_most_twenty_are_under_way(folder):
    link = FakeLink(answer=False)
    outbox = Outbox(folder / "outbox.sqlite", link, maximum_rows=1000)
    outbox.start()
    for i in range(100):
        outbox.put("t", b"%d" % i)
    until(lambda: outbox.waiting == 100 and link.unanswered == IN_FLIGHT)
    time.sleep(0.3)
    assert link.unanswered == IN_FLIGHT
    outbox.stop(0.2)


def test_a_full_table_drops_the_oldest_and_counts_them(folder):
    outbox = Outbox(folder / "outbox.sqlite", FakeLink(connected=False), maximum_rows=100)
    outbox.start()
    for i in range(250):
        outbox.put("t", b"%d" % i)
    outbox.stop()
    assert outbox.counters["dropped"] == 150
    link = FakeLink()
    again = Outbox(folder / "outbox.sqlite", link, maximum_rows=100)
    again.start()
    until(lambda: len(link.seen) == 100)
    again.stop()
    assert link.seen[0] == b"150"


def test_a_refusal_by_the_broker_keeps_the_event_and_is_counted(folder):
    link = FakeLink(answer=False)
    outbox = Outbox(folder / "outbox.sqlite", link, maximum_rows=100)
    outbox.start()
    outbox.put("t", b"x")
    until(lambda: link.unanswered == 1)
    link.refuse([1])
    until(lambda: outbox.counters["refused"] == 1)
    outbox.stop(0.2)
    assert outbox.waiting == 1


def test_a_damaged_file_is_set_aside(folder):
    path = folder / "outbox.sqlite"
    path.write_bytes(b"this is no database at all, but long enough to be looked at" * 50)
    outbox = Outbox(path, FakeLink(), maximum_rows=100)
    outbox.stop()
    assert (folder / "outbox.sqlite.damaged").exists()


def test_a_place_that_cannot_be_used_is_refused_by_name(folder):
    (folder / "file").write_text("")
    with pytest.raises(OutboxRefused, match="file/outbox"):
        Outbox(folder / "file" / "outbox.sqlite", FakeLink(), maximum_rows=100)


def _put_and_die(path: Path, pipe) -> None:
    outbox = Outbox(path, FakeLink(connected=False), maximum_rows=1000)
    outbox.start()
    for i in range(50):
        outbox.put("t", b"%d" % i)
    until(lambda: outbox._rows == 50)
    pipe.send("committed")
    pipe.recv()
    os._exit(9)


def test_a_killed_process_loses_nothing_that_was_committed(folder):
    path = folder / "outbox.sqlite"
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_put_and_die, args=(path, there))
    child.start()
    assert here.poll(20)
    here.recv()
    child.kill()
    child.join(5)
    child.close()
    here.close()
    there.close()
    link = FakeLink()
    outbox = Outbox(path, link, maximum_rows=1000)
    outbox.start()
    until(lambda: outbox.counters["delivered"] == 50)
    outbox.stop()
