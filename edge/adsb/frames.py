"""A Mode S frame, and which addresses may be believed.

Nothing is believed of an address seen once: with thousands of candidates a second, 24 bits of parity alone would invent
an aircraft every few hours. Replies whose parity is overlaid with an address are believed of known addresses only.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.adsb.crc import remainder

TICK_HZ = 2_400_000  # unit of ModeSFrame.sample, whatever the receiver's own rate
ADDRESS_LIFE_S = 60.0
INTERROGATORS = 80  # DF11 remainders below this are interrogator codes (Annex 10 volume IV, 3.1.2.5.2.1.2)
SQUITTERS, PARITY_FORMATS = (17, 18), (0, 4, 5, 16, 20, 21)
_PENDING_LIMIT = 4096
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
        self.known: dict[int, float] = {}  # address -> sample of its last clean frame
        self._pending: dict[int, ModeSFrame] = {}
        self.first_sightings = 0

    def learn(self, frame: ModeSFrame) -> list[ModeSFrame]:
        """Take a clean DF11/17/18: [] at first sight, both frames at the second, then the frame itself."""
        address, life = frame.announced_address, ADDRESS_LIFE_S * TICK_HZ
        believed = [frame]
        if address not in self.known:
            earlier = self._pending.get(address)
            if earlier is None or frame.sample - earlier.sample > life:
                if len(self._pending) >= _PENDING_LIMIT:
                    self._pending.pop(next(iter(self._pending)))
                self._pending[address] = frame
                self.first_sightings += 1
                return []
            if abs(frame.sample - earlier.sample) < _SAME_S * TICK_HZ:
                return []  # the same transmission, found at a neighbouring sample
            del self._pending[address]
            believed = [earlier, frame]
        self.known[address] = frame.sample
        return believed

    def forget(self, now_sample: float) -> None:
        oldest = now_sample - ADDRESS_LIFE_S * TICK_HZ
        self.known = {address: sample for address, sample in self.known.items() if sample > oldest}
        self._pending = {address: frame for address, frame in self._pending.items() if frame.sample > oldest}

    def judge(self, frame: ModeSFrame) -> list[ModeSFrame]:
        """The believed frames that one frame from another receiver brings; a broken or unknown one brings none."""
        rest, kind = remainder(frame.data), frame.downlink_format
        if len(frame.data) != (14 if kind >= 16 else 7):
            return []
        if kind in (11, *SQUITTERS) and rest == 0:
            return self.learn(frame)
        believed = kind == 11 and rest < INTERROGATORS and frame.announced_address in self.known
        return [frame] if believed or (kind in PARITY_FORMATS and rest in self.known) else []
