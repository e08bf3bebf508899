"""What stands behind the objects of a simulated night: airglow, the domes of two towns, twilight, a skyline, cloud, and
on request Moonlight and Milky Way.

Everything is computed on a coarse grid (one node per 8 pixels) and enlarged: sky light is smooth.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.geodesy import enu_to_azel
from camera.plate import Plate
from camera.sim import milkyway, moonlight, twilight
from camera.sim.fractal import fractal
from camera.sim.scenario import Scenario, SimCloud
from camera.sky import sun_azel

STEP_PX = 8
ARCSEC2_PER_SR = (180 / np.pi * 3600) ** 2
EXTINCTION_MAG = np.array([0.12, 0.20, 0.32])  # per air mass, in red, green, blue
DARK_SKY_MAG = np.array([21.25, 21.5, 21.45])  # per square arcsecond at the zenith
TOWN_COLOUR = np.array([1.5, 1.0, 0.55])  # of lamps on the underside of clouds, over green
BEHIND_SKYLINE = 0.04  # of the sky's light that hills and trees send back

Float32 = NDArray[np.float32]


def air_mass(elevation_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kasten & Young 1989 (Applied Optics 28, 4735)."""
    e = np.maximum(elevation_deg, 0.0)
    return np.asarray(1 / (np.sin(np.radians(e)) + 0.50572 * (e + 6.07995) ** -1.6364))


