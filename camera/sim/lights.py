"""What the lights of a simulated object send to the camera during an exposure: samples of direction, light and colour.

Intensities start from the minima of 14 CFR 25.1389-1395 (position lights) and 25.1401 (anti-collision: 40-100 flashes a
minute, 400 cd effective in the plane, less below) and are raised where rated minima would leave an airliner overhead at
V = 5, while any eye sees one at V = 2-3. They are a guess to be replaced by measurements on real frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import Site, azel_to_unit
from camera.satellites import SatelliteView
from camera.sim.conditions import SimInsect
from camera.sim.scenario import SimAircraft, SimBeam, SimMeteor

# Light of a source relative to a star of equal V, in the red, green and blue pixels.
WHITE, WARM = np.array([1.0, 1.0, 1.0]), np.array([1.15, 1.0, 0.7])
RED, GREEN = np.array([1.7, 0.12, 0.03]), np.array([0.1, 1.1, 0.45])
LASER = np.array([0.08, 1.2, 0.12])  # 532 nm

V_OF_ONE_LUX = -13.98  # magnitude of a source that gives one lux; I candela at d metres give I / d^2 lux
BLONDEL_REY_S = 0.2  # effective intensity = candela-seconds / 0.2 s, for a flash much shorter than that
BELOW_DEG = np.array([0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 90.0])  # of the observer below the aircraft's plane


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Samples of one object. `zero_mag_s` is light in units of V = 0 for one second, per colour; `path_enu` is where
    its middle went while it shone, in the order of time."""

    unit_enu: NDArray[np.float64]  # (N, 3)
    zero_mag_s: NDArray[np.float64]  # (N, 3) in the red, green and blue pixels
    steady: NDArray[np.bool_]  # (N,) False: part of a flash
    path_enu: NDArray[np.float64]  # (M, 3)

    @property
    def without_flashes(self) -> Light:
        return Light(self.unit_enu[self.steady], self.zero_mag_s[self.steady], self.steady[self.steady], self.path_enu)


@dataclass(frozen=True, slots=True)
class LightFit:
    """How one kind of aircraft is lit."""

    half_span_m: float
    half_length_m: float
    position_cd: float  # red and green, ahead
    tail_cd: float
    strobe_cd: float  # effective, in the plane
    beacon_cd: float
    double_flash: bool


FITS = {
    "jet": LightFit(17.0, 18.0, 150.0, 100.0, 800.0, 260.0, double_flash=True),
    "light": LightFit(5.5, 4.0, 60.0, 30.0, 400.0, 150.0, double_flash=False),
}


