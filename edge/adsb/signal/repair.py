"""Repair of frames whose parity fails, for addresses already known: all flips of the least sure bits (Chase 1972).

A frame is repaired only towards an address that was heard before, twice, in clean frames; so no repair invents an
aircraft. A wrong repair needs one of 2^k flips to meet 24 bits of parity by chance: at k = 12 one in 4096 frames that
carry a known address and cannot be read, below one in ten thousand of all. Replies carry their address only in the
parity, where every known address is one more chance to meet it: they must be clearer, and fewer bits are tried.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.adsb.signal.crc import BIT_REMAINDERS, LONG_BITS, remainders
from edge.adsb.signal.slicer import confidence, larger_halves

_SQUITTER_BITS = {112: 12, 56: 6}  # tried of the least sure
_REPLY_BITS = 4
_ADDRESS_ERRORS = 3  # at most, between what was read and the known address
_CLEAR = 0.6  # difference of the halves against the larger one, of a reply worth repairing
_CODE_BITS = 7
_SURE = 0.2  # confidence of a bit that no noise made
_FIXED = np.float32(9.0)  # confidence of bits that are not to be touched


def repair_squitters(
    data: NDArray[np.uint8], halves: NDArray[np.float32], known: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Rows of DF11/17/18 frames (N, 7 or 14) that could be repaired, and their repaired bytes (M, 7 or 14)."""
    distance = np.bitwise_count(addresses(data)[:, None] ^ known[None, :])
    nearest = distance.argmin(axis=1)
    rows = np.flatnonzero(distance[np.arange(len(data)), nearest] <= _ADDRESS_ERRORS)
    address = known[nearest[rows]].astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:]
    sure = confidence(halves[rows])
    bits = sure > 0
    bits[:, :5] = np.unpackbits(data[rows, :1], axis=1)[:, :5]
    bits[:, 8:32] = np.unpackbits(address, axis=1)
    doubt = np.abs(sure)
    doubt[:, :5] = doubt[:, 8:32] = _FIXED
    zero = np.zeros(1, dtype=np.uint32)
    return _flip(rows, bits, doubt, _SQUITTER_BITS[bits.shape[1]], zero)


def repair_replies(
    data: NDArray[np.uint8], halves: NDArray[np.float32], known: NDArray[np.uint32]
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """The same of DF0/4/5/16/20/21, whose remainder is their address."""
    contrast = np.abs(halves[..., 0] - halves[..., 1]).sum(axis=1)
    rows = np.flatnonzero(contrast > _CLEAR * larger_halves(halves).sum(axis=1))
    sure = confidence(halves[rows])
    bits, doubt = sure > 0, np.abs(sure)
    bits[:, :5] = np.unpackbits(data[rows, :1], axis=1)[:, :5]
    doubt[:, :5] = _FIXED
    return _flip(rows, bits, doubt, _REPLY_BITS, known)


def surely_coded(remainder: NDArray[np.uint32], halves: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which DF11 of small remainder bear an interrogator's code, and not errors in the last bits of a plain one.

    A code is laid over the last seven bits: those that differ from a plain frame must all have been read surely.
    """
    sure = np.abs(confidence(halves)[:, -_CODE_BITS:]) > _SURE
    differs = (remainder[:, None] >> np.arange(_CODE_BITS - 1, -1, -1, dtype=np.uint32) & 1).astype(bool)
    return np.asarray((sure | ~differs).all(axis=1))


def among(values: NDArray[np.uint32], ascending: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which `values` are in `ascending`, at least one of them."""
    return np.asarray(ascending[np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)] == values)


def addresses(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(N,) address fields of DF11/17/18."""
    wide = data[:, 1:4].astype(np.uint32)
    return np.asarray(wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2])


def _flip(
    rows: NDArray[np.intp],
    bits: NDArray[np.bool_],
    doubt: NDArray[np.float32],
    count: int,
    wanted: NDArray[np.uint32],
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Those of `rows` where flips of the `count` bits of least doubt's distance bring the remainder into `wanted`."""
    weak = np.argpartition(doubt, count, axis=1)[:, :count]
    weak = np.take_along_axis(weak, np.take_along_axis(doubt, weak, axis=1).argsort(axis=1), axis=1)
    reached = remainders(np.packbits(bits, axis=1))[:, None]
    for remainder in BIT_REMAINDERS[LONG_BITS - bits.shape[1] :][weak].T:  # doubles: the likeliest flips come first
        reached = np.concatenate((reached, reached ^ remainder[:, None]), axis=1)
    met = reached == wanted[0] if len(wanted) == 1 else among(reached, wanted)
    found = np.flatnonzero(met.any(axis=1))
    which = met[found].argmax(axis=1)
    flips = (which[:, None] >> np.arange(count)[None, :] & 1).astype(bool)
    repaired = bits[found]
    repaired[np.arange(len(found))[:, None], weak[found]] ^= flips
    return rows[found], np.packbits(repaired, axis=1)
