"""What a simulated ASI camera is: its controls and their ranges, its state, the library's codes (ASICamera2.h)."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from camera.zwo.controls import (
    BANDWIDTH,
    COOLER_ON,
    COOLER_POWER,
    DEW_HEATER,
    EXPOSURE,
    FLIP,
    GAIN,
    GAMMA,
    HARDWARE_BIN,
    HIGH_SPEED,
    OFFSET,
    TARGET_TEMP,
    TEMPERATURE,
    WB_B,
    WB_R,
)

SUCCESS, INVALID_INDEX, INVALID_ID, INVALID_CONTROL, CLOSED, REMOVED = 0, 1, 2, 3, 4, 5
INVALID_SIZE, INVALID_TYPE, OUT_OF_BOUNDARY, TIMEOUT, INVALID_SEQUENCE, TOO_SMALL = 8, 9, 10, 11, 12, 13
VIDEO_ACTIVE, EXPOSING, GENERAL, INVALID_MODE = 14, 15, 16, 17
IDLE, WORKING, DONE, FAILED = 0, 1, 2, 3
RAW8, RGB24, RAW16, Y8 = 0, 1, 2, 3


@dataclass(frozen=True)
class Control:
    """Range of one control, ASI_CONTROL_CAPS."""

    name: str
    type: int
    low: int
    high: int
    default: int
    writable: bool = True
    auto: bool = False  # can set itself, and does until it is told not to


CONTROLS = (
    Control("Gain", GAIN, 0, 570, 0, auto=True),
    Control("Exposure", EXPOSURE, 32, 2_000_000_000, 10_000, auto=True),
    Control("Gamma", GAMMA, 1, 100, 50),
    Control("WB_R", WB_R, 1, 99, 52, auto=True),
    Control("WB_B", WB_B, 1, 99, 95, auto=True),
    Control("Offset", OFFSET, 0, 80, 8),
    Control("BandWidth", BANDWIDTH, 40, 100, 50, auto=True),
    Control("Temperature", TEMPERATURE, -500, 1000, 200, writable=False),
    Control("Flip", FLIP, 0, 3, 0),
    Control("AutoExpMaxGain", 10, 0, 570, 285),
    Control("AutoExpMaxExpMS", 11, 1, 60_000, 100),
    Control("AutoExpTargetBrightness", 12, 50, 160, 100),
    Control("HardwareBin", HARDWARE_BIN, 0, 1, 0),
    Control("HighSpeedMode", HIGH_SPEED, 0, 1, 0),
    Control("CoolPowerPerc", COOLER_POWER, 0, 100, 0, writable=False),
    Control("TargetTemp", TARGET_TEMP, -40, 30, 0),
    Control("CoolerOn", COOLER_ON, 0, 1, 0),
    Control("MonoBin", 18, 0, 1, 0),
    Control("AntiDewHeater", DEW_HEATER, 0, 1, 0),
)


@dataclass(frozen=True, kw_only=True)
class Model:
    """What one type of camera reports of itself."""

    name: str = "ZWO ASI294MC Pro(simulated)"
    size_px: tuple[int, int] = (4144, 2822)
    colour: bool = True
    bayer: int = 0  # 0: RGGB, 1: BGGR, 2: GRBG, 3: GBRG
    bits: int = 14
    pixel_um: float = 4.63
    e_per_adu_at_gain_0: float = 3.89
    formats: tuple[int, ...] = (RAW8, RGB24, RAW16, Y8)
    bins: tuple[int, ...] = (1, 2)
    without: frozenset[int] = frozenset()  # controls that it lacks

    @property
    def controls(self) -> tuple[Control, ...]:
        return tuple(control for control in CONTROLS if control.type not in self.without)

    @property
    def cooled(self) -> bool:
        return COOLER_ON not in self.without

    @property
    def white(self) -> int:
        return 65536 - (1 << (16 - self.bits))


@dataclass
class Unit:
    """State of one camera on the bus."""

    serial: bytes
    model: Model = field(default_factory=Model)
    opened: bool = False
    initialised: bool = False
    mode: str = ""  # "" | "video" | "snap"
    size: tuple[int, int] = (0, 0)
    start: tuple[int, int] = (0, 0)
    image_type: int = 0
    ready: deque[NDArray[np.uint16]] = field(default_factory=deque)
    failed: bool = False  # the single exposure
    dropped: int = 0
    told: int = 0  # of them, what ASIGetDroppedFrames said last
    exposure: int = 0  # the number of the capture in progress: an older thread sees that it is over
    last: NDArray[np.uint16] | None = None  # what was handed over last

    def __post_init__(self) -> None:
        self.values = {control.type: control.default for control in self.model.controls}
        self.autos = {control.type: control.auto for control in self.model.controls}
        self.size = self.size if any(self.size) else self.model.size_px


def centred(model: Model, width_px: int, height_px: int) -> tuple[int, int]:
    """First pixel of a region in the middle, even in both directions."""
    return (model.size_px[0] - width_px) // 4 * 2, (model.size_px[1] - height_px) // 4 * 2


# Where every exposure that was completed ended: made = handed + told + cut + failed.
Ledger = Counter[str]
