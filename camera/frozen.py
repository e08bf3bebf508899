"""Does the camera still look? A picture seen before, or a thermometer that stands still, is a camera that hangs."""

from __future__ import annotations

import zlib
from collections import deque

import numpy as np

from camera.device import Frame

STUCK_AFTER_S = 1800.0  # a sensor's thermometer reads to 0.1 degC and is never quite still
_REMEMBERED = 8  # a driver that hangs may hand out its few buffers in turn
_EVERY_ROW, _EVERY_COLUMN = 7, 5  # of 8 million pixels about 220 000: two noisy frames never agree in all of them


class FrozenWatch:
    """Remembers the last frames' fingerprints and since when temperature and cooler power have not changed."""

    def __init__(self) -> None:
        self._fingerprints: deque[int] = deque(maxlen=_REMEMBERED)
        self._thermometer: tuple[float, float] | None = None
        self._since_mono_s = 0.0

    def reason(self, frame: Frame) -> str:
        """Why this frame is no new evidence, "" when it is. Call it once with every frame, in order."""
        return self._same_picture(frame) or self._same_temperature(frame)

    def reopened(self) -> None:
        """The thermometer begins anew; a picture shown before stays known."""
        self._thermometer = None

    def _same_picture(self, frame: Frame) -> str:
        sample = np.ascontiguousarray(frame.pixels[::_EVERY_ROW, ::_EVERY_COLUMN])
        fingerprint = zlib.crc32(sample.tobytes())
        same = fingerprint in self._fingerprints
        self._fingerprints.append(fingerprint)
        if not same or sample.min() >= frame.white_adu:  # full daylight: white everywhere, and quite alive
            return ""
        return "camera frozen: the same picture twice, pixel for pixel"

    def _same_temperature(self, frame: Frame) -> str:
        now = (frame.sensor_celsius, frame.cooler_percent)
        if now != self._thermometer:
            self._thermometer, self._since_mono_s = now, frame.end_mono_s
        stuck_s = frame.end_mono_s - self._since_mono_s
        if stuck_s < STUCK_AFTER_S:
            return ""
        return f"camera frozen: sensor at exactly {now[0]:.1f} degC for {stuck_s / 60:.0f} minutes"
