"""A simulated night without pictures: true directions with a detector's and a transponder's noise drive the fusion."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from camera.geodesy import azel_to_unit
from camera.satellites import view
from camera.sim.scenario import Scenario, SimAircraft
from edge.fusion.fuse import Fusion
from edge.fusion.satellites import SatelliteBook
from edge.records import AircraftState, Pointing, SkyObject, SkyTrail

EXPOSURE_S = 2.0
CADENCE_S = 2.1
LATENCY_S = 0.9  # from the end of the exposure to the judged frame
MONO_ZERO_S = 1000.0


def noisy_trail(
    rng: np.random.Generator, unit: np.ndarray, begin_utc_ns: int, end_utc_ns: int, *, sigma_deg: float = 0.07,
    name: str = "aircraft",
) -> SkyTrail:  # fmt: skip
    """Some directions in either order: white noise on each, and one common error of the plate."""
    noise = np.radians(sigma_deg)
    points = unit + rng.normal(0, noise, unit.shape) + rng.normal(0, noise / 2, 3)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    if rng.random() < 0.5:
        points = points[::-1]
    return SkyTrail(name, 0.9, np.zeros((len(points), 2)), points, begin_utc_ns, end_utc_ns)


def write_elements(folder: Path, scenario: Scenario) -> None:
    sets = [scenario.beam.target, *(s.elements for s in scenario.satellites)]
    (folder / "night.tle").write_text("".join(f"{e.name}\n{e.line1}\n{e.line2}\n" for e in sets))


@dataclass
class Watch:
    """Runs one scenario, exposure by exposure; `truth` of the last exposure says what was shown."""

    scenario: Scenario
    book: SatelliteBook = field(default_factory=lambda: SatelliteBook(None))
    seed: int = 5
    lowest_deg: float = 10.0
    missed_share: float = 0.0  # of all trails
    broken_share: float = 0.0  # of all trails, into pieces
    show_target: bool = False
    target_id: str = "target"

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.fusion = Fusion(
            site=self.scenario.site, telescope_enu_m=self.scenario.beam.telescope_enu_m, book=self.book,
            exposure_s=EXPOSURE_S,
        )  # fmt: skip
        self.show_beam = True  # in single exposures
        self.shown: set[str] = set()
        self.heard: dict[str, float] = {}

    def utc_ns(self, t_s: float) -> int:
        return self.scenario.utc_ns(t_s)

    def pointing(self, t_s: float) -> Pointing:
        ahead = self.scenario.beam.azel_deg([t_s, t_s + 0.5], self.scenario.epoch_utc_ns, self.scenario.site)
        rate = (ahead[1] - ahead[0]) / 0.5
        lasing = self.scenario.beam.is_lasing(t_s)
        return Pointing(MONO_ZERO_S + t_s, *map(float, ahead[0]), *map(float, rate), self.target_id, lasing)

    def beam_unit(self, t_s: float) -> np.ndarray:
        """(N, 3): the beam as the camera sees it."""
        azel = self.scenario.beam.azel_deg(t_s, self.scenario.epoch_utc_ns, self.scenario.site)[0]
        reach_m = np.geomspace(50.0, 20e3, 400)[:, None]
        at = np.array(self.scenario.beam.telescope_enu_m) + reach_m * azel_to_unit(*azel)
        return at / np.linalg.norm(at, axis=1, keepdims=True)

    def _pieces(self, unit: np.ndarray) -> list[np.ndarray]:
        if self.rng.random() < self.missed_share:
            return []
        if self.rng.random() < self.broken_share and len(unit) >= 9:
            return [unit[:4], unit[5:]]
        return [unit]

    def trails(self, begin_s: float) -> list[SkyTrail]:
        """What the camera shows of the exposure; fills `shown`."""
        self.shown = set()
        begin, end = self.utc_ns(begin_s), self.utc_ns(begin_s + EXPOSURE_S)
        found: list[SkyTrail] = []

        def add(who: str, unit: np.ndarray, name: str) -> None:
            if np.degrees(np.arcsin(unit[:, 2].min())) < self.lowest_deg:
                return
            pieces = self._pieces(unit)
            if pieces:
                self.shown.add(who)
            found.extend(noisy_trail(self.rng, piece, begin, end, name=name) for piece in pieces)

        # Edges of a trail are faint and lights flash: up to 6 % of the exposure is missing at either end.
        t_s = np.linspace(begin_s + self.rng.uniform(0, 0.12), begin_s + EXPOSURE_S - self.rng.uniform(0, 0.12), 11)
        for one in self.scenario.aircraft:
            enu = one.enu_m(t_s, self.scenario.site)
            add(one.icao, enu / np.linalg.norm(enu, axis=1, keepdims=True), "aircraft")
        utc_ns = self.scenario.epoch_utc_ns + (t_s * 1e9).astype(np.int64)
        shown = [(s.elements, "satellite") for s in self.scenario.satellites]
        if self.show_target:
            shown.append((self.scenario.beam.target, "satellite"))
        for elements, name in shown:
            seen = view(elements, utc_ns, self.scenario.site)
            if seen.sunlit.all():
                add(elements.name, seen.enu_m / np.linalg.norm(seen.enu_m, axis=1, keepdims=True), name)
        for number, meteor in enumerate(self.scenario.meteors):
            if begin_s <= meteor.t_s and meteor.t_s + meteor.duration_s <= begin_s + EXPOSURE_S:
                a, b = azel_to_unit(*meteor.start_azel_deg), azel_to_unit(*meteor.end_azel_deg)
                unit = a + np.linspace(0, 1, 11)[:, None] * (b - a)
                add(f"meteor-{number}", unit / np.linalg.norm(unit, axis=1, keepdims=True), "meteor")
        if self.show_beam and self.scenario.beam.is_lasing(begin_s + EXPOSURE_S / 2):
            add("own-beam", self.beam_unit(begin_s + EXPOSURE_S / 2), "aircraft")
        return found

    def see_stack(self, begin_s: float, exposures: int = 5, *, lowest_deg: float = 5.0) -> None:
        """What the stack of several exposures shows: everything above `lowest_deg`, drawn over all of them."""
        end_s = begin_s + (exposures - 1) * CADENCE_S + EXPOSURE_S
        begin, end = self.utc_ns(begin_s), self.utc_ns(end_s)
        found = []
        for one in self.scenario.aircraft:
            enu = one.enu_m(np.linspace(begin_s, end_s, 21), self.scenario.site)
            unit = enu / np.linalg.norm(enu, axis=1, keepdims=True)
            if np.degrees(np.arcsin(unit[:, 2].min())) >= lowest_deg:
                found.append(noisy_trail(self.rng, unit, begin, end))
        for k in range(exposures):  # the beam stands a little further in each exposure
            t_s = begin_s + k * CADENCE_S + EXPOSURE_S / 2
            if self.scenario.beam.is_lasing(t_s):
                found.append(noisy_trail(self.rng, self.beam_unit(t_s), begin, end))
            for meteor in self.scenario.meteors:
                if 0 <= meteor.t_s - (begin_s + k * CADENCE_S) <= EXPOSURE_S - meteor.duration_s:
                    ends = azel_to_unit(*np.transpose([meteor.start_azel_deg, meteor.end_azel_deg]))
                    unit = ends[0] + np.linspace(0, 1, 11)[:, None] * (ends[1] - ends[0])
                    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
                    found.append(noisy_trail(self.rng, unit, begin, end))
        self.fusion.see_stack(found, begin, end, MONO_ZERO_S + end_s)

    def see(self, begin_s: float, *, extra: tuple[SkyTrail, ...] = ()) -> None:
        end_s = begin_s + EXPOSURE_S
        self.fusion.see(
            [*self.trails(begin_s), *extra], self.utc_ns(begin_s), self.utc_ns(end_s), MONO_ZERO_S + end_s,
            self.pointing(end_s + LATENCY_S),
        )  # fmt: skip

    def hear(self, t_s: float) -> None:
        """Everybody with a transponder reports a position 0.4-1 s old, like real ones: late, coarse, noisy."""
        for one in self.scenario.aircraft:
            if one.transponder:
                self.fusion.hear([report(one, t_s - self.rng.uniform(0.4, 1.0), t_s, self.scenario, self.rng)])

    def objects(self, t_s: float) -> dict[str, SkyObject]:
        found = self.fusion.objects(self.utc_ns(t_s), MONO_ZERO_S + t_s, self.pointing(t_s))
        return {one.id: one for one in found}

    def run(self, start_s: float, stop_s: float, *, hearing: bool = True) -> float:
        """Exposures from start on; returns when the last was judged."""
        t_s = start_s
        while t_s + EXPOSURE_S + LATENCY_S <= stop_s:
            if hearing:
                self.hear(t_s + 0.5)
                self.hear(t_s + 1.5)
            self.see(t_s)
            t_s += CADENCE_S
        return t_s - CADENCE_S + EXPOSURE_S + LATENCY_S

    def true_unit(self, who: str, t_s: float, *, from_telescope: bool) -> np.ndarray:
        offset = np.array(self.scenario.beam.telescope_enu_m) if from_telescope else np.zeros(3)
        for one in self.scenario.aircraft:
            if one.icao == who:
                enu = one.enu_m([t_s], self.scenario.site)[0] - offset
                return enu / np.linalg.norm(enu)
        elements = {e.name: e for e in (self.scenario.beam.target, *(s.elements for s in self.scenario.satellites))}[
            who
        ]
        enu = view(elements, self.utc_ns(t_s), self.scenario.site).enu_m[0]
        return enu / np.linalg.norm(enu)


def report(
    one: SimAircraft, t_s: float, now_s: float, scenario: Scenario, rng: np.random.Generator | None = None
) -> AircraftState:
    latitude, longitude, height = (float(x[0]) for x in one.position([t_s]))
    east, north, up = rng.normal(0, (20, 20, 30)) if rng is not None else (0.0, 0.0, 0.0)
    return AircraftState(
        key=f"icao:{one.icao}", icao=one.icao, callsign=one.callsign, latitude_deg=latitude + north / 111e3,
        longitude_deg=longitude + east / 85e3, height_m=height + up, height_sigma_m=60.0, horizontal_sigma_m=50.0,
        speed_mps=one.speed_mps, track_deg=one.track_deg, vertical_rate_mps=one.vertical_rate_mps,
        position_utc_ns=scenario.utc_ns(t_s), position_mono_s=MONO_ZERO_S + t_s, velocity_utc_ns=scenario.utc_ns(t_s),
        seen_mono_s=MONO_ZERO_S + now_s, messages=10,
    )  # fmt: skip
