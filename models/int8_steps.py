"""Steps with which every runtime computes the same bytes.

A runtime that computes the file literally adds floats; an optimised one adds whole numbers and multiplies once. Where a
value stands half way between two bytes, the last bit of a float decides: one byte in 30 000 after two layers, a third
of the logits at the end of a network. With powers of two for what flows, and few bits for the steps of weights, every
product, and every sum below 2^24 of their common unit, is exact in float32, and nothing is left to decide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SATURATES = 0.02  # of a doubling: what a range may lose for the finer power of two
WEIGHT_BITS = 6  # of a weight step's mantissa: the weights lose 3 % of their resolution at most


def power_of_two(step: float) -> np.float32:
    """The smallest that is not smaller, but for SATURATES."""
    return np.float32(2.0 ** np.ceil(np.log2(step) - SATURATES))


def few_bits(steps: NDArray[np.floating]) -> NDArray[np.float32]:
    """The smallest numbers with WEIGHT_BITS significant bits that are not smaller; steps > 0, any shape."""
    mantissa, exponent = np.frexp(steps)
    return np.ldexp(np.ceil(mantissa * 2**WEIGHT_BITS), exponent - WEIGHT_BITS).astype(np.float32)
