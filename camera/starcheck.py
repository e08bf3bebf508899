"""The stars of one frame at the pixels where the catalogue and the plate put them: how bright, and how far aside.

Small windows around the predicted pixels are read, never the whole frame. What follows from it is said elsewhere:
where the sky can be seen in `visibility`, whether the plate still holds in `platewatch`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.condition import Glow, faintest_glow_e_per_s, sky_glow
from camera.device import Frame
from camera.geodesy import azel_to_unit
from camera.mask import Mask
from camera.plate import Plate
from camera.sectors import RING_EDGES_DEG, RINGS, ring_of
from camera.sky import star_azel, sun_elevation_deg
from camera.stars import load_stars

Vector = NDArray[np.float64]

FAINTEST_V_MAG = 5.5  # beyond, two seconds of this lens show hardly a star more, and the windows cost
CELLS = 12  # side of a star's window, in cells of 2 x 2 pixels (a whole RGGB quad)
SEARCH_PX = 5.0  # a star further than this from its predicted pixel is not that star
EXPECTED_SNR, SEEN_SNR = 8.0, 4.5
MISSING_MAG, SURPLUS_MAG = 1.3, 1.5  # dimmer: behind cloud; brighter: something else stands there
LOST_MAG = 4.0  # said of a star that is not seen at all
EXTINCTION_MAG = 0.2  # per air mass, broad band
QUANTISATION = 1.2  # noise of 16 pixels rounded to whole units: what an 8-bit picture hides


@dataclass(frozen=True, slots=True, eq=False)
class StarCheck:
    """One frame against the catalogue: N stars that stand above 10 degrees, inside the frame and beside the mask."""

    mono_s: float  # end of the exposure
    unit_enu: Vector  # (N, 3) apparent, brightest in the catalogue first
    predicted_px: Vector  # (N, 2) stored pixels
    offset_px: Vector  # (N, 2) of the brightest point near the prediction, from it
    snr: Vector  # (N,) of that point
    expected: NDArray[np.bool_]  # must show if the sky before it is clear
    seen: NDArray[np.bool_]  # of those, the ones that do
    limit_v_mag: Vector  # (N,) of an expected star: the faintest that would be seen there now
    zero_mag: Vector  # (RINGS,) V of a star that gives one electron per second above the air; NaN: no stars
    saturated_share: float
    sun_elevation_deg: float
    glow: Glow | None = None  # of the sky over the sensor's unlit corners
    faintest_glow_e_per_s: float = 0.0  # no sky is darker than this

    @property
    def shift_px(self) -> float:
        """Median distance of the seen stars from their predicted pixels; NaN without any."""
        return float(np.median(np.hypot(*self.offset_px[self.seen].T))) if self.seen.any() else float("nan")

    @property
    def limiting_v_mag(self) -> float:
        """Of the whole sky, median over the expected stars; NaN without any."""
        return float(np.median(self.limit_v_mag[self.expected])) if self.expected.any() else float("nan")


def check_stars(
    frame: Frame, plate: Plate, reference_zero_mag: Vector | None = None, mask: Mask | None = None
) -> StarCheck:
    """Look for the stars where they must be.

    Args: frame, checked against the plate; reference_zero_mag (RINGS,): zero points of a clear sky
          (`StarCheck.zero_mag` of better frames), None or NaN: this frame's own best; mask: what hides the sky for
          good, no star is asked for behind it.
    """
    middle_utc_ns = frame.start_utc_ns + round(frame.exposure_s * 5e8)
    stars = load_stars().brighter(FAINTEST_V_MAG)
    azel = star_azel(stars, middle_utc_ns, plate.site)
    unit = azel_to_unit(azel[:, 0], azel[:, 1])
    predicted = plate.unit_to_pixel(unit, frame.origin_px)
    here = inside(frame, predicted, CELLS + 2) & (azel[:, 1] >= RING_EDGES_DEG[0])
    if mask is not None:
        here[here] = ~mask.covers(predicted[here])
    azel, unit, predicted, v_mag = azel[here], unit[here], predicted[here], stars.v_mag[here]
    ring = ring_of(azel[:, 1])

    flux, noise, offset = measure(frame, predicted, cells=CELLS, search_px=SEARCH_PX)
    snr = flux / noise
    # A file may not say how long it was exposed; zero points are compared only between frames of one source.
    per_second = frame.gain_e_per_adu / (frame.exposure_s or 1.0)
    flux, noise = flux * per_second, noise * per_second
    dimmed = EXTINCTION_MAG / np.sin(np.radians(azel[:, 1]))
    near = np.hypot(*offset.T) <= SEARCH_PX
    magnitude = v_mag + dimmed + 2.5 * np.log10(np.maximum(flux, 1e-9))  # zero point, by this star alone
    own = np.full(RINGS, np.nan)
    for number in range(RINGS):
        theirs = magnitude[(snr > EXPECTED_SNR) & near & (ring == number)]
        if len(theirs) >= 5:
            own[number] = np.percentile(theirs, 60)
    zero = own if reference_zero_mag is None else np.fmax(own, reference_zero_mag)

    should = zero[ring] - dimmed - v_mag  # 2.5 log10 of the flux of a clear sky; NaN where nothing is known
    expected = 10 ** (0.4 * should) > EXPECTED_SNR * noise
    missing = zero[ring] - magnitude
    shows = (snr > SEEN_SNR) & near & (missing > -SURPLUS_MAG)
    clear_limit = zero[ring] - dimmed - 2.5 * np.log10(EXPECTED_SNR * np.maximum(noise, 1e-9))
    coarse = frame.pixels[:: 2 * CELLS, :: 2 * CELLS]
    sun_deg = sun_elevation_deg(middle_utc_ns, plate.site)
    return StarCheck(
        mono_s=frame.end_mono_s,
        unit_enu=unit,
        predicted_px=predicted,
        offset_px=offset,
        snr=snr,
        expected=expected,
        seen=expected & shows & (missing < MISSING_MAG),
        limit_v_mag=clear_limit - np.where(shows, np.clip(missing, 0.0, LOST_MAG), LOST_MAG),
        zero_mag=own,
        saturated_share=float(np.mean(coarse >= 0.98 * frame.white_adu)),
        sun_elevation_deg=sun_deg,
        glow=sky_glow(frame, plate),
        faintest_glow_e_per_s=faintest_glow_e_per_s(float(np.nanmax([*zero, -np.inf])), plate, sun_deg),
    )


def inside(frame: Frame, xy_px: Vector, margin_px: float) -> NDArray[np.bool_]:
    """(N, 2) stored pixels -> (N,): whether they lie so far inside the frame."""
    with np.errstate(invalid="ignore"):  # NaN: not projectable, hence not inside
        low, high = xy_px > margin_px, xy_px < (frame.width - margin_px, frame.height - margin_px)
        return np.asarray((low & high).all(axis=1))


def measure(frame: Frame, predicted_px: Vector, *, cells: int, search_px: float) -> tuple[Vector, Vector, Vector]:
    """Per star: flux above its surroundings, noise of that flux (stored units), (N, 2) offset from the prediction.

    Flux is the best 2 x 2 block of cells (4 x 4 pixels) around the prediction: three quarters of a sharp star's light.

    Args: cells: side of the window in cells of 2 x 2 pixels; it must lie inside the frame.
    """
    pixels = frame.pixels if frame.mosaic != "rgb" else frame.pixels[..., 1]
    corner = 2 * np.round((predicted_px - cells) / 2).astype(np.int64)  # even: every cell is a whole quad
    steps = np.arange(2 * cells)
    rows, columns = corner[:, 1, None] + steps, corner[:, 0, None] + steps
    windows = pixels[rows[:, :, None], columns[:, None, :]].astype(np.float32)
    cell = windows.reshape(-1, cells, 2, cells, 2).sum(axis=(2, 4))
    # Stars fill little of the window: median and spread of its cells are the sky's.
    sky = np.median(cell, axis=(1, 2), keepdims=True)
    noise = 1.4826 * np.median(np.abs(cell - sky), axis=(1, 2)) * 2.0  # of four cells
    cell -= sky
    blocks = cell[:, 1:, 1:] + cell[:, :-1, 1:] + cell[:, 1:, :-1] + cell[:, :-1, :-1]
    # Block (j, i) is centred on the corner shared by its four cells: pixel 2 i + 1.5 of the window.
    centre = predicted_px - corner
    along = 2.0 * np.arange(cells - 1) + 1.5
    far = (along[None, :, None] - centre[:, 1, None, None]) ** 2 + (
        along[None, None, :] - centre[:, 0, None, None]
    ) ** 2
    near = np.where(far <= (search_px + 1.0) ** 2, blocks, -np.inf).reshape(-1, (cells - 1) ** 2)
    best = near.argmax(axis=1)
    star = np.arange(len(cell))
    j, i = np.divmod(best, cells - 1)
    # Centroid of 4 x 4 cells around the block, light above the sky only.
    span = np.arange(-1, 3)
    jj, ii = np.clip(j[:, None] + span, 0, cells - 1), np.clip(i[:, None] + span, 0, cells - 1)
    light = np.maximum(cell[star[:, None, None], jj[:, :, None], ii[:, None, :]], 0.0)
    total = np.maximum(light.sum(axis=(1, 2)), 1e-9)
    y = (light.sum(axis=2) * (2 * jj + 0.5)).sum(axis=1) / total
    x = (light.sum(axis=1) * (2 * ii + 0.5)).sum(axis=1) / total
    offset = np.stack((x, y), axis=-1) - centre
    return near[star, best].astype(np.float64), np.maximum(noise, QUANTISATION).astype(np.float64), offset
