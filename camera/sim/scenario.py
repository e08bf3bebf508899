"""The truth of a simulated night: who flies where, when, with which lights and which transponder.

Read by the camera's simulator (what can be seen) and by the radio's (what can be heard), so that both senses meet the
same aircraft. Pure data and kinematics from a seed: the same seed gives the same night everywhere. Times `t_s` are
seconds after `epoch_utc_ns`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import erfa
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from camera.geodesy import (
    Site,
    azel_to_unit,
    curvature_radii_m,
    enu_to_azel,
    enu_to_geodetic,
    geodetic_to_enu,
    separation_deg,
)
from camera.satellites import Elements, julian_dates, view
from camera.sim.conditions import PLAIN_SKY, SimSky

YEBES = Site(40.5247, -3.0883, 980.0)
EPOCH_UTC_NS = 1_781_473_500_000_000_000  # 2026-06-14T21:45:00Z: Sun 17 deg below the horizon, New Moon
TARGET_NAME = "SIM-TARGET"
ELSEWHERE_DEG = 17.0  # the others keep outside cone and caution, so that it is plain for whom the station holds


@dataclass(frozen=True)
class SimAircraft:
    """Straight and level (or steadily climbing) flight through a given point at a given time."""

    icao: str
    callsign: str
    transponder: bool  # False: nothing on 1090 MHz at all
    lights: str  # "jet" | "light" (span, strobes and intensities; see sim/lights.py)
    t_ref_s: float
    latitude_ref_deg: float
    longitude_ref_deg: float
    height_ref_m: float  # above the WGS-84 ellipsoid
    track_deg: float
    speed_mps: float
    vertical_rate_mps: float
    squawk: str
    brightness: float = 1.0  # of all its lamps, against what their kind has

    def position(self, t_s: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Latitude, longitude (degrees) and height (metres above the ellipsoid) at N times."""
        dt = np.asarray(t_s, dtype=float) - self.t_ref_s
        meridian_m, vertical_m = curvature_radii_m(self.latitude_ref_deg)
        height = self.height_ref_m + self.vertical_rate_mps * dt
        north, east = (
            self.speed_mps * cos(radians(self.track_deg)) * dt,
            self.speed_mps * sin(radians(self.track_deg)) * dt,
        )
        latitude = self.latitude_ref_deg + np.degrees(north / (meridian_m + self.height_ref_m))
        longitude = self.longitude_ref_deg + np.degrees(
            east / ((vertical_m + self.height_ref_m) * cos(radians(self.latitude_ref_deg)))
        )
        return latitude, longitude, height

    def enu_m(self, t_s: ArrayLike, site: Site) -> NDArray[np.float64]:
        """(N, 3) metres east, north, up of the site."""
        return geodetic_to_enu(*self.position(t_s), site)


@dataclass(frozen=True)
class SimSatellite:
    """A satellite by its elements; `magnitude_1000km` at 1000 km range when sunlit."""

    elements: Elements
    magnitude_1000km: float


@dataclass(frozen=True)
class SimMeteor:
    """A straight, short, bright path between two directions (azimuth, elevation in degrees)."""

    t_s: float
    duration_s: float
    start_azel_deg: tuple[float, float]
    end_azel_deg: tuple[float, float]
    magnitude: float


@dataclass(frozen=True)
class SimCloud:
    """A bank of cloud over one side of the sky for a while; edges soft in time and angle."""

    t_start_s: float
    t_end_s: float
    azimuth_deg: float
    half_width_deg: float
    transmission: float  # of starlight behind the thick part, 0-1


@dataclass(frozen=True)
class SimBeam:
    """The station's own green beam: the telescope tracks the target; lasing between the times given."""

    target: Elements
    telescope_enu_m: tuple[float, float, float]  # of the telescope, from the camera
    lasing_s: tuple[tuple[float, float], ...]

    def azel_deg(self, t_s: ArrayLike, epoch_utc_ns: int, site: Site) -> NDArray[np.float64]:
        """(N, 2) azimuth and elevation of the telescope."""
        utc_ns = epoch_utc_ns + (np.atleast_1d(np.asarray(t_s, dtype=float)) * 1e9).astype(np.int64)
        return enu_to_azel(view(self.target, utc_ns, site).enu_m)

    def is_lasing(self, t_s: float) -> bool:
        return any(a <= t_s < b for a, b in self.lasing_s)


