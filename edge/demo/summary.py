"""The truth against what the station saw, heard, named and permitted: a table, and a verdict with what was missed.

Pure: truth and journals in, `Summary` out. An item is asked only where the truth gave the station a fair chance (a
trail bright enough, an aircraft in range long enough); then it counts, and a missed one makes the demo fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import azel_to_unit, separation_deg
from camera.plate import Plate
from camera.sim.laser import Intervals
from camera.sim.renderer import TruthTrail
from edge.demo.journals import Journals, Sightings
from edge.demo.truth import AircraftTruth, SkyTruth, during, looking_ahead, spans
from models.score import score_image

Flags = NDArray[np.bool_]

HEARD_RANGE_M, HEARD_ELEVATION_DEG = 60e3, 10.0
HEARD_LONG_ENOUGH_S = 20.0  # in range for so long: its position must be known
HEARD_SHARE = 0.6  # of that time
HEARD_ERROR_DEG = 1.0  # median: an eighth of the guarded cone
SEEN_ELEVATION_DEG = 15.0
SEEN_LINE_SNR = 5.0  # a steady line of light, not a single flash
SEEN_FRAMES, SEEN_SHARE = 3, 0.5
SAME_DEG = 2.0  # an object so near to an aircraft is that aircraft
LIT_DEG = 3.0  # the laser must be off while an aircraft is nearer to the beam
CLEAR_DEG = 9.0  # nothing nearer to the 6-degree cone: the station has no reason to hold
LOOK_AHEAD_S, LOOK_BACK_S = 16.0, 8.0  # of the guard; of a track that fades out
FREE_LONG_ENOUGH_S = 10.0
START_UP_S = 15.0
PERMIT_SHARE, OWN_BEAM_SHARE = 0.5, 0.7
FALSE_PER_FRAME = 0.5
LEASE_S = 1.5
CLOUD_SHARE = 0.05  # of the sky, at least, goes blind under the scenario's cloud bank


@dataclass(frozen=True, eq=False)
class FrameTruth:
    """What one judged frame really showed."""

    file: str
    start_utc_ns: int
    exposure_s: float
    trails: tuple[TruthTrail, ...]


@dataclass(frozen=True)
class Item:
    """One thing that was asked. `passed` is None where the night gave no fair chance."""

    name: str
    found: str
    passed: bool | None


@dataclass(frozen=True)
class AircraftRow:
    """What became of one aircraft."""

    name: str
    transponder: bool
    highest_deg: float
    heard_s: float
    heard_of_s: float
    error_deg: float | None
    seen_frames: int
    seen_of_frames: int
    nearest_deg: float
    named: str


@dataclass(frozen=True)
class Summary:
    items: tuple[Item, ...]
    aircraft: tuple[AircraftRow, ...]
    figures: Mapping[str, float | int | None]

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.items if item.passed is False)

    @property
    def passed(self) -> bool:
        return not self.missed

    def record(self) -> dict[str, Any]:
        """For summary.json."""
        return {"passed": self.passed, "missed": list(self.missed), **asdict(self)}


def summarise(
    truth: SkyTruth,
    frames: Sequence[FrameTruth],
    journals: Journals,
    fired: Intervals,
    plate: Plate,
    *,
    rate: float = 1.0,
) -> Summary:
    """All items. `truth.t_s` spans what the station judged, at `rate` times life's speed; `frames` may be a sample."""
    seen = journals.sightings()
    sights = _score_frames(frames, journals, plate)
    held, permit = _timeline(truth, journals, rate)
    at = _grid_index(truth, seen)
    apart = [separation_deg(seen.unit_enu, azel_to_unit(*a.azel_deg[at].T)) for a in truth.aircraft]
    named = [_is_named(seen, a) for a in truth.aircraft]
    rows = [_row(truth, a, seen, at, of, by, sights) for a, of, by in zip(truth.aircraft, apart, named, strict=True)]
    items = [item for row in rows for item in _heard_and_seen(row)]
    items += _identities(truth, seen, apart, named)
    lit, nearest_lit_deg = _illumination(truth, fired)
    items += _crossings(truth, held, permit, START_UP_S * rate)
    nearest = f"nearest {nearest_lit_deg:.1f}° with the laser on" if fired else "the laser never fired"
    items.append(Item("no aircraft lit", nearest, not lit))
    figures: dict[str, float | int | None] = {"nearest_lit_deg": round(nearest_lit_deg, 2)}
    items += _permission(truth, permit, fired, START_UP_S * rate, figures)
    items += _others(truth, frames, sights, seen, journals)
    figures |= {"frames_judged": len(journals.detections), "frames_scored": len(frames)}
    figures |= {"false_per_frame": round(sights.false_per_frame, 3)}
    items.append(
        Item("few false trails", f"{sights.false_per_frame:.2f} a frame", sights.false_per_frame <= FALSE_PER_FRAME)
        if frames
        else Item("frames judged", "none", False)
    )
    return Summary(tuple(items), tuple(rows), figures)


