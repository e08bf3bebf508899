"""How strong each half of each bit is: IQ through a filter matched to the pulse, then the detector, then the choice.

Filtering before the detector keeps noise from being rectified: 7 % more messages than comparing magnitudes. Sliced are
only candidates, five bits at a time, since five bits are twelve samples at every phase. Where a stronger transmission
lies over a pulse, the half it did not reach decides (`confidence`): what is far above the message's own level says
nothing of it.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from edge.adsb.signal.preamble import BIT, CHIP, FULL_SCALE, PHASES, Samples

_BEFORE = 4  # samples of a window before its first bit, as many as the filter reaches
_WINDOW = 22  # samples that five bits and the filter's skirts need
_GROUPS = 23  # of five bits: a long frame
_DATA = 1 + 8 * BIT  # samples from a candidate's to its first bit, at phase 0
_FIRST = np.array([int(_DATA + phase / PHASES + 1e-9) - _BEFORE for phase in range(PHASES)], dtype=np.intp)
SPAN = int(_FIRST.max()) + (_GROUPS - 1) * 12 + _WINDOW + 1  # samples after a candidate's first that must be there
_ROWS = 128  # per step: 2 kB each, so that a step stays in the processor's cache
_CLIP = 1.3  # times the message's level: beyond it a half is another's


def bit_halves(iq: Samples, start: NDArray[np.intp], phase: NDArray[np.intp], bits: int) -> NDArray[np.float32]:
    """(N, bits, 2) magnitudes in counts of both halves of the first bits of candidates at (`start`, `phase`).

    `iq` is (M, 2), contiguous, around 127.5 counts; SPAN samples must follow each start.
    """
    groups = -(-bits // 5)
    length = (groups - 1) * 12 + _WINDOW
    rows = as_strided(iq, (len(iq) - length + 1, 2 * length), (iq.strides[0], iq.itemsize))
    halves = np.empty((len(start), groups * 5, 2), dtype=np.float32)
    for p in range(PHASES):
        mine = np.flatnonzero(phase == p)
        for i in range(0, len(mine), _ROWS):
            part = mine[i : i + _ROWS]
            row = rows[start[part] + _FIRST[p]].astype(np.float32)
            row -= np.float32(FULL_SCALE)
            windows = as_strided(row, (len(part), groups, 2 * _WINDOW), (row.strides[0], 24 * row.itemsize, 4))
            filtered = (windows if groups > 1 else row) @ _WEIGHTS[p]
            filtered *= filtered
            power = filtered[..., :10] + filtered[..., 10:]
            halves[part] = np.sqrt(power, out=power).reshape(len(part), groups * 5, 2)
    return halves[:, :bits]


def larger_halves(halves: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, bits): the same as halves.max(axis=2), twenty times faster."""
    return np.maximum(halves[..., 0], halves[..., 1])


def confidence(halves: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, bits): positive for a one, 1 for a clear one without noise, near 0 where nothing can be said.

    The difference of squared distances to "pulse then gap" and "gap then pulse", each clipped, so that what is far from
    both counts for neither.
    """
    level = np.median(larger_halves(halves), axis=1)[:, None, None]
    most = np.square(np.float32(_CLIP) * level)
    pulse = np.minimum(np.square(halves - level), most)
    gap = np.minimum(np.square(halves), most)
    one = pulse[..., 0] + gap[..., 1]
    zero = gap[..., 0] + pulse[..., 1]
    return np.asarray((zero - one) / (2 * np.square(level[..., 0]) + 1e-9), dtype=np.float32)


def _pulse(begin: float) -> NDArray[np.float64]:
    """(_WINDOW,) taps that give the mean of band-limited samples over a pulse that begins at `begin`."""
    time = begin + (np.arange(40) + 0.5) * (CHIP / 40)
    distance = time[:, None] - (np.arange(_WINDOW) + 0.5)[None, :]
    window = np.where(np.abs(distance) < _BEFORE, np.cos(np.pi * distance / (2 * _BEFORE)) ** 2, 0.0)
    return np.asarray((np.sinc(distance) * window).mean(axis=0))


def _weights() -> NDArray[np.float32]:
    """(5, 2 * _WINDOW, 20): for each phase interleaved samples to ten halves of I, then of Q."""
    weights = np.zeros((PHASES, _WINDOW, 2, 20), dtype=np.float32)
    for phase in range(PHASES):
        begin = _DATA + phase / PHASES - _FIRST[phase]
        for half in range(10):
            taps = _pulse(begin + half * CHIP)
            weights[phase, :, 0, half] = taps
            weights[phase, :, 1, 10 + half] = taps
    return weights.reshape(PHASES, 2 * _WINDOW, 20)


_WEIGHTS = _weights()
