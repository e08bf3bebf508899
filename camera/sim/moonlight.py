"""The Moon as a fisheye camera sees it: light scattered in the air, the blinding disc with its aureole, and a ghost.

Skylight: Krisciunas & Schaefer 1991 (PASP 103, 1033), equations 15, 20 and 21, Moon to sky. The aureole (dust on the
dome, scatter in the lens: a few percent of the light, falling as the square of the distance) and the ghost (the
reflection between sensor and lens, mirrored through the optical axis) are ours, made to look like all-sky photographs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import Site, azel_to_unit
from camera.sky import moon_azel, moon_lit_share

COLOUR = np.array([0.85, 1.0, 1.15])  # of moonlit air, over green
EXTINCTION_V_MAG = 0.2
DISC_RADIUS_DEG = 0.26
AUREOLE_SHARE_PER_DEG2 = 1.3e-3  # of the Moon's light at 1 degree: 3 % between the disc and 10 degrees
GHOST_SHARE, GHOST_RADIUS_DEG, GHOST_PLACE = 2e-4, 1.6, -0.75  # place: of the Moon's distance from the axis
REACH_DEG = 14.0  # of the aureole


@dataclass(frozen=True, slots=True)
class Moon:
    """The Moon at one moment: direction, and light relative to V = 0 outside the air."""

    azel_deg: tuple[float, float]
    light: float

    @classmethod
    def at(cls, utc_ns: int, site: Site) -> Moon:
        return cls(moon_azel(utc_ns, site), 10 ** (-0.4 * magnitude(moon_lit_share(utc_ns))))

    @property
    def unit_enu(self) -> NDArray[np.float64]:
        return np.asarray(azel_to_unit(*self.azel_deg))


def magnitude(lit_share: float) -> float:
    """V outside the air from the illuminated share of the disc: equation 9 of Krisciunas & Schaefer."""
    phase_deg = float(np.degrees(np.arccos(np.clip(2 * lit_share - 1, -1.0, 1.0))))
    return -12.73 + 0.026 * phase_deg + 4e-9 * phase_deg**4


def skylight(unit_enu: NDArray[np.float64], moon: Moon) -> NDArray[np.float64]:
    """(..., 3) directions -> (..., 3) moonlight of the air per square arcsecond, in units of V = 0, per colour."""
    if moon.azel_deg[1] <= -1.0:
        return np.zeros(unit_enu.shape)
    cosine = np.clip(unit_enu @ moon.unit_enu, -1.0, 1.0)
    apart_deg = np.maximum(np.degrees(np.arccos(cosine)), 5.0)  # nearer, the formula's dust term grows without end
    scatter = 10**5.36 * (1.06 + cosine**2) + 10 ** (6.15 - apart_deg / 40)
    outside = moon.light * 10 ** (-0.4 * 16.57)  # the paper's I*, in foot-candles (equation 8)
    reaching = 10 ** (-0.4 * EXTINCTION_V_MAG * _air(np.sin(np.radians(max(moon.azel_deg[1], 0.0)))))
    scattered = 1 - 10 ** (-0.4 * EXTINCTION_V_MAG * _air(np.clip(unit_enu[..., 2], 0.0, 1.0)))
    nanolambert = scatter * outside * reaching * scattered
    rising = np.clip(moon.azel_deg[1] + 1.0, 0.0, 1.0)
    return np.asarray((rising * nanolambert / 34.08 * np.exp(-20.7233))[..., None] * COLOUR)  # eq. 1: nL to magnitudes


def _air(sine: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Optical path of scattering air, eq. 3 of the paper, of the sine of the elevation."""
    return np.asarray((1 - 0.96 * (1 - np.square(sine))) ** -0.5)


def disc_and_ghost(
    shape: tuple[int, int], moon_px: NDArray[np.float64], axis_px: NDArray[np.float64], px_per_deg: float,
    electrons: NDArray[np.float64],
) -> list[tuple[slice, slice, NDArray[np.float32]]]:  # fmt: skip
    """What to add to a mosaic of `shape`: rows, columns and electrons of the aureole with the disc, and of the ghost.

    Args: electrons (3,): what the Moon would give in all, were all pixels red, green or blue.
    """
    parts = []
    ghost_px = axis_px + GHOST_PLACE * (moon_px - axis_px)
    for centre, reach_deg in ((moon_px, REACH_DEG), (ghost_px, 1.6 * GHOST_RADIUS_DEG)):
        lowest = np.floor(centre - reach_deg * px_per_deg).astype(int)
        highest = np.ceil(centre + reach_deg * px_per_deg).astype(int) + 1
        columns, rows = (
            slice(max(a, 0), min(b, side)) for a, b, side in zip(lowest, highest, shape[::-1], strict=True)
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        y, x = np.ogrid[rows, columns]
        far_deg = (np.hypot(x - centre[0], y - centre[1]) / px_per_deg).astype(np.float32)
        light = _moon_shape(far_deg) if centre is moon_px else _ghost_shape(far_deg)
        colour = electrons[(y & 1) + (x & 1)] if centre is moon_px else electrons[(y & 1) + (x & 1)] * 0.8
        parts.append((rows, columns, (light * (colour / px_per_deg**2)).astype(np.float32)))
    return parts


def _moon_shape(far_deg: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of the Moon's light per square degree: its disc, and the aureole that ends smoothly at its reach."""
    disc = np.clip((DISC_RADIUS_DEG - far_deg) / 0.06 + 0.5, 0, 1) / (np.pi * DISC_RADIUS_DEG**2)
    fade = np.clip(1 - far_deg / REACH_DEG, 0, 1) ** 2
    return np.asarray(disc + AUREOLE_SHARE_PER_DEG2 * fade / (far_deg**2 + DISC_RADIUS_DEG**2))


def _ghost_shape(far_deg: NDArray[np.float32]) -> NDArray[np.float32]:
    """A pale disc with a brighter rim."""
    share = far_deg / np.float32(GHOST_RADIUS_DEG)
    body = np.clip((1 - share) / 0.12 + 0.5, 0, 1) * (0.6 + 0.6 * share**4)
    return np.asarray(GHOST_SHARE * body / (0.8 * np.pi * GHOST_RADIUS_DEG**2))
