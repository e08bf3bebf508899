"""What goes into the network and what comes out: the one page that training, the engines and the box agree on.

Input `planes`: float32 (1, 4, H, W), the R, G1, G2, B planes of the mosaic at half resolution (RGB images: R, G, G, B
and mono: L, L, L, L, at stored resolution), background-subtracted, divided by the noise, clipped and scaled
(`preprocess`). H and W are multiples of `STRIDE`. Output `logits`: float32 (1, len(CLASSES), H, W), on the same grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CLASSES = ("background", "aircraft", "satellite", "meteor", "cloud")
TrailClass = Literal["aircraft", "satellite", "meteor", "unknown"]
INPUT_NAME = "planes"
OUTPUT_NAME = "logits"
STRIDE = 32


class ModelRefused(Exception):
    """A network file that cannot be used: missing, damaged, wrong shape, wrong runtime. Says which file and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """One detected trail in stored pixels (x right, y down, 0-based, FITS data[y, x])."""

    trail_class: TrailClass
    score: float  # 0-1
    polyline_px: NDArray[np.float64]  # (N, 2)
