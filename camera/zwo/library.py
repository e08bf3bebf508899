"""The vendor's library libASICamera2 through the package zwoasi: found, checked, watched, its errors turned into ours.

Facts from the vendor's ASICamera2.h. A missing or unfit library is refused in one sentence that says where to get it.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import logging
import platform
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camera.device import CameraLost, CameraRefused, FrameTimeout

LIBRARY = "libASICamera2.so"
USUAL_PLACES = tuple(Path(folder) / LIBRARY for folder in ("/opt/skyspotter/lib", "/usr/local/lib", "/usr/lib"))
_GET_LIBRARY = (
    f"get {LIBRARY} (2023 or newer, for {platform.machine()}) from the camera maker's SDK "
    "(www.zwoastro.com, software for developers) or INDI's package libasi, "
    "put it into /usr/local/lib or name it in camera.library"
)
_MACHINES = {3: "x86", 40: "32-bit ARM", 62: "x86_64", 183: "aarch64"}  # e_machine of the ELF specification
_CAMERA_REMOVED, _TIMEOUT = 5, 11


class AsiSerial(ctypes.Structure):
    """ASI_SN of ASICamera2.h."""

    _fields_ = [("id", ctypes.c_ubyte * 8)]


class WatchedLibrary:
    """Any library, and which of its functions is being waited for: `calling` is (name, CLOCK_MONOTONIC) or None.

    One thread calls, another looks on: a vendor's call may hang for minutes (INDIGO issue 325: five, in
    ASIStopExposure on this very camera), and nobody inside it can say so.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self.calling: tuple[str, float] | None = None

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, name)
        if not name.startswith("ASI"):
            return function

        def call(*arguments: Any) -> Any:
            self.calling = (name, time.monotonic())
            try:
                return function(*arguments)
            finally:
                self.calling = None

        return call


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
    """zwoasi with the vendor's library loaded and watched; a simulated one that is already there stays.

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
            raise CameraRefused(f"{name}: cannot be loaded ({_why(name, err)}): {_GET_LIBRARY}") from err
        except AttributeError as err:
            zwoasi.zwolib = None  # half set up
            raise CameraRefused(f"{name}: is no camera library or too old ({err}): {_GET_LIBRARY}") from err
    try:
        serial_number = zwoasi.zwolib.ASIGetSerialNumber
    except AttributeError as err:
        if isinstance(zwoasi.zwolib, ctypes.CDLL):
            zwoasi.zwolib = None  # a newer one may be put in its place meanwhile
        raise CameraRefused(f"the camera library is too old (no ASIGetSerialNumber): {_GET_LIBRARY}") from err
    if not isinstance(zwoasi.zwolib, WatchedLibrary):
        serial_number.argtypes, serial_number.restype = [ctypes.c_int, ctypes.POINTER(AsiSerial)], ctypes.c_int
        zwoasi.zwolib = WatchedLibrary(zwoasi.zwolib)
    return zwoasi


def _why(name: str, err: OSError) -> str:
    """Why the loader would not have it; a library of another machine is named, for the loader's words are dark."""
    try:
        with Path(name).open("rb") as file:
            head = file.read(20)
    except OSError:
        head = b""
    if len(head) == 20 and head[:4] == b"\x7fELF":
        machine = _MACHINES.get(struct.unpack_from("<H", head, 18)[0], "another machine")
        if machine != platform.machine():
            return f"it is made for {machine}, this is {platform.machine()}"
    hint = "; install libusb-1.0-0" if "libusb" in str(err) else ""
    return f"{err}{hint}"


@contextlib.contextmanager
def asking(sdk: Any, what: str) -> Iterator[None]:
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


def serial_of(sdk: Any, number: int) -> str:
    """Hexadecimal, "" for a camera without."""
    serial = AsiSerial()
    return "" if sdk.zwolib.ASIGetSerialNumber(number, serial) else bytes(serial.id).hex()
