"""The published study's two percentages, re-made on rendered nights with the traffic of a busy sky.

ADS-B traces detected = |ADS-B and detected| / |ADS-B|; false detections = false / all detections (Yebes Observatory,
IT-CDT 2023-08). The denominator is every transmitting aircraft above the mask within 100 km, faint ones included, so
that nothing is left out because it was hard to see. Trails are matched by the one trail score (`score`). Several
networks are judged on the same frames, each rendered once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from camera.device import Frame
from camera.plate import Plate
from camera.sim.renderer import TruthTrail
from models.contract import Trail
from models.evaluate import wilson
from models.nights import AS_PUBLISHED, FARTHEST_M, lit, traffic_night
from models.rendered import render_stack
from models.score import SHARE, Polyline, covered_share, tolerance_px
from models.tables import Grid

MASK_DEG = 10.0  # the station's own `plate.minimum_elevation_deg`
ABOVE_DEG = 20.0
FRAMES = 3  # of each night
SNR_EDGES = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, np.inf)
EDGES = {"elevation, degrees": (MASK_DEG, ABOVE_DEG, 30.0, 90.0), "steady light, SNR": SNR_EDGES, "peak SNR": SNR_EDGES}
ELEVATION, STEADY, PEAK = EDGES  # by which the counted traces are grouped
TRUTHS = ("aircraft", "satellite", "meteor", "nothing")
NAMES = ("aircraft", "satellite", "meteor", "unknown", "missed")
KINDS = ("adsb", "other real", "false")
PUBLISHED = "Yebes 2023"  # 10 s, its own camera and sky, classical view; below 20 degrees 42.4 in the enhanced one
_RINGS = (  # words, from, to, as published
    ("all above the mask", MASK_DEG, 90.0, "69 %"),
    ("above 20 deg", ABOVE_DEG, 90.0, "94 %"),
    ("10 to 20 deg", MASK_DEG, ABOVE_DEG, "36.8 %"),
    ("above 30 deg", 30.0, 90.0, "100 %"),
)

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


def study_frames(
    seeds: Iterable[int],
    *,
    exposure_s: float,
    exposures: int = 1,
    brightness: float = AS_PUBLISHED,
    frames: int = FRAMES,
) -> Iterator[StudyFrame]:
    """The truth of `exposures` laid on each other, as the station lays five, is that of one as long as all of them;
    `brightness` is that of every aircraft's lamps, 1 as `camera.sim` has them."""
    for seed in seeds:
        scenario = lit(traffic_night(seed), brightness)
        length_s = exposures * exposure_s
        latest_s = scenario.duration_s - length_s - 1.0
        transmitting = {aircraft.icao: aircraft for aircraft in scenario.aircraft if aircraft.transponder}
        for start_s in np.sort(np.random.default_rng((seed, 18)).uniform(1.0, latest_s, frames)):
            made = render_stack(scenario, float(start_s), exposure_s=exposure_s, exposures=exposures)
            frame, truth, plate = made.frame, made.truth, made.plate
            middle_s = float(start_s) + length_s / 2
            middles = np.array([trail.polyline_px.mean(axis=0) for trail in truth]).reshape(-1, 2)
            elevation_deg = plate.pixel_to_azel(middles, frame.origin_px)[:, 1]
            counted = []
            for trail, high_deg in zip(truth, elevation_deg, strict=True):
                aircraft = transmitting.get(trail.id)
                near = aircraft is not None and (
                    float(np.linalg.norm(aircraft.enu_m([middle_s], scenario.site))) <= FARTHEST_M
                )
                counted.append(bool(near and high_deg >= MASK_DEG))
            yield StudyFrame(
                f"night {seed} {middle_s:.0f} s", frame, tuple(truth), tuple(map(float, elevation_deg)),
                tuple(counted), plate,
            )  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What one network made of one frame."""

    named: tuple[str, ...]  # per trail of the truth: one of NAMES
    kept: tuple[Trail, ...]  # detections that reach above the mask; the others are not the station's
    kinds: tuple[str, ...]  # per kept detection: one of KINDS


def judge(seen: StudyFrame, detected: Sequence[Trail]) -> Verdict:
    tolerance = tolerance_px(seen.frame.width)
    kept = tuple(trail for trail in detected if _highest_deg(seen, trail.polyline_px) >= MASK_DEG)
    real = [trail.polyline_px for trail in seen.truth]
    heard = [line for line, counted in zip(real, seen.counted, strict=True) if counted]
    kinds = []
    for trail in kept:
        line = trail.polyline_px
        kinds.append(
            "adsb" if _covered(line, heard, tolerance) else "other real" if _covered(line, real, tolerance) else "false"
        )
    return Verdict(tuple(_name(line, kept, tolerance) for line in real), kept, tuple(kinds))


@dataclass
class Study:
    """Sums over frames of one network; every text comes from them. Groups are (one of EDGES, lower edge)."""

    title: str
    frames: int = 0
    traces: Counter[tuple[str, float]] = field(default_factory=Counter)  # counted ADS-B traces, by group
    found: Counter[tuple[str, float]] = field(default_factory=Counter)
    detections: Counter[str] = field(default_factory=Counter)  # by KINDS
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)  # TRUTHS x NAMES

    def add(self, seen: StudyFrame, detected: Sequence[Trail]) -> Verdict:
        self.frames += 1
        verdict = judge(seen, detected)
        rows = zip(seen.truth, seen.elevation_deg, seen.counted, verdict.named, strict=True)
        for trail, high_deg, counted, named in rows:
            if counted:
                for group, value in ((ELEVATION, high_deg), (STEADY, trail.line_snr), (PEAK, trail.peak_snr)):
                    self.traces[group, _bin(group, value)] += 1
                    self.found[group, _bin(group, value)] += named != "missed"
            if trail.visible and high_deg >= MASK_DEG and trail.trail_class in TRUTHS:
                self.confusion[trail.trail_class, named] += 1
        for detection, kind in zip(verdict.kept, verdict.kinds, strict=True):
            self.detections[kind] += 1
            self.confusion["nothing", detection.trail_class] += kind == "false"
        return verdict

    def share(self, lowest: float, highest: float, group: str = ELEVATION) -> tuple[int, int]:
        """(found, traces) of the groups from one edge to another."""
        edges = [edge for edge in EDGES[group][:-1] if lowest <= edge < highest]
        return sum(self.found[group, e] for e in edges), sum(self.traces[group, e] for e in edges)

    @property
    def missed(self) -> int:
        found, of = self.share(MASK_DEG, 90.0)
        return of - found

    @property
    def false_share(self) -> float:
        return self.detections["false"] / max(sum(self.detections.values()), 1)

    def facts(self) -> dict[str, object]:
        """What a report's JSON holds."""
        groups = {
            group: [[low, high, *self.share(low, high, group)] for low, high in pairwise(edges)]
            for group, edges in EDGES.items()
        }
        confusion = {truth: {name: self.confusion[truth, name] for name in NAMES} for truth in TRUTHS}
        return {
            "network": self.title, "frames": self.frames, "detections": {k: self.detections[k] for k in KINDS},
            "missed": self.missed, "from_to_found_traces": groups, "confusion": confusion,
        }  # fmt: skip


