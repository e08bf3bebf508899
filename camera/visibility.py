"""Can the camera see this part of the sky now? Believed only where catalogue stars shine as bright as they should.

"Nothing detected" is evidence of an empty sky only where stars prove that an aircraft would have been seen. Each frame
is checked at the predicted pixels of the brighter stars (small windows, never the whole frame); the sky is divided into
sectors, and each is SEEN, BLIND or, with too few stars to tell, UNKNOWN. One frame without its stars makes a sector
BLIND; it is SEEN again when they have shown for most of 30 s.

What it cannot notice: haze that was there, evenly, from the first frame on; `limiting_v_mag` tells.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.geodesy import azel_to_unit, enu_to_azel
from camera.plate import Plate
from camera.sky import star_azel, sun_elevation_deg
from camera.stars import load_stars

RING_EDGES_DEG = np.array([10.0, 30.0, 60.0, 90.0])
AZIMUTH_SECTORS = 8  # the first is centred on north
RINGS = len(RING_EDGES_DEG) - 1
RING_SHARE = np.diff(np.sin(np.radians(RING_EDGES_DEG))) / (1 - np.sin(np.radians(RING_EDGES_DEG[0])))  # of solid angle

FAINTEST_V_MAG = 4.8
CELLS = 12  # side of a star's window, in cells of 2 x 2 pixels (a whole RGGB quad)
SEARCH_PX = 5.0  # a star further than this from its predicted pixel is not that star
EXPECTED_SNR, SEEN_SNR = 8.0, 4.5
MISSING_MAG, SURPLUS_MAG = 1.3, 1.5  # dimmer: behind cloud; brighter: something else stands there
EXTINCTION_MAG = 0.2  # per air mass, broad band
WINDOW_S = 30.0
MIN_STARS = 3  # per sector and frame, to tell
QUANTISATION = 1.2  # noise of 16 pixels rounded to whole units: what an 8-bit picture hides
CHANCE_SHARE = 0.12  # of the expected stars; a turned picture matches 6 % by chance
DAYLIGHT_DEG = -6.0  # Sun above this: no star need be expected at all


class SectorState(IntEnum):
    UNKNOWN = 0  # too few stars to tell
    SEEN = 1
    BLIND = 2


@dataclass(frozen=True, slots=True, eq=False)
class StarCheck:
    """One frame against the catalogue. Sector arrays are (RINGS, AZIMUTH_SECTORS)."""

    mono_s: float  # end of the exposure
    expected: NDArray[np.int64]  # stars that must show if the sector is clear
    seen: NDArray[np.int64]  # of those, the ones that do
    zero_mag: NDArray[
        np.float64
    ]  # (RINGS,) V of a star that gives one electron per second above the air; NaN: no stars
    limiting_v_mag: float  # of the whole sky, median; NaN without a zero point
    shift_px: float  # median distance of seen stars from their predicted pixels; NaN without any
    saturated_share: float
    sun_elevation_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """What the camera can vouch for, at the end of its newest frame."""

    mono_s: float
    sectors: NDArray[np.int8]  # (RINGS, AZIMUTH_SECTORS) of SectorState
    reason: str  # why the whole camera is blind; "" when it sees anything at all
    fraction: float  # of the sky above 10 degrees that is SEEN, by solid angle
    stars_expected: int  # newest frame
    stars_seen: int
    shift_px: float  # NaN without stars; above 1.5 the plate is suspect
    limiting_v_mag: float

    def sees(self, unit_enu: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(N, 3) ENU directions -> (N,): True where stars prove that the camera sees. Below 10 degrees never."""
        azel = enu_to_azel(np.atleast_2d(unit_enu))
        ring, sector = sector_of(azel)
        state = self.sectors[np.clip(ring, 0, RINGS - 1), sector]
        return np.asarray((ring >= 0) & (state == SectorState.SEEN) & np.isfinite(azel).all(axis=1))


