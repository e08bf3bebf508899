"""Which cameras are connected, whether this user may open them, and which one is ours."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camera.device import CameraLost, CameraRefused
from camera.zwo.library import asking, load_sdk, serial_of

ZWO_USB_VENDOR = 0x03C3


@dataclass(frozen=True)
class FoundCamera:
    """A camera on the bus; no serial: another program has it, or its USB may not be opened."""

    name: str
    serial: str


def found_cameras(library: Path | None = None) -> list[FoundCamera]:
    """What is on the bus, for `skyspotter doctor`. Raises CameraRefused as `load_sdk`."""
    sdk = load_sdk(library)
    found = []
    for number in range(sdk.get_num_cameras()):
        serial = ""
        with contextlib.suppress(CameraLost), asking(sdk, "opening the camera"):
            camera = sdk.Camera(number)
            serial = serial_of(sdk, number)
            camera.close()
        found.append(FoundCamera(sdk.list_cameras()[number], serial))
    return found


def usb_refusal(devices: Path = Path("/sys/bus/usb/devices"), nodes: Path = Path("/dev/bus/usb")) -> str:
    """Why this user may not open a ZWO camera that is plugged in; "" when nothing forbids it."""
    for vendor in sorted(devices.glob("*/idVendor")):
        with contextlib.suppress(OSError, ValueError):
            if int(vendor.read_text(), 16) != ZWO_USB_VENDOR:
                continue
            bus, device = (int((vendor.parent / name).read_text()) for name in ("busnum", "devnum"))
            node = nodes / f"{bus:03d}" / f"{device:03d}"
            if not os.access(node, os.R_OK | os.W_OK):
                advice = "install systemd/60-skyspotter.rules into /etc/udev/rules.d, replug"
                return f"{node} (the camera) may not be opened by this user: {advice}"
    return ""


def choose(sdk: Any, wanted: str) -> tuple[Any, str]:
    """The opened camera of serial `wanted` ("": the only one), and its serial; its place on the bus does not matter.

    Raises CameraRefused, or CameraLost: a camera that is not there may come.
    """
    wanted = wanted.lower()
    count = sdk.get_num_cameras()
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
            with asking(sdk, "opening the camera"):
                camera = sdk.Camera(number)
                serial = serial_of(sdk, number)
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
    raise CameraLost(f"camera {wanted} is not connected, only {', '.join(seen)}: correct camera.serial or its cable")
