"""The sky of a simulated night as the camera's sensor would expose it: raw RGGB frames, and the truth about them.

Once: backdrop and hot pixels. Every few seconds, where Sun, Moon or Milky Way change it: the sky's light. Per frame:
stars where they stand at mid-exposure, objects resolved in time within the exposure, cloud, dew, cosmic rays, noise. A
frame depends on the scenario, the plate and its start alone: rendering it again gives the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import enu_to_azel
from camera.plate import Plate, Region, Station
from camera.sim import moonlight, twilight
from camera.sim.backdrop import EXTINCTION_MAG, Backdrop, Float32, air_mass
from camera.sim.cast import Cast, TruthClass
from camera.sim.dew import Dew
from camera.sim.laser import Intervals
from camera.sim.lights import Light
from camera.sim.scenario import Scenario
from camera.sim.sensor import Sensor
from camera.sim.splat import stamps
from camera.sky import sun_azel

SENSOR_PX, ROI_PX = (4144, 2822), (2744, 2822)
PIXEL_M, FOCAL_M = 4.63e-6, 4.5e-3
SERIAL = "51d0c0de00000001"  # of the simulated camera
# Electrons per second from a star of V = 0, were all pixels of that colour: f/2.8, 4.5 mm, quantum efficiency 0.6,
# 0.75, 0.6 over 80, 90, 90 nm, glass 0.8, 1000 photons/s/cm2/0.1 nm.
ZERO_MAG_E_PER_S = 1000 * 0.8 * np.pi / 4 * (0.45 / 2.8) ** 2 * np.array([0.60 * 800, 0.75 * 900, 0.60 * 900])
COSMIC_RAYS_PER_S = 0.2

TWILIGHT_STEP_S, NIGHT_STEP_S = 10.0, 30.0  # between two computations of the sky's light


@dataclass(frozen=True, slots=True, eq=False)
class TruthTrail:
    """What one object really did during one exposure."""

    trail_class: TruthClass
    id: str  # ICAO address, satellite name, "meteor-0", "own-beam"
    polyline_px: NDArray[
        np.float64
    ]  # (N, 2) stored pixels, in the order of time, of the part above skyline and in frame
    peak_snr: float  # of its brightest pixel, flashes included, over the noise of the pixel without it
    line_snr: float  # of the brightest pixel of its steady light alone
    total_snr: float  # of all its light, flashes included, through the filter that fits it: root of the summed squares
    lit_px: float  # over how many stored pixels that is spread: 1 / sum of the squared shares; a flash has about ten
    visible: bool  # peak_snr of at least 5


def simulated_plate(scenario: Scenario, *, scale: float = 1.0) -> Plate:
    """The true plate of the demo's camera: 4.5 mm equisolid fisheye, not quite level, not quite centred, from the seed.

    Args: scale 0.5 for a camera with half as many pixels each way, which keeps tests cheap.
    """
    rng = np.random.default_rng((scenario.seed, 13))
    width, height = (int(side * scale) // 2 * 2 for side in ROI_PX)
    origin = tuple(int((full - roi) * scale) // 4 * 2 for full, roi in zip(SENSOR_PX, ROI_PX, strict=True))
    tilt, roll = rng.uniform(-2.0, 2.0, 2), rng.uniform(0, 360)
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    cx = origin[0] + (width - 1) / 2 + rng.uniform(-12, 12) * scale
    cy = origin[1] + (height - 1) / 2 + rng.uniform(-12, 12) * scale
    return Plate.sealed(
        parameters=dict(
            rx=float(np.radians(tilt[0])), ry=float(np.radians(tilt[1])), rz=0.0, cx=cx, cy=cy,
            f=FOCAL_M / PIXEL_M * scale, k1=-1 / 24, k2=1 / 1920, k3=-1 / 322560,  # 2 f sin(theta / 2), to 7th order
            p1=float(rng.normal(0, 1e-3)), p2=float(rng.normal(0, 1e-3)), b1=float(rng.normal(0, 3e-4)), b2=0.0,
        ),
        flip=1,
        r0=((cos, sin, 0.0), (-sin, cos, 0.0), (0.0, 0.0, 1.0)),
        camera_serial=SERIAL,
        region=Region(origin_px=(origin[0], origin[1]), size_px=(width, height)),
        date="2026-06-01T00:00:00Z",
        station=Station.of(scenario.site),
        rms_px=0.0,
        stars=0,
    )  # fmt: skip


class Renderer:
    """Renders one scenario through one lens."""

    def __init__(
        self, scenario: Scenario, plate: Plate, *, width_px: int, height_px: int, origin_px: tuple[int, int],
        gain_setting: int, offset_setting: int = 30, lasing: Callable[[], Intervals] | None = None,
    ) -> None:  # fmt: skip
        """Raises ValueError for an odd origin, which would not begin with a red pixel.

        Args: lasing gives the intervals in which the laser really fired; None: it fires whenever the scenario wants.
        """
        if origin_px[0] % 2 or origin_px[1] % 2:
            raise ValueError(f"origin_px {origin_px} must be even, so that the mosaic begins with red")
        self.sensor = Sensor(gain_setting, offset_setting, scenario.seed)
        self._scenario, self._plate, self._origin = scenario, plate, origin_px
        self._shape = (height_px, width_px)
        self._backdrop = Backdrop(scenario, plate, width_px, height_px, origin_px)
        self._mounted: tuple[tuple[Plate, Backdrop], ...] = ((self._plate, self._backdrop),)  # before and after a knock
        self._dew = Dew(scenario.seed)
        self._dark_e_per_s = self.sensor.dark_e_per_s(width_px, height_px)
        self._cast = Cast(scenario, origin_px, lasing)
        self._sky: tuple[object, tuple[Float32, Float32], Float32] | None = None  # of what; coarse; mosaic; per second

    def render(self, start_utc_ns: int, exposure_s: float) -> NDArray[np.uint16]:
        """(height, width) RGGB stored units of the exposure that begins at `start_utc_ns`."""
        rng = np.random.Generator(np.random.SFC64((self._scenario.seed, start_utc_ns)))
        if self._scenario.sky.is_capped(self._scenario.t_s(start_utc_ns)):
            mean_e = self._dark_e_per_s * np.float32(exposure_s)
        else:
            mean_e = self._light_e(start_utc_ns, exposure_s, rng)
        self._cosmic_rays(mean_e, exposure_s, rng)
        return self.sensor.read_out(mean_e, rng)

    def _light_e(self, start_utc_ns: int, exposure_s: float, rng: np.random.Generator) -> Float32:
        """(height, width) expected electrons of everything that shines, dark current included."""
        self._aim(start_utc_ns)
        transmission = self._backdrop.transmission(self._middle_s(start_utc_ns, exposure_s))
        mean_e = self._background_e(start_utc_ns, exposure_s, transmission)
        flat = mean_e.reshape(-1)
        objects = [light for _, _, light in self._cast.objects(self._plate, start_utc_ns, exposure_s)]
        for light in (self._cast.points(start_utc_ns, exposure_s, rng), *objects):
            indices, electrons = self._exposed(light, transmission)
            np.add.at(flat, indices, electrons)
        self._add_moon(mean_e, start_utc_ns, exposure_s, transmission)
        dew = self._scenario.sky.dew
        if dew is not None and (covered := dew.covered(self._scenario.t_s(start_utc_ns))) > 0:
            return self._dew.blurred(mean_e, covered)
        return mean_e

    def truth(self, start_utc_ns: int, exposure_s: float) -> list[TruthTrail]:
        """Every object of which a part stood above the skyline and inside the frame during the exposure."""
        if self._scenario.sky.is_capped(self._scenario.t_s(start_utc_ns)):
            return []
        self._aim(start_utc_ns)
        transmission = self._backdrop.transmission(self._middle_s(start_utc_ns, exposure_s))
        background_e = self._background_e(start_utc_ns, exposure_s, transmission).reshape(-1)
        trails = []
        for trail_class, name, light in self._cast.objects(self._plate, start_utc_ns, exposure_s):
            line = self._polyline(light.path_enu)
            if len(line) < 2:
                continue
            snr, steady = (self._snr(part, transmission, background_e) for part in (light, light.without_flashes))
            peak, power = float(snr.max()), snr**2
            total, lit_px = float(np.sqrt(power.sum())), float(power.sum() ** 2 / max((power**2).sum(), 1e-12))
            trails.append(
                TruthTrail(trail_class, name, line, peak, float(steady.max()), total, lit_px, visible=peak >= 5.0)
            )
        return trails

    def cloud_opacity(self, start_utc_ns: int, exposure_s: float) -> Float32:
        """(height, width) share of starlight lost in cloud, 0 to 1."""
        self._aim(start_utc_ns)
        transmission = self._backdrop.transmission(self._middle_s(start_utc_ns, exposure_s))
        if transmission is None:
            return np.zeros(self._shape, np.float32)
        return np.asarray(1 - self._backdrop.enlarge(transmission), dtype=np.float32)

    def open_sky(self, start_utc_ns: int) -> Float32:
        """(height, width) share of a pixel that looks past the skyline, 0 to 1; 0 everywhere under a cap."""
        if self._scenario.sky.is_capped(self._scenario.t_s(start_utc_ns)):
            return np.zeros(self._shape, np.float32)
        self._aim(start_utc_ns)
        return self._backdrop.open_sky()

    def _middle_s(self, start_utc_ns: int, exposure_s: float) -> float:
        return self._scenario.t_s(start_utc_ns) + exposure_s / 2

    def _background_e(self, start_utc_ns: int, exposure_s: float, transmission: Float32 | None) -> Float32:
        moment_ns = self._sky_moment_ns(start_utc_ns)
        if self._sky is None or self._sky[0] != (self._plate.sha256, moment_ns):
            coarse = self._backdrop.clear_sky(moment_ns)
            self._sky = ((self._plate.sha256, moment_ns), coarse, self._mosaic(coarse[0] + coarse[1]))
        _, coarse, full = self._sky
        if transmission is not None:
            full = self._mosaic(self._backdrop.cloudy_sky(*coarse, transmission))
        background = full + self._dark_e_per_s
        background *= np.float32(exposure_s)
        return background

    def _sky_moment_ns(self, start_utc_ns: int) -> int:
        """Of which instant the sky's light is taken: its own step's middle, or always the same where nothing moves."""
        wanted = self._scenario.sky
        in_twilight = sun_azel(start_utc_ns, self._scenario.site)[1] > twilight.DARK_SUN_DEG
        if not (in_twilight or wanted.moon or wanted.milky_way):
            return self._scenario.epoch_utc_ns
        step_ns = round((TWILIGHT_STEP_S if in_twilight else NIGHT_STEP_S) * 1e9)
        return start_utc_ns // step_ns * step_ns + step_ns // 2

    def _aim(self, start_utc_ns: int) -> None:
        """Looks through the lens as it is mounted at that time."""
        knock = self._scenario.sky.knock
        after = knock is not None and self._scenario.t_s(start_utc_ns) >= knock.t_s
        if knock is not None and after and len(self._mounted) == 1:
            moved, (height, width) = knock.moved(self._plate), self._shape
            self._mounted += ((moved, Backdrop(self._scenario, moved, width, height, self._origin)),)
        self._plate, self._backdrop = self._mounted[int(after)]

    def _mosaic(self, coarse: Float32) -> Float32:
        """Coarse colours -> (height, width) electrons per second in each pixel's own colour."""
        mosaic = np.empty(self._shape, np.float32)
        planes = [
            self._backdrop.enlarge(np.ascontiguousarray(coarse[..., c]) * np.float32(ZERO_MAG_E_PER_S[c]))
            for c in range(3)
        ]
        mosaic[0::2, 0::2] = planes[0][0::2, 0::2]
        mosaic[0::2, 1::2] = planes[1][0::2, 1::2]
        mosaic[1::2, 0::2] = planes[1][1::2, 0::2]
        mosaic[1::2, 1::2] = planes[2][1::2, 1::2]
        return mosaic

    def _exposed(self, light: Light, transmission: Float32 | None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        xy = self._plate.unit_to_pixel(light.unit_enu, self._origin)
        here = np.isfinite(xy).all(axis=1)
        xy, unit = xy[here], light.unit_enu[here]
        extinct = 10 ** (-0.4 * EXTINCTION_MAG * air_mass(enu_to_azel(unit)[:, 1])[:, None])
        share = self._backdrop.open_at(xy, transmission)[:, None] * extinct
        return stamps(self._shape, xy, light.zero_mag_s[here] * ZERO_MAG_E_PER_S * share)

    def _add_moon(self, mean_e: Float32, start_utc_ns: int, exposure_s: float, transmission: Float32 | None) -> None:
        if not self._scenario.sky.moon:
            return
        moon = moonlight.Moon.at(start_utc_ns + round(exposure_s * 5e8), self._scenario.site)
        at = self._plate.unit_to_pixel(moon.unit_enu, self._origin)
        height, width = self._shape
        if moon.azel_deg[1] < -0.5 or not ((at > 0) & (at < (width - 1, height - 1))).all():
            return
        extinct = 10 ** (-0.4 * EXTINCTION_MAG * air_mass(np.array(moon.azel_deg[1])))
        share = float(self._backdrop.open_at(at[None], transmission)[0])
        electrons = moon.light * exposure_s * share * extinct * ZERO_MAG_E_PER_S
        lens = self._plate.parameters
        axis = np.array([lens.cx, lens.cy]) - self._origin
        px_per_deg = float(np.radians(lens.f))
        for rows, columns, light in moonlight.disc_and_ghost(self._shape, at, axis, px_per_deg, electrons):
            mean_e[rows, columns] += light

    def _polyline(self, path_enu: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) of the first stretch that lies in the frame and above the skyline, a point about every 8 px."""
        xy = self._plate.unit_to_pixel(path_enu, self._origin)
        height, width = self._shape
        with np.errstate(invalid="ignore"):
            inside = (xy >= 0).all(axis=1) & (xy[:, 0] <= width - 1) & (xy[:, 1] <= height - 1)
        inside[inside] = self._backdrop.open_at(xy[inside], None) > 0.02
        shown = np.flatnonzero(inside)
        if len(shown) < 2:
            return np.empty((0, 2))
        xy = xy[shown[: np.argmax(np.append(np.diff(shown), 2) > 1) + 1]]
        length_px = float(np.linalg.norm(np.diff(xy, axis=0), axis=1).sum())
        keep = np.linspace(0, len(xy) - 1, max(2, min(len(xy), int(length_px / 8) + 1))).round().astype(int)
        return np.asarray(xy[keep])

    def _snr(self, light: Light, transmission: Float32 | None, background_e: Float32) -> NDArray[np.float64]:
        """Of every pixel that the light reaches; one 0 where it reaches none."""
        indices, electrons = self._exposed(light, transmission)
        if len(indices) == 0:
            return np.zeros(1)
        pixels, where = np.unique(indices, return_inverse=True)
        noise_e = np.sqrt(background_e[pixels] + self.sensor.read_noise_e**2)
        return np.asarray(np.bincount(where, weights=electrons) / noise_e)

    def _cosmic_rays(self, mean_e: Float32, exposure_s: float, rng: np.random.Generator) -> None:
        height, width = self._shape
        for _ in range(rng.poisson(COSMIC_RAYS_PER_S * exposure_s)):
            x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, 2 * np.pi)
            for step in range(1 + int(rng.exponential(3))):
                i, j = int(x + step * np.cos(angle)), int(y + step * np.sin(angle))
                if 0 <= i < width and 0 <= j < height:
                    mean_e[j, i] += rng.uniform(250, 2500)
