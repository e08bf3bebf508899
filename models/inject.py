"""The trails of simulated nights on real skies: light resolved in time through a lens like that camera's, in units of
the real frame's noise.

What is real then is everything a renderer gets wrong: clouds, ghosts, domes, dust, the camera's own noise and faults.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import enu_to_azel
from camera.plate import Plate, Region, Station
from camera.sim.backdrop import EXTINCTION_MAG, air_mass
from camera.sim.cast import Cast
from camera.sim.lights import Light
from camera.sim.renderer import ZERO_MAG_E_PER_S
from camera.sim.scenario import Scenario
from camera.sim.splat import stamps
from models import synth
from models.contract import CLASSES
from models.nights import training_night

# Circle of the horizon in stored pixels (x, y, radius), as measured on the frames: of cameras that are backgrounds.
CIRCLES_PX = {"cloudynight_lowell": (709.0, 490.0, 530.0), "pyASC_maryland": (696.0, 505.0, 516.0)}
LOWEST_DEG = 8.0  # nothing is injected behind the trees
NOISE_E = (4.0, 25.0)  # of a pixel: from a dark sky and a short exposure to a bright and long one
LIMIT_SIGMA = 2.0  # light below it is not labelled
LEAST_PX = 8  # of steady light above it, to be taught


def injected(
    planes_sigma: NDArray[np.float16], camera: str, seed: int
) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """One real frame without trails, (P, H, W) in units of its noise, with the traffic of training night `seed`.

    Args:    camera is one of `CIRCLES_PX`.
    Returns: the planes and labels (H, W): the class where its light exceeds LIMIT_SIGMA, IGNORE around and below.
    """
    rng = np.random.default_rng((seed, 19))
    scenario = training_night(seed, rng)
    exposure_s, noise_e = float(rng.choice([2.0, 5.0, 10.0, 15.0])), float(np.exp(rng.uniform(*np.log(NOISE_E))))
    begin_utc_ns = scenario.utc_ns(float(rng.uniform(0.05, 0.8)) * scenario.duration_s)
    planes, labels = planes_sigma.astype(np.float32), np.zeros(planes_sigma.shape[1:], np.uint8)
    plate = _plate(scenario, CIRCLES_PX[camera], labels.shape, rng)
    for trail_class, _, light in Cast(scenario, (0, 0), None).objects(plate, begin_utc_ns, exposure_s):
        sigma = _light_sigma(light, plate, labels.shape, noise_e)
        planes += sigma  # every plane: these cameras see no colour
        if trail_class == "insect":
            continue
        name = "aircraft" if trail_class == "own-beam" else trail_class
        steady = _light_sigma(light.without_flashes, plate, labels.shape, noise_e)
        line = plate.unit_to_pixel(light.path_enu, (0, 0))
        line = line[np.isfinite(line).all(axis=1) & (np.abs(line) < 4 * max(labels.shape)).all(axis=1)]
        is_line = (steady > LIMIT_SIGMA).sum() >= LEAST_PX  # dots alone could be stars
        synth.label(labels, line, sigma > LIMIT_SIGMA, CLASSES.index(name) if is_line else synth.IGNORE)
    return np.clip(planes, -30_000, 30_000).astype(np.float16), labels


def _plate(
    scenario: Scenario, circle_px: tuple[float, float, float], shape: tuple[int, ...], rng: np.random.Generator
) -> Plate:
    """Equidistant, upright, turned and mirrored by chance."""
    x, y, radius = circle_px
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    lens = dict.fromkeys(("rx", "ry", "rz", "k1", "k2", "k3", "p1", "p2", "b1", "b2"), 0.0)
    return Plate.sealed(
        parameters={**lens, "cx": x, "cy": y, "f": radius / (np.pi / 2)}, flip=int(rng.choice([-1, 1])),
        r0=((cos, sin, 0.0), (-sin, cos, 0.0), (0.0, 0.0, 1.0)), camera_serial="another",
        region=Region(origin_px=(0, 0), size_px=(shape[1], shape[0])), date="2026-01-01T00:00:00Z",
        station=Station.of(scenario.site), rms_px=0.0, stars=0,
    )  # fmt: skip


def _light_sigma(light: Light, plate: Plate, shape: tuple[int, ...], noise_e: float) -> NDArray[np.float32]:
    """(H, W) of one object's light, without colour."""
    canvas = np.zeros(shape, np.float32)
    high_deg = enu_to_azel(light.unit_enu)[:, 1]
    up = high_deg > LOWEST_DEG
    if up.any():
        extinct = 10 ** (-0.4 * EXTINCTION_MAG * air_mass(high_deg[up])[:, None])
        grey = (light.zero_mag_s[up] * ZERO_MAG_E_PER_S * extinct).mean(axis=1, keepdims=True)
        xy = plate.unit_to_pixel(light.unit_enu[up], (0, 0))
        indices, electrons = stamps((shape[0], shape[1]), xy, np.repeat(grey, 3, axis=1))
        np.add.at(canvas.reshape(-1), indices, electrons / np.float32(noise_e))
    return canvas
