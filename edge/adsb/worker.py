"""A thread for what may be slow (disks, mostly), so that the ear never waits: a short queue, every drop counted."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Item = TypeVar("Item")

TICK_S = 0.5


class Worker(Generic[Item]):
    """`work` takes each item, `tick` comes at least every half second, `end` once; all of them on the thread.

    An error of theirs that they did not foresee is logged with its traceback, and the next item is taken.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Item], None],
        *,
        tick: Callable[[], None] = lambda: None,
        end: Callable[[], None] = lambda: None,
        waiting: int = 64,
    ) -> None:
        self.dropped = 0
        self._work, self._tick, self._end = work, tick, end
        self._items: queue.Queue[Item | None] = queue.Queue(waiting)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: Item) -> bool:
        """Returns at once; False when the thread is behind and the item was dropped."""
        try:
            self._items.put_nowait(item)
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def close(self, timeout_s: float = 5.0) -> None:
        """Works off what waits, for at most `timeout_s`. Safe to call twice."""
        self._ending.set()
        with contextlib.suppress(queue.Full):  # it is awake
            self._items.put_nowait(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not (self._ending.is_set() and self._items.empty()):
            item: Item | None = None
            with contextlib.suppress(queue.Empty):
                item = self._items.get(timeout=TICK_S)
            try:
                if item is not None:
                    self._work(item)
                self._tick()
            except Exception:
                log.exception("event=worker-error thread=%s", self._thread.name)
        self._end()
