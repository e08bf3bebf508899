"""What shines during one exposure of a simulated night, sampled so finely that its trail comes out smooth.

Stars, planets and lamps as points where they stand at mid-exposure; aircraft, satellites, meteors, insects and the
station's own beam resolved in time within it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import azel_to_unit
from camera.plate import Plate
from camera.satellites import view
from camera.sim import lights
from camera.sim.backdrop import air_mass
from camera.sim.laser import Intervals
from camera.sim.lights import Light
from camera.sim.scenario import Scenario
from camera.sky import planets, star_azel, sun_azel
from camera.stars import load_stars

STEP_PX = 0.4  # between the samples of a trail: below the PSF's width, so that lines come out smooth

TruthClass = Literal["aircraft", "satellite", "meteor", "own-beam", "insect"]


class Cast:
    """Everybody of one scenario."""

    def __init__(self, scenario: Scenario, origin_px: tuple[int, int], lasing: Callable[[], Intervals] | None) -> None:
        """Args: as of the Renderer."""
        self._scenario, self._origin, self._lasing = scenario, origin_px, lasing
        self._stars = load_stars()
        # Light of the stars per colour from B-V: a black-body-like slope either side of green.
        bv = self._stars.bv_mag - 0.3
        colour = np.stack((10 ** (0.22 * bv), np.ones(len(bv)), 10 ** (-0.34 * bv)), axis=-1)
        self._star_light = 10 ** (-0.4 * self._stars.v_mag)[:, None] * colour

    def points(self, start_utc_ns: int, exposure_s: float, rng: np.random.Generator) -> Light:
        """Stars, and where asked for planets and lamps."""
        middle_utc_ns = start_utc_ns + round(exposure_s * 5e8)
        azel, star_light = star_azel(self._stars, middle_utc_ns, self._scenario.site), self._star_light
        if self._scenario.sky.moon:
            planet_azel, magnitudes = planets(middle_utc_ns, self._scenario.site)
            azel = np.concatenate((azel, planet_azel))
            star_light = np.concatenate((star_light, 10 ** (-0.4 * magnitudes)[:, None] * lights.WARM))
        lamps = self._scenario.sky.lamps
        if lamps:
            azel = np.concatenate((azel, [(lamp.azimuth_deg, lamp.elevation_deg) for lamp in lamps]))
            lit = 10 ** (-0.4 * np.array([lamp.magnitude for lamp in lamps]))
            star_light = np.concatenate((star_light, lit[:, None] * lights.WARM))
        up = azel[:, 1] > 0.5
        azel = azel[up]
        # Scintillation of a 1.6 mm pupil: about a tenth at the zenith in one second, Young 1967's slope with air mass.
        twinkle = rng.normal(0.0, 0.05 / np.sqrt(exposure_s) * np.minimum(air_mass(azel[:, 1]), 5.0) ** 1.5)
        light = star_light[up] * np.clip(1 + twinkle, 0.3, 1.7)[:, None] * exposure_s
        return Light(azel_to_unit(azel[:, 0], azel[:, 1]), light, np.ones(len(azel), dtype=bool), np.empty((0, 3)))

    def objects(self, plate: Plate, start_utc_ns: int, exposure_s: float) -> list[tuple[TruthClass, str, Light]]:
        """Whoever may be above the horizon, with class and name; `plate` is that of the lens as it is mounted now."""
        night = self._scenario
        begin_s = night.t_s(start_utc_ns)
        found: list[tuple[TruthClass, str, Light]] = []
        ends_s = np.array([begin_s, begin_s + exposure_s / 2, begin_s + exposure_s])
        for aircraft in night.aircraft:
            enu = aircraft.enu_m(ends_s, night.site)
            if enu[:, 2].max() > 0:
                times = self._times(plate, enu, begin_s, exposure_s)
                found.append(
                    ("aircraft", aircraft.icao, lights.aircraft_light(aircraft, times, exposure_s, night.site))
                )
        for satellite in night.satellites:
            enu = view(satellite.elements, self._utc_ns(ends_s), night.site).enu_m
            if enu[:, 2].max() > 0:
                times = self._times(plate, enu, begin_s, exposure_s)
                seen = view(satellite.elements, self._utc_ns(times), night.site)
                sun = sun_azel(start_utc_ns, night.site)
                light = lights.satellite_light(seen, satellite.magnitude_1000km, sun, exposure_s)
                found.append(("satellite", satellite.elements.name, light))
        for number, meteor in enumerate(night.meteors):
            if meteor.t_s < begin_s + exposure_s and meteor.t_s + meteor.duration_s > begin_s:
                ends = azel_to_unit(*np.transpose([meteor.start_azel_deg, meteor.end_azel_deg]))
                times = self._times(plate, ends, begin_s, exposure_s, duration_s=meteor.duration_s)
                found.append(("meteor", f"meteor-{number}", lights.meteor_light(meteor, times, exposure_s)))
        for number, insect in enumerate(night.sky.insects):
            if insect.t_s < begin_s + exposure_s and insect.t_s + insect.duration_s > begin_s:
                ends = azel_to_unit(*np.transpose([insect.start_azel_deg, insect.end_azel_deg]))
                times = self._times(plate, ends, begin_s, exposure_s, duration_s=insect.duration_s)
                found.append(("insect", f"insect-{number}", lights.insect_light(insect, times, exposure_s)))
        times = begin_s + exposure_s * (np.arange(5) + 0.5) / 5
        fired = night.beam if self._lasing is None else replace(night.beam, lasing_s=self._lasing())
        beam = lights.beam_light(fired, times, exposure_s, night.epoch_utc_ns, night.site)
        if len(beam.unit_enu):
            found.append(("own-beam", "own-beam", beam))
        return found

    def _utc_ns(self, t_s: NDArray[np.float64]) -> NDArray[np.int64]:
        return self._scenario.epoch_utc_ns + np.round(t_s * 1e9).astype(np.int64)

    def _times(
        self,
        plate: Plate,
        enu: NDArray[np.float64],
        begin_s: float,
        exposure_s: float,
        *,
        duration_s: float | None = None,
    ) -> NDArray[np.float64]:
        """Midpoints that cut the exposure so finely that no step is longer than STEP_PX."""
        length_px = np.nansum(np.linalg.norm(np.diff(plate.unit_to_pixel(enu, self._origin), axis=0), axis=1))
        steps = length_px / STEP_PX * exposure_s / (duration_s or exposure_s)
        n = int(np.clip(steps, 8, 20_000))
        return np.asarray(begin_s + exposure_s * (np.arange(n) + 0.5) / n)
