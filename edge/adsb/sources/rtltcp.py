"""A dongle at another computer, by `rtl_tcp`: twelve bytes of greeting, samples for ever, commands of five bytes back.

Greeting: "RTL0", tuner type, number of its gains. Command: one byte, then a 32-bit value, all big-endian; no answer
ever comes, so only the flow of samples shows whether a command was heeded. Protocol: rtl_tcp.c of osmocom rtl-sdr 0.6.
TCP knows no I and Q: blocks are filled to their last byte, however oddly it splits the stream.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from collections import Counter

import numpy as np

from edge.adsb.sources.arrivals import Arrivals, lost_blocks
from edge.adsb.sources.gain import START_DB
from edge.adsb.sources.iq import BLOCK_SAMPLES, CENTRE_HZ, IqBlock, SourceLost, SourceRefused
from edge.adsb.sources.tcp import connected
from edge.config import RadioSection
from edge.runtime.clock import Clock

log = logging.getLogger(__name__)

_FREQUENCY, _RATE, _GAIN_MODE, _GAIN, _PPM, _AGC, _BIAS_TEE = 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x0E
_R820T_TENTH_DB = (0, 9, 14, 27, 37, 77, 87, 125, 144, 157, 166, 197, 207, 229, 254, 280, 297, 328, 338, 364, 372, 386,
                   402, 421, 434, 439, 445, 480, 496)  # fmt: skip
_TUNERS: dict[int, tuple[str, tuple[int, ...]]] = {  # by enum rtlsdr_tuner; gains of rtlsdr_get_tuner_gains
    1: ("E4000", (-10, 15, 40, 65, 90, 115, 140, 165, 190, 215, 240, 290, 340, 420)),
    2: ("FC0012", (-99, -40, 71, 179, 192)),
    3: ("FC0013", (-99, -73, -65, -63, -60, -58, -54, 58, 61, 63, 65, 67, 68, 70, 71, 179, 181, 182, 184, 186, 188, 191,
                   197)),
    5: ("R820T", _R820T_TENTH_DB),
    6: ("R828D", _R820T_TENTH_DB),
}  # fmt: skip
_GREETING_S, _RECEIVE_S, _JOIN_S = 3.0, 0.5, 2.0
_SETTLE_S = 0.5  # of samples that may still have the server's own rate and frequency
_LEAST_GAP_S = 0.1  # a network shifts its delays by tens of milliseconds


class RtlTcpSource:
    """One connection. After an error: close, and open again."""

    def __init__(self, section: RadioSection, clock: Clock, *, sky_rate: float = 1.0) -> None:
        self.rate_hz: int = section.sample_rate_hz
        self.gain_db: float | None = None if section.gain_db == "auto" else section.gain_db
        self.gains_db: tuple[float, ...] = ()
        self.counters: Counter[str] = Counter()
        self._section, self._clock, self._sky_rate = section, clock, sky_rate
        self._host, self._port = section.host, section.tcp_port
        self._socket: socket.socket | None = None
        self._reader: threading.Thread | None = None
        self._arrivals = self._new_arrivals()

    @property
    def lost_blocks(self) -> int:
        return lost_blocks(self.counters)

    def _new_arrivals(self) -> Arrivals:
        return Arrivals(
            f"rtl_tcp at {self._host}:{self._port}", self.rate_hz, self._clock, self.counters,
            sky_rate=self._sky_rate, least_gap_s=_LEAST_GAP_S,
        )  # fmt: skip

    def open(self) -> None:
        """Raises SourceRefused or SourceLost."""
        where = f"{self._host}:{self._port}"
        connection = connected("rtl_tcp", self._host, self._port)
        try:
            self._choose_gain(_greeting(connection, where), where)
            self._socket = connection
            self._tune()
        except (OSError, SourceRefused, SourceLost) as err:
            self._socket = None
            connection.close()
            if isinstance(err, OSError):
                raise SourceLost(f"rtl_tcp at {where} broke off: {err}") from err
            raise
        self._arrivals = self._new_arrivals()
        self._reader = threading.Thread(
            target=_pump, args=(connection, self._arrivals, self.rate_hz), name="rtl_tcp", daemon=True
        )
        self._reader.start()

    def _choose_gain(self, greeting: tuple[int, int], where: str) -> None:
        """The gain to begin with, and those to lead it over where it is "auto"."""
        tuner, count = greeting
        name, tenth_db = _TUNERS.get(tuner, (f"type {tuner}", ()))
        gains_db = tuple(tenth / 10 for tenth in tenth_db) if len(tenth_db) == count else ()
        if self._section.gain_db == "auto" and not gains_db:
            raise SourceRefused(
                f"rtl_tcp at {where} has a tuner ({name}, {count} gains) whose gains are not known: "
                "set radio.gain_db to a number"
            )
        wanted_db = START_DB if self.gain_db is None else self.gain_db
        self.gain_db = min(gains_db, key=lambda gain_db: abs(gain_db - wanted_db), default=wanted_db)
        self.gains_db = gains_db if self._section.gain_db == "auto" else ()
        log.info("event=rtl-tcp-open at=%s tuner=%s gain_db=%s", where, name, self.gain_db)

    def _tune(self) -> None:
        section = self._section
        self._command(_BIAS_TEE, int(section.bias_tee))
        self._command(_RATE, section.sample_rate_hz)
        self._command(_FREQUENCY, CENTRE_HZ)
        self._command(_PPM, section.ppm)
        self._command(_AGC, 0)
        self._command(_GAIN_MODE, 1)  # by hand
        self._command(_GAIN, round(10 * (self.gain_db or 0.0)))

    def _command(self, command: int, value: int) -> None:
        if self._socket is None:
            raise SourceLost(f"rtl_tcp at {self._host}:{self._port} is not connected")
        self._socket.sendall(struct.pack(">BI", command, value & 0xFFFFFFFF))

    def set_gain(self, gain_db: float) -> None:
        """One of `gains_db`, while it runs. Raises SourceLost; the next opening sets it then."""
        self.gain_db = gain_db
        try:
            self._command(_GAIN, round(10 * gain_db))
        except OSError as err:
            raise SourceLost(f"rtl_tcp at {self._host}:{self._port} takes no command: {err}") from err

    def read(self, timeout_s: float) -> IqBlock:
        return self._arrivals.get(timeout_s)

    def close(self) -> None:
        connection = self._socket
        if connection is None:
            return
        with contextlib.suppress(OSError):
            if self._section.bias_tee:
                self._command(_BIAS_TEE, 0)
            connection.shutdown(socket.SHUT_RDWR)  # wakes the reader
        if self._reader is not None:
            self._reader.join(_JOIN_S)  # it waits for a second at most
        connection.close()
        self._socket = None


def _greeting(connection: socket.socket, where: str) -> tuple[int, int]:
    """Tuner type and number of gains. Raises SourceRefused for anything that is no rtl_tcp, or OSError."""
    connection.settimeout(_GREETING_S)
    greeting = b""
    try:
        while len(greeting) < 12 and (data := connection.recv(12 - len(greeting))):
            greeting += data
    except TimeoutError:
        pass
    if len(greeting) < 12 or greeting[:4] != b"RTL0":
        begins = f"it begins with {greeting[:4]!r}" if greeting else "it says nothing"
        raise SourceRefused(f'{where} is no rtl_tcp: {begins} instead of "RTL0"; check radio.port (rtl_tcp: 1234)')
    tuner, count = struct.unpack(">II", greeting[4:])
    return tuner, count


def _pump(connection: socket.socket, arrivals: Arrivals, rate_hz: int) -> None:
    """The reader thread: returns when the connection is shut, by either side."""
    connection.settimeout(_RECEIVE_S)
    unsettled = round(_SETTLE_S * rate_hz) * 2  # bytes
    while True:
        block = bytearray(min(unsettled, 2 * BLOCK_SAMPLES) or 2 * BLOCK_SAMPLES)
        view, filled = memoryview(block), 0
        while filled < len(block):
            try:
                count = connection.recv_into(view[filled:])
            except TimeoutError:
                continue  # whoever reads the blocks notices, and shuts the connection
            except OSError as err:
                return arrivals.end(str(err))
            if not count:
                return arrivals.end("it closed the connection")
            filled += count
        if unsettled:
            unsettled -= filled
        else:
            arrivals.put(np.frombuffer(block, dtype=np.uint8))
