"""The brightest that every pixel was in several short exposures: slow, low trails are dots in 2 s and lines in 10 s.

A 2 s frame is deeper for fast trails and young enough for a permit; but an airliner below 20 degrees moves five pixels
in it. What moves lights a pixel in one exposure of five: their sum adds the sky of the four others to it, their maximum
hardly does. So a trail keeps more of its contrast than in one exposure of 10 s (meteor networks compress their video
like this: P. S. Gural, D. Segon, "A new meteor detection processing approach for observations collected by the Croatian
Meteor Network", WGN 37:1, 2009).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camera.device import Frame

FRAMES = 5
LARGEST_GAP_S = 1.0  # of sky between two exposures; a longer one tears every trail in two


class Stack:
    """Lays `frames` consecutive exposures on each other, then begins anew: every exposure is in one stack at most."""

    def __init__(self, frames: int = FRAMES) -> None:
        self._frames = frames
        self._made: Frame | None = None
        self._newest: Frame | None = None
        self._count = 0

    def add(self, frame: Frame) -> Frame | None:
        """The stack when this exposure completes it. A gap, or another setting, begins anew with this frame.

        Its `exposure_s` reaches from the begin of the first to the end of the last exposure.
        """
        if self._made is None or self._newest is None or not _continues(self._newest, frame):
            self._made, self._count = replace(frame, pixels=frame.pixels.copy()), 1
        else:
            np.maximum(self._made.pixels, frame.pixels, out=self._made.pixels)
            self._count += 1
        self._newest = frame
        if self._count < self._frames:
            return None
        made, self._made = self._made, None
        made.pixels.flags.writeable = False
        end_utc_ns = frame.start_utc_ns + round(frame.exposure_s * 1e9)
        exposure_s = (end_utc_ns - made.start_utc_ns) / 1e9
        return replace(frame, start_utc_ns=made.start_utc_ns, exposure_s=exposure_s, pixels=made.pixels)


def _continues(before: Frame, frame: Frame) -> bool:
    gap_s = (frame.start_utc_ns - before.start_utc_ns) / 1e9 - before.exposure_s
    settings = [
        (f.exposure_s, f.gain_setting, f.origin_px, f.mosaic, f.camera_serial, f.pixels.shape, f.pixels.dtype)
        for f in (before, frame)
    ]
    return before.start_utc_ns > 0 and -0.1 <= gap_s <= LARGEST_GAP_S and settings[0] == settings[1]
