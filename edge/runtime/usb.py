"""A USB device that hangs: found by its numbers, reset, or its port switched off and on again. For camera and dongle.

    device = find_device(0x0BDA, 0x2838, "00001090")     # None: not on the bus
    reset(device)                                        # as if pulled out and put back, but for the power
    power_cycle(device, off_s=3.0)                       # `uhubctl`, on a hub that can switch its ports

All raise UsbError with one sentence, and none holds its caller for longer than a watchdog of ten seconds allows. The
device comes back under a new number: find it again before the next call. `reset` is the ioctl USBDEVFS_RESET on
/dev/bus/usb/BBB/DDD and needs the right to write there (udev rule); close your own handle first where the driver lets
you. This module satisfies UsbBus as it is; a simulated device brings a twin of the three functions.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

SYSFS = Path("/sys/bus/usb/devices")
NODES = Path("/dev/bus/usb")
UDEV_ADVICE = "install systemd/60-skyspotter.rules into /etc/udev/rules.d, replug"
_USBDEVFS_RESET = ord("U") << 8 | 20  # _IO('U', 20) of linux/usbdevice_fs.h, the same on x86-64 and aarch64
_RESET_S = 6.0  # the kernel tries for about five seconds; a hub that hangs would hold us for ever
_UHUBCTL_S = 5.0  # beside the time without power


class UsbError(Exception):
    """The device could not be found for certain, reset or switched; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One device as it stands on the bus now; `number` changes when it comes back."""

    port: str  # "1-1.4": bus, then the ports on the way, as the kernel's folder is called
    vendor: int
    product: int
    serial: str  # "" where it has none
    bus: int
    number: int

    def node(self, nodes: Path | None = None) -> Path:
        return (nodes or NODES) / f"{self.bus:03d}" / f"{self.number:03d}"


class UsbBus(Protocol):
    """What a recovery needs; this module, or the twin of a simulated device."""

    def find_device(self, vendor: int, product: int | None = None, serial: str | None = None) -> UsbDevice | None: ...

    def reset(self, device: UsbDevice) -> None: ...

    def power_cycle(self, device: UsbDevice, off_s: float) -> None: ...


def devices(*, sysfs: Path | None = None) -> Iterator[UsbDevice]:
    """Everything on the bus, by port; what vanishes while it is read is left out."""
    for folder in sorted((sysfs or SYSFS).glob("*")):
        if ":" in folder.name:  # an interface of a device, not a device
            continue
        try:
            vendor, product = (int((folder / name).read_text(), 16) for name in ("idVendor", "idProduct"))
            bus, number = (int((folder / name).read_text()) for name in ("busnum", "devnum"))
        except (OSError, ValueError):
            continue
        yield UsbDevice(folder.name, vendor, product, _serial(folder), bus, number)


def _serial(folder: Path) -> str:
    try:
        return (folder / "serial").read_text(errors="replace").strip()
    except OSError:
        return ""


def find_device(
    vendor: int, product: int | None = None, serial: str | None = None, *, sysfs: Path | None = None
) -> UsbDevice | None:
    """The one device with these numbers (None or "": any); None where it is not on the bus.

    Raises UsbError where several fit: the wrong one must not be reset.
    """
    found = [
        device
        for device in devices(sysfs=sysfs)
        if device.vendor == vendor
        and (product is None or device.product == product)
        and (not serial or device.serial == serial)
    ]
    if len(found) > 1:
        ports = ", ".join(f"{device.port} (serial {device.serial or 'none'})" for device in found)
        raise UsbError(f"several USB devices {vendor:04x} fit: {ports}; name one by its serial number")
    return found[0] if found else None


def reset(
    device: UsbDevice, *, nodes: Path | None = None, ioctl: Callable[[int, int], Any] = fcntl.ioctl,
    timeout_s: float = _RESET_S,
) -> None:  # fmt: skip
    """Resets the port and lets the kernel set the device up anew. Raises UsbError."""
    node, outcome = device.node(nodes), ["did not come back"]

    def ask() -> None:
        try:
            handle = os.open(node, os.O_WRONLY | os.O_CLOEXEC)
            try:
                ioctl(handle, _USBDEVFS_RESET)
            finally:
                os.close(handle)
            outcome[0] = ""
        except PermissionError:
            outcome[0] = f"is not allowed to this user: {UDEV_ADVICE}"
        except OSError as err:
            outcome[0] = f"failed: {err.strerror or err}"

    thread = threading.Thread(target=ask, name="usb-reset", daemon=True)  # left behind where the kernel hangs
    thread.start()
    thread.join(timeout_s)
    if outcome[0]:
        raise UsbError(f"USB reset of {node} (port {device.port}) {outcome[0]}")


def power_cycle(
    device: UsbDevice, off_s: float, *, run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run
) -> None:
    """Takes the power from its port for `off_s`; many hubs cannot. Raises UsbError."""
    program = shutil.which("uhubctl")
    if program is None:
        raise UsbError("the USB port cannot be switched off: uhubctl is not installed (`apt install uhubctl`)")
    hub, dot, port = device.port.rpartition(".")
    if not dot:
        hub, _, port = device.port.partition("-")  # directly at the computer
    command = [program, "--location", hub, "--ports", port, "--action", "cycle", "--delay", f"{off_s:g}"]
    try:
        done = run(command, capture_output=True, text=True, timeout=off_s + _UHUBCTL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise UsbError(f"uhubctl did not switch USB port {device.port}: {err}") from err
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).split())[:200]
        raise UsbError(
            f"uhubctl cannot switch USB port {device.port}: {words or f'exit code {done.returncode}'}; "
            "systemd/60-skyspotter.rules has a rule for hubs"
        )
