"""Do the rates a telescope says carry it from where it was to where it is? Else nobody knows what the beam will sweep.

Rates in another unit, of the other sign, of the wrong axis, or left at zero look right in every single message; only
the way between messages shows them.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from camera.geodesy import azel_to_unit, separation_deg
from edge.records import Pointing

WINDOW_S = 5.0  # of the machine's clock
LEAST_S = 1.0  # shorter ways say nothing
LONGEST_GAP_S = 1.0  # after a pause the way is unknown
TOLERANCE_DEG = 1.0
LATE_S = 0.3  # a message may be late by as much, and rates change between two messages


class RatesWatch:
    """Of one telescope. `sky_rate`: sky seconds per machine second, of which the rates are."""

    def __init__(self, sky_rate: float = 1.0) -> None:
        self._sky_rate = sky_rate
        self._way: deque[Pointing] = deque()

    def fault(self, pointing: Pointing) -> str:
        """ "" while rates and way agree, else the sentence. Once with every pointing, in order."""
        now_mono_s = pointing.received_mono_s
        if self._way and not 0 <= now_mono_s - self._way[-1].received_mono_s <= LONGEST_GAP_S:
            self._way.clear()
        self._way.append(pointing)
        while now_mono_s - self._way[0].received_mono_s > WINDOW_S:
            self._way.popleft()
        if now_mono_s - self._way[0].received_mono_s < LEAST_S:
            return ""
        at_s = np.array([p.received_mono_s for p in self._way]) * self._sky_rate
        said = np.array([(p.azimuth_rate_dps, p.elevation_rate_dps) for p in self._way])
        first = self._way[0]
        azimuth, elevation = np.add((first.azimuth_deg, first.elevation_deg), np.trapezoid(said, at_s, axis=0))
        is_there = azel_to_unit(pointing.azimuth_deg, pointing.elevation_deg)
        off_deg = float(separation_deg(azel_to_unit(azimuth, elevation), is_there))
        across = np.cos(np.radians([p.elevation_deg for p in self._way]))
        fastest_dps = float(np.hypot(said[:, 0] * across, said[:, 1]).max())
        if off_deg <= TOLERANCE_DEG + LATE_S * self._sky_rate * fastest_dps:
            return ""
        seconds = now_mono_s - first.received_mono_s
        return (
            f"pointing: azimuth_rate_dps, elevation_rate_dps: {off_deg:.1f} deg off the way of the last {seconds:.0f} s"
        )
