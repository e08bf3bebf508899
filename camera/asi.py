"""The real camera: a ZWO ASI through the vendor's library, driven by the package zwoasi 0.2.0.

One thread owns it. RAW16, centred region, continuous video, every read with a deadline. The vendor's call may hang for
minutes all the same (INDIGO issue 325: five, in ASIStopExposure), so this runs in a process that can be killed.
Facts from the vendor's ASICamera2.h: region width % 8 == 0 and height % 2 == 0; a control out of range is clipped and
called a success; 2 x exposure + 500 ms is the time to wait for a frame.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camera.device import CameraLost, CameraRefused, Frame, FrameTimeout

LIBRARY = "libASICamera2.so"
USUAL_PLACES = tuple(Path(folder) / LIBRARY for folder in ("/opt/skyspotter/lib", "/usr/local/lib", "/usr/lib"))
ZWO_USB_VENDOR = "03c3"
E_PER_ADU_AT_GAIN_0 = 3.89  # ASI294MC, 14-bit units, vendor's curve; the gain's unit is 0.1 dB
DEW_HEATER = 21  # ASI_ANTI_DEW_HEATER, which zwoasi 0.2.0 does not name
NEUTRAL_WHITE_BALANCE = 50  # the vendor multiplies raw colours too; 50 leaves them alone
_CAMERA_REMOVED, _TIMEOUT = 5, 11
_WITHOUT_WAITING_S = 0.005

_GET_LIBRARY = (
    f"get {LIBRARY} (2023 or newer, for this machine) from the camera maker's SDK or INDI's package libasi, "
    "put it into /usr/local/lib or name it in camera.library"
)


class AsiSerial(ctypes.Structure):
    """ASI_SN of ASICamera2.h."""

    _fields_ = [("id", ctypes.c_ubyte * 8)]


@dataclass(frozen=True, kw_only=True)
class AsiSettings:
    """What the camera is asked for; the names are those of the configuration's section [camera]."""

    exposure_s: float
    width_px: int
    height_px: int
    gain_setting: int = 120
    offset_setting: int = 30
    bandwidth_percent: int = 80
    target_celsius: int | None = None  # None: cooler off
    dew_heater: bool = False
    serial: str = ""  # empty: the only camera there is
    library: Path | None = None


@dataclass(frozen=True)
class FoundCamera:
    """A camera on the bus; no serial: another program has it, or its USB may not be opened."""

    name: str
    serial: str


def import_zwoasi() -> Any:
    """The package, without what importing it does: search and load a library, and warn on the root logger."""
    find_library, root, quiet = ctypes.util.find_library, logging.getLogger(), logging.NullHandler()
    ctypes.util.find_library = lambda name: None
    root.addHandler(quiet)  # else logging.warning() would install a handler of its own
    previous, root.manager.disable = root.manager.disable, logging.WARNING
    try:
        import zwoasi
    finally:
        ctypes.util.find_library = find_library
        root.manager.disable = previous
        root.removeHandler(quiet)
    logging.getLogger("zwoasi").setLevel(logging.CRITICAL)  # it logs what it raises
    zwoasi.Camera.__del__ = lambda self: None  # closing late could close the camera that was opened meanwhile
    return zwoasi


def load_sdk(library: Path | None) -> Any:
    """zwoasi with the vendor's library loaded; a simulated one that is already there stays.

    Raises CameraRefused: no library, one of another machine, or too old.
    """
    zwoasi = import_zwoasi()
    if zwoasi.zwolib is None:
        path = library or next((place for place in USUAL_PLACES if place.exists()), None)
        name = str(path) if path else ctypes.util.find_library("ASICamera2")
        if name is None:
            raise CameraRefused(f"the camera maker's library {LIBRARY} was not found: {_GET_LIBRARY}")
        try:
            zwoasi.init(name)
        except OSError as err:
            raise CameraRefused(f"{name}: cannot be loaded ({err}): {_GET_LIBRARY}; it needs libusb-1.0") from err
        except AttributeError as err:
            zwoasi.zwolib = None  # half set up
            raise CameraRefused(f"{name}: is no camera library or too old ({err}): {_GET_LIBRARY}") from err
    try:
        serial_number = zwoasi.zwolib.ASIGetSerialNumber
    except AttributeError as err:
        raise CameraRefused(f"the camera library is too old (no ASIGetSerialNumber): {_GET_LIBRARY}") from err
    serial_number.argtypes, serial_number.restype = [ctypes.c_int, ctypes.POINTER(AsiSerial)], ctypes.c_int
    return zwoasi


def found_cameras(library: Path | None = None) -> list[FoundCamera]:
    """What is on the bus, for `skyspotter doctor`. Raises CameraRefused as `load_sdk`."""
    sdk = load_sdk(library)
    found = []
    for number in range(sdk.get_num_cameras()):
        serial = ""
        with contextlib.suppress(CameraLost), _asking(sdk, "opening the camera"):
            camera = sdk.Camera(number)
            serial = _serial(sdk, number)
            camera.close()
        found.append(FoundCamera(sdk.list_cameras()[number], serial))
    return found


