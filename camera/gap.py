"""How long the camera is blind between two exposures: from the end of one to the start of the next."""

from __future__ import annotations

from collections import deque
from statistics import median

from camera.device import Frame

_REMEMBERED = 32


class GapMeter:
    """Measured on the ends of exposures; lost exposures in between had their gaps too. `rate`: as in `AsiCamera`."""

    def __init__(self, rate: float = 1.0) -> None:
        self._rate = rate
        self._previous: Frame | None = None
        self._gaps_ms: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, frame: Frame) -> None:
        previous, self._previous = self._previous, frame
        if previous is None or frame.seq <= previous.seq or frame.exposure_s != previous.exposure_s:
            return
        exposures = frame.seq - previous.seq
        period_s = (frame.end_mono_s - previous.end_mono_s) / exposures
        self._gaps_ms.append(1e3 * (period_s - frame.exposure_s / self._rate))

    def reopened(self) -> None:
        """What lies between two openings is no gap of the camera's."""
        self._previous = None

    @property
    def usual_ms(self) -> float | None:
        return median(self._gaps_ms) if self._gaps_ms else None

    @property
    def worst_ms(self) -> float | None:
        return max(self._gaps_ms) if self._gaps_ms else None
