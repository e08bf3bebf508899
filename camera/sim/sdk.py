"""A simulated ASI library: takes the place of the vendor's, and the real package zwoasi drives it unchanged.

Same functions, structures, error codes, control ranges and rules as ASICamera2.h: region multiples, video against
snap mode, clipping called success, automatisms on until told otherwise. It misbehaves on request (`asi_faults.FAULTS`).
"""

from __future__ import annotations

import ctypes as c
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from camera.sim import asi_faults
from camera.sim import asi_unit as asi
from camera.sim.asi_exposing import Render, Scene, SkyTime
from camera.sim.asi_faults import FAULTS
from camera.sim.asi_settings import Settings
from camera.zwo.controls import GAIN
from camera.zwo.library import AsiSerial, import_zwoasi

_TICK_S = 0.2

__all__ = ["FAULTS", "Render", "Scene", "SimulatedSdk", "SkyTime"]


class SimulatedSdk(Settings):
    """Everything zwoasi asks of the vendor's library, and ASIGetSerialNumber. Arguments: as `asi_bus.Bus`."""

    def __init__(self, scene: Scene, clock: SkyTime, **options: Any) -> None:
        super().__init__(scene, clock, **options)
        self._zwoasi = import_zwoasi()
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
        self.close_all()
        self._zwoasi.zwolib = None

    def close_all(self) -> None:
        """As the operating system does for a process that ended."""
        for unit in self._units:
            self._pull_out(unit)

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

    # -- the camera's identity ----------------------------------------------------------------------------------------

    def _property(self, info: Any, number: int) -> int:
        if not 0 <= number < self._count():
            return asi.INVALID_INDEX
        answer, unit = info[0], self._units[number]
        model = unit.model
        answer.Name, answer.CameraID = model.name.encode(), number
        answer.MaxWidth, answer.MaxHeight = model.size_px
        answer.IsColorCam, answer.BayerPattern, answer.PixelSize = int(model.colour), model.bayer, model.pixel_um
        answer.BitDepth = model.bits
        answer.IsCoolerCam, answer.IsUSB3Host, answer.IsUSB3Camera = int(model.cooled), 1, 1
        answer.ElecPerADU = model.e_per_adu_at_gain_0 * 10 ** (-unit.values[GAIN] / 200)
        for place, supported in enumerate((*model.bins, 0)):
            answer.SupportedBins[place] = supported
        for place, supported in enumerate((*model.formats, -1)):
            answer.SupportedVideoFormat[place] = supported
        return asi.SUCCESS

    def _open(self, number: int) -> int:
        if self._hang("open"):
            return asi.GENERAL
        error, unit = self._unit(number)
        if error not in (asi.SUCCESS, asi.CLOSED):
            return error
        if self.fault() == "permission":
            return asi.GENERAL
        unit.opened = True
        return asi.SUCCESS

    def _init(self, number: int) -> int:
        if self._hang("init"):
            return asi.GENERAL
        error, unit = self._unit(number)
        unit.initialised = not error
        return error

    def _close(self, number: int) -> int:
        if self._hang("close"):
            return asi.GENERAL
        if not 0 <= number < len(self._units):
            return asi.INVALID_ID
        if self._units[number].opened:
            self._cured("reopen")
        self._pull_out(self._units[number])
        return asi.SUCCESS

    def _serial(self, number: int, serial: Any) -> int:
        error, unit = self._unit(number)
        if not error:
            c.memmove(serial, unit.serial, 8)
        return error

    # -- pictures --------------------------------------------------------------------------------------------------

    def _get_dropped(self, number: int, dropped: Any) -> int:
        error, unit = self._unit(number)
        if not error:
            dropped[0] = self._exposing.tell_dropped(unit)
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
        if unit.mode != "snap":
            status[0] = asi.IDLE
        else:
            status[0] = asi.FAILED if unit.failed else asi.DONE if unit.ready else asi.WORKING
        if unit.failed and not error:
            self._exposing.tell_failed(unit)  # over; the next one may begin
        return error

    def _video_data(self, number: int, buffer: Any, size: int, wait_ms: int) -> int:
        self._reads += 1
        return self._picture(number, buffer, size, wait_ms / 1000 if wait_ms >= 0 else float("inf"), "video")

    def _snap_data(self, number: int, buffer: Any, size: int) -> int:
        error = self._picture(number, buffer, size, 0.0, "snap")
        if not error:
            self._exposing.end(self._units[number])
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
        self._exposing.begin(unit, mode)
        return asi.SUCCESS

    def _stop(self, number: int, mode: str) -> int:
        if self._hang("stop"):
            return asi.GENERAL
        error, unit = self._unit(number)
        if not error and unit.mode == mode:
            self._exposing.end(unit)
        return error

    def _picture(self, number: int, buffer: Any, size: int, wait_s: float, mode: str) -> int:
        if self._hang("read"):
            return asi.GENERAL
        error, unit = self._unit(number)
        if error or unit.mode != mode:
            return error or asi.INVALID_SEQUENCE
        if self.fault() == "wrong-buffer" or size < 2 * unit.size[0] * unit.size[1]:
            return asi.TOO_SMALL
        give_up_mono_s, changed = time.monotonic() + wait_s, self._exposing.changed
        with changed:
            while (fault := self.fault()) in asi_faults.SILENT or not unit.ready:
                if (left_s := give_up_mono_s - time.monotonic()) <= 0 or unit.mode != mode:
                    return asi.TIMEOUT
                changed.wait(min(left_s, _TICK_S))
                if self._unit(number)[0]:  # unplugged, or closed, while it waited
                    return self._unit(number)[0]
            picture = unit.ready.popleft()
            self.ledger["handed"] += 1
        picture = unit.last = asi_faults.spoilt(fault, picture, unit.last, unit.model.white)
        c.memmove(buffer, np.ascontiguousarray(picture).ctypes.data, min(picture.nbytes, size))
        return asi.SUCCESS
