"""The upper rungs: the camera's USB device reset, or its port without power for a while."""

from __future__ import annotations

import logging

from camera.zwo.bus import ZWO_USB_VENDOR
from edge.capture.ladder import Rung
from edge.runtime.usb import UsbBus, UsbDevice, UsbError

log = logging.getLogger(__name__)

OFF_S = 3.0  # the camera's own capacitors are empty by then


class Shaker:
    """Knows the camera's place on the bus, also after the camera left it. What failed once is not offered again."""

    def __init__(self, bus: UsbBus) -> None:
        self._bus = bus
        self._last: UsbDevice | None = None
        self._unfit: set[Rung] = set()

    def able(self) -> frozenset[Rung]:
        """The rungs worth trying now. A camera that left the bus can still be given its power anew, at the old port."""
        there = self._look()
        rungs = {Rung.USB_RESET} if there else set()
        if self._last is not None:
            rungs.add(Rung.POWER_CYCLE)
        return frozenset(rungs - self._unfit)

    def shake(self, rung: Rung) -> str:
        """Does it; what went wrong in a sentence, "" when nothing. Returns within ten seconds."""
        device = self._look() or self._last
        if device is None:
            return "the camera is not on the USB bus"
        try:
            if rung is Rung.USB_RESET:
                self._bus.reset(device)
            else:
                self._bus.power_cycle(device, OFF_S)
        except UsbError as err:
            self._unfit.add(rung)
            log.warning("event=shake-failed rung=%s reason=%r", rung, str(err))
            return str(err)
        return ""

    def _look(self) -> UsbDevice | None:
        try:
            device = self._bus.find_device(ZWO_USB_VENDOR)
        except UsbError as err:  # several: the wrong one must not be reset
            if Rung.USB_RESET not in self._unfit:
                log.warning("event=shake-impossible reason=%r", str(err))
            self._unfit |= {Rung.USB_RESET, Rung.POWER_CYCLE}
            return None
        self._last = device or self._last
        return device
