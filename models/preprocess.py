"""From a noise-normalised frame to what the network reads: compressed to [0, 1] and padded. Torch-free; whole frame,
any size.

`compress` is linear near the noise and logarithmic above, so that one byte holds both a 1-sigma trail (a step is
0.06 sigma) and a landing light 400 sigma bright: quantising the input to INT8 costs nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.contract import STRIDE

SOFT_SIGMA = 2.0  # linear below, logarithmic above
LOW, SPAN = -1.8, 8.0  # arcsinh range mapped to [0, 1]: -5.9 to +493 sigma
ZERO = -LOW / SPAN  # what "exactly the background" becomes; also the padding


def compress(planes_sigma: NDArray[np.float32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Any shape, in units of the noise -> the same shape in [0, 1], into `out` if given; NaN becomes 0, the darkest."""
    out = np.multiply(planes_sigma, np.float32(1 / SOFT_SIGMA), out=out, dtype=np.float32)
    np.arcsinh(out, out=out)
    out *= np.float32(1 / SPAN)
    out += np.float32(ZERO)
    np.fmax(out, np.float32(0), out=out)  # fmax, not clip: a NaN must not reach the network
    return np.fmin(out, np.float32(1), out=out)


def network_input(planes_sigma: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, H, W) in units of the noise -> (1, 4, H', W') float32 in [0, 1], H' and W' the next multiples of STRIDE."""
    _, height, width = planes_sigma.shape
    padded = np.empty((1, 4, -(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE), np.float32)
    padded[0, :, height:] = ZERO
    padded[0, :, :, width:] = ZERO
    compress(planes_sigma, padded[0, :, :height, :width])
    return padded