# -- the camera --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sights:
    """Per truth id: frames in which it was fairly visible, and of these the ones in which it was found."""

    fair: Mapping[str, int]
    found: Mapping[str, int]
    any_found: Mapping[str, int]  # also where it was faint or low
    false_per_frame: float


def _score_frames(frames: Sequence[FrameTruth], journals: Journals, plate: Plate) -> _Sights:
    lines = {line["file"]: line for line in journals.detections}
    fair: dict[str, int] = {}
    found: dict[str, int] = {}
    any_found: dict[str, int] = {}
    false = 0
    for frame in frames:
        line = lines[frame.file]
        detected = [np.array(trail["polyline_px"], dtype=float) for trail in line["trails"]]
        score = score_image([trail.polyline_px for trail in frame.trails], detected, int(line["width"]))
        false += sum(score.false)
        for trail, hit in zip(frame.trails, score.found, strict=True):
            any_found[trail.id] = any_found.get(trail.id, 0) + hit
            if _fair(trail, plate):
                fair[trail.id] = fair.get(trail.id, 0) + 1
                found[trail.id] = found.get(trail.id, 0) + hit
    return _Sights(fair, found, any_found, false / max(len(frames), 1))


def _fair(trail: TruthTrail, plate: Plate) -> bool:
    lowest = plate.pixel_to_azel(trail.polyline_px, plate.region.origin_px)[:, 1].min()
    return trail.visible and trail.line_snr >= SEEN_LINE_SNR and bool(lowest > SEEN_ELEVATION_DEG)


# -- aircraft ----------------------------------------------------------------------------------------------------------


def _grid_index(truth: SkyTruth, seen: Sightings) -> NDArray[np.intp]:
    """(N,) of each sighting, the index into the truth's grid of times."""
    t_s = (seen.utc_ns - truth.scenario.epoch_utc_ns) / 1e9
    return np.clip(np.searchsorted(truth.t_s, t_s), 0, len(truth.t_s) - 1)


def _is_named(seen: Sightings, aircraft: AircraftTruth) -> Flags:
    """(N,) whether a sighting carries this aircraft's callsign or address."""
    flown = aircraft.aircraft
    if not flown.transponder:
        return np.zeros(len(seen.id), dtype=bool)
    return seen.where(
        lambda row: flown.callsign in seen.label[row] or flown.icao in seen.label[row] + seen.id[row].upper()
    )


def _row(
    truth: SkyTruth, aircraft: AircraftTruth, seen: Sightings, at: NDArray[np.intp], apart: NDArray[np.float64],
    named: Flags, sights: _Sights,
) -> AircraftRow:  # fmt: skip
    up = aircraft.azel_deg[:, 1] > HEARD_ELEVATION_DEG
    near = up & (aircraft.range_m < HEARD_RANGE_M) & (truth.t_s > truth.t_s[0] + START_UP_S)
    asked = near[at] if len(at) else np.zeros(0, dtype=bool)
    located = asked & named & seen.by_radio
    lines, known = len(np.unique(seen.utc_ns[asked])), len(np.unique(seen.utc_ns[located]))
    near_s = float(near.sum()) * _step_s(truth) if aircraft.aircraft.transponder else 0.0
    called = {seen.label[row] or seen.identity[row] for row in np.flatnonzero(asked & (apart < SAME_DEG))}
    ident = aircraft.aircraft.icao
    return AircraftRow(
        name=aircraft.name,
        transponder=aircraft.aircraft.transponder,
        highest_deg=round(float(aircraft.azel_deg[:, 1].max()), 1),
        heard_s=round(near_s * known / lines, 1) if lines else 0.0,
        heard_of_s=round(near_s, 1),
        error_deg=round(float(np.median(apart[located])), 3) if located.any() else None,
        seen_frames=sights.found.get(ident, 0),
        seen_of_frames=sights.fair.get(ident, 0),
        nearest_deg=round(float(aircraft.from_beam_deg.min()), 1),
        named=", ".join(sorted(called)) or "-",
    )


def _step_s(truth: SkyTruth) -> float:
    return float(truth.t_s[1] - truth.t_s[0])


def _heard_and_seen(row: AircraftRow) -> list[Item]:
    items = []
    if row.transponder:
        asked = row.heard_of_s >= HEARD_LONG_ENOUGH_S
        heard = row.heard_s >= HEARD_SHARE * row.heard_of_s and (row.error_deg or 0.0) <= HEARD_ERROR_DEG
        text = f"{row.heard_s:.0f} of {row.heard_of_s:.0f} s"
        text += "" if row.error_deg is None else f", {row.error_deg:.2f}° off"
        items.append(Item(f"{row.name} heard", text, heard if asked else None))
    asked = row.seen_of_frames >= SEEN_FRAMES
    seen = row.seen_frames >= SEEN_SHARE * row.seen_of_frames
    items.append(Item(f"{row.name} seen", f"{row.seen_frames} of {row.seen_of_frames} frames", seen if asked else None))
    return items


