"""Does the map of what the camera sees flicker, does it lag, is it ever wrong; does the plate watch cry wolf?

    python -m tests.bench.visibility [minutes] [seed]

Two rendered nights, a dark one and one with full Moon and dew, under banks of cloud that come, drift and go. Truth is
the renderer's own opacity: a sector is closed while more than half of it lets less than 30 % of the starlight through
(1.3 magnitudes), open while less than 10 % of it does. Dew is no part of that truth: what it hides counts as open.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.geodesy import azel_to_unit
from camera.platewatch import PlateWatch, measure_turn
from camera.sectors import AZIMUTH_FROM_DEG, AZIMUTH_TO_DEG, RING_EDGES_DEG, RING_OF, SECTORS
from camera.sim.conditions import SimDew, SimSky
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import EPOCH_UTC_NS, SimCloud, night
from camera.starcheck import check_stars
from camera.visibility import SectorState, SkyWatch
from tests.bench.tables import machine, table

EXPOSURE_S = 2.0
DARK = 0.3  # transmission
MOONLIT_UTC_NS = EPOCH_UTC_NS + 14 * 86_400_000_000_000 + 7_200_000_000_000  # two weeks on: full Moon, due south


def sector_points() -> NDArray[np.float64]:
    """(SECTORS, 25, 3) directions spread over each sector."""
    share = (np.arange(5) + 0.5) / 5
    azimuth = AZIMUTH_FROM_DEG[:, None] + (AZIMUTH_TO_DEG - AZIMUTH_FROM_DEG)[:, None] * np.tile(share, 5)
    low, high = RING_EDGES_DEG[RING_OF], RING_EDGES_DEG[RING_OF + 1]
    return azel_to_unit(azimuth, low[:, None] + (high - low)[:, None] * np.repeat(share, 5))


def main(minutes: float = 5.0, seed: int = 3) -> int:
    return one_night(minutes, seed, moonlit=False) | one_night(minutes, seed, moonlit=True)


def one_night(minutes: float, seed: int, *, moonlit: bool) -> int:
    """1 when the plate watch cried wolf."""
    print(f"\n{'Moon, Milky Way, lit clouds, dew in the second half' if moonlit else 'dark sky'}")
    rng = np.random.default_rng(seed)
    clear_s, duration_s = 60.0, 60.0 * minutes
    begins = rng.uniform(clear_s, duration_s, max(1, round(0.8 * minutes)))
    clouds = tuple(
        SimCloud(t, t + rng.uniform(60, 200), rng.uniform(0, 360), rng.uniform(20, 60), rng.uniform(0.01, 0.2))
        for t in begins.tolist()
    )
    if moonlit:
        dew = SimDew(0.5 * duration_s, duration_s, 0.3)
        sky = SimSky(moon=True, milky_way=True, lit_clouds=True, dew=dew)
        scenario = replace(night(seed, epoch_utc_ns=MOONLIT_UTC_NS), clouds=clouds, sky=sky)
    else:
        scenario = replace(night(seed), clouds=clouds)
    plate = simulated_plate(scenario)
    (width, height), origin = plate.region.size_px, plate.region.origin_px
    renderer = Renderer(scenario, plate, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    points_px = np.round(plate.unit_to_pixel(sector_points(), origin)).astype(int)
    watch, plate_watch = SkyWatch(), PlateWatch(plate)
    seen, closed_share, took_ms, states = [], [], [], {}
    for seq, t_s in enumerate(np.arange(0.0, duration_s, EXPOSURE_S).tolist()):
        start_utc_ns = scenario.utc_ns(t_s)
        frame = Frame(
            seq=seq, start_utc_ns=start_utc_ns, end_mono_s=t_s + EXPOSURE_S, exposure_s=EXPOSURE_S, gain_setting=120,
            gain_e_per_adu=renderer.sensor.e_per_stored, origin_px=origin, mosaic="RGGB", white_adu=65532,
            sensor_celsius=0.0, cooler_percent=0.0, pixels=renderer.render(start_utc_ns, EXPOSURE_S),
        )  # fmt: skip
        begin = time.process_time()
        check = check_stars(frame, plate, watch.reference_zero_mag)
        visibility = watch.add(check)
        health = plate_watch.add(frame.end_mono_s, measure_turn(frame, plate, check))
        took_ms.append(1e3 * (time.process_time() - begin))
        states[health.state] = states.get(health.state, 0) + 1
        seen.append(visibility.sectors == SectorState.SEEN)
        opacity = renderer.cloud_opacity(start_utc_ns, EXPOSURE_S)
        closed_share.append((1 - opacity[points_px[..., 1], points_px[..., 0]] < DARK).mean(axis=1))
    report(np.array(seen), np.array(closed_share))
    table("star check, sky map and plate watch", "frames", {"milliseconds of one core": took_ms}, digits=1)
    print(f"plate watch, of {len(seen)} frames: {', '.join(f'{state} {n}' for state, n in sorted(states.items()))}")
    return int(bool(set(states) & {"JUMPED", "STILL", "SUSPECT"}))


def report(seen: NDArray[np.bool_], closed_share: NDArray[np.float64]) -> None:
    """Args: both (frames, SECTORS)."""
    closed, clear = closed_share > 0.5, closed_share < 0.1
    hours = len(seen) * EXPOSURE_S / 3600 * SECTORS
    never_closed = ~(closed_share > 0).any(axis=0)
    quiet_hours = never_closed.sum() * len(seen) * EXPOSURE_S / 3600
    changes = np.diff(seen.astype(int), axis=0) != 0
    true_changes = np.diff(closed.astype(int), axis=0) != 0
    print(f"{len(seen)} frames, {SECTORS} sectors   ({machine()})")
    print(f"closed {closed.mean():.1%} of the time, seen {seen.mean():.1%}")
    print(f"changes per sector-hour: {changes.sum() / hours:.1f} shown, {true_changes.sum() / hours:.1f} true")
    quiet = changes[:, never_closed].sum() / max(quiet_hours, 1e-9)
    print(f"  in the {never_closed.sum()} sectors without a cloud: {quiet:.2f} shown")
    print(f"shown as seen while closed: {(seen & closed).sum() / max(closed.sum(), 1):.2%} of the closed time")
    print(f"not shown as seen while open: {(~seen & clear).sum() / max(clear.sum(), 1):.2%} of the open time")
    table("from a change of the sky to the map's, seconds", "changes", {
        "cloud comes": _lags(closed, ~seen), "cloud goes": _lags(~(closed_share > 0.1), seen),
    })  # fmt: skip


def _lags(truth: NDArray[np.bool_], shown: NDArray[np.bool_]) -> list[float]:
    """Seconds from each moment that `truth` begins for 20 s or more until `shown` follows."""
    lags = []
    spell = round(20.0 / EXPOSURE_S)
    for sector in range(truth.shape[1]):
        starts = np.flatnonzero(~truth[:-1, sector] & truth[1:, sector]) + 1
        for start in starts.tolist():
            if (
                truth[start : start + spell, sector].all()
                and start + spell <= len(truth)
                and not shown[start - 1, sector]
            ):
                follows = np.flatnonzero(shown[start:, sector])
                if len(follows):
                    lags.append(float(follows[0]) * EXPOSURE_S)
    return lags


if __name__ == "__main__":
    sys.exit(main(*(kind(word) for kind, word in zip((float, int), sys.argv[1:], strict=False))))