def zero_mag_of(candela: NDArray[np.float64] | float, distance_m: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Light relative to a star of V = 0."""
    return np.asarray(np.asarray(candela) / np.square(distance_m) * 10 ** (-0.4 * V_OF_ONE_LUX))


def aircraft_light(aircraft: SimAircraft, t_s: NDArray[np.float64], exposure_s: float, site: Site) -> Light:
    """Position lights as a line through the N times, strobes and beacon as dots wherever they fall in the exposure.

    Args: t_s (N,) evenly spread midpoints of the exposure, seconds after the scenario's epoch.
    """
    fit = FITS[aircraft.lights]
    seconds = exposure_s / len(t_s)
    begin_s = float(t_s[0]) - seconds / 2
    parts = []
    lamps = ((-fit.half_span_m, 0.0, RED), (fit.half_span_m, 0.0, GREEN), (0.0, -fit.half_length_m, WHITE))
    enu, right, ahead = _body(aircraft, t_s, site)
    for side_m, along_m, colour in lamps:
        at = enu + right * side_m + ahead * along_m
        below, bearing = _seen_from(at, right, ahead)
        shape = np.interp(below, BELOW_DEG, [1.0, 0.95, 0.85, 0.75, 0.65, 0.5, 0.4, 0.25])
        if side_m:
            candela = fit.position_cd * shape * _sector(bearing * np.sign(side_m), 55.0, 55.0, below)
        else:
            candela = fit.tail_cd * shape * _sector(bearing - 180.0, 0.0, 70.0, below)
        parts.append(_lit(at, candela, seconds, colour, steady=True))

    # Flash times follow from the address, so that the same night flashes alike everywhere, frame after frame.
    rng = np.random.default_rng(int(aircraft.icao, 16))
    strobe_period_s, beacon_period_s = rng.uniform(0.95, 1.3), rng.uniform(0.9, 1.4)
    strobe_phase_s, beacon_phase_s = rng.uniform(0, strobe_period_s), rng.uniform(0, beacon_period_s)
    strobes = _flash_times(begin_s, exposure_s, strobe_period_s, strobe_phase_s)
    if fit.double_flash:
        second = _flash_times(begin_s, exposure_s, strobe_period_s, strobe_phase_s + 0.11)
        strobes = np.concatenate((strobes, second))
    downwards = [1.0, 0.8, 0.5, 0.4, 0.35, 0.28, 0.25, 0.2]
    for flashes, candela_s, sides_m, colour in (
        (strobes, fit.strobe_cd * BLONDEL_REY_S, (-fit.half_span_m, fit.half_span_m), WHITE),
        (
            _flash_times(begin_s, exposure_s, beacon_period_s, beacon_phase_s),
            fit.beacon_cd * BLONDEL_REY_S, (0.0,), RED,
        ),
    ):  # fmt: skip
        if len(flashes) == 0:
            continue
        enu, right, ahead = _body(aircraft, flashes, site)
        for side_m in sides_m:
            at = enu + right * side_m
            below, _ = _seen_from(at, right, ahead)
            share = np.interp(below, BELOW_DEG, downwards) / len(sides_m)
            parts.append(_lit(at, candela_s * share, 1.0, colour, steady=False))
    unit, light, steady = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Light(unit, aircraft.brightness * light, steady, aircraft.enu_m(t_s, site))


def _lit(
    at: NDArray[np.float64], candela: NDArray[np.float64], seconds: float, colour: NDArray[np.float64], *, steady: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    distance_m = np.linalg.norm(at, axis=1)
    light = zero_mag_of(candela, distance_m) * seconds
    return at / distance_m[:, None], light[:, None] * colour, np.full(len(at), steady)


def _flash_times(begin_s: float, exposure_s: float, period_s: float, phase_s: float) -> NDArray[np.float64]:
    first = np.ceil((begin_s - phase_s) / period_s)
    last = np.ceil((begin_s + exposure_s - phase_s) / period_s)
    return np.asarray(phase_s + period_s * np.arange(first, last))


def _body(
    aircraft: SimAircraft, t_s: NDArray[np.float64], site: Site
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centre (N, 3) in metres, and unit vectors to its right and ahead, in the station's axes."""
    track = np.radians(aircraft.track_deg)
    ahead = np.array([np.sin(track), np.cos(track), 0.0])
    right = np.array([np.cos(track), -np.sin(track), 0.0])
    return aircraft.enu_m(t_s, site), right, ahead


def _seen_from(
    at: NDArray[np.float64], right: NDArray[np.float64], ahead: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the camera is as seen from the lamp: degrees below its plane, bearing (right of the nose positive)."""
    below = np.degrees(np.arctan2(at[:, 2], np.hypot(at[:, 0], at[:, 1])))
    return below, np.degrees(np.arctan2(-at @ right, -at @ ahead))


def _sector(
    bearing_deg: NDArray[np.float64], centre_deg: float, half_deg: float, below_deg: NDArray[np.float64]
) -> NDArray[np.float64]:
    """14 CFR 25.1387: red and green from ahead to 110 degrees, white 70 degrees either side of the tail. Softened by
    15 degrees, and meaningless straight below, where every sector begins."""
    off = np.abs((bearing_deg - centre_deg + 180.0) % 360.0 - 180.0)
    inside = 1 / (1 + np.exp((off - half_deg) / 5.0))
    steep = np.clip((below_deg - 50.0) / 30.0, 0.0, 1.0)
    return np.asarray(0.04 + 0.96 * (inside * (1 - steep) + 0.7 * steep))


def satellite_light(
    seen: SatelliteView, magnitude_1000km: float, sun_azel_deg: tuple[float, float], exposure_s: float
) -> Light:
    """A diffuse sphere lit by the Sun: `magnitude_1000km` at 1000 km and a phase angle of 90 degrees."""
    range_m = np.linalg.norm(seen.enu_m, axis=1)
    unit = seen.enu_m / range_m[:, None]
    phase = np.arccos(np.clip(-unit @ azel_to_unit(*sun_azel_deg), -1, 1))
    lambert = np.sin(phase) + (np.pi - phase) * np.cos(phase)  # 1 at 90 degrees
    light = 10 ** (-0.4 * magnitude_1000km) * (1e6 / range_m) ** 2 * lambert * seen.sunlit
    return Light(
        unit, (light * exposure_s / len(unit))[:, None] * WARM, np.ones(len(unit), dtype=bool), unit[seen.sunlit]
    )


def meteor_light(meteor: SimMeteor, t_s: NDArray[np.float64], exposure_s: float) -> Light:
    """A skewed hump of light along the great circle between its ends, green first, white at the flare."""
    share = (t_s - meteor.t_s) / meteor.duration_s
    inside = (share >= 0) & (share <= 1)
    share = share[inside]
    a, b = azel_to_unit(*meteor.start_azel_deg), azel_to_unit(*meteor.end_azel_deg)
    arc = np.arccos(a @ b)
    unit = (np.sin((1 - share) * arc)[:, None] * a + np.sin(share * arc)[:, None] * b) / np.sin(arc)
    hump = share**1.5 * (1 - share) ** 0.55 / 0.36 + 0.9 * np.exp(-0.5 * ((share - 0.82) / 0.03) ** 2)
    light = 10 ** (-0.4 * meteor.magnitude) * hump * exposure_s / len(t_s)
    hue = np.stack((0.75 + 0.4 * (share > 0.7), 1.25 - 0.2 * share, np.full(len(share), 0.8)), axis=-1)
    return Light(unit, light[:, None] * hue, np.ones(len(share), dtype=bool), unit)


INSECT_RADIUS_DEG = 0.3  # of the blur disc: 3 mm of wing and lens, a third of a metre away


def insect_light(insect: SimInsect, t_s: NDArray[np.float64], exposure_s: float) -> Light:
    """Blur discs along a bent track, brighter with every stroke of the wings."""
    share = (t_s - insect.t_s) / insect.duration_s
    inside = (share >= 0) & (share <= 1)
    share = share[inside]
    a, b = azel_to_unit(*insect.start_azel_deg), azel_to_unit(*insect.end_azel_deg)
    across = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    path = a + share[:, None] * (b - a) + np.radians(insect.bend_deg) * (4 * share * (1 - share))[:, None] * across
    path /= np.linalg.norm(path, axis=1)[:, None]
    wings = 0.1 + np.abs(np.sin(np.pi * insect.wingbeat_hz * (t_s[inside] - insect.t_s))) ** 3
    # A sunflower of points fills the disc evenly (Vogel 1979); axes at right angles to the line of sight.
    k = np.arange(24)
    radius, turn = np.radians(INSECT_RADIUS_DEG) * np.sqrt((k + 0.5) / len(k)), k * np.pi * (3 - np.sqrt(5))
    side = np.cross(path, across)
    disc = radius[:, None] * np.stack((np.cos(turn), np.sin(turn)), axis=-1)
    points = path[:, None] + disc[None, :, :1] * across + disc[None, :, 1:] * side[:, None]
    light = 10 ** (-0.4 * insect.magnitude) * wings * exposure_s / len(t_s) / len(k)
    each = np.repeat(light, len(k))[:, None] * WARM
    return Light(points.reshape(-1, 3), each, np.ones(len(each), dtype=bool), path)


def beam_light(
    beam: SimBeam, t_s: NDArray[np.float64], exposure_s: float, epoch_utc_ns: int, site: Site, *, watts: float = 1.0
) -> Light:
    """The scattered light of the station's own laser: telescope + s * direction, s from 50 m to 20 km.

    Backscatter of molecules, 1.5e-6 /m/sr at sea level and 532 nm (US Standard Atmosphere; scale height 8 km), and as
    much again of haze near the ground (scale height 1.5 km). The laser shoots so often that the line is steady.
    """
    lasing = t_s[[beam.is_lasing(float(t)) for t in t_s]]
    if len(lasing) == 0:
        return Light(np.empty((0, 3)), np.empty((0, 3)), np.empty(0, dtype=bool), np.empty((0, 3)))
    edges_m = np.geomspace(50.0, 20e3, 1200)
    s_m, ds_m = np.sqrt(edges_m[1:] * edges_m[:-1]), np.diff(edges_m)
    azel = beam.azel_deg(lasing, epoch_utc_ns, site)
    along = azel_to_unit(azel[:, 0], azel[:, 1])
    lines = np.array(beam.telescope_enu_m) + s_m[None, :, None] * along[:, None, :]
    at = lines.reshape(-1, 3)
    height_m = site.height_m + at[:, 2]
    backscatter = 1.5e-6 * (np.exp(-height_m / 8000.0) + np.exp(-height_m / 1500.0))
    range_m = np.linalg.norm(at, axis=1)
    # Scattered lux of green light: watts * 600 lm/W * backscatter * ds / range^2 (luminous efficacy at 532 nm).
    lux = watts * 600.0 * backscatter * np.tile(ds_m, len(lasing)) / range_m**2
    light = lux * 10 ** (-0.4 * V_OF_ONE_LUX) * exposure_s / len(t_s)
    return Light(at / range_m[:, None], light[:, None] * LASER, np.ones(len(at), dtype=bool), lines[len(lines) // 2])
