"""Drawing points of light into a colour mosaic, with the lens's point-spread function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FWHM_PX = 1.8
MOFFAT_BETA = 3.2  # the wings of real lenses; a Gaussian has none
ALPHA_PX = FWHM_PX / 2 / np.sqrt(2 ** (1 / MOFFAT_BETA) - 1)
BRIGHT_E = 4000.0  # from here on the wings reach further than the small stamp


def stamps(
    shape: tuple[int, int], xy_px: NDArray[np.float64], electrons: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Points of light as pixels to add to.

    Args:    shape (height, width) of an RGGB mosaic; xy_px (N, 2); electrons (N, 3): what a point would give if all
             pixels were red, green or blue.
    Returns: flat pixel indices (M,) with repetitions, electrons (M,).
    """
    height, width = shape
    usable = np.isfinite(xy_px).all(axis=1) & (electrons.max(axis=1) > 0.05)
    usable &= (xy_px > -12).all(axis=1) & (xy_px[:, 0] < width + 12) & (xy_px[:, 1] < height + 12)
    bright = electrons.max(axis=1) > BRIGHT_E
    indices, values = [], []
    for chosen, half in ((usable & ~bright, 4), (usable & bright, 12)):
        xy, light = xy_px[chosen].astype(np.float32), electrons[chosen].astype(np.float32)
        corner = np.round(xy).astype(np.int64)
        steps = np.arange(-half, half + 1)
        x, y = corner[:, 0, None] + steps, corner[:, 1, None] + steps
        dx_sq, dy_sq = (x - xy[:, 0, None]) ** 2, (y - xy[:, 1, None]) ** 2
        psf = (1 + (dy_sq[:, :, None] + dx_sq[:, None, :]) / np.float32(ALPHA_PX**2)) ** np.float32(-MOFFAT_BETA)
        psf /= psf.sum(axis=(1, 2), keepdims=True)
        # RGGB: (even row, even column) red, (odd, odd) blue, else green; that is colour = row parity + column parity.
        colour = (y[:, :, None] & 1) + (x[:, None, :] & 1)
        psf *= light[np.arange(len(xy))[:, None, None], colour]
        inside = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None, :]
        indices.append((y[:, :, None] * width + x[:, None, :])[inside])
        values.append(psf[inside])
    return np.concatenate(indices), np.concatenate(values)
