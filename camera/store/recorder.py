"""Raw frames kept on disk as FITS, the oldest making room: a flight recorder, off unless asked for.

Own thread and a short queue, so that a slow or full disk costs recorded frames (counted) and never the next exposure.
A file appears whole or not at all. Room is made by deleting before writing, which works on a full disk as well.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from astropy.io import fits

from camera.device import Frame

log = logging.getLogger(__name__)

_QUEUED = 4
_TICK_S = 0.5


class FrameRecorder:
    """Writes frames below `directory`, at most `quota_bytes` of them. `written`, `dropped` and `expired` count."""

    def __init__(self, directory: Path, quota_bytes: int) -> None:
        """Raises OSError when the directory cannot be made."""
        directory.mkdir(parents=True, exist_ok=True)
        self.written = self.dropped = self.expired = 0
        self._directory, self._quota = directory, quota_bytes
        for half in directory.glob("*.part"):  # of a recorder that was killed
            half.unlink()
        kept = sorted((path.stat().st_mtime_ns, path, path.stat().st_size) for path in directory.glob("*.fits"))
        self._kept = deque((path, size) for _, path, size in kept)
        self._bytes = sum(size for _, size in self._kept)
        self._frames: queue.Queue[Frame] = queue.Queue(_QUEUED)
        self._ending = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._write_all, name="recorder", daemon=True)
        self._thread.start()

    def offer(self, frame: Frame) -> bool:
        """Copies the frame and returns at once; False when the disk is behind and the frame was dropped."""
        if self._frames.full():
            self.dropped += 1
            return False
        self._frames.put_nowait(replace(frame, pixels=frame.pixels.copy()))  # one thread offers: still not full
        return True

    def close(self, timeout_s: float = 5.0) -> None:
        """Writes what waits, for at most `timeout_s`. Safe to call twice."""
        self._ending.set()
        self._thread.join(timeout_s)

    def _write_all(self) -> None:
        while not (self._ending.is_set() and self._frames.empty()):
            try:
                frame = self._frames.get(timeout=_TICK_S)
            except queue.Empty:
                continue
            try:
                self._write(frame)
            except OSError as err:
                self.dropped += 1
                if not self._failing:
                    log.warning("event=recorder-failing directory=%s error=%s", self._directory, err)
                self._failing = True
            else:
                if self._failing:
                    log.info("event=recorder-back directory=%s", self._directory)
                self._failing = False

    def _write(self, frame: Frame) -> None:
        start = datetime.fromtimestamp(frame.start_utc_ns / 1e9, UTC)
        path = self._directory / f"{start:%Y%m%dT%H%M%S}.{frame.start_utc_ns // 1_000_000 % 1000:03d}Z-{frame.seq}.fits"
        size = _fits_bytes(frame)
        while self._kept and self._bytes + size > self._quota:
            self._expire()
        temporary = path.with_suffix(".part")
        try:
            while True:
                try:
                    _write_fits(temporary, frame)
                    break
                except OSError:
                    if not self._kept:
                        raise
                    self._expire()  # the disk is fuller than the quota foresaw: old frames go first
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self._kept.append((path, size))
        self._bytes += size
        self.written += 1

    def _expire(self) -> None:
        path, size = self._kept.popleft()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._bytes -= size
        self.expired += 1


def _fits_bytes(frame: Frame) -> int:
    return -(-frame.pixels.nbytes // 2880) * 2880 + 2 * 2880


def _write_fits(path: Path, frame: Frame) -> None:
    """Standard keywords (FITS 4.0, and those customary among cameras); temperatures only where they are known."""
    pixels = frame.pixels if frame.pixels.ndim == 2 else frame.pixels.transpose(2, 0, 1)
    unit = fits.PrimaryHDU(pixels)
    start = datetime.fromtimestamp(frame.start_utc_ns // 1000 / 1e6, UTC)
    cards: list[tuple[str, Any, str]] = [
        ("DATE-OBS", f"{start:%Y-%m-%dT%H:%M:%S.%f}", "UTC, start of exposure"),
        ("EXPTIME", frame.exposure_s, "s"),
        ("GAIN", frame.gain_setting, "driver's number, 0.1 dB"),
        ("EGAIN", frame.gain_e_per_adu, "electrons per stored unit"),
        ("SATURATE", frame.white_adu, "stored unit of a saturated pixel"),
        ("XORGSUBF", frame.origin_px[0], "x of the first pixel on the sensor"),
        ("YORGSUBF", frame.origin_px[1], "y of the first pixel on the sensor"),
        ("SERIAL", frame.camera_serial, "of the camera"),
        ("FRAMENO", frame.seq, "a gap means lost exposures"),
        ("ROWORDER", "TOP-DOWN", ""),
    ]
    if frame.mosaic == "RGGB":
        cards.append(("BAYERPAT", "RGGB", ""))
    if isfinite(frame.sensor_celsius):
        cards.append(("CCD-TEMP", frame.sensor_celsius, "degC"))
    if isfinite(frame.cooler_percent):
        cards.append(("COOLPOWR", frame.cooler_percent, "percent"))
    for card in cards:
        unit.header.append(card)
    with path.open("wb") as out:
        unit.writeto(out)
        out.flush()
        os.fsync(out.fileno())
