"""How long to expose next: the wanted time by night, less when the sky would saturate. Pure: no camera, no clock.

Settings stand on a ladder, each rung half the signal of the one above: first shorter exposures, then less gain (which
costs read noise). A bright frame steps down as far as it must, at once; a dark one goes up one rung after some frames.
Between the two thresholds lies more than one rung, so a steady sky never moves the ladder (no hunting). The law judges
a frame by the settings it was taken with, so a camera that answers a frame late does no harm.

The Sun's height only chooses where to begin: a wrong clock costs a few frames, nothing else.

*Why the brightest twentieth and not the median:* dusk is ten times brighter over the Sun than opposite. *Why not the
brightest pixel:* Moon, lamps and lit windows always saturate, and must not blind the camera to the rest of the sky.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from camera.device import Frame

RUNG_GAIN = 60  # gain settings to half the signal: the unit is 0.1 dB
BRIGHT_SHARE = 0.95  # quantile of a frame's pixels that stands for the bright part of the sky
HIGH_LEVEL, LOW_LEVEL = 0.5, 0.15  # of full scale; their ratio is larger than one rung
FULL_LEVEL = 0.97  # the bright part itself saturates: nobody knows by how much
BLIND_RUNGS = 3  # to go down then
PATIENCE_FRAMES = 3  # dark ones before going up: a car's headlights are no dawn
_THIN = 24  # of a mosaic with even steps only one colour would be seen: two offsets are read

# Rungs that a clear sky needs at a Sun's elevation, f/2.8 and gain 120, seen on rendered twilights.
_SUN_DEG = (-7.0, -4.5, -2.0, 0.0, 5.0)
_SUN_RUNGS = (0.0, 4.0, 8.0, 10.5, 12.0)


@dataclass(frozen=True, slots=True)
class ExposureLimits:
    """What the configuration wants and allows."""

    wanted_s: float
    shortest_s: float
    gain_setting: int
    lowest_gain_setting: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What a camera is told."""

    exposure_s: float
    gain_setting: int


@dataclass(frozen=True, slots=True)
class SkyLevel:
    """What one frame says about its exposure."""

    setting: Setting
    bright: float  # BRIGHT_SHARE quantile over full scale, black level included: 0-1


@dataclass(frozen=True, slots=True)
class ExposureState:
    """The rung in use (0: as wanted) and how many frames in a row would have allowed the one above."""

    rung: int
    dark_frames: int = 0


def ladder(limits: ExposureLimits) -> tuple[Setting, ...]:
    """All settings, brightest first; the last rung of each kind may be shorter than a half."""
    exposures = [limits.wanted_s]
    while exposures[-1] > limits.shortest_s:
        exposures.append(max(exposures[-1] / 2, limits.shortest_s))
    gains = [limits.gain_setting]
    while gains[-1] > limits.lowest_gain_setting:
        gains.append(max(gains[-1] - RUNG_GAIN, limits.lowest_gain_setting))
    by_time = [Setting(exposure_s, gains[0]) for exposure_s in exposures]
    return (*by_time, *(Setting(exposures[-1], gain) for gain in gains[1:]))


def begin(limits: ExposureLimits, sun_elevation_deg: float) -> ExposureState:
    """Where to start: the Sun's height is a hint that saves the first frames of a bright day."""
    rung = round(float(np.interp(sun_elevation_deg, _SUN_DEG, _SUN_RUNGS)))
    return ExposureState(min(rung, len(ladder(limits)) - 1))


def sky_level(frame: Frame) -> SkyLevel:
    """From some 26 000 pixels of all colours; a tenth of a millisecond."""
    thin = np.concatenate([frame.pixels[at::_THIN, at::_THIN].reshape(-1) for at in (0, _THIN // 2 + 1)])
    return SkyLevel(
        Setting(frame.exposure_s, frame.gain_setting),
        float(np.quantile(thin, BRIGHT_SHARE)) / frame.white_adu,
    )


def step(limits: ExposureLimits, state: ExposureState, seen: SkyLevel) -> ExposureState:
    """The rung for the next exposure, after a frame taken at `seen.setting` (perhaps not yet at `state.rung`)."""
    rungs = ladder(limits)
    taken = _rung_of(rungs, seen.setting)
    if seen.bright > HIGH_LEVEL:
        down = BLIND_RUNGS if seen.bright >= FULL_LEVEL else ceil(log2(seen.bright / HIGH_LEVEL))
        return ExposureState(min(max(state.rung, taken + down), len(rungs) - 1))
    if seen.bright > LOW_LEVEL or taken != state.rung or state.rung == 0:
        return replace(state, dark_frames=0)
    if state.dark_frames + 1 < PATIENCE_FRAMES:
        return replace(state, dark_frames=state.dark_frames + 1)
    return ExposureState(state.rung - 1)


def setting(limits: ExposureLimits, state: ExposureState) -> Setting:
    return ladder(limits)[state.rung]


def _rung_of(rungs: tuple[Setting, ...], taken: Setting) -> int:
    """The nearest rung: a camera rounds to microseconds."""
    apart = [
        abs(log2(max(rung.exposure_s, 1e-9) / max(taken.exposure_s, 1e-9)))
        + abs(rung.gain_setting - taken.gain_setting) / RUNG_GAIN
        for rung in rungs
    ]
    return int(np.argmin(apart))
