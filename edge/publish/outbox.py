"""Events wait on disk until the broker has acknowledged them: no crash, power cut or absent broker loses one.

SQLite in WAL with synchronous=FULL: NORMAL may lose committed rows at a power cut (sqlite.org/wal.html, "Performance
Considerations"). One commit costs milliseconds, so one thread owns the file and commits what came together. The table
is capped: the oldest rows go and are counted. A row may be delivered twice (acknowledged, then a crash before its
deletion): the event's `id` tells.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

from edge.publish.messages import IN_FLIGHT, Delivery, Outgoing

log = logging.getLogger(__name__)

GROUP = 200  # rows a commit may join
WAITING = 10_000  # rows not yet on disk: a disk that hangs must not eat the memory
REFUSED_PAUSE_S = 30.0  # the broker's access list will not change within a second
DISK_PAUSE_S = 5.0
_TICK_S = 0.1


class Link(Protocol):
    """What the outbox needs of a `MqttLink`."""

    @property
    def connected(self) -> bool: ...

    def publish(self, message: Outgoing) -> bool: ...

    def deliveries(self) -> list[Delivery]: ...


class OutboxRefused(Exception):
    """The file cannot be used; says which and what to do."""


class Outbox:
    """`put` never waits. The link must be the outbox's own for `deliveries`; others may publish on it without token."""

    def __init__(self, path: Path, link: Link, *, maximum_rows: int) -> None:
        """Raises OutboxRefused. A file that is damaged is set aside, not deleted, and a new one begun."""
        self._path, self._link, self._maximum_rows = path, link, maximum_rows
        self.counters: Counter[str] = Counter()
        self.trouble = ""  # for `Situation.disk_full`, in words
        self._new: queue.Queue[tuple[str, bytes]] = queue.Queue(WAITING)
        self._in_flight: set[int] = set()
        self._not_before_mono_s = 0.0
        self._stopping = threading.Event()
        self._stop_by_mono_s = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _opened(path)
        except (OSError, sqlite3.Error) as err:
            raise OutboxRefused(f"{path}: the outbox cannot be opened: {err}; check recorder.directory") from err
        self._rows = int(self._database.execute("SELECT count(*) FROM outbox").fetchone()[0])
        self._thread = threading.Thread(target=self._live, name="outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, topic: str, payload: bytes) -> bool:
        """False: dropped and counted, because nothing has reached the disk for a long time."""
        try:
            self._new.put_nowait((topic, payload))
        except queue.Full:
            self.counters["dropped"] += 1
            return False
        return True

    @property
    def waiting(self) -> int:
        """Rows on disk or on their way there."""
        return self._rows + self._new.qsize()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Before the link's. Commits, delivers what it can; the rest stays for the next start. Safe to call twice."""
        self._stop_by_mono_s = time.monotonic() + 0.8 * timeout_s
        self._stopping.set()
        if self._thread.ident is None:
            self._database.close()
        else:
            self._thread.join(timeout_s)

    # -- the owner's thread --------------------------------------------------------------------------------------------

    def _live(self) -> None:
        pending: list[tuple[str, bytes]] = []
        while True:
            stopping = self._stopping.is_set()
            if not pending:
                pending = self._gathered(0.0 if stopping else _TICK_S)
            try:
                self._commit(pending)
                pending = []
                self._send()
                self.trouble = ""
            except sqlite3.Error as err:
                if not self.trouble:
                    log.warning("outbox in trouble file=%s: %s", self._path, err)
                self.trouble = f"{self._path}: {err}"
                with contextlib.suppress(sqlite3.Error):
                    self._database.rollback()
                self._stopping.wait(DISK_PAUSE_S)
            if stopping and (self.trouble or self._finished()):
                break
        self.counters["dropped"] += len(pending)
        self._database.close()

    def _finished(self) -> bool:
        """Everything is on disk, and delivered as far as the time given to `stop` allows."""
        if not self._new.empty():
            return False
        if not self._rows or not self._link.connected or time.monotonic() > self._stop_by_mono_s:
            return True
        time.sleep(_TICK_S / 5)
        return False

    def _gathered(self, wait_s: float) -> list[tuple[str, bytes]]:
        rows: list[tuple[str, bytes]] = []
        with contextlib.suppress(queue.Empty):
            rows.append(self._new.get(timeout=wait_s) if wait_s else self._new.get_nowait())
            while len(rows) < GROUP:
                rows.append(self._new.get_nowait())
        return rows

    def _commit(self, rows: list[tuple[str, bytes]]) -> None:
        """New rows in, acknowledged and surplus ones out, in one transaction."""
        deliveries = self._link.deliveries()
        self._in_flight -= {delivery.token for delivery in deliveries}
        done = [delivery for delivery in deliveries if delivery.acknowledged]
        if refused := [delivery for delivery in deliveries if delivery.refused]:
            self.counters["refused"] += len(refused)
            self._not_before_mono_s = time.monotonic() + REFUSED_PAUSE_S
        if not rows and not done:
            return
        with self._database:  # when it fails, acknowledged rows stay and go out once more: their id shows it
            self._database.executemany("INSERT INTO outbox (topic, payload) VALUES (?, ?)", rows)
            self._database.executemany("DELETE FROM outbox WHERE id = ?", [(delivery.token,) for delivery in done])
            count = int(self._database.execute("SELECT count(*) FROM outbox").fetchone()[0])
            surplus = count - self._maximum_rows
            if surplus > 0:
                self._database.execute(
                    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT ?)", (surplus,)
                )
        self.counters["delivered"] += len(done)
        self.counters["dropped"] += max(surplus, 0)
        self._rows = min(count, self._maximum_rows)

    def _send(self) -> None:
        """Oldest first, at most IN_FLIGHT without acknowledgement."""
        room = IN_FLIGHT - len(self._in_flight)
        if room <= 0 or self._rows <= len(self._in_flight) or not self._link.connected:
            return
        if time.monotonic() < self._not_before_mono_s:
            return
        rows = self._database.execute("SELECT id, topic, payload FROM outbox ORDER BY id LIMIT ?", (IN_FLIGHT,))
        for token, topic, payload in rows.fetchall():
            if token not in self._in_flight and room > 0:
                room -= 1
                self._in_flight.add(token)
                if not self._link.publish(Outgoing(topic, payload, qos=1, token=token)):
                    return  # not connected: it comes back by `deliveries`


def _opened(path: Path) -> sqlite3.Connection:
    """A file that SQLite calls no database is renamed to `*.damaged`."""
    for attempt in (1, 2):
        database = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            # AUTOINCREMENT: an id, which is also a token in flight, is never used twice
            database.execute(
                "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, "
                "payload BLOB NOT NULL)"
            )
            return database
        except sqlite3.OperationalError:
            database.close()
            raise
        except sqlite3.DatabaseError:
            database.close()
            if attempt == 2:
                raise
            log.warning("outbox damaged, set aside file=%s", path)
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            path.replace(path.with_name(path.name + ".damaged"))
    raise AssertionError("unreachable")
