"""What some of the judged frames really showed, asked of the renderer after the run: what detections are held to.

A truth costs about as much as a rendering, so a sample is taken: evenly over the night, and every frame in which
something rare happened (a meteor, an aircraft in the beam).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from camera.sim.laser import Intervals
from camera.sim.renderer import Renderer
from edge.demo.items import FrameTruth
from edge.demo.journals import Journals
from edge.demo.permission import LIT_DEG
from edge.demo.runfolder import RunFolder
from edge.demo.truth import SkyTruth

FRAMES = 24


def witnessed(run: RunFolder, truth: SkyTruth, journals: Journals, fired: Intervals) -> Iterator[FrameTruth]:
    """One truth after the other, so that the caller can show progress."""
    width, height = run.plate.region.size_px
    renderer = Renderer(
        run.scenario, run.plate, width_px=width, height_px=height, origin_px=run.plate.region.origin_px,
        gain_setting=run.config.camera.gain_setting, lasing=lambda: fired,
    )  # fmt: skip
    exposure_s = run.config.camera.exposure_s
    for name, start_utc_ns in chosen(run, truth, journals):
        yield FrameTruth(name, start_utc_ns, exposure_s, tuple(renderer.truth(start_utc_ns, exposure_s)))


def chosen(run: RunFolder, truth: SkyTruth, journals: Journals) -> list[tuple[str, int]]:
    """(file, start) of the frames to ask about, in order of time."""
    frames = sorted((int(line["start_utc_ns"]), str(line["file"])) for line in journals.detections)
    if len(frames) <= FRAMES:
        return [(name, start) for start, name in frames]
    wanted = set(np.linspace(0, len(frames) - 1, FRAMES - 6).round().astype(int).tolist())
    begins_s = np.array([run.scenario.t_s(start) for start, _ in frames])
    nearest = np.interp(begins_s, truth.t_s, truth.nearest_deg())
    wanted |= set(np.flatnonzero(nearest < LIT_DEG)[:5].tolist())
    for meteor in run.scenario.meteors:
        inside = (begins_s < meteor.t_s + meteor.duration_s) & (begins_s + run.config.camera.exposure_s > meteor.t_s)
        wanted |= set(np.flatnonzero(inside).tolist())
    return [(frames[at][1], frames[at][0]) for at in sorted(wanted)]
