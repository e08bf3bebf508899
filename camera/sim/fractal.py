"""Clouds, drops and dust lanes: noise without a scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fractal(rng: np.random.Generator, size: int = 512, slope: float = 3.0) -> NDArray[np.float32]:
    """(size, size) periodic noise of mean 0 and deviation 1 with a power spectrum falling as frequency^-slope."""
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    f[0, 0] = np.inf
    picture = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * f ** (-slope / 2)).real
    return np.asarray(picture / picture.std(), dtype=np.float32)