def usb_refusal(devices: Path = Path("/sys/bus/usb/devices"), nodes: Path = Path("/dev/bus/usb")) -> str:
    """Why this user may not open a ZWO camera that is plugged in; "" when nothing forbids it."""
    for vendor in sorted(devices.glob("*/idVendor")):
        with contextlib.suppress(OSError, ValueError):
            if vendor.read_text().strip() != ZWO_USB_VENDOR:
                continue
            bus, device = (int((vendor.parent / name).read_text()) for name in ("busnum", "devnum"))
            node = nodes / f"{bus:03d}" / f"{device:03d}"
            if not os.access(node, os.R_OK | os.W_OK):
                return f"{node} may not be opened by this user: install the camera's udev rule (99-asi.rules), replug"
    return ""


class AsiCamera:
    """`Camera` over the vendor's library.

    The pixels of a frame live in one of two buffers in turn: they hold until the next-but-one `read`. Copy to keep.
    """

    def __init__(self, settings: AsiSettings, *, utc_ns: Callable[[], int] = time.time_ns, rate: float = 1.0) -> None:
        """`utc_ns` gives sky time; in a simulation it runs `rate` times as fast as this machine's."""
        self._settings = settings
        self._utc_ns, self._rate = utc_ns, rate
        self._sdk: Any = None
        self._camera: Any = None
        self._seq = 0
        self.name = ""

    @property
    def deadline_s(self) -> float:
        """How long the vendor advises to wait for a frame."""
        return 2.0 * self._settings.exposure_s / min(self._rate, 1.0) + 0.5

    def open(self) -> None:
        """Chooses the camera, sets it up, starts the video. Raises CameraRefused or CameraLost."""
        self.close()
        self._sdk = load_sdk(self._settings.library)
        self._camera, self._serial = self._choose()
        try:
            with _asking(self._sdk, "setting up the camera"):
                self._set_up()
                self._camera.start_video_capture()
        except BaseException:
            self.close()
            raise
        self._dropped = 0
        self._previous_end_mono_s = time.monotonic()

    def read(self, timeout_s: float) -> Frame:
        """The next exposure. Raises FrameTimeout or CameraLost."""
        if self._camera is None:
            raise CameraLost("the camera is not open")
        self._buffers.reverse()
        buffer = self._buffers[0]
        with _asking(self._sdk, "reading a frame"):
            asked_mono_s = time.monotonic()
            self._camera.get_video_data(timeout=round(timeout_s * 1000), buffer_=buffer)
            utc_ns, mono_s = self._utc_ns(), time.monotonic()
            dropped = self._camera.get_dropped_frames()
            celsius = self._camera.get_control_value(self._sdk.ASI_TEMPERATURE)[0] / 10.0
            cooler = self._camera.get_control_value(self._sdk.ASI_COOLER_POWER_PERC)[0] if self._cooled else 0
        self._seq += 1 + max(dropped - self._dropped, 0)
        self._dropped = dropped
        exposure_s = self._settings.exposure_s
        late_s = 0.0
        if mono_s - asked_mono_s < _WITHOUT_WAITING_S:
            # It lay ready in the driver's buffer: it ended when the one before it and one exposure more had passed.
            late_s = max(mono_s - self._previous_end_mono_s - exposure_s / self._rate, 0.0)
        self._previous_end_mono_s = mono_s - late_s
        pixels = np.frombuffer(buffer, "<u2").reshape(self._settings.height_px, self._settings.width_px)
        pixels.flags.writeable = False
        return Frame(
            seq=self._seq,
            start_utc_ns=utc_ns - round((exposure_s + late_s * self._rate) * 1e9),
            end_mono_s=mono_s - late_s,
            exposure_s=exposure_s,
            gain_setting=self._settings.gain_setting,
            gain_e_per_adu=E_PER_ADU_AT_GAIN_0 * 10 ** (-self._settings.gain_setting / 200) / self._left_shift,
            origin_px=self._origin,
            mosaic="RGGB" if self._colour else "mono",
            white_adu=65536 - self._left_shift,
            sensor_celsius=celsius,
            cooler_percent=float(cooler),
            pixels=pixels,
            camera_serial=self._serial,
        )

    def close(self) -> None:
        """Safe to call twice, and after any error."""
        camera, self._camera = self._camera, None
        if camera is not None:
            with contextlib.suppress(CameraLost, FrameTimeout), _asking(self._sdk, "stopping the video"):
                camera.stop_video_capture()
            with contextlib.suppress(CameraLost, FrameTimeout), _asking(self._sdk, "closing the camera"):
                camera.close()

    def _choose(self) -> tuple[Any, str]:
        """The camera of the configured serial, opened. A camera that is not there may come: CameraLost."""
        wanted = self._settings.serial.lower()
        count = self._sdk.get_num_cameras()
        if count == 0:
            if refusal := usb_refusal():
                raise CameraRefused(refusal)
            raise CameraLost("no camera is connected: check its USB cable and power")
        if count > 1 and not wanted:
            serials = ", ".join(found.serial or "in use" for found in found_cameras())
            raise CameraRefused(f"{count} cameras are connected ({serials}): say which one in camera.serial")
        seen = []
        for number in range(count):
            try:
                with _asking(self._sdk, "opening the camera"):
                    camera = self._sdk.Camera(number)
                    serial = _serial(self._sdk, number)
            except CameraLost as err:
                if refusal := usb_refusal():
                    raise CameraRefused(refusal) from err
                seen.append(f"one that cannot be opened ({err}; does another program use it?)")
                continue
            if not wanted or serial == wanted:
                return camera, serial
            camera.close()
            seen.append(serial or "one without a serial")
        if not wanted:
            raise CameraLost(f"only {', '.join(seen)} is connected")
        raise CameraLost(
            f"camera {wanted} is not connected, only {', '.join(seen)}: correct camera.serial or its cable"
        )

    def _set_up(self) -> None:
        sdk, camera, settings = self._sdk, self._camera, self._settings
        info = camera.get_camera_property()
        self.name = info["Name"]
        self._colour, self._left_shift = info["IsColorCam"], 1 << (16 - info["BitDepth"])
        if self._colour and info["BayerPattern"] != sdk.ASI_BAYER_RG:
            raise CameraRefused(f"{self.name}: its mosaic does not begin with red: only RGGB cameras are known here")
        width, height = settings.width_px, settings.height_px
        if width > info["MaxWidth"] or height > info["MaxHeight"]:
            raise CameraRefused(
                f"camera.width_px x camera.height_px = {width} x {height} is larger than the "
                f"{info['MaxWidth']} x {info['MaxHeight']} of the {self.name}"
            )
        controls = {control["ControlType"]: control for control in camera.get_controls().values()}
        self._cooled = bool(info["IsCoolerCam"])
        if settings.target_celsius is not None and not self._cooled:
            raise CameraRefused(f"camera.target_celsius is set, but the {self.name} has no cooler: remove it")

        def set_control(control: int, value: int, name: str) -> None:
            bounds = controls.get(control)
            if bounds is None:
                return
            low, high = bounds["MinValue"], bounds["MaxValue"]
            if not low <= value <= high:
                raise CameraRefused(f"{name} = {value} is outside {low} to {high} of the {self.name}")
            camera.set_control_value(control, value)

        set_control(sdk.ASI_EXPOSURE, round(settings.exposure_s * 1e6), "camera.exposure_s in microseconds")
        set_control(sdk.ASI_GAIN, settings.gain_setting, "camera.gain_setting")
        set_control(sdk.ASI_OFFSET, settings.offset_setting, "camera.offset_setting")
        set_control(sdk.ASI_BANDWIDTHOVERLOAD, settings.bandwidth_percent, "camera.bandwidth_percent")
        set_control(sdk.ASI_WB_R, NEUTRAL_WHITE_BALANCE, "white balance")
        set_control(sdk.ASI_WB_B, NEUTRAL_WHITE_BALANCE, "white balance")
        set_control(sdk.ASI_FLIP, 0, "flip")
        set_control(sdk.ASI_HIGH_SPEED_MODE, 0, "high-speed mode")  # it would cost bits
        set_control(DEW_HEATER, int(settings.dew_heater), "camera.dew_heater")
        if self._cooled:
            if settings.target_celsius is not None:
                set_control(sdk.ASI_TARGET_TEMP, settings.target_celsius, "camera.target_celsius")
            set_control(sdk.ASI_COOLER_ON, int(settings.target_celsius is not None), "cooler")
        # Even, so that RGGB stays RGGB; the library's own centring may be odd.
        self._origin = ((info["MaxWidth"] - width) // 4 * 2, (info["MaxHeight"] - height) // 4 * 2)
        camera.set_roi(*self._origin, width, height, 1, sdk.ASI_IMG_RAW16)
        if tuple(camera.get_roi()) != (*self._origin, width, height):
            raise CameraRefused(f"the {self.name} refused the region {width} x {height} at {self._origin}")
        self._buffers = [bytearray(2 * width * height) for _ in range(2)]


def _serial(sdk: Any, number: int) -> str:
    """Hexadecimal, "" for a camera without."""
    serial = AsiSerial()
    return "" if sdk.zwolib.ASIGetSerialNumber(number, serial) else bytes(serial.id).hex()


@contextlib.contextmanager
def _asking(sdk: Any, what: str) -> Iterator[None]:
    """Turns zwoasi's errors into ours. Those are single objects that collect every traceback: they are emptied here."""
    try:
        yield
    except sdk.ZWO_IOError as err:
        text, code = str(err), err.error_code
        err.__traceback__ = err.__context__ = None
    except (IndexError, ValueError) as err:  # an unknown error code, an index that is gone, a region it does not like
        text, code = str(err), None
    else:
        return
    if code == _TIMEOUT:
        raise FrameTimeout(f"{what}: no frame in time")
    if code == _CAMERA_REMOVED:
        raise CameraLost(f"{what}: the camera was removed: check its USB cable and power")
    raise CameraLost(f"{what}: the camera's library says {text!r}")
