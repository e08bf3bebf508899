"""What a simulated ASI camera is: its controls and their ranges, its state, the library's codes (ASICamera2.h)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from camera.zwo.controls import DEW_HEATER

FAULTS = {
    "timeout": "no frame comes",
    "removed": "the camera is unplugged",
    "no-camera": "no camera is on the bus",
    "frozen": "the same picture again and again",
    "wrong-buffer": "the library calls the buffer too small",
    "dropped": "every other frame is lost on the bus",
    "hang": "a call does not come back",
    "warm": "the cooler does not cool",
    "old-library": "the library lacks a function",
    "permission": "the camera may not be opened",
}
SUCCESS, INVALID_INDEX, INVALID_ID, INVALID_CONTROL, CLOSED, REMOVED = 0, 1, 2, 3, 4, 5
INVALID_SIZE, INVALID_TYPE, OUT_OF_BOUNDARY, TIMEOUT, INVALID_SEQUENCE, TOO_SMALL = 8, 9, 10, 11, 12, 13
VIDEO_ACTIVE, EXPOSING, GENERAL, INVALID_MODE = 14, 15, 16, 17
IDLE, WORKING, DONE = 0, 1, 2
GAIN, EXPOSURE, OFFSET, TEMPERATURE, COOLER_POWER, TARGET, COOLER_ON = 0, 1, 5, 8, 15, 16, 17
RAW16 = 2


@dataclass(frozen=True)
class Control:
    """Range of one control, ASI_CONTROL_CAPS."""

    name: str
    type: int
    low: int
    high: int
    default: int
    writable: bool = True


CONTROLS = (
    Control("Gain", GAIN, 0, 570, 0),
    Control("Exposure", EXPOSURE, 32, 2_000_000_000, 10_000),
    Control("WB_R", 3, 1, 99, 52),
    Control("WB_B", 4, 1, 99, 95),
    Control("Offset", OFFSET, 0, 80, 8),
    Control("BandWidth", 6, 40, 100, 50),
    Control("Flip", 9, 0, 3, 0),
    Control("HighSpeedMode", 14, 0, 1, 0),
    Control("Temperature", TEMPERATURE, -500, 1000, 200, False),
    Control("CoolPowerPerc", COOLER_POWER, 0, 100, 0, False),
    Control("TargetTemp", TARGET, -40, 30, 0),
    Control("CoolerOn", COOLER_ON, 0, 1, 0),
    Control("AntiDewHeater", DEW_HEATER, 0, 1, 0),
)


@dataclass
class Unit:
    """State of one camera on the bus."""

    serial: bytes
    opened: bool = False
    initialised: bool = False
    mode: str = ""  # "" | "video" | "snap"
    size: tuple[int, int] = (0, 0)
    start: tuple[int, int] = (0, 0)
    image_type: int = 0
    values: dict[int, int] = field(default_factory=lambda: {control.type: control.default for control in CONTROLS})
    ready: deque[NDArray[np.uint16]] = field(default_factory=deque)
    dropped: int = 0
    exposure: int = 0  # the number of the capture in progress: an older thread sees that it is over
