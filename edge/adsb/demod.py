"""Mode S demodulator: magnitudes at 2.4 MS/s -> frames whose parity holds. NumPy on whole blocks, no loop per sample.

A bit is 2.4 samples, so five sub-sample phases repeat every 5 bits = 12 samples: each phase has its own matched filter
for the preamble and for five bits at a time. 2.0 MS/s streams are resampled first, because two samples a bit cannot
tell the phases apart. Two passes inside a block: addresses are learned from self-checking frames first, so that replies
whose parity is overlaid with an address are not lost when they come earlier.

Pulse positions: ICAO Annex 10 volume IV, 3.1.2.2. RSSI and noise are relative to full scale of the converter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from math import log10

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from edge.adsb.crc import LONG_BITS, SHORT_BITS, remainders, single_error_bit
from edge.adsb.frames import INTERROGATORS, SQUITTERS, TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.resample import Resampler

_FULL_SCALE = 127.5
_MAGNITUDE_STEP = 361.0  # table units per count: the largest magnitude, 180.3 counts, fits 16 bits
_BIT, _CHIP = 2.4, 1.2  # samples
_PHASES = 5
_PREAMBLE = 20  # samples looked at
_ROW = 22 * 12 + 17  # samples that 23 groups of five bits reach over
SPAN = 24 + _ROW  # samples after a candidate's first that must be there
_ROWS = 1200  # per product: larger ones wake OpenBLAS's threads, which spin for four times the CPU
_RATIO = 1.7  # pulses against gaps of a preamble worth slicing
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
    """Sliced candidates of one length: bytes (N, 7 or 14), start sample of each."""

    data: NDArray[np.uint8]
    start: NDArray[np.float64]
    remainder: NDArray[np.uint32] = field(init=False)

    def __post_init__(self) -> None:
        self.remainder = remainders(self.data)


class Demodulator:
    """Feed it blocks of 8-bit IQ in order; it returns the frames that are complete, in order of time.

    A first sighting that a later block confirms comes with that block, before the others.
    """

    def __init__(self, rate_hz: int = TICK_HZ) -> None:
        self._resampler = None if rate_hz == TICK_HZ else Resampler()
        self._tail = np.empty(0, dtype=np.uint16)
        self._tail_sample = 0  # stream position of _tail[0]
        self.addresses = AddressBook()
        self._recent: deque[ModeSFrame] = deque(maxlen=8)
        self.noise_dbfs: float | None = None
        self.strong_share = 0.0  # of the frames of the last block, those near full scale
        self.counters = DemodCounters()

    def feed(self, iq: NDArray[np.uint8]) -> list[ModeSFrame]:
        """Interleaved uint8 I and Q, any even length. Frames that straddle blocks come with the later one."""
        fresh = magnitudes(iq) if self._resampler is None else to_magnitudes(self._resampler.feed(iq))
        self.counters.samples += len(fresh)
        if len(fresh):
            self.noise_dbfs = noise_dbfs(fresh)
        return self._search(np.concatenate((self._tail, fresh)))

    def finish(self) -> list[ModeSFrame]:
        """What still waits at the end of a recording."""
        return self._search(np.concatenate((self._tail, np.zeros(SPAN, dtype=np.uint16))))

    def skip(self, samples: int) -> None:
        """Samples were lost: what hung over the gap is dropped, the count goes on."""
        self._tail_sample += len(self._tail) + samples
        self._tail = self._tail[:0]

    def _search(self, magnitude: NDArray[np.uint16]) -> list[ModeSFrame]:
        usable = len(magnitude) - SPAN
        if usable <= 0:
            self._tail = magnitude
            return []
        first = self._tail_sample
        found = self._slice(magnitude, usable)
        self._tail, self._tail_sample = magnitude[usable:].copy(), first + usable
        frames = [] if found is None else self._accept(magnitude, first, *found)
        self.counters.frames += len(frames)
        self.counters.repaired += sum(frame.repaired for frame in frames)
        if frames:
            self.strong_share = sum(frame.rssi_dbfs > -3.0 for frame in frames) / len(frames)
        return frames

    def _slice(self, magnitude: NDArray[np.uint16], usable: int) -> tuple[_Candidates, _Candidates] | None:
        level = magnitude.astype(np.float32)
        start, phase = _preambles(magnitude, level, usable)
        self.counters.candidates += len(start)
        format_ = _first_five(level, start, phase)
        keep = _WANTED[format_]
        start, phase, format_ = start[keep], phase[keep], format_[keep]
        if not len(start):
            return None
        bits = _data_bits(level, start, phase)
        position, long = start + 1 + phase / _PHASES, _IS_LONG[format_]
        parts = []
        for chosen, length in ((long, LONG_BITS), (~long, SHORT_BITS)):
            part = bits[chosen, :length]
            parts.append(_Candidates(np.packbits(part, axis=1), position[chosen]))
        return parts[0], parts[1]

    def _accept(
        self, magnitude: NDArray[np.uint16], first: int, long: _Candidates, short: _Candidates
    ) -> list[ModeSFrame]:
        """Frames whose parity and address hold."""
        offered: list[tuple[_Candidates, NDArray[np.intp], bool]] = []
        squitter = np.isin(long.data[:, 0] >> 3, SQUITTERS)
        all_call = short.data[:, 0] >> 3 == 11
        clean = [
            (long, np.flatnonzero(squitter & (long.remainder == 0))),
            (short, np.flatnonzero(all_call & (short.remainder == 0))),
        ]
        believed = []
        for frame in sorted((_frame(first, part, i) for part, where in clean for i in where), key=lambda f: f.sample):
            believed += self.addresses.learn(self._with_level(frame, magnitude, first))
        self.addresses.forget(first)
        known = np.array(sorted(self.addresses.known), dtype=np.uint32)
        if len(known):
            coded = all_call & (short.remainder > 0) & (short.remainder < INTERROGATORS)
            offered.append((short, np.flatnonzero(coded & np.isin(_address(short.data), known)), False))
            for part, masked in ((long, ~squitter), (short, ~all_call)):
                offered.append((part, np.flatnonzero(masked & np.isin(part.remainder, known)), False))
            mendable = ((long, squitter, LONG_BITS, 0), (short, all_call, SHORT_BITS, INTERROGATORS - 1))
            for part, checked, length, whole in mendable:
                bit = np.where(checked & (part.remainder > whole), single_error_bit(part.remainder, length), -1)
                mend = np.flatnonzero(bit >= 0)
                part.data[mend, bit[mend] // 8] ^= (0x80 >> (bit[mend] % 8)).astype(np.uint8)
                offered.append((part, mend[np.isin(_address(part.data[mend]), known)], True))
        replies = [_frame(first, part, i, mended) for part, where, mended in offered for i in where]
        chosen = self._without_copies(believed + replies)
        return [self._with_level(frame, magnitude, first) for frame in chosen]

    def _with_level(self, frame: ModeSFrame, magnitude: NDArray[np.uint16], first: int) -> ModeSFrame:
        if frame.sample < first:  # seen first in an earlier block, and levelled then
            return frame
        begin = int(frame.sample - first)
        level = magnitude[begin : begin + int(_PREAMBLE + len(frame.data) * 8 * _BIT)].astype(np.float32)
        power = float(np.mean(np.square(level))) / (_MAGNITUDE_STEP * _FULL_SCALE) ** 2
        return replace(frame, rssi_dbfs=10 * log10(power + 1e-9))

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


def _frame(first: int, part: _Candidates, i: np.intp, repaired: bool = False) -> ModeSFrame:
    return ModeSFrame(part.data[i].tobytes(), first + float(part.start[i]), 0.0, repaired)


def magnitudes(iq: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """(N,) magnitudes in 1/361 count of 2N interleaved bytes."""
    return np.asarray(_MAGNITUDES[iq.view("<u2")])


def to_magnitudes(iq_counts: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The same of (N, 2) centred I and Q in counts."""
    level = np.sqrt(np.square(iq_counts[:, 0]) + np.square(iq_counts[:, 1])) * np.float32(_MAGNITUDE_STEP)
    return np.asarray(np.minimum(level, 65535), dtype=np.uint16)


