"""Beast binary: what readsb, dump1090 and Mode-S Beast receivers speak on port 30005, incrementally, never raising.

A message is 0x1A, a type ('1' Mode A/C, '2' short, '3' long, '4' status), six bytes of 12 MHz ticks, one of level, then
the frame; 0x1A inside is doubled. Format: wiki.jetvision.de/wiki/Mode-S_Beast:Data_Output_Formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

from edge.adsb.frames import ModeSFrame

_ESCAPE = 0x1A
_BODY_BYTES = {0x31: 9, 0x32: 14, 0x33: 21, 0x34: 21}  # after the type: ticks 6, level 1, frame 2 / 7 / 14
_TICKS_PER_SAMPLE = 5  # 12 MHz against the 2.4 MHz of ModeSFrame


@dataclass(slots=True)
class BeastCounters:
    frames: int = 0
    skipped_bytes: int = 0


class BeastParser:
    """Holds at most one incomplete message between calls, so memory stays bounded whatever arrives."""

    def __init__(self) -> None:
        self._type: int | None = None  # of the message being read
        self._body = bytearray()
        self._escaped = False
        self.counters = BeastCounters()

    def feed(self, data: bytes) -> list[ModeSFrame]:
        """Mode S frames completed by these bytes; Mode A/C and status messages are passed over."""
        frames = []
        for byte in data:
            if self._escaped:
                self._escaped = False
                if byte != _ESCAPE:
                    self._begin(byte)
                    continue
            elif byte == _ESCAPE:
                self._escaped = True
                continue
            if self._type is None:
                self.counters.skipped_bytes += 1
                continue
            self._body.append(byte)
            if len(self._body) == _BODY_BYTES[self._type]:
                if self._type in (0x32, 0x33):
                    frames.append(self._frame())
                self._type = None
                self._body.clear()
        return frames

    def _begin(self, type_: int) -> None:
        self.counters.skipped_bytes += len(self._body) + (0 if type_ in _BODY_BYTES else 2)
        self._type = type_ if type_ in _BODY_BYTES else None
        self._body.clear()

    def _frame(self) -> ModeSFrame:
        self.counters.frames += 1
        level = max(self._body[6], 1) / 255
        sample = int.from_bytes(self._body[:6], "big") / _TICKS_PER_SAMPLE
        return ModeSFrame(bytes(self._body[7:]), sample, 20 * log10(level))
