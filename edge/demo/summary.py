"""The truth against what the station saw, heard, named and permitted: a table, and a verdict with what was missed.

Pure: truth and journals in, `Summary` out. An item is asked only where the truth gave the station a fair chance (a
trail bright enough, an aircraft in range long enough); then it counts, and a missed one makes the demo fail.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camera.geodesy import azel_to_unit, separation_deg
from camera.plate import Plate
from camera.sim.laser import Intervals
from edge.demo.flights import SEEN_FRAMES, grid_index, heard_and_seen, identities, is_named, row_of
from edge.demo.items import FrameTruth, Item, Summary
from edge.demo.journals import Journals, Sightings
from edge.demo.permission import FREE_LONG_ENOUGH_S, crossings, illumination, permission, timeline
from edge.demo.sights import Sights, score_frames
from edge.demo.truth import START_UP_S, SkyTruth

FALSE_PER_FRAME = 0.5
HEARD_SHARE = 0.9  # of the safety messages; the first may come before the connection does
CLOUD_SHARE = 0.05  # of the sky, at least, goes blind under the scenario's cloud bank


def summarise(
    truth: SkyTruth,
    frames: Sequence[FrameTruth],
    journals: Journals,
    fired: Intervals,
    plate: Plate,
    *,
    heard: int,
    rate: float = 1.0,
) -> Summary:
    """All items. `truth.t_s` spans what the station judged, at `rate` times life's speed; `frames` may be a sample;
    `heard` are the safety messages that reached the control room."""
    seen = journals.sightings()
    sights = score_frames(frames, journals, plate)
    held, permit = timeline(truth, journals, rate)
    at = grid_index(truth, seen)
    apart = [separation_deg(seen.unit_enu, azel_to_unit(*a.azel_deg[at].T)) for a in truth.aircraft]
    named = [is_named(seen, a) for a in truth.aircraft]
    rows = [row_of(truth, a, seen, at, of, by, sights) for a, of, by in zip(truth.aircraft, apart, named, strict=True)]
    items = [item for row in rows for item in heard_and_seen(row)]
    items += identities(truth, seen, apart, named)
    lit, nearest_lit_deg = illumination(truth, fired)
    items += crossings(truth, held, permit, START_UP_S * rate)
    nearest = f"nearest {nearest_lit_deg:.1f}° with the laser on" if fired else "the laser never fired"
    items.append(Item("no aircraft lit", nearest, not lit))
    figures: dict[str, float | int | None] = {"nearest_lit_deg": round(nearest_lit_deg, 2)}
    items += permission(truth, permit, fired, START_UP_S * rate, figures)
    items += _others(truth, frames, sights, seen, journals)
    items.append(_spoken(heard, len(journals.safety)))
    figures |= {"frames_judged": len(journals.detections), "frames_scored": len(frames)}
    figures |= {"false_per_frame": round(sights.false_per_frame, 3)}
    items.append(
        Item("few false trails", f"{sights.false_per_frame:.2f} a frame", sights.false_per_frame <= FALSE_PER_FRAME)
        if frames
        else Item("frames judged", "none", False)
    )
    return Summary(tuple(items), tuple(rows), figures)


def _others(
    truth: SkyTruth, frames: Sequence[FrameTruth], sights: Sights, seen: Sightings, journals: Journals
) -> list[Item]:
    items = []
    for satellite in truth.satellites:
        named = sum(
            satellite.name in label for label, who in zip(seen.label, seen.identity, strict=True) if who == "satellite"
        )
        asked = sights.fair.get(satellite.name, 0) >= SEEN_FRAMES
        items.append(Item(f"{satellite.name} named", f"{named} times", named > 0 if asked else None))
    for number in range(len(truth.scenario.meteors)):
        name = f"meteor-{number}"
        hits = sights.found.get(name, 0)
        items.append(Item("meteor reported", "yes" if hits else "no", hits > 0 if sights.fair.get(name) else None))
    if truth.scenario.clouds:
        items.append(_cloud(truth, journals))
    return items


def _spoken(heard: int, said: int) -> Item:
    """Asked of every night, however short: a station that nobody hears passes nothing by being let off the rest."""
    return Item("heard in the control room", f"{heard} of {said} messages", heard >= max(1, HEARD_SHARE * said))


def _cloud(truth: SkyTruth, journals: Journals) -> Item:
    """The share of the sky the camera vouches for must shrink while cloud covers a part of it."""
    cloud = truth.scenario.clouds[0]
    # Its edges are soft in time: the middle half is thick, well before it nothing is there.
    quarter_s = 0.25 * (cloud.t_end_s - cloud.t_start_s)
    if 2 * quarter_s < FREE_LONG_ENOUGH_S:
        return Item("cloud noticed", "too short a cloud", None)
    before, thick = [], []
    for line in journals.tracks:
        share, t_s = line.get("visible_fraction"), truth.scenario.t_s(int(line["sky_utc_ns"]))
        if share is None:
            continue
        if START_UP_S < t_s < cloud.t_start_s - 5.0:
            before.append(float(share))
        elif cloud.t_start_s + quarter_s < t_s < cloud.t_end_s - quarter_s:
            thick.append(float(share))
    if not before or not thick:
        return Item("cloud noticed", "nothing was said of the visible sky", False)
    clear, clouded = float(np.median(before)), float(np.min(thick))
    return Item(
        "cloud noticed", f"sees {clear:.0%} of the sky, {clouded:.0%} under cloud", clouded < clear - CLOUD_SHARE
    )
