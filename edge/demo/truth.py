"""What really happened on the simulated sky, second by second, for the summary and the picture. Pure arithmetic.

Times are seconds after the scenario's epoch. Separations are from the telescope, because it is its beam that
would light somebody; directions are from the camera, because it is the camera and the radio that are examined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import azel_to_unit, enu_to_azel, separation_deg
from camera.satellites import view
from camera.sim.laser import Intervals
from camera.sim.scenario import Scenario, SimAircraft

Array = NDArray[np.float64]
STEP_S = 0.1
START_UP_S = 15.0  # of the night, in which nothing is asked of the station


@dataclass(frozen=True, eq=False)
class AircraftTruth:
    """One aircraft at the times of `SkyTruth.t_s`."""

    aircraft: SimAircraft
    azel_deg: Array  # (T, 2) from the camera
    range_m: Array  # (T,)
    from_beam_deg: Array  # (T,) seen from the telescope

    @property
    def name(self) -> str:
        """As people would call it."""
        return self.aircraft.callsign if self.aircraft.transponder else "silent aircraft"


@dataclass(frozen=True, eq=False)
class SatelliteTruth:
    name: str
    azel_deg: Array  # (T, 2)
    sunlit: NDArray[np.bool_]  # (T,)


@dataclass(frozen=True, eq=False)
class SkyTruth:
    """Everything in the sky at a grid of times."""

    scenario: Scenario
    t_s: Array  # (T,)
    beam_azel_deg: Array  # (T, 2)
    aircraft: tuple[AircraftTruth, ...]
    satellites: tuple[SatelliteTruth, ...]

    @property
    def step_s(self) -> float:
        return float(self.t_s[1] - self.t_s[0])

    def nearest_deg(self) -> Array:
        """(T,) angle between the beam and the aircraft nearest to it, those below the horizon left out."""
        angles = [np.where(a.azel_deg[:, 1] > 0, a.from_beam_deg, 180.0) for a in self.aircraft]
        return np.min(angles, axis=0, initial=180.0) if angles else np.full(len(self.t_s), 180.0)


def sky_truth(scenario: Scenario, begin_s: float = 0.0, end_s: float | None = None, step_s: float = STEP_S) -> SkyTruth:
    """The truth from `begin_s` to `end_s` (None: the end of the night)."""
    t_s = np.arange(begin_s, scenario.duration_s if end_s is None else end_s, step_s)
    utc_ns = scenario.epoch_utc_ns + np.round(t_s * 1e9).astype(np.int64)
    beam_azel = scenario.beam.azel_deg(t_s, scenario.epoch_utc_ns, scenario.site)
    beam = azel_to_unit(beam_azel[:, 0], beam_azel[:, 1])
    telescope = np.array(scenario.beam.telescope_enu_m)
    aircraft = []
    for flown in scenario.aircraft:
        enu = flown.enu_m(t_s, scenario.site)
        apart = separation_deg(enu - telescope, beam)
        aircraft.append(AircraftTruth(flown, enu_to_azel(enu), np.linalg.norm(enu, axis=1), apart))
    satellites = []
    for satellite in scenario.satellites:
        seen = view(satellite.elements, utc_ns, scenario.site)
        satellites.append(SatelliteTruth(satellite.elements.name, enu_to_azel(seen.enu_m), seen.sunlit))
    return SkyTruth(scenario, t_s, beam_azel, tuple(aircraft), tuple(satellites))


def during(intervals: Intervals, t_s: Array) -> NDArray[np.bool_]:
    """(T,) whether each time lies in one of the intervals."""
    inside = np.zeros(len(t_s), dtype=bool)
    for on_s, off_s in intervals:
        inside |= (t_s >= on_s) & (t_s < off_s)
    return inside


def looking_ahead(flags: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """(T,) whether a flag is set now or within the next `steps` entries."""
    ahead = np.convolve(flags[::-1], np.ones(steps + 1), mode="full")[: len(flags)][::-1]
    return np.asarray(ahead > 0)


def spans(flags: NDArray[np.bool_], t_s: Array) -> list[tuple[float, float]]:
    """(first, last) time of each run of set flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(float(t_s[a]), float(t_s[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]
