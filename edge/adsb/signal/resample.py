"""2.0 -> 2.4 MS/s: six samples out for five in, by a windowed sinc of six phases (Crochiere & Rabiner 1981)."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_IN, _OUT = 5, 6
_HALF = 8  # samples of the input on either side of an output
_LENGTH = 2 * _HALF + _IN


def _filters() -> NDArray[np.float32]:
    """(_LENGTH, 6): output p of a group lies at input position _HALF + p * 5 / 6."""
    at = np.arange(_LENGTH)[:, None] - (_HALF + np.arange(_OUT) * _IN / _OUT)[None, :]
    window = np.where(np.abs(at) < _HALF, np.cos(np.pi * at / (2 * _HALF)) ** 2, 0.0)
    taps = np.sinc(at) * window
    return np.asarray(taps / taps.sum(axis=0), dtype=np.float32)


_FILTERS = _filters()


class Resampler:
    """Streaming: output sample n is the input at time n / 2.4 MHz, whatever the blocks' borders."""

    def __init__(self) -> None:
        self._tail = np.full((_HALF, 2), 127.5, dtype=np.float32)

    def feed(self, iq: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 2) I and Q in counts, around 127.5 as they came."""
        data = np.concatenate((self._tail, iq.reshape(-1, 2).astype(np.float32)))
        groups = max(0, (len(data) - _LENGTH) // _IN + 1)
        self._tail = data[groups * _IN :]
        if not groups:
            return np.empty((0, 2), dtype=np.float32)
        windows = sliding_window_view(data, _LENGTH, axis=0)[: groups * _IN : _IN]  # (groups, 2, length)
        return np.swapaxes(windows @ _FILTERS, 1, 2).reshape(-1, 2)
