"""The sky above 10 degrees in sectors some 15 degrees wide: wide enough to hold stars, narrow enough to say where.

Five rings of elevation, each cut into equal sectors of azimuth, the first of which begins at north. All arrays are
flat, (SECTORS,), ring by ring from the lowest, eastwards within a ring.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import azel_to_unit

RING_EDGES_DEG = np.array([10.0, 25.0, 40.0, 55.0, 70.0, 90.0])
RINGS = len(RING_EDGES_DEG) - 1
WIDTH_DEG = 15.0  # on the sky, in the middle of a ring, at least
_MIDDLE_DEG = (RING_EDGES_DEG[:-1] + RING_EDGES_DEG[1:]) / 2
RING_SECTORS = np.floor(360.0 * np.cos(np.radians(_MIDDLE_DEG)) / WIDTH_DEG).astype(np.int64)  # 22, 20, 16, 11, 4
SECTORS = int(RING_SECTORS.sum())
FIRST = np.concatenate(([0], np.cumsum(RING_SECTORS)[:-1]))  # (RINGS,) number of each ring's first sector

RING_OF = np.repeat(np.arange(RINGS), RING_SECTORS)
_WIDTH_DEG = 360.0 / RING_SECTORS[RING_OF]
AZIMUTH_FROM_DEG = (np.arange(SECTORS) - FIRST[RING_OF]) * _WIDTH_DEG
AZIMUTH_TO_DEG = AZIMUTH_FROM_DEG + _WIDTH_DEG
CENTRE_ENU = azel_to_unit(AZIMUTH_FROM_DEG + _WIDTH_DEG / 2, _MIDDLE_DEG[RING_OF])  # (SECTORS, 3)

_SINES = np.sin(np.radians(RING_EDGES_DEG))
SHARE = (np.diff(_SINES) / (1 - _SINES[0]) / RING_SECTORS)[RING_OF]  # of the sky above 10 degrees, by solid angle


def ring_of(elevation_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) ring; -1 below the lowest."""
    return np.minimum(np.searchsorted(RING_EDGES_DEG, elevation_deg, side="right") - 1, RINGS - 1).astype(np.int64)


def sector_of(azel_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N, 2) azimuth, elevation in degrees -> (N,) number of the sector; -1 below the lowest ring and for NaN."""
    azel = np.nan_to_num(azel_deg, nan=-90.0)
    ring = ring_of(azel[:, 1])
    count = RING_SECTORS[ring]
    within = np.floor(azel[:, 0] % 360.0 * count / 360.0).astype(np.int64) % count
    return np.asarray(np.where(ring >= 0, FIRST[ring] + within, -1))
