"""Which sample rate an 8-bit IQ recording has: nothing in the file says so, but only the right one gives messages.

At the wrong rate the pulses drift out of their places within a message's first half. So a second is decoded at each
rate we understand, and another one where the sky was too quiet, until one rate has clearly more.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from edge.adsb.signal.demod import Demodulator
from edge.adsb.sources.cu8 import read_cu8
from edge.adsb.sources.iq import BLOCK_SAMPLES, RecordingRefused

RATES_HZ = (2_400_000, 2_000_000)
_LEAST_MESSAGES, _TIMES = 6, 4  # so many, and so many times as many as the other
_SECONDS = 20
_BLOCKS_A_SECOND = round(RATES_HZ[0] / BLOCK_SAMPLES)


def recorded_rate_hz(path: Path, declared_hz: int | None = None) -> int:
    """The rate of a cu8 recording, or the declared one where nothing contradicts it.

    Raises RecordingRefused where it was declared wrong, or was not declared and cannot be told.
    """
    found_hz = _detected_hz(path)
    if found_hz is not None and declared_hz not in (None, found_hz):
        raise RecordingRefused(
            f"{path}: declared as {declared_hz} samples a second, but only at {found_hz} are there messages in it"
        )
    rate_hz = declared_hz or found_hz
    if rate_hz is None:
        raise RecordingRefused(
            f"{path}: too few messages to tell its rate; say --rate 2400000 or --rate 2000000 (radio.sample_rate_hz)"
        )
    return rate_hz


def _detected_hz(path: Path) -> int | None:
    blocks = read_cu8(path)
    demodulators = {rate_hz: Demodulator(rate_hz) for rate_hz in RATES_HZ}
    messages = dict.fromkeys(RATES_HZ, 0)
    for _ in range(_SECONDS):
        second = list(islice(blocks, _BLOCKS_A_SECOND))
        is_last = len(second) < _BLOCKS_A_SECOND
        for rate_hz, demodulator in demodulators.items():
            frames = [frame for block in second for frame in demodulator.feed(block)]
            frames += demodulator.finish() if is_last else []
            messages[rate_hz] += sum(not frame.repaired for frame in frames)
        other, best = sorted(RATES_HZ, key=messages.__getitem__)
        if messages[best] >= max(_LEAST_MESSAGES, _TIMES * messages[other]):
            return best
        if is_last:
            break
    return None
