"""The flight recorder: raw frames as FITS, evidence around events, previews and keogram, in a thread of its own.

A short queue of copies stands between the camera and the disk, so that a slow, full, absent or hanging disk costs
recorded frames (counted) and never the next exposure. Nothing here raises into the camera's thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from camera.device import Frame, PlateRefused
from camera.plate import Plate, load_plate
from camera.store.album import Album
from camera.store.disk import Disk, Quotas
from camera.store.evidence import Evidence, stamp
from camera.store.fitsfile import SUFFIX, encode
from camera.store.header import Origin
from camera.store.night import DAYLIGHT_DEG, night_name, sun_deg

log = logging.getLogger(__name__)

_QUEUED = 4
_TICK_S = 0.5
_TEND_EVERY_S = 1.0
_AGAIN_S = 5.0  # a disk that cannot be used may be mounted meanwhile
_NICENESS = 10


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Where, how much of what; see [recorder] of the configuration."""

    directory: Path
    quotas: Quotas = field(default_factory=Quotas)
    keep_frames: bool = True
    preview_every_s: float = 0.0  # 0: no pictures
    spool: Path | None = None  # where requests for evidence are left
    plate_file: Path | None = None  # looked at again when it changes
    build_command: tuple[str, ...] = ()  # makes the pictures of a finished night


class FrameRecorder:
    """Offer it every frame. `written`, `dropped` and `expired` count raw frames; `counters()` is all of it."""

    def __init__(self, settings: RecorderSettings, origin: Callable[[], Origin] = Origin) -> None:
        """`origin` is asked for every frame, in the recorder's thread: a camera has its name only once it is open."""
        self.written = self.dropped = self.by_day = 0
        self._settings, self._known = settings, origin
        self._disk = Disk(settings.directory, settings.quotas)
        self._album = Album(self._disk, settings.preview_every_s, settings.build_command)
        self._evidence = None if settings.spool is None else Evidence(settings.spool, self._disk)
        self._plate: Plate | None = None
        self._plate_seen: tuple[int, int] | None = None  # modification time and size of its file
        self._newest_utc_ns = 0
        self._offered_mono_s = float("-inf")
        self._frames: queue.Queue[Frame] = queue.Queue(_QUEUED)
        self._ending = threading.Event()
        self._ready = self._failing = False
        self._next_mono_s = {"stock": 0.0, "tend": 0.0}
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def expired(self) -> int:
        return self._disk.shelves["frames"].expired

    def offer(self, frame: Frame) -> bool:
        """Copies the frame and returns at once; False when the disk is behind and the frame was dropped."""
        if not self._settings.keep_frames:
            if frame.end_mono_s - self._offered_mono_s < self._settings.preview_every_s - 0.5 * frame.exposure_s:
                return True  # nobody wants it
            self._offered_mono_s = frame.end_mono_s
        if self._frames.full():
            self.dropped += 1
            return False
        self._frames.put_nowait(replace(frame, pixels=frame.pixels.copy()))  # one thread offers: still not full
        return True

    def counters(self) -> dict[str, int]:
        """For the health message."""
        shelves = self._disk.shelves
        counted = {"recorded": self.written, "record_dropped": self.dropped, "expired": self.expired}
        counted |= {f"expired_{kind}": shelf.expired for kind, shelf in shelves.items() if kind != "frames"}
        counted |= {f"{kind}_mb": shelf.bytes // 1_000_000 for kind, shelf in shelves.items()}
        counted |= self._album.counters if self._settings.preview_every_s else {}
        counted |= {} if self._evidence is None else self._evidence.counters
        swept = sum(shelf.swept for shelf in shelves.values())
        ended = not (self._thread.is_alive() or self._ending.is_set())
        failing = self._failing or ended or self._frames.full()  # full: the disk hangs, or is too slow
        return counted | {"record_swept": swept, "record_by_day": self.by_day, "record_failing": int(failing)}

    def close(self, timeout_s: float = 5.0) -> None:
        """Writes what waits, for at most `timeout_s`. Safe to call twice."""
        self._ending.set()
        self._thread.join(timeout_s)

    # -- its thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # of this thread alone, on Linux
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while not (self._ending.is_set() and self._frames.empty()):
            try:
                frame = self._frames.get(timeout=_TICK_S)
            except queue.Empty:
                frame = None
            try:
                self._step(frame)
            except OSError as err:
                if not self._failing:
                    log.warning("event=recorder-failing directory=%s error=%s", self._settings.directory, err)
                self._failing = True
        self._album.close()

    def _step(self, frame: Frame | None) -> None:
        """One frame, or none, and what is due. Raises OSError."""
        try:
            self._take_stock()
            if frame is not None:
                origin = self._origin()
                self._keep(frame, origin)
        except OSError:
            self.dropped += frame is not None and self._settings.keep_frames
            raise
        if frame is not None and self._settings.preview_every_s:
            behind = self._frames.qsize() > 1  # raw frames first
            self._album.take(frame, origin, preview=self._album.due(frame) and not behind)
        if self._due("tend", _TEND_EVERY_S):
            if self._evidence is not None:
                self._evidence.tend(self._newest_utc_ns)
            self._album.tend()
        if self._failing and frame is not None:
            log.info("event=recorder-back directory=%s", self._settings.directory)
            self._failing = False

    def _take_stock(self) -> None:
        """Once, before anything is written, however long the disk takes to be there."""
        if self._ready:
            return
        if not self._due("stock", _AGAIN_S):
            raise OSError(f"{self._settings.directory}: not usable yet")
        self._disk.take_stock()
        self._ready = True

    def _keep(self, frame: Frame, origin: Origin) -> None:
        self._newest_utc_ns = frame.start_utc_ns
        if not self._settings.keep_frames:
            return
        if sun_deg(frame.start_utc_ns, origin.site) > DAYLIGHT_DEG:
            self.by_day += 1
            return
        night = night_name(frame.start_utc_ns, origin.site)
        name = f"{night}/{stamp(frame.start_utc_ns)}-{frame.seq}{SUFFIX}"
        self._disk.keep("frames", name, encode(frame, origin))
        self.written += 1

    def _origin(self) -> Origin:
        self._look_at_plate()
        origin = self._known()
        return replace(origin, plate=self._plate or origin.plate)

    def _look_at_plate(self) -> None:
        """A night may refine the plate: frames carry the one that held when they were written."""
        path, seen = self._settings.plate_file, None
        if path is None:
            return
        try:
            status = path.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen != self._plate_seen:
                self._plate = load_plate(path)
        except (OSError, PlateRefused):  # the judgement says so, loudly
            self._plate = None
        self._plate_seen = seen

    def _due(self, what: str, every_s: float) -> bool:
        now_mono_s = time.monotonic()
        if now_mono_s < self._next_mono_s[what]:
            return False
        self._next_mono_s[what] = now_mono_s + every_s
        return True
