"""A simulated ASI library: takes the place of the vendor's, and the real package zwoasi drives it unchanged.

Same functions, structures, error codes, control ranges and rules as ASICamera2.h: region multiples, video against
snap mode, clipping called success. Pictures come from a renderer; an exposure of `exposure_s` of sky time ends when the
sky's clock says so, and its picture is made meanwhile, to be handed over on time. It misbehaves on request (`FAULTS`).
"""

from __future__ import annotations

import ctypes as c
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from camera.asi import DEW_HEATER, AsiSerial, import_zwoasi

log = logging.getLogger(__name__)

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
_SUCCESS, _INVALID_INDEX, _INVALID_ID, _INVALID_CONTROL, _CLOSED, _REMOVED = 0, 1, 2, 3, 4, 5
_INVALID_SIZE, _INVALID_TYPE, _OUT_OF_BOUNDARY, _TIMEOUT, _INVALID_SEQUENCE, _TOO_SMALL = 8, 9, 10, 11, 12, 13
_VIDEO_ACTIVE, _EXPOSING, _GENERAL, _INVALID_MODE = 14, 15, 16, 17
_IDLE, _WORKING, _DONE = 0, 1, 2
_GAIN, _EXPOSURE, _OFFSET, _TEMPERATURE, _COOLER_POWER, _TARGET, _COOLER_ON = 0, 1, 5, 8, 15, 16, 17
_RAW16 = 2
_BUFFERED = 2  # frames the driver keeps; older ones are dropped
_AMBIENT_CELSIUS, _DEEPEST_BELOW_AMBIENT = 14.0, 35.0
_TICK_S = 0.2

Render = Callable[[int, float], NDArray[np.uint16]]


class Scene(Protocol):
    """Makes a renderer for one region at one gain: given start (Unix ns) and exposure (s), (height, width) RGGB."""

    def __call__(
        self, *, width_px: int, height_px: int, origin_px: tuple[int, int], gain_setting: int, offset_setting: int
    ) -> Render: ...


class SkyTime(Protocol):
    """Sky time against this machine's monotonic clock (edge's SkyClock)."""

    @property
    def rate(self) -> float: ...

    def utc_at(self, mono_s: float) -> int: ...


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
    Control("Gain", _GAIN, 0, 570, 0),
    Control("Exposure", _EXPOSURE, 32, 2_000_000_000, 10_000),
    Control("WB_R", 3, 1, 99, 52),
    Control("WB_B", 4, 1, 99, 95),
    Control("Offset", _OFFSET, 0, 80, 8),
    Control("BandWidth", 6, 40, 100, 50),
    Control("Flip", 9, 0, 3, 0),
    Control("HighSpeedMode", 14, 0, 1, 0),
    Control("Temperature", _TEMPERATURE, -500, 1000, 200, False),
    Control("CoolPowerPerc", _COOLER_POWER, 0, 100, 0, False),
    Control("TargetTemp", _TARGET, -40, 30, 0),
    Control("CoolerOn", _COOLER_ON, 0, 1, 0),
    Control("AntiDewHeater", DEW_HEATER, 0, 1, 0),
)


@dataclass
class _Unit:
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


