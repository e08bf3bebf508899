"""The demo's picture: everything the station found, heard, named and guarded in one night, on the stacked sky.

Made from the station's own journals; of the scenario only the beam's path is drawn, because the telescope published it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import enu_to_azel, separation_deg
from camera.plate import Plate
from camera.sim.laser import Intervals
from edge.demo.items import Summary
from edge.demo.journals import Journals, Sightings
from edge.demo.runfolder import RunFolder
from edge.lettering import write
from edge.panel import Panel, PanelRow, with_panel
from edge.picture import COLOURS, DrawnPath, DrawnTrail, draw_sky
from edge.skydisc import sky_disc
from edge.vision.skygrid import SkyMessage

STACK_SCALE = 0.5
SIGHT_SHARE = 0.17  # of the sky's shorter side: the little map in its corner
GAP_NS = 8_000_000_000  # a path is broken where nothing was known for so long
NEAR_NS = 3_000_000_000  # a track so near in time stood near the trail
SAME_DEG = 3.0
LONG_ENOUGH = 5  # trails of one track, for a name of its own on the picture; the others share one
UNNAMED = {"own-beam": "own beam", "own-target": "own target", "aircraft": "no transponder", "unknown": "unknown"}
LEGEND = (
    PanelRow("aircraft seen by the camera", "", "aircraft", "tube"),
    PanelRow("seen, not known: held for", "", "unknown", "tube"),
    PanelRow("heard on 1090 MHz", "", "radio", "line"),
    PanelRow("satellite", "", "satellite", "tube"),
    PanelRow("meteor", "", "meteor", "tube"),
    PanelRow("own beam", "", "own-beam", "tube"),
    PanelRow("guarded cone, swept by the beam", "", "cone", "area"),
)


def make_poster(
    stack_bgr: NDArray[np.uint8], run: RunFolder, journals: Journals, fired: Intervals, summary: Summary
) -> NDArray[np.uint8]:
    """The annotated sky with its panel, BGR."""
    seen = journals.sightings()
    t_s = np.arange(0.0, run.scenario.duration_s, 1.0)
    beam = run.scenario.beam.azel_deg(t_s, run.scenario.epoch_utc_ns, run.scenario.site)
    sky = draw_sky(
        stack_bgr,
        run.plate,
        scale=STACK_SCALE,
        trails=_trails(journals, seen, run),
        paths=_heard_paths(seen, run),
        beam_azel_deg=beam,
        cone_deg=run.config.guard.beams[0].cone_deg,
        simulated=True,
    )
    _with_sight(sky, journals, run.plate)
    return with_panel(sky, _panel(run, fired, summary), simulated=True)


def _with_sight(sky: NDArray[np.uint8], journals: Journals, plate: Plate) -> None:
    """In the lower left corner, where no sky is: what the camera saw when it saw least."""
    stamps = {"mono_s", "sky_utc_ns"}
    said = [SkyMessage.model_validate({k: v for k, v in line.items() if k not in stamps}) for line in journals.sky]
    said = [message for message in said if message.rings]
    if said:
        least = min(said, key=lambda message: message.visible_fraction)
        side = round(SIGHT_SHARE * min(sky.shape[:2]))
        corner = sky[-side:, :side]
        np.maximum(corner, sky_disc(least, side, plate), out=corner)
        size = max(11, side // 17)
        words = f"the camera saw {least.visible_fraction:.0%} of the sky at {least.sky_utc[11:19]}"
        write(sky, words, size // 2, sky.shape[0] - round(1.3 * size), size, COLOURS["dim"])


def _trails(journals: Journals, seen: Sightings, run: RunFolder) -> list[DrawnTrail]:
    """Detections, each with what became of the track that stood there at mid-exposure."""
    half_ns = round(run.config.camera.exposure_s * 5e8)
    last = {name: row for row, name in enumerate(seen.id)}  # what a track was known as in the end
    found: list[tuple[str, DrawnTrail]] = []
    for line in journals.detections:
        rows, unit = _tracks_at(seen, int(line["start_utc_ns"]) + half_ns)
        for trail in line["trails"]:
            polyline = np.array(trail["polyline_px"], dtype=float)
            identity, label, track = "unknown", "", ""
            along = run.plate.pixel_to_unit(polyline, run.plate.region.origin_px)
            along = along[np.isfinite(along).all(axis=1)]
            apart = np.min(separation_deg(unit[:, None], along[None]), axis=1, initial=180.0)
            if (apart < SAME_DEG).any():
                track = seen.id[rows[int(np.argmin(apart))]]
                identity, label = seen.identity[last[track]], seen.label[last[track]]
            found.append(
                (track, DrawnTrail(polyline, identity, trail["score"], label or UNNAMED.get(identity, identity)))
            )
    count = Counter(track for track, _ in found)
    return [
        replace(t, group=track if track and count[track] >= LONG_ENOUGH else f"other {t.trail_class}")
        for track, t in found
    ]


def _tracks_at(seen: Sightings, utc_ns: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Rows (K,) of the tracks the camera knew near a time, the sighting nearest to it of each, and their directions."""
    near = np.flatnonzero((np.abs(seen.utc_ns - utc_ns) < NEAR_NS) & seen.by_camera)
    nearest: dict[str, int] = {}
    for row in near[np.argsort(-np.abs(seen.utc_ns[near] - utc_ns), kind="stable")].tolist():
        nearest[seen.id[row]] = row
    rows = np.array(list(nearest.values()), dtype=np.intp)
    return rows, seen.unit_enu[rows]


