"""Aircraft by aircraft: heard, seen, and named rightly or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.demo.items import AircraftRow, Item
from edge.demo.journals import Sightings
from edge.demo.sights import Sights
from edge.demo.truth import START_UP_S, AircraftTruth, SkyTruth

Flags = NDArray[np.bool_]

HEARD_RANGE_M, HEARD_ELEVATION_DEG = 60e3, 10.0
HEARD_LONG_ENOUGH_S = 20.0  # in range for so long: its position must be known
HEARD_SHARE = 0.6  # of that time
HEARD_ERROR_DEG = 1.0  # median: an eighth of the guarded cone
SEEN_FRAMES, SEEN_SHARE = 3, 0.5
SAME_DEG = 2.0  # an object so near to an aircraft is that aircraft


def grid_index(truth: SkyTruth, seen: Sightings) -> NDArray[np.intp]:
    """(N,) of each sighting, the index into the truth's grid of times."""
    t_s = (seen.utc_ns - truth.scenario.epoch_utc_ns) / 1e9
    return np.clip(np.searchsorted(truth.t_s, t_s), 0, len(truth.t_s) - 1)


def is_named(seen: Sightings, aircraft: AircraftTruth) -> Flags:
    """(N,) whether a sighting carries this aircraft's callsign or address."""
    flown = aircraft.aircraft
    if not flown.transponder:
        return np.zeros(len(seen.id), dtype=bool)
    return seen.where(
        lambda row: flown.callsign in seen.label[row] or flown.icao in seen.label[row] + seen.id[row].upper()
    )


def row_of(
    truth: SkyTruth, aircraft: AircraftTruth, seen: Sightings, at: NDArray[np.intp], apart: NDArray[np.float64],
    named: Flags, sights: Sights,
) -> AircraftRow:  # fmt: skip
    up = aircraft.azel_deg[:, 1] > HEARD_ELEVATION_DEG
    near = up & (aircraft.range_m < HEARD_RANGE_M) & (truth.t_s > truth.t_s[0] + START_UP_S)
    asked = near[at] if len(at) else np.zeros(0, dtype=bool)
    located = asked & named & seen.by_radio
    lines, known = len(np.unique(seen.utc_ns[asked])), len(np.unique(seen.utc_ns[located]))
    near_s = float(near.sum()) * truth.step_s if aircraft.aircraft.transponder else 0.0
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


def heard_and_seen(row: AircraftRow) -> list[Item]:
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


def identities(
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
