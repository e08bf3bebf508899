"""The sensor of the simulated camera: electrons in, what a ZWO ASI294MC hands out in RAW16 out.

Figures: IMX294, 4.63 um pixels, 14 bits left-aligned in 16; electrons per unit as the driver has them, the gain's unit
is 0.1 dB, and from gain 120 on a second conversion gain brings the read noise under 2 e-.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.zwo.abilities import E_PER_ADU_AT_GAIN_0

MODEL = "ASI294"
WHITE_STORED = 16383 << 2  # a saturated pixel as stored
BLACK_PER_OFFSET = 16  # ADU of 14 bits per unit of the offset setting
DARK_E_PER_S = 0.006  # cooled
HOT_SHARE = 4e-4
FULL_WELL_E = 63_700.0


@dataclass(frozen=True)
class Sensor:
    """One sensor at one gain."""

    gain_setting: int
    offset_setting: int
    seed: int  # of its hot pixels

    @property
    def e_per_adu14(self) -> float:
        return float(E_PER_ADU_AT_GAIN_0[MODEL] * 10 ** (-self.gain_setting / 200))

    @property
    def e_per_stored(self) -> float:
        """Electrons per stored unit (`Frame.gain_e_per_adu`)."""
        return self.e_per_adu14 / 4

    @property
    def read_noise_e(self) -> float:
        return 1.9 if self.gain_setting >= 120 else 6.5

    @property
    def black_stored(self) -> int:
        return self.offset_setting * BLACK_PER_OFFSET * 4

    def dark_e_per_s(self, width_px: int, height_px: int) -> NDArray[np.float32]:
        """(height, width) dark current with its hot pixels, always the same ones."""
        rng = np.random.default_rng((self.seed, 294))
        dark = np.full((height_px, width_px), DARK_E_PER_S, np.float32)
        n = round(HOT_SHARE * dark.size)
        dark.reshape(-1)[rng.integers(0, dark.size, n)] += rng.lognormal(0.7, 1.1, n).astype(np.float32)
        return dark

    def read_out(self, mean_e: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint16]:
        """(height, width) expected electrons -> stored units, with photon, read and row noise, clipped and quantised.

        Photon noise is Gaussian with the Poisson variance; at 5 e-/px and 1.9 e- of read noise nobody can tell.
        """
        height, width = mean_e.shape
        stored = np.empty((height, width), np.uint16)
        rows = 64  # a band that stays in the cache: four times faster than whole-frame passes
        noise, level = np.empty((rows, width), np.float32), np.empty((rows, width), np.float32)
        row_e = rng.normal(0.0, 0.25, (height, 1)).astype(np.float32)
        per_adu14 = np.float32(1 / self.e_per_adu14)
        black = np.float32(self.black_stored / 4 + 0.5)  # half a unit: the cast truncates
        top = np.float32(min(16383.0, float(black) + FULL_WELL_E / self.e_per_adu14))
        for first in range(0, height, rows):
            mean = mean_e[first : first + rows]
            n, e = noise[: len(mean)], level[: len(mean)]
            rng.standard_normal(out=n, dtype=np.float32)
            np.add(mean, np.float32(self.read_noise_e**2), out=e)
            np.sqrt(e, out=e)
            n *= e
            n += mean
            n += row_e[first : first + rows]
            n *= per_adu14
            n += black
            np.clip(n, 0, top, out=n)
            band = stored[first : first + rows]
            band[:] = n
            np.left_shift(band, 2, out=band)
        return stored
