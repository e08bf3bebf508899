"""Does the camera still look? A picture seen before, strips of one, or a thermometer that stands still: it hangs.

Strip by strip, for a driver that hands out a half-written buffer shows new sky above and old sky below. What cannot be
told here, without knowing where the camera looks, is left to those who know the stars (`visibility`, `platewatch`):
rows that are displaced, and a sky that changes its noise but does not turn.
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from camera.device import Frame

STUCK_AFTER_S = 1800.0  # a sensor's thermometer reads to 0.1 degC and is never quite still
_REMEMBERED = 8  # a driver that hangs may hand out its few buffers in turn
_EVERY_ROW, _EVERY_COLUMN = 7, 5  # of 8 million pixels about 220 000: two noisy frames never agree in all of them
_STRIPS = 8


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a frame is no evidence."""

    kind: Literal["frozen", "spoilt"]
    reason: str


class FrozenWatch:
    """Remembers the last frames' fingerprints and since when temperature and cooler power have not changed."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, ...]] = deque(maxlen=_REMEMBERED)
        self._thermometer: tuple[float, float] | None = None
        self._since_mono_s = 0.0

    def doubt(self, frame: Frame) -> Doubt | None:
        """None for a frame that is new evidence. Call it once with every frame, in order."""
        return self._old_picture(frame) or self._same_temperature(frame)

    def reopened(self) -> None:
        """The thermometer begins anew; a picture shown before stays known."""
        self._thermometer = None

    def _old_picture(self, frame: Frame) -> Doubt | None:
        sample = np.ascontiguousarray(frame.pixels[::_EVERY_ROW, ::_EVERY_COLUMN])
        strips = np.array_split(sample, _STRIPS)
        prints = tuple(zlib.crc32(strip.data) for strip in strips)
        known = [{old[place] for old in self._seen} for place in range(_STRIPS)]
        self._seen.append(prints)
        # Full daylight is white everywhere and quite alive; else no two pixels of a sensor agree for long.
        alive = [place for place in range(_STRIPS) if strips[place].min() < frame.white_adu]
        if flat := [place for place in alive if strips[place].min() == strips[place].max()]:
            return Doubt("spoilt", f"picture spoilt: {len(flat)} of {_STRIPS} strips hold one value only")
        old = [place for place in alive if prints[place] in known[place]]
        if not old:
            return None
        if len(old) == len(alive):
            return Doubt("frozen", "camera frozen: the same picture twice, pixel for pixel")
        return Doubt("spoilt", f"picture spoilt: {len(old)} of {_STRIPS} strips are of an older one")

    def _same_temperature(self, frame: Frame) -> Doubt | None:
        now = (frame.sensor_celsius, frame.cooler_percent)
        if now != self._thermometer:
            self._thermometer, self._since_mono_s = now, frame.end_mono_s
        stuck_s = frame.end_mono_s - self._since_mono_s
        if stuck_s < STUCK_AFTER_S:
            return None
        return Doubt("frozen", f"camera frozen: sensor at exactly {now[0]:.1f} degC for {stuck_s / 60:.0f} minutes")
