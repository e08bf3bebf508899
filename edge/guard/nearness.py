"""What the objects that count mean for one beam: who holds it, who will come near, when, and who comes nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.guard.cone import Approaches, approaches, region_of
from edge.guard.facts import Facts
from edge.guard.payload import Closest
from edge.records import Pointing, SkyObject

HOLD_LEAD_S = 5.0  # lease 1.5, tick 0.5, shutter 1, and one exposure of 2 s by which the path may be out of date
FREE_MARGIN_DEG = 2.0  # back to CLEAR only when the region is free by this much (and for `clear_s` of the row)
NAMED = 5  # in words


@dataclass(frozen=True, slots=True)
class Nearness:
    """Texts name who; empty: nobody."""

    inside: str = ""  # inside the region, or within HOLD_LEAD_S
    closing: str = ""  # inside or close within the horizon
    caution_in_s: float | None = None  # until the first of those enters, or is nearest
    closest: Closest | None = None


def nearness(f: Facts, counted: list[SkyObject], pointing: Pointing | None, *, held: bool, cautioned: bool) -> Nearness:
    """`held`, `cautioned`: something was inside, or closing, until now; then it must be gone by FREE_MARGIN_DEG."""
    found = _approaches(f, counted, pointing)
    if found is None or not counted:
        return Nearness()
    enters_in_s = found.enters_in_s()
    hold_in_s = found.enters_in_s(FREE_MARGIN_DEG) if held else enters_in_s
    margin_deg = f.beam.caution_deg - f.beam.cone_deg
    near_in_s = found.enters_in_s(margin_deg + (FREE_MARGIN_DEG if cautioned else 0.0))
    inside = [i for i in range(len(counted)) if hold_in_s[i] <= HOLD_LEAD_S]
    closing = [i for i in range(len(counted)) if np.isfinite(near_in_s[i]) or np.isfinite(enters_in_s[i])]
    times = [enters_in_s[i] if np.isfinite(enters_in_s[i]) else found.closest_in_s[i] for i in closing]
    nearest = int(np.argmin(found.outside_deg.min(axis=1)))
    thing = counted[nearest]
    return Nearness(
        inside="; ".join(_words(counted[i], found, i) for i in inside[:NAMED]),
        closing="; ".join(_words(counted[i], found, i) for i in closing[:NAMED] if i not in inside),
        caution_in_s=round(_finite(min(times)), 1) if times else None,
        closest=Closest(
            id=thing.id,
            identity=thing.identity,
            label=thing.label,
            separation_deg=round(_finite(found.separation_deg[nearest]), 2),
            in_s=round(_finite(found.closest_in_s[nearest]), 1),
        ),
    )


def _approaches(f: Facts, counted: list[SkyObject], pointing: Pointing | None) -> Approaches | None:
    """On the objects' own time: paths and beam at the same moments. None: nobody knows where the beam is."""
    now, beam = f.now_mono_s, f.beam
    start = now if f.situation.objects_mono_s is None else f.situation.objects_mono_s
    region = region_of(beam, pointing, start)
    if region is None:
        return None
    return approaches(
        counted,
        region,
        plate_sigma_deg=f.situation.plate_sigma_deg,
        baseline_m=float(np.linalg.norm((beam.telescope_east_m, beam.telescope_north_m, beam.telescope_up_m))),
        smallest_range_m=f.section.smallest_range_m,
        skip_s=now - start,
    )


def _finite(value: float) -> float:
    """Nothing within the horizon is 180 deg away, in its last second."""
    return float(value) if np.isfinite(value) else 180.0


def _words(thing: SkyObject, found: Approaches, i: int) -> str:
    who = thing.label or f"{thing.identity} {thing.id}"
    in_s = _finite(found.closest_in_s[i])
    when = "now" if in_s < 0.5 else f"in {in_s:.0f} s"
    return f"{who}: nearest {when}, {_finite(found.separation_deg[i]):.1f} deg from the beam"
