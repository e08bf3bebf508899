"""Frames from the camera's process to the judgement's, through files mapped from tmpfs.

Live, the writer never waits and the newest frame wins; in a replay (`lossless`) the writer waits until the reader has
taken the last one, so that every frame arrives exactly once.

In the directory: `slot-<i>`, one frame each; `taken`, the ticket the reader took last; `bell` and `taken-bell`, two
FIFOs that wake the other side. A ticket is (generation, number): the generation is the CLOCK_MONOTONIC at which the
writer began, the number counts its writes. A new writer puts new files in place of the old; the reader sees new inodes.
With three slots (the newest, the one being read, a free one) the writer finds an unlocked one at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from camera.device import Frame
from edge.runtime.place import make_private
from edge.runtime.slot import LARGEST_TEXT, Bell, Slot, Ticket, read_taken, refuse_without_room, write_taken


@dataclass(frozen=True, slots=True)
class ReadError:
    """A file of a replay that could not be read, in its place among the frames."""

    file: str
    error: str


@dataclass(frozen=True, slots=True)
class EndOfFrames:
    """The replay is over."""


class RingWriter:
    """Owned by the capture process.

    Args: slot_bytes: of the pixels of one frame; slots grow when a larger one comes (replays of mixed sizes).
          lossless: wait for the reader; `stop` ends that wait, `waiting` is called in it at least every 0.2 s (for a
          watchdog's beat).
    Raises StartRefused when the file system has no room.
    """

    def __init__(
        self,
        directory: Path,
        *,
        slot_bytes: int,
        slots: int = 3,
        lossless: bool = False,
        stop: Event | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> None:
        if slots < 3:
            raise ValueError("a ring needs three slots: the newest, the one being read, a free one")
        make_private(directory)
        self._directory = directory
        self._lossless, self._stop, self._waiting = lossless, stop or Event(), waiting or (lambda: None)
        self._last: Ticket = (time.monotonic_ns(), 0)
        refuse_without_room(directory, slots, slot_bytes)
        self._slots = [Slot.create(self._path(i), slot_bytes) for i in range(slots)]
        self._bell, self._taken_bell = Bell(directory / "bell"), Bell(directory / "taken-bell")

    def write(self, frame: Frame, timeout_s: float | None = None) -> bool:
        """Copies the frame once. Live: at once. Lossless: waits for the reader first; False when that took longer than
        `timeout_s` (None: no limit) or `stop` was set, and then nothing was written."""
        meta = {name: getattr(frame, name) for name in Frame.__dataclass_fields__ if name != "pixels"}
        meta |= {"shape": frame.pixels.shape, "dtype": frame.pixels.dtype.str}
        return self._put({"frame": meta}, np.ascontiguousarray(frame.pixels), timeout_s)

    def write_error(self, file: str, error: str, timeout_s: float | None = None) -> bool:
        """A file of a replay that could not be read; waits like `write`."""
        return self._put({"error": {"file": file[-4000:], "error": error[:4000]}}, None, timeout_s)

    def end(self, timeout_s: float | None = None) -> bool:
        """The replay is over; returns when the reader has taken the last frame and this mark as well."""
        return self._put({"end": {}}, None, timeout_s) and self._wait_taken(timeout_s)

    def close(self) -> None:
        """Removes the slots. Safe to call twice."""
        for i, slot in enumerate(self._slots):
            with contextlib.suppress(FileNotFoundError):
                if self._path(i).stat().st_ino == slot.inode:
                    self._path(i).unlink()
            slot.close()
        if self._slots:
            self._bell.close()
            self._taken_bell.close()
        self._slots = []

    def _path(self, i: int) -> Path:
        return self._directory / f"slot-{i}"

    def _wait_taken(self, timeout_s: float | None) -> bool:
        if not self._lossless or self._last[1] == 0:
            return True
        deadline_mono_s = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while read_taken(self._directory) != self._last:
            left_s = deadline_mono_s - time.monotonic()
            if self._stop.is_set() or left_s <= 0:
                return False
            self._waiting()
            self._taken_bell.wait(left_s)
        return True

    def _put(self, meta: dict[str, Any], pixels: np.ndarray[Any, Any] | None, timeout_s: float | None) -> bool:
        if not self._wait_taken(timeout_s):
            return False
        text = json.dumps(meta, default=lambda number: number.item()).encode()  # numbers of numpy as well
        if len(text) > LARGEST_TEXT:
            raise ValueError(f"metadata of a frame take {len(text)} bytes, more than {LARGEST_TEXT}")
        ticket = (self._last[0], self._last[1] + 1)
        while not self._fill_free_slot(ticket, text, pixels):
            time.sleep(0)  # the reader moved from slot to slot in between: it holds one at most, so one is free now
        self._last = ticket
        self._bell.ring()
        return True

    def _fill_free_slot(self, ticket: Ticket, text: bytes, pixels: np.ndarray[Any, Any] | None) -> bool:
        """Oldest first; the newest whole frame is never overwritten."""
        for i in sorted(range(len(self._slots)), key=lambda i: self._slots[i].ticket())[:-1]:
            if pixels is not None and pixels.nbytes > self._slots[i].capacity:
                grown = Slot.create(self._path(i), pixels.nbytes)
                self._slots[i].close()
                self._slots[i] = grown
            slot = self._slots[i]
            with slot.locked() as ours:
                if ours:
                    slot.fill(ticket, text, pixels)
                    return True
        return False


class RingReader:
    """Owned by the judging process; one at a time. `skipped` counts the frames that were written and never taken."""

    def __init__(self, directory: Path) -> None:
        make_private(directory)
        self.skipped = 0
        self._directory = directory
        self._slots: dict[str, Slot] = {}
        self._bell, self._taken_bell = Bell(directory / "bell"), Bell(directory / "taken-bell")
        self._taken = read_taken(directory)  # a reader that was restarted does not take a frame twice

    def newest(self, timeout_s: float) -> Frame | ReadError | EndOfFrames | None:
        """The newest whole frame not yet taken; waits up to `timeout_s`, then None.

        The pixels are a read-only copy (15 MB: some 4 ms): keep it as long as you like.
        """
        deadline_mono_s = time.monotonic() + timeout_s
        while True:
            if (found := self._take()) is not None:
                return found
            if (left_s := deadline_mono_s - time.monotonic()) <= 0:
                return None
            self._bell.wait(left_s)

    def close(self) -> None:
        """Once; the reader is of no use afterwards."""
        for slot in self._slots.values():
            slot.close()
        self._bell.close()
        self._taken_bell.close()

    def _take(self) -> Frame | ReadError | EndOfFrames | None:
        self._remap()
        for slot in sorted(self._slots.values(), key=Slot.ticket, reverse=True):
            with slot.locked() as ours:
                ticket = slot.ticket() if ours else (0, 0)  # not ours: being written just now
                if ticket[1] == 0 or ticket <= self._taken:
                    continue
                found = _decode(slot)
            same = ticket[0] == self._taken[0]
            self.skipped += ticket[1] - 1 - (self._taken[1] if same else 0)
            self._taken = ticket
            write_taken(self._directory, ticket)
            self._taken_bell.ring()
            return found
        return None

    def _remap(self) -> None:
        """Follows a writer that was restarted, or a slot that grew."""
        names = {entry.name: entry.inode() for entry in os.scandir(self._directory) if entry.name.startswith("slot-")}
        for name in [name for name, slot in self._slots.items() if names.get(name) != slot.inode]:
            self._slots.pop(name).close()
        for name in names.keys() - self._slots.keys():
            if (slot := Slot.open(self._directory / name)) is not None:
                self._slots[name] = slot


def _decode(slot: Slot) -> Frame | ReadError | EndOfFrames:
    """What lies in a locked slot."""
    record = json.loads(slot.text())
    if "end" in record:
        return EndOfFrames()
    if "error" in record:
        return ReadError(**record["error"])
    meta = record["frame"]
    shape, dtype = tuple(meta.pop("shape")), np.dtype(meta.pop("dtype"))
    pixels = slot.pixels(dtype, shape)
    pixels.flags.writeable = False
    return Frame(**(meta | {"origin_px": tuple(meta["origin_px"])}), pixels=pixels)
