"""A real RTL-SDR by pyrtlsdr, the only home of that package.

Bytes asynchronously, never its complex samples (32 ms of CPU a second) nor its `stream` (which drops without a count).
The library's thread only copies and hands over; what finds no room is counted, and the sample count goes on, so that no
time stamp slips.
"""

from __future__ import annotations

import logging
import queue
import threading
import zlib
from collections import deque
from ctypes import Array, c_ubyte
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.adsb.sources.iq import (
    BLOCK_SAMPLES,
    IqBlock,
    SampleClock,
    SourceLost,
    SourceRefused,
    SourceStuck,
    SourceTimeout,
)
from edge.config import RadioSection
from edge.runtime.clock import Clock

if TYPE_CHECKING:
    from rtlsdr import RtlSdr

log = logging.getLogger(__name__)

CENTRE_HZ = 1_090_000_000
STALL_S = 2.0  # without one byte
_WAITING_BLOCKS = 32  # 1.7 s
_JOIN_S = 3.0
_REMEMBERED_BLOCKS = 64  # librtlsdr works with 15 buffers; noise never comes twice


class RtlSource:
    """One dongle, chosen by serial number or the first there is. After an error: close, and open again."""

    def __init__(self, section: RadioSection, clock: Clock, *, sky_rate: float = 1.0) -> None:
        self.rate_hz: int = section.sample_rate_hz
        self.lost_blocks = 0
        self.gain_db: float | None = None
        self._section, self._clock, self._sky_rate = section, clock, sky_rate
        self._times = SampleClock(self.rate_hz, sky_rate=sky_rate)
        self._device: RtlSdr | None = None
        self._reader: threading.Thread | None = None
        self._blocks: queue.Queue[tuple[int, float, int, NDArray[np.uint8]]] = queue.Queue(_WAITING_BLOCKS)
        self._fingerprints: deque[int] = deque(maxlen=_REMEMBERED_BLOCKS)
        self._sample = 0
        self._failure = ""
        self._last_mono_s = 0.0

    @property
    def backlog(self) -> int:
        """Blocks that wait to be read."""
        return self._blocks.qsize()

    def open(self) -> None:
        """Raises SourceRefused or SourceStuck."""
        if self._reader is not None and self._reader.is_alive():
            raise SourceStuck("the dongle's reader hangs inside librtlsdr: the process must be started again")
        self._device = self._opened()
        self._blocks = queue.Queue(_WAITING_BLOCKS)
        self._sample, self._failure = 0, ""
        self._times = SampleClock(self.rate_hz, sky_rate=self._sky_rate)
        self._last_mono_s = self._clock.mono_s()
        self._reader = threading.Thread(target=self._pump, args=(self._device,), name="rtlsdr", daemon=True)
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
            raise SourceRefused(f"{wanted} cannot be opened: {err}; is it plugged in, and /dev/bus/usb ours?") from err
        try:
            device.set_sample_rate(section.sample_rate_hz)
            device.set_center_freq(CENTRE_HZ)
            if section.ppm:  # librtlsdr refuses to set what is set already
                device.set_freq_correction(section.ppm)
            device.set_gain(section.gain_db)
            self.gain_db = None if section.gain_db == "auto" else float(device.get_gain())
            if section.bias_tee:
                device.set_bias_tee(True)
        except OSError as err:
            device.close()
            raise SourceRefused(f"{wanted} refuses radio.sample_rate_hz, gain_db, ppm or bias_tee: {err}") from err
        return device

    def _pump(self, device: RtlSdr) -> None:
        """The reader thread: returns when cancelled or when the device goes."""
        try:
            device.read_bytes_async(self._take, 2 * BLOCK_SAMPLES)
            self._failure = self._failure or "librtlsdr stopped reading"
        except OSError as err:
            self._failure = str(err)

    def _take(self, values: Array[c_ubyte], _context: Any) -> None:
        first, count = self._sample, len(values) // 2
        self._sample += count
        self._last_mono_s = self._clock.mono_s()
        block = (first, self._last_mono_s, self._clock.utc_ns(), np.ctypeslib.as_array(values).copy())
        try:
            self._blocks.put_nowait(block)
        except queue.Full:
            self.lost_blocks += 1

    def read(self, timeout_s: float) -> IqBlock:
        try:
            first, mono_s, utc_ns, data = self._blocks.get(timeout=timeout_s)
        except queue.Empty:
            if self._failure:
                raise SourceLost(f"the dongle is gone: {self._failure}") from None
            silent_s = self._clock.mono_s() - self._last_mono_s
            if silent_s > STALL_S:
                raise SourceLost(f"the dongle is stalled: no byte for {silent_s:.1f} s") from None
            raise SourceTimeout(f"no block in {timeout_s:.1f} s") from None
        fingerprint = zlib.crc32(data.data)
        if fingerprint in self._fingerprints:
            raise SourceLost("the dongle hangs: it gives the same samples again and again")
        self._fingerprints.append(fingerprint)
        self._times.arrived(first + len(data) // 2, mono_s, utc_ns)
        return IqBlock(first, *self._times.at(first), data)

    def close(self) -> None:
        device, self._device = self._device, None
        if device is None:
            return
        if self._reader is not None and self._reader.is_alive():
            try:
                device.cancel_read_async()
            except OSError as err:
                log.info("dongle did not cancel error=%s", err)
            self._reader.join(_JOIN_S)
            if self._reader.is_alive():
                log.error("dongle's reader hangs inside librtlsdr; it is left there and not closed")
                return
        device.close()
