"""What the rows of the fault table read: the situation, what the guard derived from it, and the limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from edge.config import BeamSection, GuardSection
from edge.guard.payload import Mode
from edge.guard.situation import Situation

# Limits, seconds. Decisions are made at least every TICK_S; a row's `within_s` counts from the last good evidence.
TICK_S = 0.5
PICTURE_AGE_S = 5.5  # 2 s exposures: one lost picture changes nothing, a frozen camera ends the permit within 6 s
LONGEST_EXPOSURE_S = 5.0  # beyond, an airliner has crossed half the cone within one picture
RADIO_AGE_S = 3.0  # the radio reports once a second
POINTING_AGE_S = 1.0  # at least 5 Hz are promised
OBJECTS_AGE_S = 2.0  # the list of objects is made anew several times a second
CLOCK_ERROR_S = 0.1  # 0.1 s of the fastest aircraft are 1.2 deg
CLOCK_STEP_S = 0.1
FUTURE_S = 0.2  # evidence dated later than now is no evidence
LEASE_S = 1.5
DISAGREE_S = LEASE_S + 0.5  # the last permit's lease, and the way of two messages
HEALTHY_S = 10.0

Sense = Literal["camera", "radio"]


@dataclass(slots=True)
class Facts:
    """The situation and what the guard derived from it, as the rows read it."""

    situation: Situation
    now_mono_s: float
    beam: BeamSection
    section: GuardSection
    mode: Mode
    lost: set[Sense] = field(default_factory=set)  # grows while the rows are asked, in their order
    sectors_blind: str = ""
    inside: str = ""
    closing: str = ""
    clock_stepped: str = ""
    disagrees: str = ""
    failed: str = ""  # the guard's own exception at the decision before
    has_evidence: bool = False  # a basis has existed since the guard started

    def age_s(self, mono_s: float | None) -> float | None:
        if mono_s is None:
            return None
        age_s = self.now_mono_s - mono_s
        if not isfinite(age_s):
            raise ValueError("the time of some evidence is not a number")
        return age_s

    def too_old(self, mono_s: float | None, limit_s: float, what: str) -> str:
        age_s = self.age_s(mono_s)
        if age_s is None:
            return f"no {what} yet"
        if age_s < -FUTURE_S:
            return f"the newest {what} is dated {-age_s:.1f} s in the future"
        return f"the newest {what} is {age_s:.1f} s old" if age_s > limit_s else ""

    @property
    def alone(self) -> Sense | None:
        """The only sense left, where the configuration allows to go on with it."""
        if self.lost == {"camera"} and self.section.allow_radio_basis:
            return "radio"
        if self.lost == {"radio"} and self.section.allow_camera_basis:
            return "camera"
        return None
