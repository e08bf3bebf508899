"""A simulated RTL-SDR: stands in for the C library `librtlsdr`, so that the real pyrtlsdr class runs over it unchanged.

Functions, argument order and error codes are those of rtl-sdr.h (osmocom librtlsdr 0.6); errors are libusb's. It
misbehaves on request, also while it runs: `faults`. It stands for the USB bus it is plugged into as well (UsbBus).

Its tuner at REFERENCE_DB gives the sky's signal as it is; every other gain multiplies the samples and clips them.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from ctypes import POINTER, c_ubyte, cast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera.sim.faultfile import FaultFile
from edge.adsb.sim.signal import CENTRE_COUNTS, SkySignal
from edge.runtime.clock import Clock
from edge.runtime.usb import UsbDevice

FAULT_FILE = "fault-radio"  # in the runtime directory: what is wrong with the simulated dongle, by name
SERIAL = b"SIM01090"
_NO_DEVICE, _NOT_FOUND = -4, -3  # LIBUSB_ERROR_NO_DEVICE; rtlsdr_get_index_by_serial: no such serial
_R820T = 5
_GAINS_TENTH_DB = (0, 9, 14, 27, 37, 77, 87, 125, 144, 157, 166, 197, 207, 229, 254, 280, 297, 328, 338, 364, 372, 386,
                   402, 421, 434, 439, 445, 480, 496)  # fmt: skip
REFERENCE_DB = 38.6
_AGC_TENTH_DB = _GAINS_TENTH_DB[-1]  # the tuner's own automatic gain is about its highest
_BEHIND_S, _HUNG_S = 1.0, 0.05


@dataclass(slots=True)
class SimFaults:
    """What is wrong with it now."""

    absent: bool = False  # not plugged in, or pulled out while reading
    stalled: bool = False  # stays, but delivers nothing
    hung: bool = False  # the same, and its reader does not come back, until it is reset
    deaf: bool = False  # delivers silence: no antenna, no gain
    lose_blocks: int = 0  # that many blocks never reach the host


FAULTS = {
    "removed": SimFaults(absent=True),
    "stalled": SimFaults(stalled=True),
    "hung": SimFaults(hung=True),
    "deaf": SimFaults(deaf=True),
}


class SimLibrtlsdr:
    """One dongle. Sample 0 of the sky's signal is at `mono_zero_s` on the clock.

    Args: fault_file: while it holds a name in FAULTS, that is what is wrong; else `faults`.
    """

    def __init__(
        self, signal: SkySignal, clock: Clock, mono_zero_s: float, *,
        faults: SimFaults | None = None, fault_file: Path | None = None, wait: Callable[[float], None] | None = None,
    ) -> None:  # fmt: skip
        self._faults, self._fault_file = faults or SimFaults(), FaultFile(fault_file, FAULTS)
        self._signal, self._clock, self._mono_zero_s = signal, clock, mono_zero_s
        self._cancelled = threading.Event()
        self._wait = wait or self._wait_until
        self._open = False
        self._rate_hz, self._centre_hz, self._gain, self._ppm = 1_024_000, 0, 0, 0
        self._manual = False
        self.bias_tee = False  # keeps its state while nobody has it open, as the real one
        self.resets = 0
        self._cured = ""

    @property
    def faults(self) -> SimFaults:
        """What is wrong with it now."""
        wanted = self._fault_file.wanted()
        if wanted != self._cured:
            self._cured = ""
        return FAULTS[wanted] if wanted and not self._cured else self._faults

    def find_device(self, vendor: int, product: int | None = None, serial: str | None = None) -> UsbDevice | None:
        """As `edge.runtime.usb`, and the two below: the bus that it is plugged into."""
        fits = product in (None, 0x2838) and serial in (None, "", SERIAL.decode())
        if vendor != 0x0BDA or not fits or self.faults.absent:
            return None
        return UsbDevice("1-1", vendor, 0x2838, SERIAL.decode(), 1, 1 + self.resets)

    def reset(self, device: UsbDevice) -> None:
        """Ends what hangs; whoever reads loses the device, as it comes back under a new number."""
        self.resets += 1
        self._faults.hung, self._cured = False, self._fault_file.wanted() if self.faults.hung else ""
        self.bias_tee = False

    def power_cycle(self, device: UsbDevice, off_s: float) -> None:
        self.reset(device)

    def _wait_until(self, mono_s: float) -> None:
        self._cancelled.wait(max(0.0, mono_s - self._clock.mono_s()))

    def rtlsdr_get_device_count(self) -> int:
        return 0 if self.faults.absent else 1

    def rtlsdr_get_index_by_serial(self, serial: bytes) -> int:
        return 0 if serial == SERIAL and not self.faults.absent else _NOT_FOUND

    def rtlsdr_get_device_usb_strings(self, index: int, manufacturer: Any, product: Any, serial: Any) -> int:
        if self.faults.absent or index:
            return _NO_DEVICE
        for buffer, text in ((manufacturer, b"Skyspotter"), (product, b"simulated RTL2832U"), (serial, SERIAL)):
            if buffer is not None:
                buffer[: len(text) + 1] = text + b"\0"
        return 0

    def rtlsdr_open(self, device: Any, index: int) -> int:
        if self.faults.absent or index:
            return _NO_DEVICE
        if self._open:
            return -6  # LIBUSB_ERROR_BUSY
        device.value, self._open = 1, True
        return 0

    def rtlsdr_close(self, device: Any) -> int:
        self._open = False
        return 0

    def rtlsdr_set_testmode(self, device: Any, on: int) -> int:
        return 0

    def rtlsdr_set_dithering(self, device: Any, on: int) -> int:
        return 0

    def rtlsdr_reset_buffer(self, device: Any) -> int:
        return self._answer()

    def rtlsdr_get_tuner_type(self, device: Any) -> int:
        return _R820T

    def rtlsdr_get_tuner_gains(self, device: Any, gains: Any) -> int:
        for i, gain in enumerate(_GAINS_TENTH_DB if gains is not None else ()):
            gains[i] = gain
        return len(_GAINS_TENTH_DB)

    def rtlsdr_set_tuner_gain_mode(self, device: Any, manual: int) -> int:
        self._manual = bool(manual)
        return self._answer()

    def rtlsdr_set_agc_mode(self, device: Any, on: int) -> int:
        return self._answer()

    def rtlsdr_set_tuner_gain(self, device: Any, gain: int) -> int:
        self._gain = gain
        return self._answer()

    def rtlsdr_get_tuner_gain(self, device: Any) -> int:
        return self._gain

    def rtlsdr_set_bias_tee(self, device: Any, on: int) -> int:
        self.bias_tee = bool(on) and not self.faults.absent
        return self._answer()

    def rtlsdr_set_freq_correction(self, device: Any, ppm: int) -> int:
        if ppm == self._ppm:
            return -2  # as the real one: nothing to change is an error
        self._ppm = ppm
        return self._answer()

    def rtlsdr_get_freq_correction(self, device: Any) -> int:
        return self._ppm

    def rtlsdr_set_center_freq(self, device: Any, frequency_hz: int) -> int:
        self._centre_hz = frequency_hz
        return self._answer()

    def rtlsdr_get_center_freq(self, device: Any) -> int:
        return self._centre_hz

    def rtlsdr_set_sample_rate(self, device: Any, rate_hz: int) -> int:
        self._rate_hz = rate_hz
        return self._answer()

    def rtlsdr_get_sample_rate(self, device: Any) -> int:
        return self._rate_hz

    def rtlsdr_read_async(self, device: Any, callback: Any, context: Any, buffers: int, length: int) -> int:
        """Delivers until cancelled, each block when its last sample has been sent."""
        if self._rate_hz != self._signal.rate_hz:
            return -2
        self._cancelled.clear()
        count, resets = length // 2, self.resets
        first = int((self._clock.mono_s() - self._mono_zero_s) * self._rate_hz)
        while not self._cancelled.is_set():
            data = self._amplified(self._signal.block(first, count))
            due_mono_s = self._mono_zero_s + (first + count) / self._rate_hz
            self._wait(due_mono_s)
            while self.faults.hung and resets == self.resets:
                time.sleep(_HUNG_S)
            faults = self.faults
            if faults.absent or resets != self.resets:
                return _NO_DEVICE
            first += count
            if self._clock.mono_s() - due_mono_s > _BEHIND_S:  # a slow machine loses samples, as USB would
                first = int((self._clock.mono_s() - self._mono_zero_s) * self._rate_hz)
            if faults.deaf:
                data.fill(127)
            if faults.lose_blocks > 0:
                faults.lose_blocks -= 1
            elif not faults.stalled and not self._cancelled.is_set():
                buffer = (c_ubyte * length).from_buffer(data.data)
                callback(cast(buffer, POINTER(c_ubyte)), length, context)
        return 0

    def _amplified(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        gain_db = (self._gain if self._manual else _AGC_TENTH_DB) / 10
        if gain_db == REFERENCE_DB:
            return data
        levels = (np.arange(256) - CENTRE_COUNTS) * 10 ** ((gain_db - REFERENCE_DB) / 20) + CENTRE_COUNTS
        return np.take(np.clip(np.rint(levels), 0, 255).astype(np.uint8), data)

    def rtlsdr_cancel_async(self, device: Any) -> int:
        self._cancelled.set()
        return self._answer()

    def _answer(self) -> int:
        return _NO_DEVICE if self.faults.absent else 0


def plug_in(library: SimLibrtlsdr) -> Callable[[], None]:
    """From now on pyrtlsdr in this process talks to `library`; call what is returned to give it the real one back."""
    module: Any = importlib.import_module("rtlsdr.rtlsdr")
    real = module.librtlsdr
    module.librtlsdr = library

    def unplug() -> None:
        module.librtlsdr = real

    return unplug
