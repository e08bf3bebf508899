"""Files of the radio: what one holds, by its content, and the samples of 8-bit IQ (cu8: bytes of I and Q in turn)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.adsb.sources.beast import BeastParser
from edge.adsb.sources.iq import BLOCK_SAMPLES, RecordingRefused

_PROBE_BYTES = 1 << 20


def read_cu8(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Blocks of interleaved I and Q. Raises RecordingRefused for a file that is empty, odd or no IQ at all."""
    _check_cu8(path)
    with path.open("rb") as file:
        while data := file.read(2 * BLOCK_SAMPLES):
            yield np.frombuffer(data, dtype=np.uint8)


def recording_kind(path: Path) -> Literal["beast", "iq"]:
    """What a file holds, by its content. Raises RecordingRefused where it is neither."""
    probe = _probe(path)
    if probe[:1] == b"\x1a" and probe[1:2] in b"1234" and len(probe) > 1:
        parser = BeastParser()
        parser.feed(probe[:65536])
        if parser.counters.skipped_bytes < 0.05 * min(len(probe), 65536):
            return "beast"
    _check_cu8(path)
    return "iq"


def _probe(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise RecordingRefused(f"{path}: is not a file; a recording is read more than once, so no pipe will do")
    try:
        with path.open("rb") as file:
            probe = file.read(_PROBE_BYTES)
    except OSError as err:
        raise RecordingRefused(f"{path}: cannot be read: {err.strerror}") from err
    if not probe:
        raise RecordingRefused(f"{path}: the file is empty")
    return probe


def _check_cu8(path: Path) -> None:
    probe = _probe(path)
    if len(probe) < 2:
        raise RecordingRefused(f"{path}: one byte is no recording")
    data = np.frombuffer(probe[: len(probe) // 2 * 2], dtype=np.uint8).reshape(-1, 2)
    centre, spread = data.mean(axis=0), data.std(axis=0)
    if np.any(np.abs(centre - 127.5) > 12.0) or np.any(spread > 68.0) or np.any(spread == 0.0):
        raise RecordingRefused(
            f"{path}: neither Beast nor 8-bit IQ: mean {centre.mean():.0f} and spread {spread.mean():.0f}, "
            "where IQ has 127 and less than 68"
        )
    size = path.stat().st_size
    if size % 2:
        raise RecordingRefused(f"{path}: {size} bytes is an odd length, but cu8 is pairs of I and Q: the file is cut")
