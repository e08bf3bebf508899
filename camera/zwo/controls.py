"""The controls of one opened camera: set and looked at again, for the library clips in silence and calls it success."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from camera.device import CameraLost, CameraRefused
from camera.zwo.abilities import RAW16, abilities

# By ASI_CONTROL_TYPE; zwoasi 0.2.0 does not name the last.
GAIN, EXPOSURE, GAMMA, WB_R, WB_B, OFFSET, BANDWIDTH, TEMPERATURE, FLIP = 0, 1, 2, 3, 4, 5, 6, 8, 9
HARDWARE_BIN, HIGH_SPEED, COOLER_POWER, TARGET_TEMP, COOLER_ON, DEW_HEATER = 13, 14, 15, 16, 17, 21
NEUTRAL_WHITE_BALANCE, NEUTRAL_GAMMA = 50, 50  # the vendor multiplies and bends raw colours too; 50 leaves them alone


class Controls:
    """What may be set on an opened camera. Its methods let zwoasi's errors pass: call them inside `asking`."""

    def __init__(self, camera: Any) -> None:
        """Raises CameraRefused for a camera whose pictures we cannot read."""
        self._camera = camera
        self.able = abilities(camera.get_camera_property(), camera.get_controls())

    def put(self, control: int, value: int, name: str) -> bool:
        """Sets a control; False where the camera has none such. Raises CameraRefused (range) or CameraLost."""
        if not self.able.checked(control, value, name):
            return False
        self._camera.set_control_value(control, value, auto=False)
        if (took := self._camera.get_control_value(control)) != [value, False]:
            raise CameraLost(f"{name} = {value} did not take, the {self.able.name} says {took[0]}")
        return True

    def get(self, control: int, absent: float) -> float:
        return float(self._camera.get_control_value(control)[0]) if control in self.able.controls else absent

    def all_manual(self) -> None:
        """Nothing may set itself, and nothing may change the numbers that the sensor gave."""
        for control, ability in self.able.controls.items():
            if ability.auto and ability.writable:
                value, auto = self._camera.get_control_value(control)
                if auto:
                    self._camera.set_control_value(control, value, auto=False)
        self.put(WB_R, NEUTRAL_WHITE_BALANCE, "white balance")
        self.put(WB_B, NEUTRAL_WHITE_BALANCE, "white balance")
        self.put(GAMMA, NEUTRAL_GAMMA, "gamma")
        self.put(FLIP, 0, "flip")
        self.put(HARDWARE_BIN, 0, "hardware binning")
        self.put(HIGH_SPEED, 0, "high-speed mode")  # it would cost bits

    def expose(self, exposure_s: float, gain_setting: int) -> float:
        """Sets both; returns electrons per stored unit, which a camera says anew at each gain."""
        self.put(EXPOSURE, round(exposure_s * 1e6), "camera.exposure_s in microseconds")
        self.put(GAIN, gain_setting, "camera.gain_setting")
        said = float(self._camera.get_camera_property()["ElecPerADU"])
        self.able = replace(self.able, e_per_adu=said)
        return self.able.e_per_stored(gain_setting)

    def region(self, width_px: int, height_px: int) -> None:
        """Reads from now on the middle of the sensor, as RAW16. Raises CameraRefused."""
        self.able.check_region(width_px, height_px)
        region = (*self.able.origin_px(width_px, height_px), width_px, height_px)
        self._camera.set_roi(*region, 1, RAW16)
        if tuple(self._camera.get_roi()) != region or self._camera.get_image_type() != RAW16:
            raise CameraRefused(
                f"the {self.able.name} refused the region {width_px} x {height_px} at {region[:2]} in RAW16: "
                "choose another camera.width_px and camera.height_px"
            )
