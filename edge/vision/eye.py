"""The eye: turn by turn it judges the newest frame of the ring, and the stack of the last ones where there is time."""

from __future__ import annotations

import time
from collections.abc import Callable

from camera.device import Frame
from edge.runtime.ring import RingReader
from edge.vision.sight import Judged, JudgedStack, Sight

STACK_SHARE = 0.8  # of the time between two exposures, for judging the newest and the stack
LONGEST_WAIT_S = 0.5  # for a frame


class Eye:
    """One thread turns it; the others read single values, each written whole."""

    def __init__(
        self,
        sight: Sight,
        ring: RingReader,
        *,
        saw: Callable[[Judged], None],
        saw_stack: Callable[[JudgedStack], None],
        sky_rate: float,
    ) -> None:
        self._sight, self._ring, self._sky_rate = sight, ring, sky_rate
        self._saw, self._saw_stack = saw, saw_stack
        self.came_back_mono_s = time.monotonic()
        self.frames = 0
        self.stacks_left_out = 0  # exposures without time for a stack
        self.timings_ms: dict[str, float] = {}

    def turn(self) -> None:
        """Comes back after one frame, or when there was none for LONGEST_WAIT_S."""
        frame = self._ring.newest(LONGEST_WAIT_S)
        if isinstance(frame, Frame):
            judged = self._sight.judge(frame)
            self.frames += 1
            self.timings_ms = judged.timings_ms
            self._saw(judged)
            self._look_at_stack(frame, sum(judged.timings_ms.values()) / 1e3)
        self.came_back_mono_s = time.monotonic()

    def _look_at_stack(self, frame: Frame, judged_in_s: float) -> None:
        """Between two exposures, where there is time for it."""
        in_time = 2.0 * judged_in_s < STACK_SHARE * frame.exposure_s / self._sky_rate
        self.stacks_left_out += not in_time
        judged = self._sight.judge_stack(frame, in_time=in_time)
        if judged is not None:
            self._saw_stack(judged)