def _identities(
    truth: SkyTruth, seen: Sightings, apart: Sequence[NDArray[np.float64]], named: Sequence[Flags]
) -> list[Item]:
    """A name given is the right one, and a silent aircraft is never explained away."""
    names = wrong = silent = explained = 0
    excuse = seen.where(lambda row: seen.identity[row] in ("satellite", "meteor"))
    for aircraft, angle, called in zip(truth.aircraft, apart, named, strict=True):
        trails = called & seen.by_camera
        names += int(trails.sum())
        wrong += int((trails & (angle > SAME_DEG)).sum())
        if not aircraft.aircraft.transponder:
            its = seen.by_camera & (angle < SAME_DEG / 2)
            silent += int(its.sum())
            explained += int((its & excuse).sum())
    right, never = "names right", "silent aircraft never explained away"
    return [
        Item(right, f"{names - wrong} of {names} names on trails", wrong <= 0.05 * names if names else None),
        Item(never, f"{explained} of {silent} times", explained == 0 if silent else None),
    ]


# -- the permission ----------------------------------------------------------------------------------------------------


def _timeline(truth: SkyTruth, journals: Journals, rate: float) -> tuple[Flags, Flags]:
    """Per time of the grid: whether the station held, and the permit a consumer would have; False without messages.

    A FAULT, which outranks HOLD, is a hold where it names the object as well: no luck of a station that saw nothing.
    """
    times = np.array([truth.scenario.t_s(int(line["sky_utc_ns"])) for line in journals.safety])
    newest = np.searchsorted(times, truth.t_s, side="right") - 1
    held, permit = np.zeros(len(truth.t_s), dtype=bool), np.zeros(len(truth.t_s), dtype=bool)
    for number, index in enumerate(newest.tolist()):
        if index >= 0 and truth.t_s[number] - times[index] < LEASE_S * rate:
            line = journals.safety[index]
            named = any(reason["code"] == "object-inside" for reason in line["reasons"])
            held[number] = line["state"] == "HOLD" or (line["state"] == "FAULT" and named)
            permit[number] = bool(line["permit"])
    return held, permit


def _illumination(truth: SkyTruth, fired: Intervals) -> tuple[bool, float]:
    """Whether an aircraft came within LIT_DEG of the firing beam, and the nearest approach while it fired."""
    nearest = truth.nearest_deg()[during(fired, truth.t_s)]
    smallest = float(nearest.min(initial=180.0))
    return smallest < LIT_DEG, smallest


def _crossings(truth: SkyTruth, holding: Flags, permit: Flags, start_up_s: float) -> list[Item]:
    items = []
    for aircraft in truth.aircraft:
        inside = (aircraft.from_beam_deg < LIT_DEG) & (aircraft.azel_deg[:, 1] > 0)
        for begin_s, end_s in spans(inside, truth.t_s):
            during_it = (truth.t_s >= begin_s) & (truth.t_s <= end_s)
            permitted = bool(permit[during_it].any())
            held = bool(holding[during_it].all()) and not permitted
            before = np.flatnonzero(permit & (truth.t_s < begin_s))
            lead_s = begin_s - float(truth.t_s[before[-1]]) if len(before) else None
            missed = "PERMITTED" if permitted else "not permitted, but not for it"
            text = ("held" if lead_s is None else f"held {lead_s:.1f} s before") if held else missed
            asked = begin_s > truth.t_s[0] + start_up_s
            items.append(Item(f"held for {aircraft.name} in the beam", text, held if asked else None))
    return items


def _permission(
    truth: SkyTruth, permit: Flags, fired: Intervals, start_up_s: float, figures: dict[str, float | int | None]
) -> list[Item]:
    """That the station also says yes: a spotter that always holds is no use to anybody."""
    step = _step_s(truth)
    busy = truth.nearest_deg() < CLEAR_DEG
    soon = looking_ahead(busy, round(LOOK_AHEAD_S / step))
    lately = looking_ahead(busy[::-1], round(LOOK_BACK_S / step))[::-1]
    free = ~soon & ~lately & (truth.t_s > truth.t_s[0] + start_up_s)
    on = during(fired, truth.t_s)
    share = float(permit[free].mean()) if free.any() else 0.0
    figures |= {"free_s": round(float(free.sum()) * step, 1), "permit_share": round(share, 3)}
    figures |= {"fired_s": round(float(on.sum()) * step, 1)}
    first = int(np.argmax(permit)) if permit.any() else 0
    after = free & (np.arange(len(free)) > first) & during(truth.scenario.beam.lasing_s, truth.t_s)
    kept = float(permit[after].mean()) if after.any() else 0.0
    fired_s = f"{float(on.sum()) * step:.0f} s fired"
    enough, enough_after = (float(flags.sum()) * step >= FREE_LONG_ENOUGH_S for flags in (free, after))
    permits, holds = share >= PERMIT_SHARE, kept >= OWN_BEAM_SHARE and bool(on.any())
    return [
        Item("permits a free sky", f"{share:.0%} of {free.sum() * step:.0f} s", permits if enough else None),
        Item("does not hold on its own beam", f"{kept:.0%} kept, {fired_s}", holds if enough_after else None),
    ]


# -- everything else ---------------------------------------------------------------------------------------------------


def _others(
    truth: SkyTruth, frames: Sequence[FrameTruth], sights: _Sights, seen: Sightings, journals: Journals
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
