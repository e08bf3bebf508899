"""Where Mode S preambles may begin, from magnitudes at 2.4 MS/s: whole-array sieves, no loop per sample.

A quick comparison of pulses with the gaps beside them leaves one sample in fifteen; the mean of the pulses against the
mean of the gaps, at five sub-sample phases, one in a hundred and forty. The first pulse is not asked for: real
transmissions often come without it (15 of 208 squitters of the public recording modes1). Of neighbours the one of
highest contrast stays, so that its time is right to 0.15 samples and one phase is enough to slice at.

Pulse positions: ICAO Annex 10 volume IV, 3.1.2.2.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Samples = NDArray[np.uint8 | np.float32]  # (N, 2) I and Q around 127.5 counts: as converted, or resampled

PHASES = 5  # a bit is 2.4 samples, so phases repeat every five bits = 12 samples
BIT, CHIP = 2.4, 1.2  # samples
PREAMBLE = 20  # samples looked at
FULL_SCALE = 127.5
MAGNITUDE_STEP = 361.0  # table units per count: the largest magnitude, 180.3 counts, fits 16 bits
_RATIO = 1.9  # mean of pulses against mean of gaps: 1.7 costs 30 % more CPU for 0.2 % more messages
_APART = 2  # samples within which candidates are one
_ROWS = 1200  # per product: larger ones wake OpenBLAS's threads, which spin for four times the CPU


def magnitudes(iq: Samples) -> NDArray[np.uint16]:
    """(N,) magnitudes in 1/361 count of (N, 2) samples around 127.5 counts."""
    if iq.dtype == np.uint8:
        return np.take(_MAGNITUDES, np.ascontiguousarray(iq).view("<u2").reshape(-1))
    level = np.hypot(iq[:, 0] - np.float32(FULL_SCALE), iq[:, 1] - np.float32(FULL_SCALE)) * MAGNITUDE_STEP
    return np.asarray(np.minimum(level, 65535), dtype=np.uint16)


def noise_dbfs(magnitude: NDArray[np.uint16]) -> float:
    """Mean noise power from the median, which signals hardly move: of a Rayleigh magnitude it is sqrt(ln 2) rms."""
    median = float(np.median(magnitude[::29])) / (MAGNITUDE_STEP * FULL_SCALE)
    return float(10 * np.log10(median * median / np.log(2.0) + 1e-9))


def find_preambles(magnitude: NDArray[np.uint16], usable: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sample and phase of each candidate that begins in the first `usable` samples.

    Its first pulse begins at sample + 1 + phase / 5, counting sample k as the time [k, k + 1).
    """

    def at(k: int) -> NDArray[np.uint16]:
        return magnitude[k : k + usable]

    quick = at(4) > at(7)
    quick &= at(12) > at(14)
    quick &= at(12) > at(15)
    quick &= at(10) > at(8)
    start = np.flatnonzero(quick)
    level = magnitude.astype(np.float32)
    windows = as_strided(level, (usable, PREAMBLE), level.strides * 2)
    means = np.empty((len(start), 2 * PHASES), dtype=np.float32)
    for i in range(0, len(start), _ROWS):
        np.matmul(windows[start[i : i + _ROWS]], _WEIGHTS, out=means[i : i + _ROWS])
    good = np.flatnonzero((means[:, PHASES:] > 0).any(axis=1))
    start, contrasts = start[good], means[good, :PHASES]
    phase = contrasts.argmax(axis=1)
    contrast = contrasts[np.arange(len(start)), phase]
    keep = _highest(start, contrast)
    return start[keep], phase[keep]


def overlap(begin: float, end: float, count: int) -> NDArray[np.float64]:
    """(count,) share of each sample that a pulse [begin, end) fills."""
    sample = np.arange(count)
    return np.asarray(np.maximum(0.0, np.minimum(end, sample + 1) - np.maximum(begin, sample)))


def _highest(start: NDArray[np.intp], contrast: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Of ascending candidates, those that no neighbour within two samples surpasses."""
    keep = np.ones(len(start), dtype=bool)
    for k in range(1, _APART + 1):
        close = start[k:] - start[:-k] <= _APART
        earlier_wins = contrast[:-k] >= contrast[k:]
        keep[k:] &= ~(close & earlier_wins)
        keep[: len(start) - k if len(start) > k else 0] &= ~(close & ~earlier_wins)
    return keep


def _preamble_weights() -> NDArray[np.float32]:
    """(20, 10): the contrast at each phase, then at each what is positive where pulses stand out enough."""
    contrast, enough = [], []
    for phase in range(PHASES):
        begin = 1 + phase / PHASES
        at = [begin + after_us * BIT for after_us in (0.0, 1.0, 3.5, 4.5)]
        pulse = np.sum([overlap(edge, edge + CHIP, PREAMBLE) for edge in at], axis=0)
        gap = np.where(pulse < 0.02, 1.0, 0.0)
        gap[0] = 0.0
        pulse, gap = pulse / pulse.sum(), gap / gap.sum()
        contrast.append(pulse - gap)
        enough.append(pulse - _RATIO * gap)
    return np.array(contrast + enough, dtype=np.float32).T.copy()


_LEVELS = np.arange(256) - FULL_SCALE
_MAGNITUDES = np.rint(np.hypot(_LEVELS[None, :], _LEVELS[:, None]) * MAGNITUDE_STEP).astype(np.uint16).reshape(-1)
_WEIGHTS = _preamble_weights()