def vignetting(theta_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light lost towards the edge of the lens, relative to its centre."""
    z = theta_rad / (np.pi / 2)
    return np.asarray(np.clip(1 - 0.35 * z**2 - 0.25 * z**6, 0.05, 1.0))


class Backdrop:
    """The backdrop of one scenario through one lens, for one region."""

    def __init__(
        self, scenario: Scenario, plate: Plate, width_px: int, height_px: int, origin_px: tuple[int, int]
    ) -> None:
        self._scenario = scenario
        self._size = (width_px, height_px)
        rng = np.random.default_rng((scenario.seed, 7))
        # Node (i, j) lies at the centre of its 8 x 8 block, which is where cv2.resize puts it when enlarging.
        columns, rows = -(-width_px // STEP_PX), -(-height_px // STEP_PX)
        centre = (STEP_PX - 1) / 2
        x, y = np.meshgrid(np.arange(columns) * STEP_PX + centre, np.arange(rows) * STEP_PX + centre)
        unit = plate.pixel_to_unit(np.stack((x, y), axis=-1), origin_px)
        azel = enu_to_azel(unit)
        self._azimuth_deg, self._elevation_deg = azel[..., 0], azel[..., 1]
        self._unit = unit
        axis = plate.pixel_to_unit(np.array([plate.parameters.cx, plate.parameters.cy]), (0, 0))
        theta = np.arccos(np.clip(unit @ axis, -1, 1))
        edge = np.clip((92.5 - np.degrees(theta)) / 0.8, 0.0, 1.0)  # of the image circle
        self._lens = np.nan_to_num(vignetting(theta) * edge)
        solid = np.linalg.norm(np.cross(np.gradient(unit, axis=0), np.gradient(unit, axis=1)), axis=-1) / STEP_PX**2
        self._arcsec2 = np.nan_to_num(solid * ARCSEC2_PER_SR)  # of one pixel
        skyline = 1.5 + 1.2 * np.abs(fractal(rng, 256, 1.5)[0])  # degrees, around the horizon
        self._open = np.nan_to_num(np.clip((self._elevation_deg - self._skyline_deg(skyline)) / 0.6 + 0.5, 0.0, 1.0))
        domes = [
            (float(rng.uniform(0, 360)), float(rng.uniform(20, 45)), float(rng.uniform(0.15, 0.6))) for _ in range(2)
        ]
        self._texture = fractal(rng)
        self._night, self._towns = self._night_and_towns(domes)

    def _skyline_deg(self, skyline_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows, columns) height of what hides the sky at each node's azimuth."""
        height = np.interp(self._azimuth_deg, np.arange(257) * 360 / 256, np.append(skyline_deg, skyline_deg[0]))
        dome = self._scenario.sky.dome
        if dome is not None:
            off = (self._azimuth_deg - dome.azimuth_deg + 180) % 360 - 180
            round_deg = dome.height_deg * np.sqrt(np.maximum(1 - (off / dome.half_width_deg) ** 2, 0.0))
            height = np.maximum(height, round_deg)
        return np.asarray(height)

    def _night_and_towns(self, domes: list[tuple[float, float, float]]) -> tuple[NDArray[np.float64], Float32]:
        """Moonless night (rows, columns, 3) per square arcsecond in units of V = 0, and (rows, columns) how much of the
        towns' light stands there, relative to a dark sky."""
        e = np.radians(np.maximum(self._elevation_deg, 0.0))
        airglow = 1 / np.sqrt(np.maximum(1 - (6371 / 6461 * np.cos(e)) ** 2, 1e-3))  # van Rhijn, 90 km
        degrees = np.degrees(e)
        towns = np.zeros(degrees.shape)
        for azimuth, width, strength in domes:
            off = (self._azimuth_deg - azimuth + 180) % 360 - 180
            glow = 6 * np.exp(-degrees / 9) + 1.6 * np.exp(-degrees / 35)
            towns += strength * glow * np.exp(-0.5 * (off / width) ** 2)
        shape = 0.45 + 0.55 * np.minimum(airglow, 6.0) + towns
        extinct = 10 ** (-0.4 * 0.6 * EXTINCTION_MAG * (air_mass(self._elevation_deg) - 1)[..., None])
        return 10 ** (-0.4 * DARK_SKY_MAG) * shape[..., None] * extinct, np.nan_to_num(towns).astype(np.float32)

    def clear_sky(self, utc_ns: int) -> tuple[Float32, Float32]:
        """(rows, columns, 3) coarse: light of one pixel's cloudless sky, in units of V = 0 per second, per colour; of
        the air, and of what shines from beyond it."""
        site, wanted = self._scenario.site, self._scenario.sky
        light, beyond = self._night, np.zeros(self._night.shape)
        sun = sun_azel(utc_ns, site)
        if sun[1] > twilight.DARK_SUN_DEG:
            light = light + twilight.twilight(np.stack((self._azimuth_deg, self._elevation_deg), axis=-1), sun)
        if wanted.milky_way:
            extinct = 10 ** (-0.4 * EXTINCTION_MAG * (air_mass(self._elevation_deg) - 1)[..., None])
            beyond = milkyway.milky_way(self._unit, utc_ns, site) * extinct
        if wanted.moon:
            light = light + moonlight.skylight(self._unit, moonlight.Moon.at(utc_ns, site))
        through = self._arcsec2 * self._lens * (BEHIND_SKYLINE + (1 - BEHIND_SKYLINE) * self._open)
        air, behind = (np.nan_to_num(part * through[..., None]).astype(np.float32) for part in (light, beyond))
        return air, behind

    def transmission(self, t_s: float) -> Float32 | None:
        """(rows, columns) coarse: share of starlight that comes through the clouds at `t_s`; None without any."""
        through = None
        for cloud in self._scenario.clouds:
            one = self._one_cloud(cloud, t_s)
            if one is not None:
                through = one if through is None else through * one
        return through

    def _one_cloud(self, cloud: SimCloud, t_s: float) -> Float32 | None:
        ramp_s = 8.0
        strength = min((t_s - cloud.t_start_s) / ramp_s, (cloud.t_end_s - t_s) / ramp_s, 1.0)
        if strength <= 0:
            return None
        # A flat layer 3 km up, drifting at 12 m/s; the texture repeats every 20 km.
        up = np.maximum(self._unit[..., 2], 0.05)
        column = (self._unit[..., 0] / up * 3.0 + 0.012 * t_s) * 512 / 20
        row = self._unit[..., 1] / up * 3.0 * 512 / 20
        noise = cv2.remap(
            self._texture, (column % 511).astype(np.float32), (row % 511).astype(np.float32), cv2.INTER_LINEAR
        )
        noise = np.clip(noise, -2.0, 2.0)
        off = np.abs((self._azimuth_deg - cloud.azimuth_deg + 180) % 360 - 180)
        inside = np.ones(off.shape)
        if cloud.half_width_deg < 180:  # a bank over one side ends below the zenith, where all azimuths meet
            inside = np.clip((cloud.half_width_deg - off + 8 * noise) / 16 + 0.5, 0, 1)
            inside = inside * np.clip((88 - self._elevation_deg) / 10, 0, 1)
        depth = -np.log(max(cloud.transmission, 1e-3)) * (1 + 0.25 * noise)
        return np.asarray(np.nan_to_num(np.exp(-depth * inside * strength), nan=1.0), dtype=np.float32)

    def cloudy_sky(self, air: Float32, beyond: Float32, transmission: Float32) -> Float32:
        """Cloud hides the light behind it and scatters a little more light of the ground back; over towns much more."""
        dim = transmission[..., None]
        glow = np.array([1.7, 1.45, 1.25], np.float32)
        light = air * (dim + (1 - dim) * glow) + beyond * dim
        if self._scenario.sky.lit_clouds:
            lit = (0.3 + 4.0 * self._towns) * self._arcsec2 * self._lens * self._open * 10 ** (-0.4 * DARK_SKY_MAG[1])
            depth = -np.log(np.maximum(transmission, 1e-3))
            lit *= (1 - transmission) * (0.25 + 0.75 * depth / max(float(depth.max()), 1.0))  # the thicker the whiter
            light += lit[..., None] * TOWN_COLOUR
        return np.asarray(light, dtype=np.float32)

    def open_sky(self) -> Float32:
        """(height, width) share of a pixel that looks past the skyline, 0 to 1; 0 outside the image circle."""
        return self.enlarge(self._open.astype(np.float32))

    def enlarge(self, coarse: Float32) -> Float32:
        """(rows, columns) coarse -> (height, width)."""
        rows, columns = coarse.shape
        full = cv2.resize(coarse, (columns * STEP_PX, rows * STEP_PX), interpolation=cv2.INTER_LINEAR)
        return np.asarray(full[: self._size[1], : self._size[0]])

    def open_at(self, xy_px: NDArray[np.float64], transmission: Float32 | None) -> NDArray[np.float64]:
        """(N,) share of the light that reaches stored pixels (N, 2) through skyline, cloud and the lens's shading."""
        share = self._open * self._lens
        if transmission is not None:
            share = share * transmission
        i = np.clip((xy_px[:, 0] / STEP_PX).astype(int), 0, share.shape[1] - 1)
        j = np.clip((xy_px[:, 1] / STEP_PX).astype(int), 0, share.shape[0] - 1)
        return np.asarray(share[j, i], dtype=np.float64)
