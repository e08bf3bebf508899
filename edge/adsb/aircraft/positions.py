"""CPR fields of one aircraft -> positions believed only when they agree with each other.

A first position needs an even-odd pair and a later, different message that lands near it; from then on each message is
resolved near the last position and must be reachable at an aircraft's speed. One that is not is held back; two more
that agree with it move the aircraft there, flagged "jump", so that two aircraft of one address are seen in turn,
flagged as well. Ages are monotonic, movement is sky time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import cos, hypot, radians, sin, sqrt

from camera.geodesy import ECCENTRICITY_SQ, SEMI_MAJOR_M, Site
from edge.adsb import cpr
from edge.adsb.decode import CprField

PAIR_S = 10.0  # even and odd further apart may lie in different zones: DO-260B A.1.7.7
LOCAL_S = 120.0  # of sky: beyond it the last position is no reference
FASTEST_MPS = 400.0
FASTEST_OF_ALL_MPS = 900.0  # whatever it says of itself
SLACK_M = 500.0
RANGE_M = 600_000.0  # beyond the radio horizon of anything that flies
JUMP_FLAG_S, JUMPS_FOR_DUPLICATE = 15.0, 2
REFUSED_FOR_FLAG = 6  # positions in a row, three seconds


@dataclass(frozen=True, slots=True)
class Fix:
    latitude_deg: float
    longitude_deg: float
    utc_ns: int
    mono_s: float


class Outcome(Enum):
    """Of one field."""

    NEW = "new"  # a position that is now trusted
    JUMPED = "jumped"  # the same, elsewhere
    HELD = "held"  # waits for another to agree with it
    FAR = "far"  # beyond the radio horizon
    NONE = "none"  # no position yet


@dataclass(slots=True)
class Positions:
    """The gate of one aircraft; `site` bounds what is plausible and resolves positions on the ground."""

    site: Site | None
    trusted: Fix | None = None
    _fields: dict[int, tuple[CprField, int]] = field(default_factory=dict)  # by odd: field, utc_ns
    _held: Fix | None = None  # the newest position that waits for another to agree with it
    _held_field: CprField | None = None  # what it came from
    _agreeing: int = 0
    _jumps_mono_s: list[float] = field(default_factory=list)
    _refused: int = 0  # in a row
    _refusal: str = ""

    def take(self, field_: CprField, utc_ns: int, mono_s: float, speed_mps: float | None) -> Outcome:
        """In order of time; `speed_mps` is what the aircraft says."""
        outcome = self._take(field_, utc_ns, mono_s, speed_mps)
        if outcome in (Outcome.HELD, Outcome.FAR):
            self._refused, self._refusal = self._refused + 1, "incoherent" if outcome is Outcome.HELD else "range"
        elif outcome is not Outcome.NONE:
            self._refused = 0
        return outcome

    def _take(self, field_: CprField, utc_ns: int, mono_s: float, speed_mps: float | None) -> Outcome:
        trusted = self.trusted
        elapsed_s = 0.0 if trusted is None else (utc_ns - trusted.utc_ns) / 1e9
        if -PAIR_S <= elapsed_s < 0:
            return Outcome.NONE  # out of order
        if elapsed_s > LOCAL_S or elapsed_s < 0:  # silent for long, or the clock was set back
            self.trusted = trusted = self._held = None
        earlier = self._fields.get(1 - field_.odd)
        self._fields[field_.odd] = (field_, utc_ns)
        if trusted is not None:
            near = _resolve(field_, trusted, utc_ns, mono_s)
            if reachable(trusted, near, speed_mps):
                self.trusted = near
                return Outcome.NEW
        if self._held is not None and utc_ns - self._held.utc_ns > PAIR_S * 1e9:
            self._held = None
        fix = self._candidate(field_, earlier, utc_ns, mono_s, speed_mps)
        if fix is None:
            return Outcome.NONE
        if self.site is not None and distance_m(self.site, fix) > RANGE_M:
            return Outcome.FAR
        if self._held is None or not reachable(self._held, fix, speed_mps):
            self._agreeing = 0
        elif self._held_field is None or _independent(self._held_field, field_):
            self._agreeing += 1
        self._held, self._held_field = fix, field_
        if self._agreeing < (1 if trusted is None else 2):
            return Outcome.HELD
        self.trusted, self._held, self._agreeing = fix, None, 0
        if trusted is None:
            return Outcome.NEW
        self._jumps_mono_s = [*self._jumps_mono_s[-3:], mono_s]
        return Outcome.JUMPED

    def flags(self, mono_s: float) -> tuple[str, ...]:
        refused = (self._refusal,) if self._refused >= REFUSED_FOR_FLAG else ()
        if not self._jumps_mono_s:
            return refused
        recent = sum(mono_s - jump_s < JUMP_FLAG_S for jump_s in self._jumps_mono_s)
        return refused + ("jump", "duplicate-address")[: (recent > 0) + (recent >= JUMPS_FOR_DUPLICATE)]

    def _candidate(
        self,
        field_: CprField,
        earlier: tuple[CprField, int] | None,
        utc_ns: int,
        mono_s: float,
        speed_mps: float | None,
    ) -> Fix | None:
        """A position that owes nothing to the trusted one: near the held one, else by pair, else near the site."""
        if self._held is not None:
            near = _resolve(field_, self._held, utc_ns, mono_s)
            if reachable(self._held, near, speed_mps):
                return near
        place: tuple[float, float] | None = None
        if field_.surface:
            if self.site is not None:
                near_site = (self.site.latitude_deg, self.site.longitude_deg)
                place = cpr.decode_local(field_.y, field_.x, field_.odd, near_site, surface=True)
        elif earlier is not None and not earlier[0].surface and 0 <= utc_ns - earlier[1] <= PAIR_S * 1e9:
            pair = {earlier[0].odd: (earlier[0].y, earlier[0].x), field_.odd: (field_.y, field_.x)}
            place = cpr.decode_pair(pair[0], pair[1], odd_is_newer=bool(field_.odd))
        return None if place is None or abs(place[0]) > 90.0 else Fix(*place, utc_ns, mono_s)


def _independent(earlier: CprField, later: CprField) -> bool:
    """Is the later field evidence of its own? The same one again is not; on the ground, where any single field gives a
    place near the site, only one of the other zones is."""
    return earlier.odd != later.odd if later.surface else earlier != later


def _resolve(field_: CprField, near: Fix, utc_ns: int, mono_s: float) -> Fix:
    place = cpr.decode_local(
        field_.y, field_.x, field_.odd, (near.latitude_deg, near.longitude_deg), surface=field_.surface
    )
    return Fix(max(-90.0, min(90.0, place[0])), place[1], utc_ns, mono_s)


def reachable(from_: Fix, to: Fix, speed_mps: float | None) -> bool:
    """Could an aircraft have flown it? At 1.3 times its own speed, but never less than an airliner's."""
    fastest_mps = min(max(FASTEST_MPS, 1.3 * (speed_mps or 0.0)), FASTEST_OF_ALL_MPS)
    return distance_m(from_, to) <= SLACK_M + fastest_mps * abs(to.utc_ns - from_.utc_ns) / 1e9


def distance_m(a: Fix | Site, b: Fix | Site) -> float:
    """Straight-line distance between two places at sea level; one pair at a time NumPy is ten times slower."""
    ax, ay, az = _ecef_m(a.latitude_deg, a.longitude_deg)
    bx, by, bz = _ecef_m(b.latitude_deg, b.longitude_deg)
    return hypot(ax - bx, ay - by, az - bz)


def _ecef_m(latitude_deg: float, longitude_deg: float) -> tuple[float, float, float]:
    latitude, longitude = radians(latitude_deg), radians(longitude_deg)
    up = sin(latitude)
    n = SEMI_MAJOR_M / sqrt(1 - ECCENTRICITY_SQ * up * up)
    across = n * cos(latitude)
    return across * cos(longitude), across * sin(longitude), n * (1 - ECCENTRICITY_SQ) * up