@dataclass(frozen=True)
class Scenario:
    """One night."""

    seed: int
    site: Site
    epoch_utc_ns: int
    duration_s: float
    aircraft: tuple[SimAircraft, ...]
    satellites: tuple[SimSatellite, ...]
    meteors: tuple[SimMeteor, ...]
    clouds: tuple[SimCloud, ...]
    beam: SimBeam
    sky: SimSky = PLAIN_SKY

    def t_s(self, utc_ns: int) -> float:
        return (utc_ns - self.epoch_utc_ns) / 1e9

    def utc_ns(self, t_s: float) -> int:
        return self.epoch_utc_ns + round(t_s * 1e9)


def night(seed: int, *, minutes: float = 3.0, site: Site = YEBES, epoch_utc_ns: int = EPOCH_UTC_NS) -> Scenario:
    """A night in which everything happens: transponders, a silent aircraft, a satellite, a meteor, cloud, the beam.

    Two aircraft are flown through the guarded cone, one with and one without a transponder, so that a station that
    works has to hold twice; the others pass elsewhere.
    """
    rng = np.random.default_rng(seed)
    duration = minutes * 60.0
    target = _pass_over(
        rng,
        site,
        epoch_utc_ns,
        duration / 2,
        altitude_km=1450.0,
        elevation_deg=(55.0, 75.0),
        number=99001,
        name=TARGET_NAME,
    )
    beam = SimBeam(target, (9.0, 4.0, 1.0), ((0.06 * duration, 0.97 * duration),))

    aircraft = [
        _through_beam(
            rng,
            beam,
            site,
            epoch_utc_ns,
            0.36 * duration,
            height_m=10_600.0,
            speed_mps=235.0,
            transponder=True,
            number=0,
        ),
        _through_beam(
            rng,
            beam,
            site,
            epoch_utc_ns,
            0.72 * duration,
            height_m=3_200.0,
            speed_mps=75.0,
            transponder=False,
            number=1,
        ),
    ]
    t_s = np.arange(0.0, duration, 1.0)
    beam_unit = azel_to_unit(*beam.azel_deg(t_s, epoch_utc_ns, site).T)
    beam_azimuth = float(beam.azel_deg(0.5 * duration, epoch_utc_ns, site)[0, 0])
    while len(aircraft) < 8:
        other = _passing(rng, site, duration, len(aircraft))
        if separation_deg(other.enu_m(t_s, site), beam_unit).min() > ELSEWHERE_DEG:
            aircraft.append(other)

    for _ in range(200):
        visible = _pass_over(
            rng,
            site,
            epoch_utc_ns,
            0.5 * duration,
            altitude_km=780.0,
            elevation_deg=(40.0, 60.0),
            number=99002,
            name="SIM-SAT",
        )
        path = view(visible, epoch_utc_ns + (t_s * 1e9).astype(np.int64), site).enu_m
        if separation_deg(path, beam_unit).min() > ELSEWHERE_DEG:
            break
    start = ((beam_azimuth + float(rng.uniform(80, 250))) % 360.0, float(rng.uniform(45, 60)))
    meteor = SimMeteor(
        float(rng.uniform(0.45, 0.6)) * duration, 0.6, start, ((start[0] + 25.0) % 360.0, start[1] - 14.0), -2.0
    )
    cloud = SimCloud(0.5 * duration, 0.8 * duration, (beam_azimuth + 180.0) % 360.0, 55.0, 0.03)
    return Scenario(
        seed, site, epoch_utc_ns, duration, tuple(aircraft), (SimSatellite(visible, 2.0),), (meteor,), (cloud,), beam
    )


def _through_beam(
    rng: np.random.Generator, beam: SimBeam, site: Site, epoch_utc_ns: int, t_s: float,
    *, height_m: float, speed_mps: float, transponder: bool, number: int,
) -> SimAircraft:  # fmt: skip
    """An aircraft that crosses the telescope's direction at `t_s`, at `height_m` above the site's horizon plane."""
    azimuth, elevation = beam.azel_deg(t_s, epoch_utc_ns, site)[0]
    unit = azel_to_unit(azimuth, elevation)
    latitude, longitude, height = enu_to_geodetic(unit * height_m / unit[2], site)
    return _aircraft(
        rng, number, transponder, t_s, latitude, longitude, height, float(rng.uniform(0, 360)), speed_mps, 0.0
    )