def sector_of(azel_deg: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N, 2) azimuth, elevation -> ring (-1 below the lowest) and azimuth sector, each (N,)."""
    azel = np.nan_to_num(azel_deg, nan=-90.0)
    ring = np.minimum(np.searchsorted(RING_EDGES_DEG, azel[:, 1], side="right") - 1, RINGS - 1)
    width = 360.0 / AZIMUTH_SECTORS
    return ring, np.floor((azel[:, 0] + width / 2) / width).astype(np.int64) % AZIMUTH_SECTORS


def check_stars(frame: Frame, plate: Plate, reference_zero_mag: NDArray[np.float64] | None = None) -> StarCheck:
    """Look for the stars where they must be.

    Args: frame, checked against the plate; reference_zero_mag (RINGS,): zero points of a clear sky
          (`StarCheck.zero_mag` of better frames); None or NaN: this frame's own best.
    """
    middle_utc_ns = frame.start_utc_ns + round(frame.exposure_s * 5e8)
    stars = load_stars().brighter(FAINTEST_V_MAG)
    azel = star_azel(stars, middle_utc_ns, plate.site)
    predicted = plate.unit_to_pixel(azel_to_unit(azel[:, 0], azel[:, 1]), frame.origin_px)
    with np.errstate(invalid="ignore"):
        half = CELLS + 2
        fits = (predicted > half).all(axis=1) & (predicted < (frame.width - half, frame.height - half)).all(axis=1)
    fits &= azel[:, 1] >= RING_EDGES_DEG[0]
    azel, predicted, v_mag = azel[fits], predicted[fits], stars.v_mag[fits]
    ring, sector = sector_of(azel)

    flux, noise, shift = _measure(frame, predicted)
    # A file may not say how long it was exposed; zero points are compared only between frames of one source.
    per_second = frame.gain_e_per_adu / (frame.exposure_s or 1.0)
    flux, noise = flux * per_second, noise * per_second
    dimmed = EXTINCTION_MAG / np.sin(np.radians(azel[:, 1]))
    bright = (flux > EXPECTED_SNR * noise) & (shift <= SEARCH_PX)
    magnitude = v_mag + dimmed + 2.5 * np.log10(np.maximum(flux, 1e-9))  # zero point, by this star alone
    own = np.full(RINGS, np.nan)
    for number in range(RINGS):
        theirs = magnitude[bright & (ring == number)]
        if len(theirs) >= 5:
            own[number] = np.percentile(theirs, 60)
    zero = own if reference_zero_mag is None else np.fmax(own, reference_zero_mag)

    should = zero[ring] - dimmed - v_mag  # 2.5 log10 of the flux of a clear sky; NaN where nothing is known
    expected = 10 ** (0.4 * should) > EXPECTED_SNR * noise
    missing = zero[ring] - magnitude
    seen = (
        expected & (flux > SEEN_SNR * noise) & (shift <= SEARCH_PX) & (missing < MISSING_MAG) & (missing > -SURPLUS_MAG)
    )
    counts = np.zeros((2, RINGS, AZIMUTH_SECTORS), np.int64)
    np.add.at(counts[0], (ring[expected], sector[expected]), 1)
    np.add.at(counts[1], (ring[seen], sector[seen]), 1)
    limit = zero[ring] - dimmed - 2.5 * np.log10(EXPECTED_SNR * np.maximum(noise, 1e-9))
    coarse = frame.pixels[:: 2 * CELLS, :: 2 * CELLS]
    return StarCheck(
        mono_s=frame.end_mono_s,
        expected=counts[0],
        seen=counts[1],
        zero_mag=own,
        limiting_v_mag=float(np.nanmedian(limit)) if np.isfinite(limit).any() else float("nan"),
        shift_px=float(np.median(shift[seen])) if seen.any() else float("nan"),
        saturated_share=float(np.mean(coarse >= 0.98 * frame.white_adu)),
        sun_elevation_deg=sun_elevation_deg(middle_utc_ns, plate.site),
    )


def _measure(
    frame: Frame, predicted_px: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per star: flux above its surroundings, noise of that flux (stored units), distance from the prediction (px).

    Flux is the best 2 x 2 block of cells (4 x 4 pixels) around the prediction: three quarters of a sharp star's light.
    """
    pixels = frame.pixels if frame.mosaic != "rgb" else frame.pixels[..., 1]
    corner = 2 * np.round((predicted_px - CELLS) / 2).astype(np.int64)  # even: every cell is a whole quad
    offsets = np.arange(2 * CELLS)
    rows, columns = corner[:, 1, None] + offsets, corner[:, 0, None] + offsets
    windows = pixels[rows[:, :, None], columns[:, None, :]].astype(np.float32)
    cells = windows.reshape(-1, CELLS, 2, CELLS, 2).sum(axis=(2, 4))
    # Stars fill little of the window: median and spread of its cells are the sky's.
    sky = np.median(cells, axis=(1, 2), keepdims=True)
    noise = 1.4826 * np.median(np.abs(cells - sky), axis=(1, 2)) * 2.0  # of four cells
    cells -= sky
    blocks = cells[:, 1:, 1:] + cells[:, :-1, 1:] + cells[:, 1:, :-1] + cells[:, :-1, :-1]
    # Block (j, i) is centred on the corner shared by its four cells: pixel 2 i + 1.5 of the window.
    centre = predicted_px - corner
    along = 2.0 * np.arange(CELLS - 1) + 1.5
    far = (along[None, :, None] - centre[:, 1, None, None]) ** 2 + (
        along[None, None, :] - centre[:, 0, None, None]
    ) ** 2
    near = np.where(far <= (SEARCH_PX + 1.0) ** 2, blocks, -np.inf).reshape(-1, (CELLS - 1) ** 2)
    best = near.argmax(axis=1)
    star = np.arange(len(cells))
    j, i = np.divmod(best, CELLS - 1)
    # Centroid of 4 x 4 cells around the block, light above the sky only.
    span = np.arange(-1, 3)
    jj, ii = np.clip(j[:, None] + span, 0, CELLS - 1), np.clip(i[:, None] + span, 0, CELLS - 1)
    light = np.maximum(cells[star[:, None, None], jj[:, :, None], ii[:, None, :]], 0.0)
    total = np.maximum(light.sum(axis=(1, 2)), 1e-9)
    y = (light.sum(axis=2) * (2 * jj + 0.5)).sum(axis=1) / total
    x = (light.sum(axis=1) * (2 * ii + 0.5)).sum(axis=1) / total
    shift = np.hypot(x - centre[:, 0], y - centre[:, 1])
    return near[star, best].astype(np.float64), np.maximum(noise, QUANTISATION).astype(np.float64), shift