class SimulatedSdk:
    """Everything zwoasi asks of the vendor's library, and ASIGetSerialNumber.

    Args: faults: number of the read (1, 2, ...) -> name in FAULTS, for that read alone.
          fault_file: whatever name stands in it is the fault until the file is gone.
    """

    def __init__(
        self,
        scene: Scene,
        clock: SkyTime,
        *,
        serials: tuple[str, ...] = ("51d0c0de00000001",),
        sensor_px: tuple[int, int] = (4144, 2822),
        faults: Mapping[int, str] | None = None,
        fault_file: Path | None = None,
    ) -> None:
        self._zwoasi = import_zwoasi()
        self._scene, self._clock, self._sensor = scene, clock, sensor_px
        self._units = [_Unit(bytes.fromhex(serial), size=sensor_px) for serial in serials]
        self._faults, self._fault_file, self._told = faults or {}, fault_file, ""
        self._reads = 0
        self._changed = threading.Condition()
        self.released = threading.Event()  # lets a hung call go, so that a test can end
        self._last: NDArray[np.uint16] | None = None
        for name, (implementation, types) in self._functions().items():
            setattr(self, name, c.CFUNCTYPE(c.c_int, *types)(implementation))

    def __getattribute__(self, name: str) -> Any:
        if name == "ASIGetSerialNumber" and object.__getattribute__(self, "fault")() == "old-library":
            raise AttributeError(f"undefined symbol: {name}")
        return object.__getattribute__(self, name)

    def install(self) -> None:
        """From now on zwoasi talks to this one."""
        self._zwoasi.zwolib = self

    def uninstall(self) -> None:
        self.released.set()
        for unit in self._units:
            self._end_capture(unit)
        self._zwoasi.zwolib = None

    def fault(self) -> str:
        """The fault in force, "" for none."""
        if self._fault_file is not None:
            try:
                wanted = self._fault_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                wanted = ""
            if wanted in FAULTS:
                return wanted
            if wanted and wanted != self._told:
                self._told = wanted
                log.warning("%s: no such fault: %s; known: %s", self._fault_file, wanted, ", ".join(FAULTS))
        return self._faults.get(self._reads, "")

    def _functions(self) -> dict[str, tuple[Callable[..., int], tuple[Any, ...]]]:
        z, number = self._zwoasi, c.c_int
        ints, longs, text = c.POINTER(c.c_int), c.POINTER(c.c_long), c.POINTER(c.c_char)
        return {
            "ASIGetNumOfConnectedCameras": (self._count, ()),
            "ASIGetCameraProperty": (self._property, (c.POINTER(z._ASI_CAMERA_INFO), number)),
            "ASIOpenCamera": (self._open, (number,)),
            "ASIInitCamera": (self._init, (number,)),
            "ASICloseCamera": (self._close, (number,)),
            "ASIGetSerialNumber": (self._serial, (number, c.POINTER(AsiSerial))),
            "ASIGetNumOfControls": (self._control_count, (number, ints)),
            "ASIGetControlCaps": (self._control_caps, (number, number, c.POINTER(z._ASI_CONTROL_CAPS))),
            "ASIGetControlValue": (self._get_control, (number, number, longs, ints)),
            "ASISetControlValue": (self._set_control, (number, number, c.c_long, number)),
            "ASIGetROIFormat": (self._get_roi, (number, ints, ints, ints, ints)),
            "ASISetROIFormat": (self._set_roi, (number, number, number, number, number)),
            "ASIGetStartPos": (self._get_start, (number, ints, ints)),
            "ASISetStartPos": (self._set_start, (number, number, number)),
            "ASIGetDroppedFrames": (self._get_dropped, (number, ints)),
            "ASIStartVideoCapture": (self._start_video, (number,)),
            "ASIStopVideoCapture": (self._stop_video, (number,)),
            "ASIGetVideoData": (self._video_data, (number, text, c.c_long, number)),
            "ASIStartExposure": (self._start_exposure, (number, number)),
            "ASIStopExposure": (self._stop_exposure, (number,)),
            "ASIGetExpStatus": (self._exposure_status, (number, ints)),
            "ASIGetDataAfterExp": (self._snap_data, (number, text, c.c_long)),
        }

    # -- the bus and the camera's identity -------------------------------------------------------------------------

    def _count(self) -> int:
        return 0 if self.fault() in ("no-camera", "removed") else len(self._units)

    def _unit(self, number: int) -> tuple[int, _Unit]:
        """(error, unit) as every function begins."""
        if not 0 <= number < len(self._units):
            return _INVALID_ID, _Unit(b"")
        unit = self._units[number]
        if self.fault() in ("removed", "no-camera"):
            return _REMOVED, unit
        return (_SUCCESS if unit.opened else _CLOSED), unit

    def _property(self, info: Any, number: int) -> int:
        if not 0 <= number < self._count():
            return _INVALID_INDEX
        answer = info[0]
        answer.Name, answer.CameraID = b"ZWO ASI294MC Pro(simulated)", number
        answer.MaxWidth, answer.MaxHeight = self._sensor
        answer.IsColorCam, answer.BayerPattern, answer.PixelSize, answer.BitDepth = 1, 0, 4.63, 14
        answer.IsCoolerCam = answer.IsUSB3Host = answer.IsUSB3Camera = 1
        answer.ElecPerADU = 0.93
        for place, supported in enumerate((1, 2, 0)):
            answer.SupportedBins[place] = supported
        for place, supported in enumerate((0, _RAW16, -1)):
            answer.SupportedVideoFormat[place] = supported
        return _SUCCESS

    def _open(self, number: int) -> int:
        error, unit = self._unit(number)
        if error not in (_SUCCESS, _CLOSED):
            return error
        if self.fault() == "permission":
            return _GENERAL
        unit.opened = True
        return _SUCCESS

    def _init(self, number: int) -> int:
        error, unit = self._unit(number)
        unit.initialised = not error
        return error

    def _close(self, number: int) -> int:
        if not 0 <= number < len(self._units):
            return _INVALID_ID
        self._end_capture(self._units[number])
        self._units[number].opened = self._units[number].initialised = False
        return _SUCCESS

    def _serial(self, number: int, serial: Any) -> int:
        error, unit = self._unit(number)
        if not error:
            c.memmove(serial, unit.serial, 8)
        return error

    # -- settings --------------------------------------------------------------------------------------------------

    def _control_count(self, number: int, count: Any) -> int:
        count[0] = len(CONTROLS)
        return self._unit(number)[0]

    def _control_caps(self, number: int, index: int, caps: Any) -> int:
        error, _ = self._unit(number)
        if error or not 0 <= index < len(CONTROLS):
            return error or _INVALID_CONTROL
        control, answer = CONTROLS[index], caps[0]
        answer.Name, answer.Description = control.name.encode(), control.name.encode()
        answer.MinValue, answer.MaxValue, answer.DefaultValue = control.low, control.high, control.default
        answer.IsAutoSupported, answer.IsWritable, answer.ControlType = 0, int(control.writable), control.type
        return _SUCCESS

    def _get_control(self, number: int, kind: int, value: Any, auto: Any) -> int:
        error, unit = self._unit(number)
        if error or kind not in unit.values:
            return error or _INVALID_CONTROL
        auto[0] = 0
        celsius, power = self._cooling(unit)
        value[0] = {_TEMPERATURE: round(celsius * 10), _COOLER_POWER: power}.get(kind, unit.values[kind])
        return _SUCCESS

    def _set_control(self, number: int, kind: int, value: int, auto: int) -> int:
        error, unit = self._unit(number)
        control = next((control for control in CONTROLS if control.type == kind), None)
        if error or control is None or not control.writable:
            return error or _INVALID_CONTROL
        unit.values[kind] = min(max(value, control.low), control.high)  # clipped, and called a success
        return _SUCCESS

    def _cooling(self, unit: _Unit) -> tuple[float, int]:
        """Sensor temperature and cooler power; the thermometer's last digit is never quite still."""
        flicker = 0.1 * (int(time.monotonic() / 7) % 3 - 1)
        if not unit.values[_COOLER_ON]:
            return _AMBIENT_CELSIUS + 6 + flicker, 0
        if self.fault() == "warm":
            return _AMBIENT_CELSIUS + 9 + flicker, 100
        celsius = max(unit.values[_TARGET], _AMBIENT_CELSIUS - _DEEPEST_BELOW_AMBIENT)
        return celsius + flicker, int(np.clip(100 * (_AMBIENT_CELSIUS - celsius) / _DEEPEST_BELOW_AMBIENT, 0, 100))

    def _get_roi(self, number: int, width: Any, height: Any, bins: Any, image_type: Any) -> int:
        error, unit = self._unit(number)
        width[0], height[0], bins[0], image_type[0] = *unit.size, 1, unit.image_type
        return error

    def _set_roi(self, number: int, width: int, height: int, bins: int, image_type: int) -> int:
        error, unit = self._unit(number)
        if error or unit.mode:
            return error or (_VIDEO_ACTIVE if unit.mode == "video" else _EXPOSING)
        if bins != 1 or width % 8 or height % 2 or not (0 < width <= self._sensor[0] and 0 < height <= self._sensor[1]):
            return _INVALID_SIZE
        if image_type != _RAW16:
            return _INVALID_TYPE
        unit.size, unit.image_type = (width, height), image_type
        unit.start = ((self._sensor[0] - width) // 2, (self._sensor[1] - height) // 2)
        return _SUCCESS

    def _get_start(self, number: int, x: Any, y: Any) -> int:
        error, unit = self._unit(number)
        x[0], y[0] = unit.start
        return error

    def _set_start(self, number: int, x: int, y: int) -> int:
        error, unit = self._unit(number)
        if error:
            return error
        if not (0 <= x <= self._sensor[0] - unit.size[0] and 0 <= y <= self._sensor[1] - unit.size[1]):
            return _OUT_OF_BOUNDARY
        unit.start = (x, y)
        return _SUCCESS

    # -- pictures --------------------------------------------------------------------------------------------------

    def _get_dropped(self, number: int, dropped: Any) -> int:
        error, unit = self._unit(number)
        dropped[0] = unit.dropped
        return error

    def _start_video(self, number: int) -> int:
        return self._begin_capture(number, "video")

    def _stop_video(self, number: int) -> int:
        return self._stop(number, "video")

    def _start_exposure(self, number: int, is_dark: int) -> int:
        return self._begin_capture(number, "snap")

    def _stop_exposure(self, number: int) -> int:
        return self._stop(number, "snap")

    def _exposure_status(self, number: int, status: Any) -> int:
        error, unit = self._unit(number)
        status[0] = _IDLE if unit.mode != "snap" else _DONE if unit.ready else _WORKING
        return error

    def _video_data(self, number: int, buffer: Any, size: int, wait_ms: int) -> int:
        self._reads += 1
        return self._picture(number, buffer, size, wait_ms / 1000 if wait_ms >= 0 else float("inf"), "video")

    def _snap_data(self, number: int, buffer: Any, size: int) -> int:
        error = self._picture(number, buffer, size, 0.0, "snap")
        if not error:
            self._end_capture(self._units[number])
        return error

    def _begin_capture(self, number: int, mode: str) -> int:
        error, unit = self._unit(number)
        if error:
            return error
        if not unit.initialised:
            return _INVALID_MODE
        if unit.mode:
            same = unit.mode == mode == "video"
            return _SUCCESS if same else _EXPOSING if unit.mode == "snap" else _VIDEO_ACTIVE
        with self._changed:
            unit.mode, unit.dropped, unit.exposure = mode, 0, unit.exposure + 1
            unit.ready.clear()
        threading.Thread(target=self._expose, args=(unit, unit.exposure), name="sensor", daemon=True).start()
        return _SUCCESS

    def _stop(self, number: int, mode: str) -> int:
        error, unit = self._unit(number)
        if self.fault() == "hang":
            self.released.wait()
        if not error and unit.mode == mode:
            self._end_capture(unit)
        return error

    def _end_capture(self, unit: _Unit) -> None:
        with self._changed:
            unit.mode, unit.exposure = "", unit.exposure + 1
            self._changed.notify_all()

    def _picture(self, number: int, buffer: Any, size: int, wait_s: float, mode: str) -> int:
        error, unit = self._unit(number)
        if error or unit.mode != mode:
            return error or _INVALID_SEQUENCE
        fault = self.fault()
        if fault == "hang":
            self.released.wait()
            return _GENERAL
        if fault == "wrong-buffer" or size < 2 * unit.size[0] * unit.size[1]:
            return _TOO_SMALL
        give_up_mono_s = time.monotonic() + wait_s
        with self._changed:
            while fault == "timeout" or not unit.ready:
                if (left_s := give_up_mono_s - time.monotonic()) <= 0 or unit.mode != mode:
                    return _TIMEOUT
                self._changed.wait(min(left_s, _TICK_S))
                if self._unit(number)[0]:  # unplugged, or closed, while it waited
                    return self._unit(number)[0]
                fault = self.fault()
            picture = unit.ready.popleft()
        if fault == "frozen" and self._last is not None:
            picture = self._last
        self._last = picture
        c.memmove(buffer, picture.ctypes.data, min(picture.nbytes, size))
        return _SUCCESS

    def _expose(self, unit: _Unit, exposure: int) -> None:
        """One exposure after the other, each begun so late that its picture can be ready when it ends."""
        settings = {"gain_setting": unit.values[_GAIN], "offset_setting": unit.values[_OFFSET]}
        width, height = unit.size
        render = self._scene(width_px=width, height_px=height, origin_px=unit.start, **settings)
        exposure_s = unit.values[_EXPOSURE] / 1e6
        end_mono_s, count = time.monotonic(), 0
        render_s = 0.0
        while unit.exposure == exposure:
            end_mono_s = max(end_mono_s + exposure_s / self._clock.rate, time.monotonic() + 1.2 * render_s)
            begun_mono_s = time.monotonic()
            picture = render(self._clock.utc_at(end_mono_s) - round(exposure_s * 1e9), exposure_s)
            render_s = max(0.9 * render_s, time.monotonic() - begun_mono_s)
            count += 1
            late = time.monotonic() > end_mono_s
            with self._changed:
                while unit.exposure == exposure and (left_s := end_mono_s - time.monotonic()) > 0:
                    self._changed.wait(left_s)
                if unit.exposure != exposure:
                    return
                if late and count == 1:  # nobody knew yet how long a picture takes: this one would carry a wrong time
                    continue
                if self.fault() == "dropped" and count % 2:
                    unit.dropped += 1
                    continue
                unit.ready.append(picture)
                if len(unit.ready) > _BUFFERED:
                    unit.ready.popleft()
                    unit.dropped += 1
                self._changed.notify_all()
            if unit.mode == "snap":
                return