def _passing(rng: np.random.Generator, site: Site, duration_s: float, number: int) -> SimAircraft:
    """An airliner whose closest approach lies 3-28 km away, some time during the night."""
    bearing, distance_m = rng.uniform(0, 2 * np.pi), rng.uniform(3e3, 28e3)
    latitude, longitude, _ = enu_to_geodetic(
        np.array([distance_m * np.sin(bearing), distance_m * np.cos(bearing), 0.0]), site
    )
    side = 90.0 if rng.random() < 0.5 else -90.0
    track = (np.degrees(bearing) + side + rng.uniform(-15, 15)) % 360.0
    t_ref_s, height_m, speed_mps = rng.uniform((0.1, 8_000, 200), (0.9, 12_200, 250)).tolist()
    climb_mps = float(rng.choice([0.0, 0.0, 0.0, 8.0, -8.0]))
    return _aircraft(
        rng, number, True, t_ref_s * duration_s, latitude, longitude, height_m, float(track), speed_mps, climb_mps
    )


def _aircraft(
    rng: np.random.Generator, number: int, transponder: bool, t_ref_s: float, latitude_deg: float, longitude_deg: float,
    height_m: float, track_deg: float, speed_mps: float, vertical_rate_mps: float,
) -> SimAircraft:  # fmt: skip
    # 0x340000-0x37FFFF is Spain's block of addresses (ICAO Annex 10, volume III, table 9-1).
    icao = f"{0x340000 + int(rng.integers(0x40000)):06X}"
    callsign = f"SIM{100 + number * 37 + int(rng.integers(30))}"
    squawk = f"{int(rng.integers(0o1000, 0o6777)):04o}"
    lights = "jet" if speed_mps > 120 else "light"
    return SimAircraft(
        icao, callsign, transponder, lights, t_ref_s, latitude_deg, longitude_deg, height_m, track_deg, speed_mps,
        vertical_rate_mps, squawk,
    )  # fmt: skip


def _pass_over(
    rng: np.random.Generator, site: Site, epoch_utc_ns: int, t_s: float,
    *, altitude_km: float, elevation_deg: tuple[float, float], number: int, name: str,
) -> Elements:  # fmt: skip
    """Elements of an invented circular orbit that stands at the wanted elevation, sunlit, at `t_s`."""
    utc_ns = epoch_utc_ns + round(t_s * 1e9)
    whole, fraction = julian_dates(utc_ns)
    mean_motion = np.sqrt(398600.8 / (6378.135 + altitude_km) ** 3) * 60.0  # rad/min, WGS-72
    epoch_days = float(whole[0] + fraction[0]) - 2433281.5  # days since 1949-12-31, the unit of sgp4init
    for _ in range(40_000):
        satellite = Satrec()
        satellite.sgp4init(
            WGS72, "i", number, epoch_days, 1e-5, 0.0, 0.0, 1e-4, 0.0, float(np.radians(rng.uniform(50, 98))),
            float(rng.uniform(0, 2 * np.pi)), float(mean_motion), float(rng.uniform(0, 2 * np.pi)),
        )  # fmt: skip
        satellite.classification, satellite.intldesg, satellite.elnum, satellite.revnum = "U", "26001A", 1, 1
        error, r_km, _ = satellite.sgp4(float(whole[0]), float(fraction[0]))
        if error or _cosine_to_zenith(np.array(r_km), site, whole, fraction) < np.cos(np.radians(30.0)):
            continue  # a cheap first sieve: the geocentric direction must be near the station's
        elements = Elements(name, *export_tle(satellite))
        seen = view(elements, utc_ns, site)
        if seen.sunlit[0] and elevation_deg[0] < enu_to_azel(seen.enu_m)[0, 1] < elevation_deg[1]:
            return elements
    raise ValueError(f"no orbit at {altitude_km:.0f} km passes {name} over the site: choose another epoch or elevation")


def _cosine_to_zenith(
    r_km: NDArray[np.float64], site: Site, whole: NDArray[np.float64], fraction: NDArray[np.float64]
) -> float:
    theta = float(erfa.gmst82(whole, fraction)[0]) + np.radians(site.longitude_deg)
    lat = np.radians(site.latitude_deg)
    zenith = np.array([np.cos(lat) * np.cos(theta), np.cos(lat) * np.sin(theta), np.sin(lat)])
    return float(r_km @ zenith / np.linalg.norm(r_km))
