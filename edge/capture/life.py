"""What the camera's threads know of it, and the health that follows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import isfinite

from camera.device import Frame
from camera.gap import GapMeter
from edge.capture.ladder import Rung
from edge.records import CameraHealth, SensorState


@dataclass
class CameraLife:
    """Written by whoever owns the camera, read by whoever tells. Single values, each written whole."""

    started_mono_s: float
    counters: Counter[str]  # since boot: they outlive the process
    gap: GapMeter = field(default_factory=GapMeter)
    last_good: Frame | None = None
    trouble: str = ""
    recovery: str = ""  # the step in progress, in words
    rung: Rung | None = None
    frozen: bool = False

    def without_frame_s(self, now_mono_s: float) -> float:
        return now_mono_s - (self.last_good.end_mono_s if self.last_good else self.started_mono_s)

    def well(self, frame: Frame) -> None:
        self.last_good, self.trouble, self.recovery, self.rung, self.frozen = frame, "", "", None, False

    def health(self, now_mono_s: float, patience_s: float) -> CameraHealth:
        """State from the age of the last good frame (`patience_s` is how old it may be) and from what is being done.

        A camera that had to be reopened, or worse, is DEAD until a frame flows.
        """
        age_s, frame = self.without_frame_s(now_mono_s), self.last_good
        if frame is None or (self.trouble and self.rung is not Rung.RETRY):
            state = SensorState.DEAD
        elif age_s > patience_s or self.trouble:
            state = SensorState.STALE
        else:
            state = SensorState.OK
        reason = self.trouble
        if state is not SensorState.OK and not reason:
            reason = f"no frame for {age_s:.0f} s" if frame else "waiting for the first frame"
        known = frame if frame is not None and isfinite(frame.sensor_celsius) else None
        return CameraHealth(
            mono_s=now_mono_s,
            state=state,
            reason=reason,
            frames=self.counters["frames"],
            timeouts=self.counters["timeouts"],
            reopened=self.counters[Rung.REOPEN],
            dropped=self.counters["dropped"],
            sensor_celsius=known.sensor_celsius if known else None,
            cooler_percent=known.cooler_percent if known else None,
            gap_ms=self.gap.usual_ms,
            gap_worst_ms=self.gap.worst_ms,
            recovery=self.recovery,
            cause="frozen" if self.frozen else "",
            counters=dict(self.counters),
        )
