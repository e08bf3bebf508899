"""How fast a sensor may be cooled and warmed: what to tell the camera's regulation, and when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import isnan, nan

from camera.zwo.controls import COOLER_ON, TARGET_TEMP, TEMPERATURE, Controls

WARM_UP_S, WARM_CELSIUS = 1.5, 20.0  # what an orderly stop may spend on warming the sensor, and up to what
_WARM_TICK_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Ramp:
    """From a temperature to another at a steady pace, from `begin_mono_s` on."""

    from_celsius: float
    to_celsius: float
    celsius_per_min: float
    begin_mono_s: float

    def setpoint_celsius(self, now_mono_s: float) -> int:
        """Whole degrees, as the regulation takes them; on the way, never beyond the end."""
        moved = self.celsius_per_min * max(0.0, now_mono_s - self.begin_mono_s) / 60.0
        if self.to_celsius <= self.from_celsius:
            return round(max(self.from_celsius - moved, self.to_celsius))
        return round(min(self.from_celsius + moved, self.to_celsius))


class Cooler:
    """The way of one camera to its temperature, and at the end a little of the way back.

    Args: target_celsius: None: off.
    """

    def __init__(self, target_celsius: int | None, celsius_per_min: float) -> None:
        self._target, self._pace = target_celsius, celsius_per_min
        self._ramp: Ramp | None = None
        self._told: int | None = None

    def begin(self, controls: Controls) -> None:
        """The way begins at the sensor's own temperature: a camera that was only reopened is there already."""
        self._ramp = self._told = None
        if self._target is not None:
            controls.able.checked(TARGET_TEMP, self._target, "camera.target_celsius")
            begin_celsius = controls.get(TEMPERATURE, nan) / 10.0
            self._ramp = Ramp(
                from_celsius=self._target if isnan(begin_celsius) else begin_celsius,
                to_celsius=self._target,
                celsius_per_min=self._pace,
                begin_mono_s=time.monotonic(),
            )
            self.follow(controls)
        if controls.able.cooled:
            controls.put(COOLER_ON, int(self._target is not None), "cooler")

    def follow(self, controls: Controls) -> None:
        """Tells the regulation the ramp's present degree, where that is news."""
        if self._ramp is not None:
            self._tell(controls, self._ramp)

    def warm_up(self, controls: Controls) -> None:
        """Takes the cooler's power away in steps and not at one stroke: a stop leaves no time for the usual pace."""
        if self._told is None or self._told >= WARM_CELSIUS:
            return
        now_mono_s = time.monotonic()
        ramp = Ramp(
            from_celsius=self._told, to_celsius=WARM_CELSIUS, begin_mono_s=now_mono_s,
            celsius_per_min=60.0 * (WARM_CELSIUS - self._told) / WARM_UP_S,
        )  # fmt: skip
        while time.monotonic() < now_mono_s + WARM_UP_S:
            self._tell(controls, ramp)
            time.sleep(_WARM_TICK_S)
        controls.put(COOLER_ON, 0, "cooler")

    def _tell(self, controls: Controls, ramp: Ramp) -> None:
        bounds = controls.able.controls[TARGET_TEMP]
        setpoint = min(max(ramp.setpoint_celsius(time.monotonic()), bounds.low), bounds.high)
        if setpoint != self._told:
            controls.put(TARGET_TEMP, setpoint, "the cooler's target")
            self._told = setpoint