def study(
    frames: Iterable[StudyFrame],
    networks: Mapping[str, Detect],
    each: Callable[[StudyFrame, Mapping[str, Verdict]], object] = lambda seen, verdicts: None,
) -> list[Study]:
    """Every network on every frame; `each` is told what they made of it."""
    sums = [Study(name) for name in networks]
    for seen in frames:
        each(seen, {one.title: one.add(seen, networks[one.title](seen.frame)) for one in sums})
    return sums


def grids(studies: Sequence[Study]) -> list[Grid]:
    """The percentages, the traces by SNR, and who was taken for whom. The last network is what others are measured
    against."""
    heads = ["", *(s.title for s in studies)]
    rows = [
        [f"ADS-B traces detected, {words}", *(percent(*s.share(low, high)) for s in studies), published]
        for words, low, high, published in _RINGS
    ]
    false = [(s.detections["false"], sum(s.detections.values())) for s in studies]
    rows.append(["false, of all detections", *(percent(*counts) for counts in false), "16.5 %"])
    last = studies[-1]
    against = [f"{s.missed}, {s.missed / max(last.missed, 1):.2f} of {last.title}'s" for s in studies[:-1]]
    rows.append(["ADS-B traces missed, all above the mask", *against, str(last.missed), ""])
    made = [Grid(f"{last.frames} frames", [*heads, PUBLISHED], rows)]
    for group in (STEADY, PEAK):
        bins = list(pairwise(EDGES[group]))
        cells = [[span(low, high), *(percent(*s.share(low, high, group)) for s in studies)] for low, high in bins]
        made.append(Grid(f"ADS-B traces detected by {group} of the brightest pixel", heads, cells))
    for s in studies:
        counts = [[truth, *(str(s.confusion[truth, name]) for name in NAMES)] for truth in TRUTHS]
        made.append(Grid(f"{s.title}: visible objects above the mask, and how they were named", ["", *NAMES], counts))
    return made


def percent(found: int, of: int) -> str:
    """With its 95 % interval."""
    if not of:
        return "- (0 of 0)"
    low, high = wilson(found, of)
    return f"{100 * found / of:.1f} % [{100 * low:.1f}, {100 * high:.1f}] ({found} of {of})"


def span(low: float, high: float) -> str:
    return f"{low:g}-{high:g}" if np.isfinite(high) else f"{low:g}+"


def _name(line: Polyline, kept: Sequence[Trail], tolerance: float) -> str:
    """By the detection that covers most of what all of them cover."""
    near = [trail for trail in kept if _near(line, trail.polyline_px, tolerance)]
    if covered_share(line, [trail.polyline_px for trail in near], tolerance) < SHARE:
        return "missed"
    return max(near, key=lambda trail: covered_share(line, [trail.polyline_px], tolerance)).trail_class


def _covered(line: Polyline, others: Sequence[Polyline], tolerance: float) -> bool:
    return covered_share(line, [o for o in others if _near(line, o, tolerance)], tolerance) >= SHARE


def _near(a: Polyline, b: Polyline, tolerance: float) -> bool:
    """Whether their boxes come that close: most do not, and a distance costs far more."""
    return bool((a.min(0) <= b.max(0) + tolerance).all() and (b.min(0) <= a.max(0) + tolerance).all())


def _bin(group: str, value: float) -> float:
    """Lower edge; what lies outside belongs to the nearest bin."""
    edges = EDGES[group]
    return edges[int(np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(edges) - 2))]


def _highest_deg(seen: StudyFrame, line: Polyline) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(seen.plate.pixel_to_azel(line, seen.frame.origin_px)[:, 1], initial=-90.0))
