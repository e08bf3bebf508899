"""What the tests of the driver look at: noise on a small sensor, and the settings that fit it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera.asi import AsiSettings
from camera.sim.sdk import SimulatedSdk

EPOCH_UTC_NS = 1_781_473_500_000_000_000
EXPOSURE_S = 0.05
SERIAL = "51d0c0de00000001"
Install = Callable[..., SimulatedSdk]


class NoiseScene:
    """Noise on a ramp; remembers what it was asked for."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.asked: list[tuple[int, float]] = []
        self.view: dict[str, Any] = {}
        self._takes_s = takes_s

    def __call__(self, **view: Any) -> Callable[[int, float], NDArray[np.uint16]]:
        self.view = view

        def render(start_utc_ns: int, exposure_s: float) -> NDArray[np.uint16]:
            self.asked.append((start_utc_ns, exposure_s))
            time.sleep(self._takes_s)
            rng = np.random.default_rng(start_utc_ns)
            return rng.integers(0, 500, (view["height_px"], view["width_px"]), dtype=np.uint16) * np.uint16(4)

        return render


def settings(**changes: Any) -> AsiSettings:
    return AsiSettings(**({"exposure_s": EXPOSURE_S, "width_px": 96, "height_px": 80} | changes))
