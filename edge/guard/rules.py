"""Which explained objects need not hold the beam: only what the configuration names, and only what evidence supports.

Each object is asked for itself. An explanation removes that one object from the judgement and nothing beside it.
"""

from __future__ import annotations

from collections.abc import Collection

from edge.records import SkyObject

OWN_BEAM_S = 8.0  # a beam switched off still shows in the newest judged picture (5.5 s) of a 2 s exposure


def passing_rule(thing: SkyObject, may_pass: Collection[str], laser_on_age_s: float | None) -> str | None:
    """The rule that lets `thing` pass, in words; None: it counts as an aircraft.

    Args:    may_pass: `guard.explained_may_pass`.
             laser_on_age_s: since the telescope last said that the laser is on; None: never.
    """
    if thing.identity in ("aircraft", "unknown") or thing.identity not in may_pass:
        return None
    if "radio" in thing.senses:  # only aircraft carry transponders, whatever else is said of it
        return None
    if not thing.evidence:  # an explanation without evidence is an opinion
        return None
    if thing.identity == "own-beam" and (laser_on_age_s is None or laser_on_age_s > OWN_BEAM_S):
        return None
    return f'guard.explained_may_pass has "{thing.identity}": {thing.evidence}'
