"""All aircraft heard now: one record each, positions believed only when they agree with each other.

A first position needs an even-odd pair and a later, different message that lands near it; from then on each message is
resolved near the last position and must be reachable at an aircraft's speed. One that is not is held back; two more
that agree with it move the aircraft there, flagged "jump", so that two aircraft of one address are seen in turn,
flagged as well.
Ages are monotonic, movement is sky time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import hypot
from statistics import median

from camera.geodesy import Site, geodetic_to_enu
from edge.adsb import cpr
from edge.adsb.decode import CprField, Report
from edge.adsb.quality import doubts, horizontal_sigma_m
from edge.records import AircraftState

STALE_S, GONE_S = 10.0, 60.0
PAIR_S = 10.0  # even and odd further apart may lie in different zones: DO-260B A.1.7.7
LOCAL_S = 120.0  # of sky: beyond it the last position is no reference
FASTEST_MPS = 400.0
SLACK_M = 500.0
RANGE_M = 600_000.0  # beyond the radio horizon of anything that flies
JUMP_FLAG_S, JUMPS_FOR_DUPLICATE = 15.0, 2
_NEIGHBOUR_S, _DIFFERENCE_S = 120.0, 1.0
_GNSS_SIGMA_M, _NEIGHBOUR_SIGMA_M, _BARO_SIGMA_M = 30.0, 120.0, 300.0


@dataclass(frozen=True, slots=True)
class Fix:
    latitude_deg: float
    longitude_deg: float
    utc_ns: int
    mono_s: float


@dataclass(slots=True)
class _Aircraft:
    state: AircraftState
    version: int | None = None
    nac_p: int | None = None
    geo_minus_baro_m: float | None = None
    geo_minus_baro_mono_s: float = -1e9
    gnss_mono_s: float = -1e9
    fields: dict[int, tuple[CprField, int, float]] = field(default_factory=dict)  # by odd: field, utc_ns, mono_s
    trusted: Fix | None = None
    held: Fix | None = None  # the newest position that waits for another to agree with it
    held_field: CprField | None = None  # what it came from
    agreeing: int = 0
    jumps_mono_s: list[float] = field(default_factory=list)
    squawk_once: str | None = None
    altitude_once_m: float | None = None


@dataclass(slots=True)
class TableCounters:
    messages: int = 0
    positions: int = 0
    held_back: int = 0
    jumps: int = 0
    out_of_range: int = 0
    turned_away: int = 0  # aircraft for which there was no room


class AircraftTable:
    """`site` bounds what is plausible and resolves positions on the ground; without it neither is done."""

    def __init__(self, site: Site | None, *, limit: int = 1000) -> None:
        self._site, self._limit = site, limit
        self._aircraft: dict[str, _Aircraft] = {}
        self._difference_m: float | None = None
        self._difference_mono_s = -1e9
        self.counters = TableCounters()

    def __len__(self) -> int:
        return len(self._aircraft)

    def update(
        self, report: Report, utc_ns: int, mono_s: float, rssi_dbfs: float | None = None
    ) -> AircraftState | None:
        """The new state of the aircraft; None where there is no room for one more. Messages in order of time."""
        aircraft = self._aircraft.get(report.key)
        if aircraft is None:
            if len(self._aircraft) >= self._limit:
                self.counters.turned_away += 1
                return None
            aircraft = _Aircraft(AircraftState(key=report.key, icao=report.icao, seen_mono_s=mono_s))
            self._aircraft[report.key] = aircraft
        self.counters.messages += 1
        changes: dict[str, object] = {
            "seen_mono_s": max(mono_s, aircraft.state.seen_mono_s),
            "messages": aircraft.state.messages + 1,
            "rssi_dbfs": rssi_dbfs,
        }
        changes |= _said(aircraft, report)
        if report.speed_mps is not None or report.track_deg is not None:
            changes["velocity_utc_ns"] = utc_ns
        if report.geo_minus_baro_m is not None:
            aircraft.geo_minus_baro_m, aircraft.geo_minus_baro_mono_s = report.geo_minus_baro_m, mono_s
        if report.height_m is not None:
            aircraft.gnss_mono_s = mono_s
        aircraft.state = aircraft.state.model_copy(update=changes)
        if report.cpr is not None and self._locate(aircraft, report.cpr, utc_ns, mono_s):
            self.counters.positions += 1
            aircraft.state = aircraft.state.model_copy(update=self._position(aircraft, report))
        aircraft.state = aircraft.state.model_copy(update=self._height(aircraft, report, mono_s))
        return aircraft.state

    def forget(self, mono_s: float) -> list[str]:
        """Drops aircraft silent for a minute, or for ten seconds where the table is full and they never had a place;
        their keys."""
        unplaced_s = STALE_S if len(self) >= self._limit else GONE_S
        gone = [
            key
            for key, aircraft in self._aircraft.items()
            if mono_s - aircraft.state.seen_mono_s > (unplaced_s if aircraft.trusted is None else GONE_S)
        ]
        for key in gone:
            del self._aircraft[key]
        return gone

    def states(self) -> list[AircraftState]:
        return [aircraft.state for aircraft in self._aircraft.values()]

    def fresh(self, mono_s: float) -> int:
        """How many have a position younger than ten seconds."""
        times = (aircraft.state.position_mono_s for aircraft in self._aircraft.values())
        return sum(time_s is not None and mono_s - time_s < STALE_S for time_s in times)

    def _locate(self, aircraft: _Aircraft, field_: CprField, utc_ns: int, mono_s: float) -> bool:
        """True where the message gave a position that is now trusted."""
        trusted = aircraft.trusted
        if trusted is not None and (utc_ns < trusted.utc_ns or utc_ns - trusted.utc_ns > LOCAL_S * 1e9):
            if utc_ns < trusted.utc_ns:
                return False
            aircraft.trusted = trusted = aircraft.held = None
        earlier = aircraft.fields.get(1 - field_.odd)
        aircraft.fields[field_.odd] = (field_, utc_ns, mono_s)
        speed_mps = aircraft.state.speed_mps
        if trusted is not None:
            near = _resolve(field_, trusted, utc_ns, mono_s)
            if reachable(trusted, near, speed_mps):
                aircraft.trusted = near
                return True
        if aircraft.held is not None and utc_ns - aircraft.held.utc_ns > PAIR_S * 1e9:
            aircraft.held = None
        fix = self._candidate(aircraft, field_, earlier, utc_ns, mono_s)
        if fix is None:
            return False
        if aircraft.held is None or not reachable(aircraft.held, fix, speed_mps):
            aircraft.agreeing = 0
        elif aircraft.held_field is None or _independent(aircraft.held_field, field_):
            aircraft.agreeing += 1
        aircraft.held, aircraft.held_field = fix, field_
        if aircraft.agreeing < (1 if trusted is None else 2):
            self.counters.held_back += 1
            return False
        if trusted is not None:
            self.counters.jumps += 1
            aircraft.jumps_mono_s = [*aircraft.jumps_mono_s[-3:], mono_s]
        aircraft.trusted, aircraft.held, aircraft.agreeing = fix, None, 0
        return True

    def _candidate(
        self,
        aircraft: _Aircraft,
        field_: CprField,
        earlier: tuple[CprField, int, float] | None,
        utc_ns: int,
        mono_s: float,
    ) -> Fix | None:
        """A position that owes nothing to the trusted one: near the held one, else by pair, else near the site."""
        if aircraft.held is not None:
            near = _resolve(field_, aircraft.held, utc_ns, mono_s)
            if reachable(aircraft.held, near, aircraft.state.speed_mps):
                return near
        place: tuple[float, float] | None = None
        if field_.surface:
            if self._site is not None:
                near_site = (self._site.latitude_deg, self._site.longitude_deg)
                place = cpr.decode_local(field_.y, field_.x, field_.odd, near_site, surface=True)
        elif earlier is not None and not earlier[0].surface and 0 <= utc_ns - earlier[1] <= PAIR_S * 1e9:
            pair = {earlier[0].odd: (earlier[0].y, earlier[0].x), field_.odd: (field_.y, field_.x)}
            place = cpr.decode_pair(pair[0], pair[1], odd_is_newer=bool(field_.odd))
        if place is None or abs(place[0]) > 90.0:
            return None
        fix = Fix(*place, utc_ns, mono_s)
        if self._site is not None:
            here = Fix(self._site.latitude_deg, self._site.longitude_deg, utc_ns, mono_s)
            if distance_m(here, fix) > RANGE_M:
                self.counters.out_of_range += 1
                return None
        return fix

    def _position(self, aircraft: _Aircraft, report: Report) -> dict[str, object]:
        fix, typecode = aircraft.trusted, report.typecode or 0
        assert fix is not None
        nac_p = aircraft.nac_p if (aircraft.version or 0) >= 1 else None
        flags = list(doubts(nac_p, typecode))
        recent = [mono_s for mono_s in aircraft.jumps_mono_s if fix.mono_s - mono_s < JUMP_FLAG_S]
        if recent:
            flags.append("jump")
        if len(recent) >= JUMPS_FOR_DUPLICATE:
            flags.append("duplicate-address")
        return {
            "latitude_deg": fix.latitude_deg,
            "longitude_deg": fix.longitude_deg,
            "position_utc_ns": fix.utc_ns,
            "position_mono_s": fix.mono_s,
            "horizontal_sigma_m": horizontal_sigma_m(nac_p, typecode),
            "flags": tuple(flags),
        }

    def _height(self, aircraft: _Aircraft, report: Report, mono_s: float) -> dict[str, object]:
        """Height above the ellipsoid: by GNSS, else barometric plus the difference of its own, of others, or none."""
        if report.height_m is not None:
            return {"height_m": report.height_m, "height_sigma_m": _GNSS_SIGMA_M}
        baro_m = aircraft.state.altitude_baro_m
        if baro_m is None or mono_s - aircraft.gnss_mono_s < STALE_S:
            return {}
        if aircraft.geo_minus_baro_m is not None and mono_s - aircraft.geo_minus_baro_mono_s < GONE_S:
            return {"height_m": baro_m + aircraft.geo_minus_baro_m, "height_sigma_m": _GNSS_SIGMA_M}
        others_m = self._neighbours_difference_m(mono_s)
        if others_m is not None:
            return {"height_m": baro_m + others_m, "height_sigma_m": _NEIGHBOUR_SIGMA_M}
        return {"height_m": baro_m, "height_sigma_m": _BARO_SIGMA_M}

    def _neighbours_difference_m(self, mono_s: float) -> float | None:
        """Median of what all aircraft lately said of GNSS height minus barometric altitude; anew once a second."""
        if not 0 <= mono_s - self._difference_mono_s < _DIFFERENCE_S:
            said = [
                other.geo_minus_baro_m
                for other in self._aircraft.values()
                if other.geo_minus_baro_m is not None and mono_s - other.geo_minus_baro_mono_s < _NEIGHBOUR_S
            ]
            self._difference_m, self._difference_mono_s = median(said) if said else None, mono_s
        return self._difference_m


def _said(aircraft: _Aircraft, report: Report) -> dict[str, object]:
    """The plain fields of a report. Replies are known only by an address laid over their parity, so what they alone say
    counts when it is said twice."""
    changes: dict[str, object] = {}
    squitter = report.downlink_format in (17, 18)
    for name in ("callsign", "category", "speed_mps", "track_deg", "vertical_rate_mps"):
        if squitter and (value := getattr(report, name)) is not None:
            changes[name] = value
    if report.on_ground is not None and (squitter or report.downlink_format == 11):
        changes["on_ground"] = report.on_ground
    if report.squawk is not None:
        if squitter or report.squawk == aircraft.squawk_once:
            changes["squawk"] = report.squawk
        aircraft.squawk_once = report.squawk
    if report.altitude_baro_m is not None:
        once_m = aircraft.altitude_once_m
        if squitter or (once_m is not None and abs(report.altitude_baro_m - once_m) < 150.0):
            changes["altitude_baro_m"] = report.altitude_baro_m
        aircraft.altitude_once_m = report.altitude_baro_m
    if report.version is not None:
        aircraft.version = report.version
    if report.nac_p is not None:
        aircraft.nac_p = report.nac_p
    return changes


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
    elapsed_s = abs(to.utc_ns - from_.utc_ns) / 1e9
    return distance_m(from_, to) <= SLACK_M + max(FASTEST_MPS, 1.3 * (speed_mps or 0.0)) * elapsed_s


def distance_m(a: Fix, b: Fix) -> float:
    """Straight-line distance between two places at sea level."""
    site = Site(a.latitude_deg, a.longitude_deg, 0.0)
    east, north, up = geodetic_to_enu(b.latitude_deg, b.longitude_deg, 0.0, site)
    return hypot(float(east), float(north), float(up))
