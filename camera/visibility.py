"""Can the camera see this part of the sky now? Believed only where catalogue stars shine as bright as they should.

"Nothing detected" is evidence of an empty sky only where stars prove that an aircraft would have been seen. Every
sector asks the stars around its middle, in the smallest circle that holds enough of them, and is SEEN, BLIND or, with
too few stars to tell, UNKNOWN; what stands behind the station's mask is MASKED, and as blind. One frame without its
stars makes a sector BLIND; it is SEEN again when they have shown for most of 30 s.

The limiting magnitude of a sector is that of a star at rest. An airliner at 10 km shows steady lights of V 2 to 3 and
crosses a star's width in a twentieth of a 2 s exposure, which costs it 3.3 magnitudes of a pixel's light and returns
1.6 of them along a trail of 20 widths: stars must show to V 4, or to V 3.5 for flashes and landing lights alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from camera.condition import blind_reason
from camera.geodesy import enu_to_azel
from camera.mask import Hidden
from camera.sectors import (
    AZIMUTH_FROM_DEG,
    AZIMUTH_TO_DEG,
    CENTRE_ENU,
    RING_EDGES_DEG,
    RING_OF,
    RINGS,
    SECTORS,
    SHARE,
    sector_of,
)
from camera.starcheck import SEARCH_PX, StarCheck

Vector = NDArray[np.float64]

WINDOW_S = 30.0
REACH_DEG = (9.5, 13.0, 18.0)  # radii of the circles asked; the first is about as large as a sector
MIN_STARS, KEEPING_STARS = 6, 4  # in a circle and frame, to tell: at first, and once it is SEEN
SEEN_SHARE, SEEN_SHARE_NOW = 0.7, 0.5  # of the expected stars, over the window and in the newest frame
NEEDED_V_MAG = 3.5  # a limit brighter than that, and aircraft would not be seen
MARGIN_MAG = 0.2  # better than that to be trusted at first
LIMIT_PERCENTILE = 30  # of a circle's stars: a limit that most of it keeps
CHANCE_SHARE = 0.12  # of the expected stars; a turned picture matches 6 % by chance
CHANCE_SHIFT_PX = 0.6 * SEARCH_PX  # median of the seen stars; what chance strews over the search circle has 0.7


class SectorState(IntEnum):
    UNKNOWN = 0  # too few stars to tell
    SEEN = 1
    BLIND = 2
    MASKED = 3  # something stands before it for good


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """What the camera can vouch for, at the end of its newest frame. Sector arrays are (SECTORS,)."""

    mono_s: float
    sectors: NDArray[np.int8]  # of SectorState
    limits_v_mag: Vector  # of a star at rest, over the window; NaN where too few stars tell
    reason: str  # why the whole camera is blind; "" when it sees anything at all
    fraction: float  # of the sky above 10 degrees that is SEEN, by solid angle
    stars_expected: int  # newest frame
    stars_seen: int
    shift_px: float  # of the seen stars, median; NaN without any
    limiting_v_mag: float  # of the whole sky, newest frame
    hidden: Hidden | None = None  # what stands before the sky for good

    @property
    def unseen(self) -> list[tuple[float, float, float, float]]:
        """Azimuth from, to, elevation from, to in degrees of every sector that is not SEEN."""
        bounds = np.column_stack(
            (AZIMUTH_FROM_DEG, AZIMUTH_TO_DEG, RING_EDGES_DEG[RING_OF], RING_EDGES_DEG[RING_OF + 1])
        )
        return [(a, b, c, d) for a, b, c, d in bounds[self.sectors != SectorState.SEEN].tolist()]

    def sees(self, unit_enu: Vector) -> NDArray[np.bool_]:
        """(N, 3) ENU directions -> (N,): True where stars prove that the camera sees. Below 10 degrees never."""
        azel = enu_to_azel(np.atleast_2d(unit_enu))
        sector = sector_of(azel)
        seen = (sector >= 0) & (self.sectors[sector] == SectorState.SEEN) & np.isfinite(azel).all(axis=1)
        return np.asarray(seen if self.hidden is None else seen & ~self.hidden.hides(np.atleast_2d(unit_enu)))


@dataclass(frozen=True, slots=True, eq=False)
class SectorCounts:
    """One frame's stars by sector, (SECTORS,)."""

    mono_s: float
    expected: NDArray[np.int64]
    seen: NDArray[np.int64]
    limit_v_mag: Vector  # NaN: too few stars


