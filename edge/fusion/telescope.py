"""What the telescope has said: where it points and how it moves; and its beam, as the camera sees it from aside."""

from __future__ import annotations

from collections import deque

import numpy as np

from edge.fusion.greatcircle import Vector, normalised
from edge.records import Pointing

REMEMBERED = 300  # messages: half a minute at 10 Hz
SLACK_S = 2.0  # between what the telescope says and what the exposure saw, each side
BEAM_NEAR_M, BEAM_FAR_M = 50.0, 20_000.0  # where scattered light of the beam is seen
BEAM_STEP_DEG = 0.25
BEAM_TIMES = 5  # of an exposure, at least, at which the beam's place is asked for
BEAM_EVERY_S = 0.5  # of a longer one: a satellite near the zenith moves a degree a second


class Telescope:
    """`position_m`: (east, north, up) from the camera. Times are CLOCK_MONOTONIC, `sky_rate` sky seconds per second."""

    def __init__(self, position_m: tuple[float, float, float], sky_rate: float) -> None:
        self.position_m: Vector = np.array(position_m, dtype=float)
        self._sky_rate = sky_rate
        self._said: deque[Pointing] = deque(maxlen=REMEMBERED)

    def hear(self, pointing: Pointing | None) -> None:
        """The newest message; None and what was heard before change nothing."""
        if pointing is None or (self._said and pointing.received_mono_s <= self._said[-1].received_mono_s):
            return
        self._said.append(pointing)

    @property
    def names_a_target(self) -> bool:
        return bool(self._said and self._said[-1].target_id)

    def at(self, mono_s: float) -> tuple[Vector, Vector] | None:
        """Direction and motion (rad/s of the sky); None when it said nothing within SLACK_S."""
        near = min(self._said, key=lambda p: abs(p.received_mono_s - mono_s), default=None)
        if near is None or abs(near.received_mono_s - mono_s) > SLACK_S:
            return None
        return pointing_vectors(
            near.azimuth_deg, near.elevation_deg, near.azimuth_rate_dps, near.elevation_rate_dps,
            (mono_s - near.received_mono_s) * self._sky_rate,
        )  # fmt: skip

    def beam(self, begin_mono_s: float, end_mono_s: float) -> list[Vector]:
        """(B, 3) arcs where the beam stood at several times of an exposure; empty when it did not fire around it."""
        if not any(
            p.laser_on and begin_mono_s - SLACK_S <= p.received_mono_s <= end_mono_s + SLACK_S for p in self._said
        ):
            return []
        times = max(BEAM_TIMES, int((end_mono_s - begin_mono_s) / BEAM_EVERY_S) + 1)
        where = [self.at(mono_s) for mono_s in np.linspace(begin_mono_s, end_mono_s, times)]
        return [beam_arc(self.position_m, one[0]) for one in where if one is not None]


def beam_arc(telescope_enu_m: Vector, pointing_unit: Vector) -> Vector:
    """(B, 3) directions from the camera to the beam, near end first: all in one plane, so an arc of a great circle."""
    near = normalised(telescope_enu_m + BEAM_NEAR_M * pointing_unit)
    far = normalised(telescope_enu_m + BEAM_FAR_M * pointing_unit)
    angle = float(np.arccos(np.clip(near @ far, -1.0, 1.0)))
    if angle < 1e-6:
        return far[None]
    share = np.linspace(0.0, 1.0, int(np.degrees(angle) / BEAM_STEP_DEG) + 2)[:, None]
    return np.asarray((np.sin((1 - share) * angle) * near + np.sin(share * angle) * far) / np.sin(angle))


def pointing_vectors(
    azimuth_deg: float, elevation_deg: float, azimuth_rate_dps: float, elevation_rate_dps: float, dt_s: float
) -> tuple[Vector, Vector]:
    """Direction (3,) and motion (3,) in rad/s of the telescope, `dt_s` after it said so."""
    az = np.radians(azimuth_deg + azimuth_rate_dps * dt_s)
    el = np.radians(elevation_deg + elevation_rate_dps * dt_s)
    towards = np.array([np.cos(el) * np.sin(az), np.cos(el) * np.cos(az), np.sin(el)])
    east = np.array([np.cos(az), -np.sin(az), 0.0]) * np.cos(el)
    up = np.array([-np.sin(el) * np.sin(az), -np.sin(el) * np.cos(az), np.cos(el)])
    return towards, np.radians(azimuth_rate_dps) * east + np.radians(elevation_rate_dps) * up
