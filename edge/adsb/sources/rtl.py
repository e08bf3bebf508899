"""A real RTL-SDR by pyrtlsdr, the only home of that package.

Bytes asynchronously, never its complex samples (32 ms of CPU a second) nor its `stream` (which drops without a count).
The library's thread only copies and hands over. What is asked of a running dongle goes to librtlsdr directly: pyrtlsdr
answers every error by closing the device, under the feet of the thread that reads it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.adsb.sources.arrivals import Arrivals, lost_blocks
from edge.adsb.sources.gain import START_DB
from edge.adsb.sources.gaps import LEAST_GAP_S
from edge.adsb.sources.iq import BLOCK_SAMPLES, CENTRE_HZ, IqBlock, SourceBusy, SourceLost, SourceRefused, SourceStuck
from edge.config import RadioSection
from edge.runtime import usb
from edge.runtime.clock import Clock

if TYPE_CHECKING:
    from rtlsdr import RtlSdr

log = logging.getLogger(__name__)

_JOIN_S, _CANCEL_EVERY_S = 2.0, 0.1
VENDOR, PRODUCTS = 0x0BDA, (0x2838, 0x2832)  # Realtek RTL2832U, as in librtlsdr's rules
_POWER_OFF_S = 2.0
_BUSY, _NO_DEVICE = -6, -4  # libusb's errors


class RtlSource:
    """One dongle, chosen by serial number or the first there is. After an error: close, and open again."""

    def __init__(
        self, section: RadioSection, clock: Clock, *, sky_rate: float = 1.0, bus: usb.UsbBus | None = None
    ) -> None:
        self.rate_hz: int = section.sample_rate_hz
        self.gain_db: float | None = None if section.gain_db == "auto" else section.gain_db
        self.gains_db: tuple[float, ...] = ()
        self.counters: Counter[str] = Counter()
        self._section, self._clock, self._sky_rate = section, clock, sky_rate
        self._bus: usb.UsbBus = bus or usb
        self._device: RtlSdr | None = None
        self._reader: threading.Thread | None = None
        self._arrivals = self._new_arrivals()

    @property
    def lost_blocks(self) -> int:
        return lost_blocks(self.counters)

    @property
    def backlog(self) -> int:
        """Blocks that wait to be read."""
        return self._arrivals.backlog

    def _new_arrivals(self) -> Arrivals:
        return Arrivals(
            "the dongle", self.rate_hz, self._clock, self.counters, sky_rate=self._sky_rate, least_gap_s=LEAST_GAP_S
        )

    def open(self) -> None:
        """Raises SourceRefused or SourceStuck."""
        if self._reader is not None and self._reader.is_alive():
            raise SourceStuck("the dongle's reader hangs inside librtlsdr")
        self._device = self._opened()
        self._arrivals = self._new_arrivals()
        self._reader = threading.Thread(target=_pump, args=(self._device, self._arrivals), name="rtlsdr", daemon=True)
        self._reader.start()

    def _opened(self) -> RtlSdr:
        section = self._section
        try:
            from rtlsdr import RtlSdr
        except (ImportError, OSError) as err:
            raise SourceRefused(f"librtlsdr cannot be loaded: {err}; install pyrtlsdrlib or librtlsdr") from err
        wanted = f"dongle {section.serial}" if section.serial else "first dongle"
        try:
            device = RtlSdr(serial_number=section.serial) if section.serial else RtlSdr()
        except OSError as err:
            if err.errno == _BUSY:
                raise SourceBusy(
                    f"{wanted} is in use by another program, or by the kernel's television driver: "
                    "stop that, or listen to it as Beast or rtl_tcp; `skyspotter doctor` sees more"
                ) from err
            raise SourceRefused(f"{wanted} cannot be opened: {err}; is it plugged in, and /dev/bus/usb ours?") from err
        try:
            device.set_bias_tee(section.bias_tee)  # off as well: it outlives the program that switched it on
            device.set_sample_rate(section.sample_rate_hz)
            device.set_center_freq(CENTRE_HZ)
            if section.ppm:  # librtlsdr refuses to set what is set already
                device.set_freq_correction(section.ppm)
            device.set_agc_mode(False)
            device.set_gain(START_DB if self.gain_db is None else self.gain_db)
            self.gain_db = float(device.get_gain())
        except OSError as err:
            device.close()
            raise SourceRefused(f"{wanted} refuses radio.sample_rate_hz, gain_db, ppm or bias_tee: {err}") from err
        if section.gain_db == "auto":
            self.gains_db = tuple(device.valid_gains_db)
        return device

    def set_gain(self, gain_db: float) -> None:
        """One of `gains_db`, while it runs. Raises SourceLost; the next opening sets it then."""
        self.gain_db = gain_db
        code = _ask("rtlsdr_set_tuner_gain", self._device, round(10 * gain_db))
        if code < 0:
            raise SourceLost(f"the dongle does not take a gain of {gain_db} dB: libusb error {code}")

    def read(self, timeout_s: float) -> IqBlock:
        return self._arrivals.get(timeout_s)

    def close(self) -> None:
        device, self._device = self._device, None
        if device is None:
            return
        if self._reader is not None:
            deadline_mono_s = time.monotonic() + _JOIN_S
            while self._reader.is_alive() and time.monotonic() < deadline_mono_s:
                _ask("rtlsdr_cancel_async", device)  # refused while the reader is only about to begin: again
                self._reader.join(_CANCEL_EVERY_S)
            if self._reader.is_alive():
                log.error("event=dongle-stuck reader=left-inside-librtlsdr")
                return
        if self._section.bias_tee:
            _ask("rtlsdr_set_bias_tee", device, 0)
        device.close()

    def is_plugged_in(self) -> bool:
        try:
            return self._on_the_bus() is not None
        except usb.UsbError:  # several fit: ours may be among them
            return True

    def usb_reset(self) -> None:
        """The device as if pulled out and put back. Raises UsbError."""
        if device := self._on_the_bus():
            self._bus.reset(device)

    def power_cycle(self) -> None:
        """The same with its power. Raises UsbError."""
        if device := self._on_the_bus():
            self._bus.power_cycle(device, _POWER_OFF_S)

    def _on_the_bus(self) -> usb.UsbDevice | None:
        found = (self._bus.find_device(VENDOR, product, self._section.serial) for product in PRODUCTS)
        return next((device for device in found if device is not None), None)


def _pump(device: RtlSdr, arrivals: Arrivals) -> None:
    """The reader thread: returns when cancelled or when the device goes. It never closes the device."""
    from rtlsdr import rtlsdr

    def take(buffer: Any, count: int, _context: Any) -> None:
        arrivals.put(np.ctypeslib.as_array(buffer, (count,)).copy())

    callback = rtlsdr.rtlsdr_read_async_cb_t(take)
    code = _ask("rtlsdr_read_async", device, callback, device, 0, 2 * BLOCK_SAMPLES)
    arrivals.end(str(rtlsdr.LibUSBError(code, "while it was read")) if code < 0 else "librtlsdr stopped reading")


def _ask(function: str, device: RtlSdr | None, *values: object) -> int:
    """librtlsdr itself; below 0 is an error of libusb."""
    from rtlsdr import rtlsdr

    return _NO_DEVICE if device is None else int(getattr(rtlsdr.librtlsdr, function)(device.dev_p, *values))
