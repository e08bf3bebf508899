"""Several short exposures as one long one: slow, low trails are dots in 2 s and lines in 10 s.

A 2 s frame is deeper for fast trails and young enough for a permit; but an airliner below 20 degrees moves five pixels
in it. The sum of five is what a 10 s exposure would have been, with the read noise of five (design, "2 s exposures,
rolling 10 s sum").
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from camera.device import Frame

FRAMES = 5
LARGEST_GAP_S = 1.0  # of sky between two exposures; a longer one tears every trail in two
_FULL_ADU = 65_535  # of 16 bits
_ROOM_ADU = 16_384.0  # what the sky's level may take of 16 bits; above, the sum is stored in coarser steps


class Coadd:
    """Adds up `frames` consecutive exposures, then begins anew: every exposure is in one sum at most."""

    def __init__(self, frames: int = FRAMES) -> None:
        self._frames = frames
        self._first: Frame | None = None
        self._newest: Frame | None = None
        self._count = 0
        self._sum: NDArray[np.uint32] | None = None
        self._white: NDArray[np.bool_] | None = None

    def add(self, frame: Frame) -> Frame | None:
        """The sum when this exposure completes it. A gap, or another setting, begins anew with this frame.

        The sum's `exposure_s` reaches from the begin of the first to the end of the last exposure; its
        `gain_e_per_adu` holds for its own stored units.
        """
        if self._newest is None or not _continues(self._newest, frame):
            self._begin(frame)
        else:
            assert self._sum is not None
            assert self._white is not None
            self._sum += frame.pixels
            self._white |= frame.pixels >= frame.white_adu
            self._count, self._newest = self._count + 1, frame
        if self._count < self._frames:
            return None
        total, self._newest = self._total(frame), None
        return total

    def _begin(self, frame: Frame) -> None:
        self._first = self._newest = frame
        self._count = 1
        self._sum = frame.pixels.astype(np.uint32)
        self._white = frame.pixels >= frame.white_adu

    def _total(self, last: Frame) -> Frame:
        first, total = self._first, self._sum
        assert first is not None
        assert total is not None
        level = float(np.median(total[:: max(1, len(total) // 256)]))
        halvings = max(0, int(np.ceil(np.log2(max(level, 1.0) / _ROOM_ADU))))
        white_adu = min(last.white_adu * self._frames, _FULL_ADU)  # of 8 or 12 bits the sum has more
        pixels = np.minimum(total >> halvings, white_adu).astype(np.uint16)
        pixels[self._white] = white_adu
        pixels.flags.writeable = False
        end_utc_ns = last.start_utc_ns + round(last.exposure_s * 1e9)
        return replace(
            last,
            start_utc_ns=first.start_utc_ns,
            exposure_s=(end_utc_ns - first.start_utc_ns) / 1e9,
            gain_e_per_adu=last.gain_e_per_adu * 2**halvings,
            white_adu=white_adu,
            pixels=pixels,
        )


def _continues(before: Frame, frame: Frame) -> bool:
    gap_s = (frame.start_utc_ns - before.start_utc_ns) / 1e9 - before.exposure_s
    settings = [
        (f.exposure_s, f.gain_setting, f.origin_px, f.mosaic, f.camera_serial, f.pixels.shape, f.pixels.dtype)
        for f in (before, frame)
    ]
    return before.start_utc_ns > 0 and -0.1 <= gap_s <= LARGEST_GAP_S and settings[0] == settings[1]
