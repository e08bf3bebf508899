"""A simulated ASI library: takes the place of the vendor's, and the real package zwoasi drives it unchanged.

Same functions, structures, error codes, control ranges and rules as ASICamera2.h: region multiples, video against
snap mode, clipping called success. Pictures come from a renderer; an exposure of `exposure_s` of sky time ends when the
sky's clock says so, and its picture is made meanwhile, to be handed over on time. It misbehaves on request (`FAULTS`).
"""

from __future__ import annotations

import ctypes as c
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from camera.sim import asi_unit as asi
from camera.sim.asi_unit import CONTROLS, FAULTS, Unit
from camera.sim.faultfile import FaultFile
from camera.zwo.library import AsiSerial, import_zwoasi

_BUFFERED = 2  # frames the driver keeps; older ones are dropped
_AMBIENT_CELSIUS, _DEEPEST_BELOW_AMBIENT = 14.0, 35.0
_TICK_S = 0.2
_NICENESS = 10

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
        self._units = [Unit(bytes.fromhex(serial), size=sensor_px) for serial in serials]
        self._faults, self._fault_file = faults or {}, FaultFile(fault_file, FAULTS)
        self._reads = 0
        self._changed = threading.Condition()
        self.released = threading.Event()  # lets a hung call go, so that a test can end
        self._last: NDArray[np.uint16] | None = None
        self._renders: dict[tuple[Any, ...], Render] = {}  # making one takes longer than a frame may
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
        return self._fault_file.wanted() or self._faults.get(self._reads, "")

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

    def _unit(self, number: int) -> tuple[int, Unit]:
        """(error, unit) as every function begins."""
        if not 0 <= number < len(self._units):
            return asi.INVALID_ID, Unit(b"")
        unit = self._units[number]
        if self.fault() in ("removed", "no-camera"):
            return asi.REMOVED, unit
        return (asi.SUCCESS if unit.opened else asi.CLOSED), unit

    def _property(self, info: Any, number: int) -> int:
        if not 0 <= number < self._count():
            return asi.INVALID_INDEX
        answer = info[0]
        answer.Name, answer.CameraID = b"ZWO ASI294MC Pro(simulated)", number
        answer.MaxWidth, answer.MaxHeight = self._sensor
        answer.IsColorCam, answer.BayerPattern, answer.PixelSize, answer.BitDepth = 1, 0, 4.63, 14
        answer.IsCoolerCam = answer.IsUSB3Host = answer.IsUSB3Camera = 1
        answer.ElecPerADU = 0.93
        for place, supported in enumerate((1, 2, 0)):
            answer.SupportedBins[place] = supported
        for place, supported in enumerate((0, asi.RAW16, -1)):
            answer.SupportedVideoFormat[place] = supported
        return asi.SUCCESS

    def _open(self, number: int) -> int:
        error, unit = self._unit(number)
        if error not in (asi.SUCCESS, asi.CLOSED):
            return error
        if self.fault() == "permission":
            return asi.GENERAL
        unit.opened = True
        return asi.SUCCESS

    def _init(self, number: int) -> int:
        error, unit = self._unit(number)
        unit.initialised = not error
        return error

    def _close(self, number: int) -> int:
        if not 0 <= number < len(self._units):
            return asi.INVALID_ID
        self._end_capture(self._units[number])
        self._units[number].opened = self._units[number].initialised = False
        return asi.SUCCESS

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
            return error or asi.INVALID_CONTROL
        control, answer = CONTROLS[index], caps[0]
        answer.Name, answer.Description = control.name.encode(), control.name.encode()
        answer.MinValue, answer.MaxValue, answer.DefaultValue = control.low, control.high, control.default
        answer.IsAutoSupported, answer.IsWritable, answer.ControlType = 0, int(control.writable), control.type
        return asi.SUCCESS

    def _get_control(self, number: int, kind: int, value: Any, auto: Any) -> int:
        error, unit = self._unit(number)
        if error or kind not in unit.values:
            return error or asi.INVALID_CONTROL
        auto[0] = 0
        celsius, power = self._cooling(unit)
        value[0] = {asi.TEMPERATURE: round(celsius * 10), asi.COOLER_POWER: power}.get(kind, unit.values[kind])
        return asi.SUCCESS

    def _set_control(self, number: int, kind: int, value: int, auto: int) -> int:
        error, unit = self._unit(number)
        control = next((control for control in CONTROLS if control.type == kind), None)
        if error or control is None or not control.writable:
            return error or asi.INVALID_CONTROL
        unit.values[kind] = min(max(value, control.low), control.high)  # clipped, and called a success
        return asi.SUCCESS

    def _cooling(self, unit: Unit) -> tuple[float, int]:
        """Sensor temperature and cooler power; the thermometer's last digit is never quite still."""
        flicker = 0.1 * (int(time.monotonic() / 7) % 3 - 1)
        if not unit.values[asi.COOLER_ON]:
            return _AMBIENT_CELSIUS + 6 + flicker, 0
        if self.fault() == "warm":
            return _AMBIENT_CELSIUS + 9 + flicker, 100
        celsius = max(unit.values[asi.TARGET], _AMBIENT_CELSIUS - _DEEPEST_BELOW_AMBIENT)
        return celsius + flicker, int(np.clip(100 * (_AMBIENT_CELSIUS - celsius) / _DEEPEST_BELOW_AMBIENT, 0, 100))

    def _get_roi(self, number: int, width: Any, height: Any, bins: Any, image_type: Any) -> int:
        error, unit = self._unit(number)
        width[0], height[0], bins[0], image_type[0] = *unit.size, 1, unit.image_type
        return error

    def _set_roi(self, number: int, width: int, height: int, bins: int, image_type: int) -> int:
        error, unit = self._unit(number)
        if error or unit.mode:
            return error or (asi.VIDEO_ACTIVE if unit.mode == "video" else asi.EXPOSING)
        if bins != 1 or width % 8 or height % 2 or not (0 < width <= self._sensor[0] and 0 < height <= self._sensor[1]):
            return asi.INVALID_SIZE
        if image_type != asi.RAW16:
            return asi.INVALID_TYPE
        unit.size, unit.image_type = (width, height), image_type
        unit.start = ((self._sensor[0] - width) // 2, (self._sensor[1] - height) // 2)
        return asi.SUCCESS

    def _get_start(self, number: int, x: Any, y: Any) -> int:
        error, unit = self._unit(number)
        x[0], y[0] = unit.start
        return error

    def _set_start(self, number: int, x: int, y: int) -> int:
        error, unit = self._unit(number)
        if error:
            return error
        if not (0 <= x <= self._sensor[0] - unit.size[0] and 0 <= y <= self._sensor[1] - unit.size[1]):
            return asi.OUT_OF_BOUNDARY
        unit.start = (x, y)
        return asi.SUCCESS

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
        status[0] = asi.IDLE if unit.mode != "snap" else asi.DONE if unit.ready else asi.WORKING
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
            return asi.INVALID_MODE
        if unit.mode:
            same = unit.mode == mode == "video"
            return asi.SUCCESS if same else asi.EXPOSING if unit.mode == "snap" else asi.VIDEO_ACTIVE
        with self._changed:
            unit.mode, unit.dropped, unit.exposure = mode, 0, unit.exposure + 1
            unit.ready.clear()
        render = self._render_for(unit)
        threading.Thread(target=self._expose, args=(unit, unit.exposure, render), name="sensor", daemon=True).start()
        return asi.SUCCESS

    def _stop(self, number: int, mode: str) -> int:
        error, unit = self._unit(number)
        if self.fault() == "hang":
            self.released.wait()
        if not error and unit.mode == mode:
            self._end_capture(unit)
        return error

    def _end_capture(self, unit: Unit) -> None:
        with self._changed:
            unit.mode, unit.exposure = "", unit.exposure + 1
            self._changed.notify_all()

    def _picture(self, number: int, buffer: Any, size: int, wait_s: float, mode: str) -> int:
        error, unit = self._unit(number)
        if error or unit.mode != mode:
            return error or asi.INVALID_SEQUENCE
        fault = self.fault()
        if fault == "hang":
            self.released.wait()
            return asi.GENERAL
        if fault == "wrong-buffer" or size < 2 * unit.size[0] * unit.size[1]:
            return asi.TOO_SMALL
        give_up_mono_s = time.monotonic() + wait_s
        with self._changed:
            while fault == "timeout" or not unit.ready:
                if (left_s := give_up_mono_s - time.monotonic()) <= 0 or unit.mode != mode:
                    return asi.TIMEOUT
                self._changed.wait(min(left_s, _TICK_S))
                if self._unit(number)[0]:  # unplugged, or closed, while it waited
                    return self._unit(number)[0]
                fault = self.fault()
            picture = unit.ready.popleft()
        if fault == "frozen" and self._last is not None:
            picture = self._last
        self._last = picture
        c.memmove(buffer, picture.ctypes.data, min(picture.nbytes, size))
        return asi.SUCCESS

    def _render_for(self, unit: Unit) -> Render:
        (width, height), gain, offset = unit.size, unit.values[asi.GAIN], unit.values[asi.OFFSET]
        view = (width, height, unit.start, gain, offset)
        if view not in self._renders:
            render = self._scene(
                width_px=width, height_px=height, origin_px=unit.start, gain_setting=gain, offset_setting=offset
            )
            self._renders = {view: render}
        return self._renders[view]

    def _expose(self, unit: Unit, exposure: int, render: Render) -> None:
        """One exposure after the other, each begun so late that its picture can be ready when it ends."""
        # A real sky is made elsewhere: this one gives way to whoever looks at it. Linux knows a niceness per thread.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        exposure_s = unit.values[asi.EXPOSURE] / 1e6
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
