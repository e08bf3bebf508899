"""Mode S demodulator: 8-bit IQ at 2.4 MS/s -> frames whose parity and address hold. NumPy on whole blocks.

`preamble` finds candidates, `slicer` reads their bits, `repair` mends what nearly holds. 2.0 MS/s streams are
resampled first, because two samples a bit cannot tell the phases of pulses apart. Two passes inside a block: addresses
are learned from self-checking frames first, so that replies whose parity is overlaid with an address are not lost when
they come earlier. RSSI and noise are relative to full scale of the converter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.adsb.frames import INTERROGATORS, SQUITTERS, TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.signal.crc import LONG_BITS, SHORT_BITS, remainders
from edge.adsb.signal.preamble import FULL_SCALE, PHASES, Samples, find_preambles, magnitudes, noise_dbfs
from edge.adsb.signal.repair import addresses, among, repair_replies, repair_squitters, surely_coded
from edge.adsb.signal.resample import Resampler
from edge.adsb.signal.slicer import SPAN, bit_halves

_WANTED = np.zeros(32, dtype=bool)
_WANTED[[0, 4, 5, 11, 16, 17, 18, 20, 21]] = True
_IS_LONG = np.zeros(32, dtype=bool)
_IS_LONG[[16, 17, 18, 20, 21]] = True


@dataclass(slots=True)
class DemodCounters:
    samples: int = 0
    candidates: int = 0
    frames: int = 0
    repaired: int = 0


@dataclass(slots=True)
class _Candidates:
    """Sliced candidates of one length: halves of their bits, stream position of their first pulse."""

    halves: NDArray[np.float32]  # (N, 56 or 112, 2)
    sample: NDArray[np.float64]
    data: NDArray[np.uint8] = field(init=False)  # (N, 7 or 14)
    remainder: NDArray[np.uint32] = field(init=False)
    checked: NDArray[np.bool_] = field(init=False)  # carries its address and checks itself: DF11/17/18
    coded: int = field(init=False)  # remainders below this are clean where `checked`

    def __post_init__(self) -> None:
        self.data = np.packbits(self.halves[..., 0] > self.halves[..., 1], axis=1)
        self.remainder = remainders(self.data)
        short = self.halves.shape[1] == SHORT_BITS
        self.checked = np.isin(self.data[:, 0] >> 3, (11,) if short else SQUITTERS)
        self.coded = INTERROGATORS if short else 1

    def frames(self, rows: NDArray[np.intp], repaired: NDArray[np.uint8] | None = None) -> Iterable[ModeSFrame]:
        data = self.data[rows] if repaired is None else repaired
        power = np.square(self.halves[rows]).mean(axis=(1, 2)) / FULL_SCALE**2  # a pulse is on for half the time
        rssi_dbfs = 10 * np.log10(power + 1e-9)
        for line, sample, level in zip(data, self.sample[rows].tolist(), rssi_dbfs.tolist(), strict=True):
            yield ModeSFrame(line.tobytes(), sample, level, repaired is not None)


class Demodulator:
    """Feed it blocks of 8-bit IQ in order; it returns the frames that are complete, in order of time.

    A first sighting that a later block confirms comes with that block, before the others.
    """

    def __init__(self, rate_hz: int = TICK_HZ) -> None:
        self._resampler = None if rate_hz == TICK_HZ else Resampler()
        self._tail: Samples = np.empty((0, 2), dtype=np.uint8)
        self._tail_sample = 0  # stream position of _tail[0]
        self.addresses = AddressBook()
        self._recent: deque[ModeSFrame] = deque(maxlen=8)
        self.noise_dbfs: float | None = None
        self.strong_share = 0.0  # of the frames of the last block, those near full scale
        self.counters = DemodCounters()

    def feed(self, iq: NDArray[np.uint8]) -> list[ModeSFrame]:
        """Interleaved uint8 I and Q, any even length. Frames that straddle blocks come with the later one."""
        fresh = iq.reshape(-1, 2) if self._resampler is None else self._resampler.feed(iq)
        self.counters.samples += len(fresh)
        return self._search(fresh)

    def finish(self) -> list[ModeSFrame]:
        """What still waits at the end of a recording."""
        return self._search(np.full((SPAN, 2), 127, dtype=np.uint8), measure=False)

    def skip(self, samples: int) -> None:
        """Samples were lost: what hung over the gap is dropped, the count goes on."""
        self._tail_sample += len(self._tail) + samples
        self._tail = self._tail[:0]

    def _search(self, fresh: Samples, *, measure: bool = True) -> list[ModeSFrame]:
        iq = np.concatenate((self._tail, fresh)) if len(self._tail) else np.ascontiguousarray(fresh)
        usable = len(iq) - SPAN
        if usable <= 0:
            self._tail = iq
            return []
        first = self._tail_sample
        magnitude = magnitudes(iq)
        if measure:
            self.noise_dbfs = noise_dbfs(magnitude)
        frames = self._accept(first, self._slice(iq, magnitude, usable))
        self._tail, self._tail_sample = iq[usable:].copy(), first + usable
        self.counters.frames += len(frames)
        self.counters.repaired += sum(frame.repaired for frame in frames)
        if frames:
            self.strong_share = sum(frame.rssi_dbfs > -3.0 for frame in frames) / len(frames)
        return frames

    def _slice(self, iq: Samples, magnitude: NDArray[np.uint16], usable: int) -> list[_Candidates]:
        """Long candidates, then short ones."""
        start, phase = find_preambles(magnitude, usable)
        self.counters.candidates += len(start)
        halves = bit_halves(iq, start, phase, 5)
        format_ = (halves[..., 0] > halves[..., 1]) @ np.array([16, 8, 4, 2, 1])
        long = _IS_LONG[format_]
        parts = []
        for chosen, bits in ((long, LONG_BITS), (_WANTED[format_] & ~long, SHORT_BITS)):
            at = np.flatnonzero(chosen)
            sample = self._tail_sample + start[at] + 0.5 + phase[at] / PHASES  # sample k was taken at time k
            parts.append(_Candidates(bit_halves(iq, start[at], phase[at], bits), sample))
        return parts

    def _accept(self, first: int, parts: list[_Candidates]) -> list[ModeSFrame]:
        """Frames whose parity and address hold, as they are or repaired."""
        clean = [frame for part in parts for frame in part.frames(np.flatnonzero(part.checked & (part.remainder == 0)))]
        frames: list[ModeSFrame] = []
        for frame in sorted(clean, key=lambda frame: frame.sample):
            frames += self.addresses.learn(frame)
        self.addresses.forget(first)
        known = np.array(sorted(self.addresses.known), dtype=np.uint32)
        for part in parts if len(known) else ():
            coded = np.flatnonzero(part.checked & (part.remainder > 0) & (part.remainder < part.coded))
            coded = coded[surely_coded(part.remainder[coded], part.halves[coded])]
            frames += part.frames(coded[among(addresses(part.data[coded]), known)])
            reply = ~part.checked & among(part.remainder, known)
            frames += part.frames(np.flatnonzero(reply))
            broken = np.setdiff1d(np.flatnonzero(part.checked & (part.remainder > 0)), coded, assume_unique=True)
            rows, data = repair_squitters(part.data[broken], part.halves[broken], known)
            frames += part.frames(broken[rows], data)
            broken = np.flatnonzero(~part.checked & ~reply)
            rows, data = repair_replies(part.data[broken], part.halves[broken], known)
            frames += part.frames(broken[rows], data)
        return self._without_copies(frames)

    def _without_copies(self, frames: list[ModeSFrame]) -> list[ModeSFrame]:
        """One frame per transmission: the same bytes within a few samples, or a repaired twin of a clean one, fall."""
        kept = list(self._recent)
        old = len(kept)
        for frame in sorted(frames, key=lambda f: f.sample):
            twin = next((i for i in range(len(kept) - 1, max(-1, len(kept) - 6), -1) if _twins(kept[i], frame)), None)
            if twin is None:
                kept.append(frame)
            elif twin >= old and kept[twin].repaired and not frame.repaired:
                kept[twin] = frame
        self._recent.extend(kept[old:])
        return kept[old:]


def _twins(one: ModeSFrame, other: ModeSFrame) -> bool:
    return abs(one.sample - other.sample) < 6.0 and (one.data == other.data or one.repaired or other.repaired)
