"""What else a simulated night may bring: Moon, Milky Way, dew, a knock on the mount. All is off unless asked for.

Plain data like the rest of the scenario; times `t_s` are seconds after its epoch. Twilight is not here: it follows from
the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camera.lens import rotation_matrix
from camera.plate import Plate


@dataclass(frozen=True)
class SimDew:
    """Dew on the camera's dome: drops that blur, a veil that takes contrast; grows from nothing to its amount."""

    t_start_s: float
    t_full_s: float
    amount: float = 1.0  # 0-1: of the dome covered at the end

    def covered(self, t_s: float) -> float:
        """Share of the dome under drops at a time."""
        return self.amount * float(np.clip((t_s - self.t_start_s) / (self.t_full_s - self.t_start_s), 0.0, 1.0))


@dataclass(frozen=True)
class SimKnock:
    """Something hit the mount: from this time on the camera looks elsewhere."""

    t_s: float
    tilt_east_deg: float = 0.0  # the camera's axis leans east by this
    tilt_north_deg: float = 0.0
    turn_deg: float = 0.0  # about the vertical, eastwards from north

    def moved(self, plate: Plate) -> Plate:
        """The plate of the same lens after the knock."""
        # Leaning east turns the camera about north, leaning north turns it the other way about east.
        vector = np.radians([-self.tilt_north_deg, self.tilt_east_deg, -self.turn_deg])
        r0 = np.array(plate.r0) @ rotation_matrix(vector).T
        rows = tuple((float(x), float(y), float(z)) for x, y, z in r0)
        return Plate.sealed(**(plate.model_dump(exclude={"sha256"}) | {"r0": rows}))


@dataclass(frozen=True)
class SimDome:
    """The observatory's dome beside the camera: a round hill on the skyline."""

    azimuth_deg: float
    half_width_deg: float
    height_deg: float


@dataclass(frozen=True)
class SimLamp:
    """A lamp that burns all night."""

    azimuth_deg: float
    elevation_deg: float
    magnitude: float


@dataclass(frozen=True)
class SimInsect:
    """A moth close by, in the light of the ground: out of focus, its track curved and beaded by its wings."""

    t_s: float
    duration_s: float
    start_azel_deg: tuple[float, float]
    end_azel_deg: tuple[float, float]
    bend_deg: float  # the middle of its track leaves the straight line by this
    magnitude: float
    wingbeat_hz: float = 25.0


@dataclass(frozen=True)
class SimSky:
    """All of them."""

    moon: bool = False  # and the bright planets, where they stand at the scenario's time
    milky_way: bool = False
    lit_clouds: bool = False  # towns light the clouds' undersides; else they scatter a little of everything
    dew: SimDew | None = None
    knock: SimKnock | None = None
    dome: SimDome | None = None
    lamps: tuple[SimLamp, ...] = ()
    insects: tuple[SimInsect, ...] = ()
    capped_s: tuple[tuple[float, float], ...] = ()  # from, to: the cap is on, or the dome closed and dark

    def is_capped(self, t_s: float) -> bool:
        return any(begin <= t_s < end for begin, end in self.capped_s)


PLAIN_SKY = SimSky()