def noise_dbfs(magnitude: NDArray[np.uint16]) -> float:
    """Mean noise power from the median, which signals hardly move: of a Rayleigh magnitude it is sqrt(ln 2) rms."""
    median = float(np.median(magnitude[::7])) / (_MAGNITUDE_STEP * _FULL_SCALE)
    return float(10 * np.log10(median * median / np.log(2.0) + 1e-9))


def _address(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    wide = data[:, 1:4].astype(np.uint32)
    return np.asarray((wide << np.array([16, 8, 0], dtype=np.uint32)).sum(axis=1, dtype=np.uint32))


def _preambles(
    magnitude: NDArray[np.uint16], level: NDArray[np.float32], usable: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where a preamble may begin: sample and phase (first pulse at sample + 1 + phase / 5); two phases each."""

    def at(k: int) -> NDArray[np.uint16]:
        return magnitude[k : k + usable]

    quick = at(1) > at(7)
    quick &= at(12) > at(14)
    quick &= at(12) > at(15)
    quick &= at(10) > at(8)
    start = np.flatnonzero(quick)
    windows = as_strided(level, (usable, _PREAMBLE), level.strides * 2)
    means = np.empty((len(start), 2 * _PHASES), dtype=np.float32)
    for i in range(0, len(start), _ROWS):
        np.matmul(windows[start[i : i + _ROWS]], _PREAMBLE_WEIGHTS, out=means[i : i + _ROWS])
    pulses, gaps = means[:, :_PHASES], means[:, _PHASES:]
    best = pulses - gaps
    good = np.flatnonzero((pulses > _RATIO * gaps).any(axis=1))
    start, best = start[good], best[good]
    order = np.argsort(best, axis=1)[:, -2:]
    return np.repeat(start, 2), order.reshape(-1)


def _first_five(level: NDArray[np.float32], start: NDArray[np.intp], phase: NDArray[np.intp]) -> NDArray[np.intp]:
    """Downlink format of each candidate."""
    rows = as_strided(level, (len(level) - 16, 17), level.strides * 2)[start + _DATA_OFFSET[phase]]
    format_ = np.empty(len(start), dtype=np.intp)
    for p in range(_PHASES):
        mine = phase == p
        format_[mine] = (rows[mine] @ _BIT_WEIGHTS[p] > 0) @ np.array([16, 8, 4, 2, 1])
    return format_


def _data_bits(level: NDArray[np.float32], start: NDArray[np.intp], phase: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(N, 115) bits: five per group of twelve samples."""
    rows = as_strided(level, (len(level) - _ROW + 1, _ROW), level.strides * 2)[start + _DATA_OFFSET[phase]]
    bits = np.empty((len(start), 23 * 5), dtype=bool)
    for p in range(_PHASES):
        mine = np.flatnonzero(phase == p)
        part = np.ascontiguousarray(rows[mine])
        step = part.itemsize
        windows = as_strided(part, (len(mine), 23, 17), (part.strides[0], 12 * step, step))
        bits[mine] = (windows @ _BIT_WEIGHTS[p] > 0).reshape(len(mine), 115)
    return bits


def _overlap(begin: float, end: float, count: int) -> NDArray[np.float64]:
    """(count,) share of each sample that a pulse [begin, end) fills."""
    sample = np.arange(count)
    return np.asarray(np.maximum(0.0, np.minimum(end, sample + 1) - np.maximum(begin, sample)))


def _preamble_weights() -> NDArray[np.float32]:
    """(20, 10): mean over the pulses, then mean over the gaps, of each phase."""
    pulses, gaps = [], []
    for phase in range(_PHASES):
        begin = 1 + phase / _PHASES
        pulse = sum(_overlap(begin + us * _BIT, begin + us * _BIT + _CHIP, _PREAMBLE) for us in (0.0, 1.0, 3.5, 4.5))
        gap = np.where(np.asarray(pulse) < 0.02, 1.0, 0.0)
        gap[0] = 0.0
        pulses.append(pulse / np.sum(pulse))
        gaps.append(gap / gap.sum())
    return np.array(pulses + gaps, dtype=np.float32).T.copy()


def _bit_weights() -> NDArray[np.float32]:
    """(5, 17, 5): first half minus second half of five bits, for each phase; each sums to zero."""
    weights = np.zeros((_PHASES, 17, 5))
    for phase in range(_PHASES):
        begin = 20.2 + phase / _PHASES - _DATA_OFFSET[phase]
        for bit in range(5):
            at = begin + bit * _BIT
            one, zero = _overlap(at, at + _CHIP, 17), _overlap(at + _CHIP, at + _BIT, 17)
            weights[phase, :, bit] = one / one.sum() - zero / zero.sum()
    return weights.astype(np.float32)


_LEVELS = np.arange(256) - _FULL_SCALE
_MAGNITUDES = np.rint(np.hypot(_LEVELS[None, :], _LEVELS[:, None]) * _MAGNITUDE_STEP).astype(np.uint16).reshape(-1)
_DATA_OFFSET = np.array([int(20.2 + phase / _PHASES + 1e-9) - 1 for phase in range(_PHASES)], dtype=np.intp)
_PREAMBLE_WEIGHTS, _BIT_WEIGHTS = _preamble_weights(), _bit_weights()
