"""The part of the simulated library that sets a camera up: controls, temperature, region."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from camera.sim import asi_unit as asi
from camera.sim.asi_bus import Bus
from camera.sim.asi_unit import Unit
from camera.zwo.controls import COOLER_ON, COOLER_POWER, TARGET_TEMP, TEMPERATURE

_AMBIENT_CELSIUS, _DEEPEST_BELOW_AMBIENT = 14.0, 35.0


class Settings(Bus):
    """ASIGetNumOfControls to ASISetStartPos."""

    def _control_count(self, number: int, count: Any) -> int:
        error, unit = self._unit(number)
        count[0] = len(unit.model.controls)
        return error

    def _control_caps(self, number: int, index: int, caps: Any) -> int:
        error, unit = self._unit(number)
        if error or not 0 <= index < len(unit.model.controls):
            return error or asi.INVALID_CONTROL
        control, answer = unit.model.controls[index], caps[0]
        answer.Name, answer.Description = control.name.encode(), control.name.encode()
        answer.MinValue, answer.MaxValue, answer.DefaultValue = control.low, control.high, control.default
        answer.IsAutoSupported, answer.IsWritable = int(control.auto), int(control.writable)
        answer.ControlType = control.type
        return asi.SUCCESS

    def _get_control(self, number: int, kind: int, value: Any, auto: Any) -> int:
        error, unit = self._unit(number)
        if error or kind not in unit.values:
            return error or asi.INVALID_CONTROL
        auto[0] = int(unit.autos[kind])
        celsius, power = self._cooling(unit)
        value[0] = {TEMPERATURE: round(celsius * 10), COOLER_POWER: power}.get(kind, unit.values[kind])
        return asi.SUCCESS

    def _set_control(self, number: int, kind: int, value: int, auto: int) -> int:
        error, unit = self._unit(number)
        control = next((control for control in unit.model.controls if control.type == kind), None)
        if error or control is None or not control.writable:
            return error or asi.INVALID_CONTROL
        unit.values[kind] = min(max(value, control.low), control.high)  # clipped, and called a success
        unit.autos[kind] = bool(auto) and control.auto
        return asi.SUCCESS

    def _cooling(self, unit: Unit) -> tuple[float, int]:
        """Sensor temperature and cooler power; the thermometer's last digit is never quite still."""
        flicker = 0.1 * (int(time.monotonic() / 7) % 3 - 1)
        if not unit.values.get(COOLER_ON):
            return _AMBIENT_CELSIUS + 6 + flicker, 0
        if self.fault() == "warm":
            return _AMBIENT_CELSIUS + 9 + flicker, 100
        celsius = max(unit.values[TARGET_TEMP], _AMBIENT_CELSIUS - _DEEPEST_BELOW_AMBIENT)
        return celsius + flicker, int(np.clip(100 * (_AMBIENT_CELSIUS - celsius) / _DEEPEST_BELOW_AMBIENT, 0, 100))

    def _get_roi(self, number: int, width: Any, height: Any, bins: Any, image_type: Any) -> int:
        error, unit = self._unit(number)
        width[0], height[0], bins[0], image_type[0] = *unit.size, 1, unit.image_type
        return error

    def _set_roi(self, number: int, width: int, height: int, bins: int, image_type: int) -> int:
        error, unit = self._unit(number)
        if error or unit.mode:
            return error or (asi.VIDEO_ACTIVE if unit.mode == "video" else asi.EXPOSING)
        most_x, most_y = unit.model.size_px
        if bins != 1 or width % 8 or height % 2 or not (0 < width <= most_x and 0 < height <= most_y):
            return asi.INVALID_SIZE
        if image_type != asi.RAW16 or image_type not in unit.model.formats:
            return asi.INVALID_TYPE  # the rest of the formats is of no use to anybody here
        unit.size, unit.image_type = (width, height), image_type
        unit.start = ((most_x - width) // 2, (most_y - height) // 2)
        return asi.SUCCESS

    def _get_start(self, number: int, x: Any, y: Any) -> int:
        error, unit = self._unit(number)
        x[0], y[0] = unit.start
        return error

    def _set_start(self, number: int, x: int, y: int) -> int:
        error, unit = self._unit(number)
        if error:
            return error
        most_x, most_y = unit.model.size_px
        if not (0 <= x <= most_x - unit.size[0] and 0 <= y <= most_y - unit.size[1]):
            return asi.OUT_OF_BOUNDARY
        unit.start = (x, y)
        return asi.SUCCESS
