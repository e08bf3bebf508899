"""The upper rungs are offered where the bus has the camera, and not again where they failed."""

from __future__ import annotations

from edge.capture.ladder import Rung
from edge.capture.shaker import Shaker
from edge.runtime.usb import UsbDevice, UsbError

CAMERA = UsbDevice(port="2-1.4", vendor=0x03C3, product=0x294E, serial="", bus=2, number=7)


class Bus:
    """A bus with one camera, or without; remembers what was done to it."""

    def __init__(self) -> None:
        self.device: UsbDevice | None = CAMERA
        self.several = self.switches = ""
        self.done: list[str] = []

    def find_device(self, vendor: int, product: int | None = None, serial: str | None = None) -> UsbDevice | None:
        if self.several:
            raise UsbError(self.several)
        return self.device

    def reset(self, device: UsbDevice) -> None:
        self.done.append(f"reset {device.port}")

    def power_cycle(self, device: UsbDevice, off_s: float) -> None:
        if self.switches:
            raise UsbError(self.switches)
        self.done.append(f"power {device.port}")


def test_a_camera_on_the_bus_can_be_reset_and_its_port_switched() -> None:
    bus = Bus()
    shaker = Shaker(bus)
    assert shaker.able() == {Rung.USB_RESET, Rung.POWER_CYCLE}
    assert [shaker.shake(rung) for rung in (Rung.USB_RESET, Rung.POWER_CYCLE)] == ["", ""]
    assert bus.done == ["reset 2-1.4", "power 2-1.4"]


def test_a_camera_that_left_the_bus_can_still_be_given_power_at_its_old_port() -> None:
    bus = Bus()
    shaker = Shaker(bus)
    shaker.able()
    bus.device = None
    assert shaker.able() == {Rung.POWER_CYCLE}
    assert shaker.shake(Rung.POWER_CYCLE) == ""
    assert bus.done == ["power 2-1.4"]


def test_a_camera_that_was_never_there_cannot_be_shaken() -> None:
    bus = Bus()
    bus.device = None
    shaker = Shaker(bus)
    assert shaker.able() == frozenset()
    assert "not on the USB bus" in shaker.shake(Rung.USB_RESET)


def test_what_failed_is_told_and_not_offered_again() -> None:
    bus = Bus()
    bus.switches = "uhubctl is not installed"
    shaker = Shaker(bus)
    shaker.able()
    assert "not installed" in shaker.shake(Rung.POWER_CYCLE)
    assert shaker.able() == {Rung.USB_RESET}


def test_with_several_devices_none_is_shaken() -> None:
    bus = Bus()
    bus.several = "several USB devices 03c3 fit"
    assert Shaker(bus).able() == frozenset()