def count_sectors(check: StarCheck) -> SectorCounts:
    """Each sector's stars, from the smallest circle around its middle that holds MIN_STARS, else from the largest."""
    unit, seen = check.unit_enu[check.expected], check.seen[check.expected]
    limit_v_mag = check.limit_v_mag[check.expected]
    near = CENTRE_ENU @ unit.T  # (SECTORS, stars) cosines
    within = near >= np.cos(np.radians(REACH_DEG[0]))
    for reach_deg in REACH_DEG[1:]:
        few = within.sum(axis=1) < MIN_STARS
        within[few] = near[few] >= np.cos(np.radians(reach_deg))
    expected = within.sum(axis=1)
    limit = np.full(SECTORS, np.nan)
    for sector in np.flatnonzero(expected >= KEEPING_STARS):
        limit[sector] = np.percentile(limit_v_mag[within[sector]], LIMIT_PERCENTILE)
    return SectorCounts(check.mono_s, expected, within @ seen.astype(np.int64), limit)


def _middle(limits_v_mag: Sequence[Vector]) -> Vector:
    """(SECTORS,) median over the frames that could tell; NaN where fewer than half could."""
    stacked = np.array(limits_v_mag)
    told = np.isfinite(stacked).mean(axis=0) >= 0.5
    middle = np.full(SECTORS, np.nan)
    middle[told] = np.nanmedian(stacked[:, told], axis=0)
    return middle


class SkyWatch:
    """Joins the checks of the last `window_s` into what the camera can vouch for. Pure: no clock, no device."""

    def __init__(self, window_s: float = WINDOW_S, hidden: Hidden | None = None) -> None:
        self._window_s, self._hidden = window_s, hidden
        self._counts: deque[SectorCounts] = deque()
        self._zero_mag = np.full(RINGS, np.nan)
        self._trusted = np.zeros(SECTORS, dtype=bool)

    @property
    def reference_zero_mag(self) -> Vector:
        """(RINGS,) the clearest sky so far, for `check_stars`; forgets a tenth of a magnitude in some ten minutes."""
        return self._zero_mag

    def add(self, check: StarCheck) -> Visibility:
        """Take the newest frame's check; say what holds from its end on."""
        self._zero_mag = np.fmax(self._zero_mag - 3e-4, check.zero_mag)
        return self._judged(check, count_sectors(check))

    def _judged(self, check: StarCheck, newest: SectorCounts) -> Visibility:
        self._counts.append(newest)
        while self._counts[0].mono_s < newest.mono_s - self._window_s:
            self._counts.popleft()
        limits_v_mag = _middle([one.limit_v_mag for one in self._counts])
        sectors = self._sectors(newest, limits_v_mag)
        reason = _blind_reason(check)
        if reason:
            sectors[sectors != SectorState.MASKED] = SectorState.BLIND
        elif not (sectors == SectorState.SEEN).any():
            reason = "cloud, haze or a bright sky everywhere: too few stars in every sector"
        return Visibility(
            mono_s=check.mono_s,
            sectors=sectors,
            limits_v_mag=limits_v_mag,
            reason=reason,
            fraction=float(SHARE[sectors == SectorState.SEEN].sum()),
            stars_expected=int(check.expected.sum()),
            stars_seen=int(check.seen.sum()),
            shift_px=check.shift_px,
            limiting_v_mag=check.limiting_v_mag,
            hidden=self._hidden,
        )

    def _sectors(self, newest: SectorCounts, limits_v_mag: Vector) -> NDArray[np.int8]:
        """Slow to trust, quick to doubt: window and newest frame must both hold; less keeps trust than gives it."""
        frames = len(self._counts)
        expected = np.sum([one.expected for one in self._counts], axis=0)
        seen = np.sum([one.seen for one in self._counts], axis=0)
        needed = np.where(self._trusted, KEEPING_STARS, MIN_STARS)
        enough = (expected >= needed * frames) & (2 * newest.expected >= needed)
        good = (seen >= SEEN_SHARE * expected) & (newest.seen >= SEEN_SHARE_NOW * newest.expected)
        with np.errstate(invalid="ignore"):  # NaN: too few stars, which `enough` knows
            good &= limits_v_mag >= NEEDED_V_MAG + np.where(self._trusted, 0.0, MARGIN_MAG)
        self._trusted = enough & good
        states = np.where(enough, np.where(good, SectorState.SEEN, SectorState.BLIND), SectorState.UNKNOWN)
        if self._hidden is not None:
            states = np.where(self._hidden.sectors, SectorState.MASKED, states)
        return states.astype(np.int8)


def _blind_reason(check: StarCheck) -> str:
    """Why nothing at all can be seen, in words; "" when something can."""
    enough = check.seen.sum() >= max(2 * MIN_STARS, CHANCE_SHARE * check.expected.sum())
    return blind_reason(
        enough_stars=bool(enough and check.shift_px < CHANCE_SHIFT_PX),  # NaN only where none is seen
        saturated_share=check.saturated_share,
        glow=check.glow,
        faintest_e_per_s=check.faintest_glow_e_per_s,
        sun_elevation_deg=check.sun_elevation_deg,
    )
