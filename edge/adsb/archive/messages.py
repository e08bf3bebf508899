"""The recorder of raw messages: Beast files of an hour each, for `radio decode`, replay, and other decoders.

`messages/2026-11-21/beast-utc--1795255200.123456789.beast`: the name tells when the first message was received, by
which `radio decode` dates all others. Ticks are the sample counter's as long as it and the clock agree within a second;
when they part (the source was opened anew, the clock was set) they go on by the clock: one file, one time scale.
A killed process loses five seconds at most, and may leave its last message cut, which every reader passes over.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from edge.adsb.archive.shelf import Shelf
from edge.adsb.ear import TimedFrame
from edge.adsb.frames import TICK_HZ
from edge.adsb.share.beast import TICKS_PER_SAMPLE, beast_message
from edge.adsb.worker import Worker

log = logging.getLogger(__name__)

STREAM = "messages"
FLUSH_S = 5.0
RETRY_S = 10.0  # after a failure
ROOM_EVERY_BYTES = 4 << 20
APART_NS = 1_000_000_000
_TICK_NS = 1e9 / (TICK_HZ * TICKS_PER_SAMPLE)
_BEGIN_TICKS = 120 * TICK_HZ * TICKS_PER_SAMPLE  # ahead of the first: a frame may be up to a minute older


class MessageRecorder:
    """Writes below `shelf.root/messages`. `written` and `lost` count messages."""

    def __init__(self, shelf: Shelf, *, flush_s: float = FLUSH_S) -> None:
        self.written = self.lost = 0
        self.failure = ""
        self._shelf, self._flush_s = shelf, flush_s
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._hour = -1
        self._begin_utc_ns, self._offset_ticks = 0, 0.0
        self._granted_bytes = 0
        self._flushed_mono_s = self._retry_mono_s = time.monotonic()
        self._worker: Worker[Sequence[TimedFrame]] = Worker("messages", self._take, tick=self._flush_due, end=self._end)

    def offer(self, frames: Sequence[TimedFrame]) -> None:
        """Returns at once; where the thread is behind, the messages are lost and counted."""
        if frames and not self._worker.offer(frames):
            self.lost += len(frames)

    def close(self, timeout_s: float = 5.0) -> None:
        """Writes what waits. Safe to call twice."""
        self._worker.close(timeout_s)

    def _take(self, frames: Sequence[TimedFrame]) -> None:
        if self.failure and time.monotonic() < self._retry_mono_s:
            self.lost += len(frames)
            return
        try:
            self._write(frames)
        except OSError as err:
            self.lost += len(frames)
            self._fail(err)
        else:
            self.written += len(frames)
            if self.failure:
                log.info("event=recorder-back directory=%s", self._shelf.root)
            self.failure = ""

    def _write(self, frames: Sequence[TimedFrame]) -> None:
        hour = frames[-1].utc_ns // 3_600_000_000_000
        if self._file is None or hour != self._hour:
            self._end()
            self._make_room(None)
            self._file = self._begin(frames[0].utc_ns)
            self._hour = hour
        elif self._granted_bytes < 0:
            self._make_room(self._path)
        data = b"".join(beast_message(timed.frame, self._ticks(timed)) for timed in frames)
        self._file.write(data)
        self._granted_bytes -= len(data)

    def _make_room(self, keep: Path | None) -> None:
        if not self._shelf.make_room(ROOM_EVERY_BYTES, keep=keep):
            raise OSError(28, "no room within recorder.radio_quota_gb, or the disk is full")
        self._granted_bytes = ROOM_EVERY_BYTES

    def _begin(self, utc_ns: int) -> BinaryIO:
        name = f"beast-utc--{utc_ns // 1_000_000_000}.{utc_ns % 1_000_000_000:09d}.beast"
        self._path = self._shelf.day(STREAM, utc_ns) / name
        self._begin_utc_ns, self._offset_ticks = utc_ns, float("inf")
        return self._path.open("ab")

    def _ticks(self, timed: TimedFrame) -> int:
        """Of the recording's own scale, on which the first message has _BEGIN_TICKS."""
        by_clock = _BEGIN_TICKS + (timed.utc_ns - self._begin_utc_ns) / _TICK_NS
        counted = timed.frame.sample * TICKS_PER_SAMPLE
        if abs(counted + self._offset_ticks - by_clock) * _TICK_NS > APART_NS:
            self._offset_ticks = by_clock - counted
        return max(0, round(counted + self._offset_ticks))

    def _flush_due(self) -> None:
        if self._file is None or time.monotonic() - self._flushed_mono_s < self._flush_s:
            return
        self._flushed_mono_s = time.monotonic()
        try:
            self._file.flush()
        except OSError as err:
            self._fail(err)

    def _fail(self, err: OSError) -> None:
        """Gives the file up; a later message begins another."""
        self._retry_mono_s = time.monotonic() + RETRY_S
        if not self.failure:
            log.warning("event=recorder-failing directory=%s error=%s", self._shelf.root, err)
        self.failure = f"{self._shelf.root}: cannot be written: {err.strerror or err}"
        self._end()

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.flush()
            os.fsync(file.fileno())
        except OSError as err:
            log.warning("event=recording-cut file=%s error=%s", self._path, err)
        finally:
            try:
                file.close()
            except OSError:
                log.info("event=recording-cut file=%s", self._path)