class SkyWatch:
    """Joins the checks of the last `window_s` into what the camera can vouch for. Pure: no clock, no device."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._checks: deque[StarCheck] = deque()
        self._zero_mag = np.full(RINGS, np.nan)

    @property
    def reference_zero_mag(self) -> NDArray[np.float64]:
        """(RINGS,) the clearest sky so far, for `check_stars`; forgets a tenth of a magnitude in some ten minutes."""
        return self._zero_mag

    def add(self, check: StarCheck) -> Visibility:
        """Take the newest frame's check; say what holds from its end on."""
        self._zero_mag = np.fmax(self._zero_mag - 3e-4, check.zero_mag)
        self._checks.append(check)
        while self._checks[0].mono_s < check.mono_s - self._window_s:
            self._checks.popleft()
        sectors = self._sectors(check)
        reason = _blind_reason(check)
        if reason:
            sectors[:] = SectorState.BLIND
        elif not (sectors == SectorState.SEEN).any():
            reason = "cloud, haze or a bright sky everywhere: too few stars in every sector"
        per_ring = (sectors == SectorState.SEEN).mean(axis=1)
        return Visibility(
            mono_s=check.mono_s,
            sectors=sectors,
            reason=reason,
            fraction=float(per_ring @ RING_SHARE),
            stars_expected=int(check.expected.sum()),
            stars_seen=int(check.seen.sum()),
            shift_px=check.shift_px,
            limiting_v_mag=check.limiting_v_mag,
        )

    def _sectors(self, newest: StarCheck) -> NDArray[np.int8]:
        expected = np.sum([check.expected for check in self._checks], axis=0)
        seen = np.sum([check.seen for check in self._checks], axis=0)
        enough = (newest.expected >= MIN_STARS) & (expected >= MIN_STARS * len(self._checks))
        # Slow to trust, quick to doubt: the share over the window and the newest frame must both hold.
        good = (seen >= 0.7 * expected) & (newest.seen >= 0.5 * newest.expected)
        states = np.where(enough, np.where(good, SectorState.SEEN, SectorState.BLIND), SectorState.UNKNOWN)
        return states.astype(np.int8)


def _blind_reason(check: StarCheck) -> str:
    """Why nothing at all can be seen, in words; "" when something can."""
    if check.saturated_share > 0.2:
        return "daylight" if check.sun_elevation_deg > DAYLIGHT_DEG else "saturated: the picture is white at night"
    if check.seen.sum() >= max(2 * MIN_STARS, CHANCE_SHARE * check.expected.sum()):
        return ""
    if check.sun_elevation_deg > DAYLIGHT_DEG:
        return "daylight"
    return "no star where the plate expects one: cap or dome closed, thick cloud, or the camera was moved"
