"""Skylight from the Sun below and a little above the horizon: how bright, where, of what colour.

Zenith brightness is a rough broad-band curve, a magnitude and more per degree of the Sun in civil and nautical twilight
(measurements: Patat, Ugolnikov & Postylyakov 2006, A&A 455, 385). The spread over the sky and the colours are ours,
made to look like photographs: an arch over the Sun that shrinks and reddens as it sinks, a blue zenith (ozone's
Chappuis bands) above it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camera.condition import TWILIGHT_SUN_DEG, TWILIGHT_ZENITH_V_MAG

DARK_SUN_DEG = -18.0  # lower, and there is none
ZENITH_COLOUR = np.array([0.72, 1.0, 1.45])  # red, green, blue over green
ARCH_COLOUR = np.array([1.7, 1.0, 0.42])


def twilight(azel_deg: NDArray[np.float64], sun_azel_deg: tuple[float, float]) -> NDArray[np.float64]:
    """(..., 2) directions -> (..., 3) light per square arcsecond, in units of V = 0, in red, green and blue."""
    sun_azimuth, sun_elevation = sun_azel_deg
    zenith = 10 ** (-0.4 * float(np.interp(sun_elevation, TWILIGHT_SUN_DEG, TWILIGHT_ZENITH_V_MAG)))
    elevation = np.clip(azel_deg[..., 1], 0.0, 90.0)
    towards = (1 + np.cos(np.radians(azel_deg[..., 0] - sun_azimuth))) / 2  # 1 over the Sun, 0 opposite
    depth = float(np.clip(-sun_elevation, 0.0, 18.0))
    height = 30.0 - 1.2 * depth  # of the arch, degrees
    arch = (2.0 + 0.5 * depth) * towards ** (1.5 + 0.15 * depth) * np.exp(-elevation / height)
    arch = arch * np.cos(np.radians(elevation))  # at the zenith all azimuths meet
    opposite = 0.6 * np.exp(-elevation / 40.0)  # the horizon is brighter than the zenith everywhere
    red = np.clip(depth / 8.0, 0.1, 1.0) * arch / (1 + arch)
    colour = ZENITH_COLOUR * (1 - red[..., None]) + ARCH_COLOUR * red[..., None]
    return np.asarray(zenith * (1 + opposite + arch)[..., None] * colour)
