"""A bus made of files, and an ioctl that is only written down."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from edge.runtime import usb
from edge.runtime.usb import UsbBus, UsbDevice, UsbError

DONGLE = UsbDevice("1-1.4", 0x0BDA, 0x2838, "00001090", 1, 7)
BUS: UsbBus = usb


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    return tmp_path / "devices"


def plug(sysfs: Path, port: str, vendor: str, product: str, serial: str | None = None, number: int = 7) -> None:
    folder = sysfs / port
    folder.mkdir(parents=True)
    facts = {"idVendor": vendor, "idProduct": product, "busnum": "1", "devnum": str(number), "serial": serial}
    for name, value in facts.items():
        if value is not None:
            (folder / name).write_text(value + "\n")


def test_a_device_is_found_by_vendor_product_and_serial(sysfs: Path) -> None:
    plug(sysfs, "1-1.4", "0bda", "2838", "00001090")
    plug(sysfs, "1-1.3", "03c3", "620b", number=8)
    (sysfs / "1-1.4:1.0").mkdir()
    (sysfs / "usb1").mkdir()  # half of a device: it is just leaving
    assert usb.find_device(0x0BDA, 0x2838, "00001090", sysfs=sysfs) == DONGLE
    assert usb.find_device(0x0BDA, 0x2838, "", sysfs=sysfs) == DONGLE
    assert usb.find_device(0x0BDA, 0x2832, sysfs=sysfs) is None
    assert usb.find_device(0x0BDA, None, "other", sysfs=sysfs) is None
    camera = usb.find_device(0x03C3, sysfs=sysfs)
    assert camera is not None
    assert (camera.serial, camera.node()) == ("", Path("/dev/bus/usb/001/008"))


def test_of_two_that_fit_none_is_taken(sysfs: Path) -> None:
    plug(sysfs, "1-1.3", "0bda", "2838", "00000001")
    plug(sysfs, "1-1.4", "0bda", "2838", "00000001", number=9)
    with pytest.raises(UsbError, match=r"1-1\.3 .*1-1\.4 .*serial"):
        usb.find_device(0x0BDA, 0x2838, "00000001", sysfs=sysfs)


def test_a_reset_is_the_kernel_s_ioctl_on_the_device_s_node(tmp_path: Path) -> None:
    (tmp_path / "001").mkdir()
    (tmp_path / "001/007").touch()
    asked = []
    usb.reset(DONGLE, nodes=tmp_path, ioctl=lambda handle, number: asked.append(number))
    assert asked == [0x5514]


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(13, "Permission denied"), "60-skyspotter.rules"), (OSError(19, "No such device"), "No such")],
)
def test_a_reset_that_is_refused_is_one_sentence(tmp_path: Path, error: OSError, words: str) -> None:
    (tmp_path / "001").mkdir()
    (tmp_path / "001/007").touch()

    def ioctl(_handle: int, _number: int) -> None:
        raise error

    with pytest.raises(UsbError, match=words):
        usb.reset(DONGLE, nodes=tmp_path, ioctl=ioctl)
    with pytest.raises(UsbError, match="No such file"):
        usb.reset(UsbDevice("1-1", 1, 2, "", 9, 9), nodes=tmp_path)


def test_a_kernel_that_never_answers_does_not_hold_us(tmp_path: Path) -> None:
    (tmp_path / "001").mkdir()
    (tmp_path / "001/007").touch()
    release = threading.Event()
    with pytest.raises(UsbError, match="did not come back"):
        usb.reset(DONGLE, nodes=tmp_path, ioctl=lambda *_: release.wait(5.0), timeout_s=0.05)
    release.set()


@pytest.mark.parametrize(
    ("port", "hub", "socket"), [("1-1.4", "1-1", "4"), ("2-3", "2", "3"), ("1-1.2.3", "1-1.2", "3")]
)
def test_a_port_is_switched_at_its_hub(monkeypatch: pytest.MonkeyPatch, port: str, hub: str, socket: str) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/sbin/{name}")
    commands = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    usb.power_cycle(UsbDevice(port, 1, 2, "", 1, 7), 3.0, run=run)
    assert commands[0][1:] == ["--location", hub, "--ports", socket, "--action", "cycle", "--delay", "3"]


def test_a_hub_that_cannot_switch_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(UsbError, match="uhubctl is not installed"):
        usb.power_cycle(DONGLE, 1.0)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/sbin/uhubctl")
    refused = subprocess.CompletedProcess([], 1, "", "No compatible devices detected\nat location 1-1!")
    with pytest.raises(UsbError, match="No compatible devices detected at location"):
        usb.power_cycle(DONGLE, 1.0, run=lambda *_, **__: refused)
