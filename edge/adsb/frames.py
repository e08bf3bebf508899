"""A Mode S frame, and which addresses may be believed.

Nothing is believed of an address seen once: with thousands of candidates a second, 24 bits of parity alone would invent
an aircraft every few hours. Replies whose parity is overlaid with an address are believed of known addresses only.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from edge.adsb.signal.crc import remainder

TICK_HZ = 2_400_000  # unit of ModeSFrame.sample, whatever the receiver's own rate
ADDRESS_LIFE_S = 60.0
INTERROGATORS = 80  # DF11 remainders below this are interrogator codes (Annex 10 volume IV, 3.1.2.5.2.1.2)
SQUITTERS, PARITY_FORMATS = (17, 18), (0, 4, 5, 16, 20, 21)
ADDRESS_LIMIT = 4096  # as many pending, and as many known: a flood of invented addresses pushes out the longest silent
_SAME_S = 125e-6


@dataclass(frozen=True, slots=True)
class ModeSFrame:
    """One frame; `sample` is its preamble's first edge, in ticks of 2.4 MHz since the stream began."""

    data: bytes  # 7 or 14 bytes
    sample: float
    rssi_dbfs: float
    repaired: bool = False

    @property
    def downlink_format(self) -> int:
        return self.data[0] >> 3

    @property
    def announced_address(self) -> int:
        """The address field of DF11/17/18."""
        return int.from_bytes(self.data[1:4], "big")


class AddressBook:
    """Addresses heard twice in frames that check themselves; forgotten after a minute of silence."""

    def __init__(self) -> None:
        self.known: OrderedDict[int, float] = OrderedDict()  # address -> sample of its last clean frame
        self._pending: OrderedDict[int, ModeSFrame] = OrderedDict()
        self.first_sightings = 0
        self.pushed_out = 0
        self._tidy_sample = 0.0

    def learn(self, frame: ModeSFrame) -> list[ModeSFrame]:
        """Take a clean DF11/17/18: [] at first sight, both frames at the second, then the frame itself."""
        address, life = frame.announced_address, ADDRESS_LIFE_S * TICK_HZ
        believed = [frame]
        if address not in self.known:
            earlier = self._pending.get(address)
            if earlier is None or frame.sample - earlier.sample > life:
                self._pending.pop(address, None)
                if len(self._pending) >= ADDRESS_LIMIT:
                    self._push_out(self._pending)
                self._pending[address] = frame
                self.first_sightings += 1
                return []
            if abs(frame.sample - earlier.sample) < _SAME_S * TICK_HZ:
                return []  # the same transmission, found at a neighbouring sample
            del self._pending[address]
            believed = [earlier, frame]
            if len(self.known) >= ADDRESS_LIMIT:
                self._push_out(self.known)
        self.known.pop(address, None)  # so that the longest silent come first
        self.known[address] = frame.sample
        return believed

    def _push_out(self, addresses: OrderedDict[int, Any]) -> None:
        addresses.popitem(last=False)
        self.pushed_out += 1

    def forget(self, now_sample: float) -> None:
        """Once a second at most; a clock that was set back counts as a second."""
        if 0 <= now_sample - self._tidy_sample < TICK_HZ:
            return
        self._tidy_sample = now_sample
        oldest = now_sample - ADDRESS_LIFE_S * TICK_HZ
        self.known = OrderedDict(item for item in self.known.items() if item[1] > oldest)
        self._pending = OrderedDict(item for item in self._pending.items() if item[1].sample > oldest)

    def judge(self, frame: ModeSFrame) -> list[ModeSFrame]:
        """The believed frames that one frame from another receiver brings; a broken or unknown one brings none."""
        rest, kind = remainder(frame.data), frame.downlink_format
        if len(frame.data) != (14 if kind >= 16 else 7):
            return []
        if kind in (11, *SQUITTERS) and rest == 0:
            return self.learn(frame)
        believed = kind == 11 and rest < INTERROGATORS and frame.announced_address in self.known
        return [frame] if believed or (kind in PARITY_FORMATS and rest in self.known) else []
