"""A Mode S frame, and which addresses may be believed.

Nothing is believed of an address seen once: with thousands of candidates a second, 24 bits of parity alone would invent
an aircraft every few hours. Replies whose parity is overlaid with an address are believed of known addresses only.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from edge.adsb.signal.crc import remainder

TICK_HZ = 2_400_000  # unit of ModeSFrame.sample, whatever the receiver's own rate
ADDRESS_LIFE_S = 60.0
INTERROGATORS = 80  # DF11 remainders below this are interrogator codes (Annex 10 volume IV, 3.1.2.5.2.1.2)
SQUITTERS, PARITY_FORMATS = (17, 18), (0, 4, 5, 16, 20, 21)
ADDRESS_LIMIT = 4096  # known; more would let noise pass for replies: one overlaid parity in 4096 would fit some address
PENDING_LIMIT = 32_768  # seen once
STANDING_S = 2.0  # known for so long, an address is pushed out by a flood of new ones last
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
    """Addresses heard twice in frames that check themselves; forgotten after a minute of silence.

    Where there is no room, newcomers go first and among them the longest silent: a flood of invented addresses pushes
    out itself, not the aircraft that were there.
    """

    def __init__(self) -> None:
        self.known: OrderedDict[int, float] = OrderedDict()  # address -> sample of its last clean frame
        self._newcomers: OrderedDict[int, float] = OrderedDict()  # those of them that are new -> since which sample
        self._pending: OrderedDict[int, ModeSFrame] = OrderedDict()
        self.first_sightings = 0
        self.pushed_out = 0
        self._tidy_sample = 0.0

    def learn(self, frame: ModeSFrame) -> list[ModeSFrame]:
        """Take a clean DF11/17/18: [] at first sight, both frames at the second, then the frame itself."""
        address = frame.announced_address
        if address not in self.known:
            return self._meet(address, frame)
        self.known[address] = frame.sample
        self.known.move_to_end(address)  # so that the longest silent come first
        since = self._newcomers.get(address)
        if since is not None:
            if frame.sample - since > STANDING_S * TICK_HZ:
                del self._newcomers[address]
            else:
                self._newcomers.move_to_end(address)
        return [frame]

    def _meet(self, address: int, frame: ModeSFrame) -> list[ModeSFrame]:
        earlier = self._pending.get(address)
        if earlier is None or frame.sample - earlier.sample > ADDRESS_LIFE_S * TICK_HZ:
            self._pending.pop(address, None)
            if len(self._pending) >= PENDING_LIMIT:
                self._pending.popitem(last=False)
                self.pushed_out += 1
            self._pending[address] = frame
            self.first_sightings += 1
            return []
        if abs(frame.sample - earlier.sample) < _SAME_S * TICK_HZ:
            return []  # the same transmission, found at a neighbouring sample
        del self._pending[address]
        if len(self.known) >= ADDRESS_LIMIT:
            if self._newcomers:
                del self.known[self._newcomers.popitem(last=False)[0]]
            else:
                self.known.popitem(last=False)
            self.pushed_out += 1
        self.known[address], self._newcomers[address] = frame.sample, earlier.sample
        return [earlier, frame]

    def forget(self, now_sample: float) -> None:
        """Once a second at most; a clock that was set back counts as a second."""
        if 0 <= now_sample - self._tidy_sample < TICK_HZ:
            return
        self._tidy_sample = now_sample
        oldest = now_sample - ADDRESS_LIFE_S * TICK_HZ
        self.known = OrderedDict(item for item in self.known.items() if item[1] > oldest)
        self._newcomers = OrderedDict(item for item in self._newcomers.items() if item[0] in self.known)
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
