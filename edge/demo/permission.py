"""Did the station hold for what came near the beam, and permit what was free?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camera.sim.laser import Intervals
from edge.demo.items import Item
from edge.demo.journals import Journals
from edge.demo.truth import SkyTruth, during, looking_ahead, spans

Flags = NDArray[np.bool_]

LIT_DEG = 3.0  # the laser must be off while an aircraft is nearer to the beam
CLEAR_DEG = 9.0  # nothing nearer to the 6-degree cone: the station has no reason to hold
LOOK_AHEAD_S, LOOK_BACK_S = 16.0, 8.0  # of the guard; of a track that fades out
FREE_LONG_ENOUGH_S = 10.0
PERMIT_SHARE, OWN_BEAM_SHARE = 0.5, 0.7
LEASE_S = 1.5


def timeline(truth: SkyTruth, journals: Journals, rate: float) -> tuple[Flags, Flags]:
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


def illumination(truth: SkyTruth, fired: Intervals) -> tuple[bool, float]:
    """Whether an aircraft came within LIT_DEG of the firing beam, and the nearest approach while it fired."""
    nearest = truth.nearest_deg()[during(fired, truth.t_s)]
    smallest = float(nearest.min(initial=180.0))
    return smallest < LIT_DEG, smallest


def crossings(truth: SkyTruth, holding: Flags, permit: Flags, start_up_s: float) -> list[Item]:
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


def permission(
    truth: SkyTruth, permit: Flags, fired: Intervals, start_up_s: float, figures: dict[str, float | int | None]
) -> list[Item]:
    """That the station also says yes: a spotter that always holds is no use to anybody."""
    step = truth.step_s
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
