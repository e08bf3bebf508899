"""What the appliance may ask of a camera, what it gets, and what can go wrong.

The frame is defined once, here; the real camera (`asi`), the simulated one and recorded files all give it.

    CameraError                 root of everything camera/ raises on purpose
    +- FrameTimeout             no frame in time: count it and read again
    +- CameraLost               the device is gone or wedged: close, back off, reopen
    +- CameraRefused            wrong or missing library, camera, permission, setting: say why, stop
    +- FileUnreadable           a stored frame cannot be read: note it, take the next file
    +- PlateRefused             a plate that is damaged or of another camera or region: the guard holds
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Mosaic = Literal["RGGB", "mono", "rgb"]


class CameraError(Exception):
    """Root of everything camera/ raises on purpose."""


class FrameTimeout(CameraError):
    """No frame in time: count it and read again."""


class CameraLost(CameraError):
    """The device is gone or wedged: close, back off, reopen."""


class CameraRefused(CameraError):
    """Wrong or missing library, camera, permission or setting: say why and stop."""


class FileUnreadable(CameraError):
    """A stored frame cannot be read: note `{file, error}` and take the next one."""


class PlateRefused(CameraError):
    """A plate file is damaged, or belongs to another camera or region: no sky directions, so the guard holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One raw exposure, exactly as the sensor gave it.

    `start_utc_ns` is sky time (simulated nights run on their own calendar); `end_mono_s` is this machine's
    CLOCK_MONOTONIC when the exposure ended, comparable between processes, and the only time evidence ages by.
    """

    seq: int  # +1 per exposure; a gap means frames were dropped
    start_utc_ns: int  # start of exposure, Unix time; 0: a stored frame that does not say
    end_mono_s: float  # end of exposure, CLOCK_MONOTONIC
    exposure_s: float  # 0.0: a stored frame that does not say
    gain_setting: int  # the driver's number, 0.1 dB
    gain_e_per_adu: float  # electrons per stored unit of `pixels`
    origin_px: tuple[int, int]  # (x, y) of pixels[0, 0] on the full sensor; both even, so RGGB stays RGGB
    mosaic: Mosaic
    white_adu: int  # value at which a pixel is saturated
    sensor_celsius: float  # nan: a stored frame that does not say
    cooler_percent: float  # nan likewise
    pixels: NDArray[np.uint16]  # (height, width), or (height, width, 3) for rgb; read-only; uint8 files are kept uint8
    camera_serial: str = ""
    file: str = ""  # where a replayed frame was read from

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


class Camera(Protocol):
    """All the appliance may ask of a camera: real, simulated, replayed."""

    def open(self) -> None:
        """Raises CameraRefused (configuration, library, permission) or CameraLost (try again later)."""

    def read(self, timeout_s: float) -> Frame:
        """The next exposure. Raises FrameTimeout or CameraLost."""

    def close(self) -> None:
        """Safe to call twice, and after any error."""
