"""What a camera can do by its own report, and what of a station's settings it cannot. Pure.

RAW16 of a camera with fewer bits is left-aligned: 14 bits are stored times 4, so a stored unit is a quarter of the
unit that the maker's electrons per ADU belong to (panoptes/POCS issue 899 fell for it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camera.device import CameraRefused, Mosaic

RAW16, RGGB = 2, 0  # ASI_IMG_TYPE, ASI_BAYER_PATTERN
# Electrons per unit of the sensor's own bits at gain 0; the gain's unit is 0.1 dB. ASI294MC: full well 63.7 ke- over
# 16383 units; so unity lies at gain 118, where the maker's curve has it.
E_PER_ADU_AT_GAIN_0 = {"ASI294": 3.89}


@dataclass(frozen=True)
class Control:
    """One control's range, ASI_CONTROL_CAPS."""

    low: int
    high: int
    writable: bool
    auto: bool  # whether it could set itself: it never may


@dataclass(frozen=True)
class Abilities:
    """One camera, as the library describes it."""

    name: str
    width_px: int
    height_px: int
    mosaic: Mosaic
    bits: int
    pixel_um: float
    cooled: bool
    e_per_adu: float  # of the sensor's own bits, as the camera says at its present gain; 0: it does not
    controls: Mapping[int, Control]

    @property
    def left_shift(self) -> int:
        """What a unit of the sensor is multiplied by in RAW16."""
        return 1 << (16 - self.bits)

    @property
    def white_adu(self) -> int:
        return 65536 - self.left_shift

    def e_per_stored(self, gain_setting: int) -> float:
        """Electrons per stored unit. Raises CameraRefused for a camera that neither says nor is known."""
        known = next((e for model, e in E_PER_ADU_AT_GAIN_0.items() if model in self.name), None)
        per_adu = known * 10 ** (-gain_setting / 200) if known else self.e_per_adu
        if not per_adu > 0:
            raise CameraRefused(f"the {self.name} does not say how many electrons make a unit: use another camera")
        return per_adu / self.left_shift

    def origin_px(self, width_px: int, height_px: int) -> tuple[int, int]:
        """First pixel of the region in the middle. Even, so that RGGB stays RGGB; the library's centring may be odd."""
        return (self.width_px - width_px) // 4 * 2, (self.height_px - height_px) // 4 * 2

    def check_region(self, width_px: int, height_px: int) -> None:
        """Raises CameraRefused for a region this camera does not have."""
        asked = f"camera.width_px x camera.height_px = {width_px} x {height_px}"
        if width_px > self.width_px or height_px > self.height_px:
            raise CameraRefused(f"{asked} is larger than the {self.width_px} x {self.height_px} of the {self.name}")
        if width_px % 8 or height_px % 2:
            raise CameraRefused(f"{asked}: the width must be a multiple of 8 and the height even for a ZWO camera")
        if "ASI120" in self.name and width_px * height_px % 1024:
            raise CameraRefused(f"{asked}: the {self.name} needs their product to be a multiple of 1024")

    def checked(self, control: int, value: int, name: str) -> bool:
        """Whether the camera has this control. Raises CameraRefused where the library would clip in silence."""
        bounds = self.controls.get(control)
        if bounds is None or not bounds.writable:
            return False
        if not bounds.low <= value <= bounds.high:
            raise CameraRefused(f"{name} = {value} is outside {bounds.low} to {bounds.high} of the {self.name}")
        return True


def abilities(info: Mapping[str, Any], controls: Mapping[str, Mapping[str, Any]]) -> Abilities:
    """From zwoasi's camera property and controls. Raises CameraRefused for a camera whose pictures we cannot read."""
    name, bits = str(info["Name"]), int(info["BitDepth"])
    if not 8 <= bits <= 16:
        raise CameraRefused(f"the {name} says it has {bits} bits: use a camera with 8 to 16")
    if RAW16 not in info["SupportedVideoFormat"]:
        raise CameraRefused(f"the {name} has no 16-bit raw pictures (RAW16): use a camera that has")
    if 1 not in info["SupportedBins"]:
        raise CameraRefused(f"the {name} cannot be read without binning: use another camera")
    if info["IsColorCam"] and info["BayerPattern"] != RGGB:
        raise CameraRefused(f"the {name}: its mosaic does not begin with red: only RGGB and mono cameras are known")
    return Abilities(
        name=name,
        width_px=int(info["MaxWidth"]),
        height_px=int(info["MaxHeight"]),
        mosaic="RGGB" if info["IsColorCam"] else "mono",
        bits=bits,
        pixel_um=float(info["PixelSize"]),
        cooled=bool(info["IsCoolerCam"]),
        e_per_adu=float(info["ElecPerADU"]),
        controls={
            int(control["ControlType"]): Control(
                int(control["MinValue"]), int(control["MaxValue"]), bool(control["IsWritable"]),
                bool(control["IsAutoSupported"]),
            )
            for control in controls.values()
        },
    )  # fmt: skip
