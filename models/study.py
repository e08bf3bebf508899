"""The published study's two percentages, re-made on rendered nights with the traffic of a busy sky.

ADS-B traces detected = |ADS-B and detected| / |ADS-B|; false detections = false / all detections (Yebes Observatory,
IT-CDT 2023-08). The denominator is every transmitting aircraft above the mask within 100 km, faint ones included, so
that nothing is left out because it was hard to see. Trails are matched by the one trail score (`score`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from camera.device import Frame
from camera.plate import Plate
from camera.sim.renderer import TruthTrail
from models.contract import Trail
from models.evaluate import wilson
from models.nights import FARTHEST_M, traffic_night
from models.rendered import render
from models.score import SHARE, Polyline, covered_share, tolerance_px

MASK_DEG = 10.0  # the station's own `plate.minimum_elevation_deg`
RINGS_DEG = ((10.0, 20.0), (20.0, 30.0), (30.0, 90.0))
ABOVE_DEG = 20.0

Detect = Callable[[Frame], Sequence[Trail]]


@dataclass(frozen=True, slots=True, eq=False)
class StudyFrame:
    """One frame and what was on it. `elevation_deg` (per trail) is that of the trail's middle."""

    name: str
    frame: Frame
    truth: tuple[TruthTrail, ...]
    elevation_deg: tuple[float, ...]
    counted: tuple[bool, ...]  # transmitting, above the mask, within FARTHEST_M
    plate: Plate


def study_frames(seeds: Iterable[int], *, exposure_s: float, frames: int = 3) -> Iterator[StudyFrame]:
    for seed in seeds:
        scenario = traffic_night(seed)
        latest_s = scenario.duration_s - exposure_s - 1.0
        times = np.sort(np.random.default_rng((seed, 18)).uniform(1.0, latest_s, frames))
        transmitting = {aircraft.icao: aircraft for aircraft in scenario.aircraft if aircraft.transponder}
        for made in render(scenario, [float(t_s) for t_s in times], exposure_s=exposure_s):
            middle_s = scenario.t_s(made.frame.start_utc_ns) + exposure_s / 2
            lines = np.array([trail.polyline_px.mean(axis=0) for trail in made.truth]).reshape(-1, 2)
            elevation = made.plate.pixel_to_azel(lines, made.frame.origin_px)[:, 1]
            counted = []
            for trail, high_deg in zip(made.truth, elevation, strict=True):
                aircraft = transmitting.get(trail.id)
                near = aircraft is not None and (
                    float(np.linalg.norm(aircraft.enu_m([middle_s], scenario.site))) <= FARTHEST_M
                )
                counted.append(bool(near and high_deg >= MASK_DEG))
            yield StudyFrame(
                f"study night {seed} t={middle_s:.0f} s",
                made.frame,
                tuple(made.truth),
                tuple(float(e) for e in elevation),
                tuple(counted),
                made.plate,
            )


@dataclass
class Study:
    """Sums over frames; all text comes from them."""

    title: str
    frames: int = 0
    traces: Counter[str] = field(default_factory=Counter)  # by ring: counted ADS-B traces
    found: Counter[str] = field(default_factory=Counter)
    detections: Counter[str] = field(default_factory=Counter)  # "adsb" | "other real" | "false"
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)  # truth, named

    def add(self, seen: StudyFrame, detected: Sequence[Trail]) -> None:
        """Detections wholly below the mask are not the station's, and not counted either way."""
        self.frames += 1
        tolerance = tolerance_px(seen.frame.width)
        kept = [trail for trail in detected if self._highest_deg(seen, trail.polyline_px) >= MASK_DEG]
        lines = [trail.polyline_px for trail in kept]
        for trail, high_deg, counted in zip(seen.truth, seen.elevation_deg, seen.counted, strict=True):
            shares = [covered_share(trail.polyline_px, [line], tolerance) for line in lines]
            if counted:
                self.traces[_ring(high_deg)] += 1
                self.found[_ring(high_deg)] += covered_share(trail.polyline_px, lines, tolerance) >= SHARE
            if shares and max(shares) >= SHARE:
                self.confusion[trail.trail_class, kept[int(np.argmax(shares))].trail_class] += 1
        heard = [t.polyline_px for t, counted in zip(seen.truth, seen.counted, strict=True) if counted]
        real = [trail.polyline_px for trail in seen.truth]
        for line in lines:
            kind = (
                "adsb"
                if covered_share(line, heard, tolerance) >= SHARE
                else "other real"
                if covered_share(line, real, tolerance) >= SHARE
                else "false"
            )
            self.detections[kind] += 1

    @staticmethod
    def _highest_deg(seen: StudyFrame, line: Polyline) -> float:
        with np.errstate(invalid="ignore"):
            return float(np.nanmax(seen.plate.pixel_to_azel(line, seen.frame.origin_px)[:, 1], initial=-90.0))

    def share(self, lowest_deg: float, highest_deg: float) -> tuple[int, int]:
        """(found, traces) of the rings between."""
        rings = [_name(a, b) for a, b in RINGS_DEG if a >= lowest_deg and b <= highest_deg]
        return sum(self.found[r] for r in rings), sum(self.traces[r] for r in rings)

    @property
    def false_share(self) -> float:
        return self.detections["false"] / max(sum(self.detections.values()), 1)

    def text(self) -> str:
        rows = [f"{self.title}: {self.frames} frames"]
        for words, low, high in (
            ("all above the mask", MASK_DEG, 90.0),
            (f"above {ABOVE_DEG:.0f} deg", ABOVE_DEG, 90.0),
            (f"{MASK_DEG:.0f} to {ABOVE_DEG:.0f} deg", MASK_DEG, ABOVE_DEG),
            ("above 30 deg", 30.0, 90.0),
        ):
            found, of = self.share(low, high)
            least, most = wilson(found, of)
            interval = f"[{least:.1%}, {most:.1%}] ({found} of {of})"
            rows.append(f"  ADS-B traces detected, {words}: {found / max(of, 1):.1%} {interval}")
        counts = ", ".join(f"{self.detections[kind]} {kind}" for kind in ("adsb", "other real", "false"))
        rows.append(f"  false detections: {self.false_share:.1%} of all ({counts})")
        rows += [f"  {truth} named {named}: {count}" for (truth, named), count in sorted(self.confusion.items())]
        return "\n".join(rows)


def _name(low: float, high: float) -> str:
    return f"{low:.0f}-{high:.0f}"


def _ring(elevation_deg: float) -> str:
    return next((_name(a, b) for a, b in RINGS_DEG if a <= elevation_deg < b), _name(*RINGS_DEG[-1]))


def study(title: str, frames: Iterable[StudyFrame], detect: Detect) -> Study:
    result = Study(title)
    for seen in frames:
        result.add(seen, detect(seen.frame))
    return result