def _heard_paths(seen: Sightings, run: RunFolder) -> list[DrawnPath]:
    """One path per aircraft heard, with its height from range and elevation."""
    groups: dict[str, list[int]] = {}
    for row in np.flatnonzero(seen.by_radio & (seen.unit_enu[:, 2] > 0)).tolist():
        groups.setdefault(seen.id[row], []).append(row)
    paths = []
    for rows in groups.values():
        label = seen.label[rows[-1]] or seen.id[rows[-1]]
        azel = enu_to_azel(seen.unit_enu[rows])
        gaps = np.flatnonzero(np.diff(seen.utc_ns[rows]) > GAP_NS) + 1
        range_m = float(seen.range_m[rows[-1]])
        # The Earth falls away from the horizon plane by range^2 / 2R.
        height_m = run.scenario.site.height_m + range_m * seen.unit_enu[rows[-1], 2] + range_m**2 / 2 / 6.371e6
        text = label if np.isnan(height_m) else f"{label}  {height_m / 1000:.1f} km"
        paths.append(DrawnPath(np.insert(azel, gaps, np.nan, axis=0), "radio", text))
    return paths


def _panel(run: RunFolder, fired: Intervals, summary: Summary) -> Panel:
    site = run.scenario.site
    begin, end = (_utc(run.scenario.utc_ns(t)) for t in (0.0, run.scenario.duration_s))
    lines = (
        f"Station {run.config.station.id}: {abs(site.latitude_deg):.4f} {'N' if site.latitude_deg >= 0 else 'S'}, "
        f"{abs(site.longitude_deg):.4f} {'E' if site.longitude_deg >= 0 else 'W'}, {site.height_m:.0f} m",
        f"{begin} to {end[11:]} UTC, night {run.scenario.seed}",
    )
    who = tuple(
        PanelRow(row.name, _how(row.heard_s, row.seen_frames)) for row in summary.aircraft if row.highest_deg > 0
    )
    verdict = tuple(
        PanelRow(item.name, item.found, "good" if item.passed else "bad")
        for item in summary.items
        if item.passed is not None and not item.name.endswith((" heard", " seen"))
    )
    return Panel("Skyspotter demo", lines, (("Legend", LEGEND), ("Aircraft", who), ("Verdict", verdict)))


def _how(heard_s: float, seen_frames: int) -> str:
    return " + ".join([*(["heard"] if heard_s > 0 else []), *(["seen"] if seen_frames > 0 else [])]) or "-"


def _utc(utc_ns: int) -> str:
    return f"{datetime.fromtimestamp(utc_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}"
