"""Frames of simulated nights with their truth, for training and for evaluation. The same renderer the demo's camera
looks at.

Training nights are crowded: the traffic of many nights in one, meteors all the time, cloud anywhere. Evaluation nights
are the demo's own, untouched, from other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.plate import Plate
from camera.sim.renderer import ROI_PX, Renderer, TruthTrail, simulated_plate
from camera.sim.scenario import Scenario, night
from camera.stack import FRAMES, Stack
from models import synth
from models.cache import kept
from models.contract import CLASSES
from models.dataset import Picture, different_planes
from models.evaluate import Case
from models.nights import training_night
from models.score import length_px

GAIN_SETTING = 120
LEAST_SNR = 8.0  # of a trail all together, within REACH_PX of its length, to be findable; as a single pixel hardly 1
REACH_PX = 100.0
LEAST_LINE_SNR, LEAST_LIT_PX = 3.0, 24.0  # a steady part that shows, or more pixels than two flashes among the stars
FAINTEST_SNR = 3.0  # below LEAST_SNR neither taught nor forbidden; below this nothing is there
CLOUDED, UNCLOUDED = 0.5, 0.1  # share of starlight lost: at least, it is cloud; below, clear sky; between, nobody says


@dataclass(frozen=True, slots=True, eq=False)
class RenderedFrame:
    frame: Frame
    truth: list[TruthTrail]
    plate: Plate
    cloud_opacity: NDArray[np.float32]  # (H // 2, W // 2) share of starlight lost at mid-exposure; NaN: no open sky


def render(scenario: Scenario, times_s: list[float], *, exposure_s: float = 2.0) -> Iterator[RenderedFrame]:
    """Frames of the field camera at the times given."""
    plate = simulated_plate(scenario)
    assert plate.region is not None
    width, height = ROI_PX
    renderer = Renderer(
        scenario, plate, width_px=width, height_px=height, origin_px=plate.region.origin_px, gain_setting=GAIN_SETTING
    )
    for seq, t_s in enumerate(times_s):
        utc_ns = scenario.utc_ns(t_s)
        frame = Frame(
            seq=seq,
            start_utc_ns=utc_ns,
            end_mono_s=0.0,
            exposure_s=exposure_s,
            gain_setting=GAIN_SETTING,
            gain_e_per_adu=1.0,
            origin_px=plate.region.origin_px,
            mosaic="RGGB",
            white_adu=65535,
            sensor_celsius=0.0,
            cooler_percent=0.0,
            pixels=renderer.render(utc_ns, exposure_s),
        )
        opacity = np.where(
            renderer.open_sky(utc_ns) > 0.99, renderer.cloud_opacity(utc_ns, exposure_s), np.float32(np.nan)
        )[: height // 2 * 2 : 2, : width // 2 * 2 : 2]
        yield RenderedFrame(frame, renderer.truth(utc_ns, exposure_s), plate, opacity.copy())


def render_stack(scenario: Scenario, start_s: float, *, exposure_s: float, exposures: int) -> RenderedFrame:
    """Consecutive exposures as the station stacks them, and what one exposure of that length would have had on it."""
    made = list(render(scenario, [start_s + k * exposure_s for k in range(exposures)], exposure_s=exposure_s))
    if exposures == 1:
        return made[0]
    stack = Stack(exposures)
    stacked = [stack.add(one.frame) for one in made][-1]
    assert stacked is not None
    (whole,) = render(scenario, [start_s], exposure_s=exposures * exposure_s)
    return replace(whole, frame=stacked)


def prepare_nights(seeds: Sequence[int], cache: Path, *, frames: int = 4) -> list[Picture]:
    """Frames of crowded nights, rendered once and kept beside the other prepared pictures."""
    pictures = []
    for seed in seeds:
        pairs = zip(*kept(cache / f"night-{seed}-{frames}-v4.npz", partial(_stacked, seed, frames)), strict=True)
        pictures += [Picture(planes, labels, f"night-{seed}") for planes, labels in pairs]
    return pictures


def _stacked(seed: int, frames: int) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    made = list(training_pictures(seed, frames))
    return np.stack([p.planes_sigma for p in made]), np.stack([p.labels for p in made])


def training_pictures(seed: int, frames: int) -> Iterator[Picture]:
    """Frames of one night, labelled at half resolution: crowded or of plain traffic, at 2 s, at 10 s or as a stack of
    five times 2 s (as on the box); the own beam is light that must be found, too."""
    rng = np.random.default_rng((seed, 8))
    scenario = training_night(seed, rng)
    exposure_s, stacked = ((2.0, 1), (10.0, 1), (2.0, FRAMES), (10.0, 1))[seed // 2 % 4]
    for start_s in np.sort(rng.uniform(0.02, 0.80, frames)) * scenario.duration_s:
        made = render_stack(scenario, float(start_s), exposure_s=exposure_s, exposures=stacked)
        planes = different_planes(made.frame)
        labels = label_map(made.truth, planes.shape[1:], made.cloud_opacity)
        yield Picture(planes, labels, f"night-{seed}")


def findable(trail: TruthTrail) -> bool:
    """Light enough all together, within the reach of a network, and a line rather than two flashes."""
    return _snr_in_reach(trail) >= LEAST_SNR and (trail.line_snr >= LEAST_LINE_SNR or trail.lit_px >= LEAST_LIT_PX)


def plain_to_see(trail: TruthTrail) -> bool:
    """What a person draws who looks at the picture, as the published masks were made."""
    return trail.visible and trail.line_snr >= LEAST_LINE_SNR


def label_map(
    truth: list[TruthTrail], shape: tuple[int, ...], cloud_opacity: NDArray[np.float32] | None = None, *,
    taught: Callable[[TruthTrail], bool] = findable,
) -> NDArray[np.uint8]:  # fmt: skip
    """(H, W) of the half-resolution planes: the class on the trails to be taught, IGNORE beside them and on fainter
    ones. Insects are background. Behind all that cloud and clear sky, where `cloud_opacity` (as in `RenderedFrame`)
    tells."""
    labels = np.zeros(shape[:2], np.uint8)
    if cloud_opacity is not None:
        labels[cloud_opacity >= CLOUDED] = synth.CLOUD
        labels[cloud_opacity < UNCLOUDED] = synth.CLEAR
    strokes = [
        (trail, np.round((trail.polyline_px - 0.5) / 2 * 8).astype(np.int32).reshape(-1, 1, 2))
        for trail in truth
        if trail.trail_class != "insect"
    ]
    for trail, points in strokes:
        if _snr_in_reach(trail) >= FAINTEST_SNR:
            cv2.polylines(labels, [points], False, synth.IGNORE, 5, cv2.LINE_8, 3)
    for trail, points in strokes:
        if taught(trail):
            name = "aircraft" if trail.trail_class == "own-beam" else trail.trail_class
            cv2.polylines(labels, [points], False, CLASSES.index(name), 3, cv2.LINE_8, 3)
    return labels


def _snr_in_reach(trail: TruthTrail) -> float:
    return trail.total_snr * min(1.0, REACH_PX / max(length_px(trail.polyline_px), 1.0)) ** 0.5


def rendered_nights(seeds: list[int], *, every_s: float = 12.0) -> Iterator[Case]:
    """The demo's nights: every visible object is a labelled trail, counted by elevation."""
    for seed in seeds:
        scenario = night(seed)
        for rendered in render(scenario, [float(t) for t in np.arange(6.0, scenario.duration_s - 2, every_s)]):
            seen = [trail for trail in rendered.truth if trail.visible]
            middles = np.array([trail.polyline_px.mean(axis=0) for trail in seen]).reshape(-1, 2)
            elevations = rendered.plate.pixel_to_azel(middles, rendered.frame.origin_px)[:, 1]
            yield Case(
                f"night {seed} t={scenario.t_s(rendered.frame.start_utc_ns):.0f} s",
                lambda frame=rendered.frame: frame,  # type: ignore[misc]
                tuple(trail.polyline_px for trail in seen),
                tuple(f"{trail.trail_class} {_ring(e)}" for trail, e in zip(seen, elevations, strict=True)),
                tuple(trail.trail_class for trail in seen),
                tuple(trail.polyline_px for trail in rendered.truth if not trail.visible),
                label_map(rendered.truth, rendered.cloud_opacity.shape, rendered.cloud_opacity),
            )


def _ring(elevation_deg: float) -> str:
    return (
        "below 10 deg"
        if elevation_deg < 10
        else "10-20 deg"
        if elevation_deg < 20
        else "20-40 deg"
        if elevation_deg < 40
        else "40-90 deg"
    )
