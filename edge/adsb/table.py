"""All aircraft heard now: one record each, with what may be believed of it and why it deserves doubt.

Positions come through a gate (`positions`), height down a chain (`height`), conduct and signal are watched: what does
not fit is flagged with its reason in the record, neither dropped nor trusted in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import hypot

from camera.geodesy import Site
from edge.adsb.aircraft.conduct import Conduct
from edge.adsb.aircraft.height import Air, HeightChain, Heights
from edge.adsb.aircraft.positions import Fix, Outcome, Positions, distance_m
from edge.adsb.aircraft.strength import SignalRange
from edge.adsb.decode import Report
from edge.adsb.motion import GONE_S, STALE_S
from edge.adsb.quality import Codes, height_sigma_m, quality, velocity_sigma_mps
from edge.records import AircraftState

_PLAIN = (  # fields that a squitter sets as they are
    "callsign", "category", "emergency", "speed_mps", "track_deg", "airspeed_mps", "heading_deg", "vertical_rate_mps",
)  # fmt: skip
_SAID_TWICE_M = 150.0  # altitudes of two replies that agree


@dataclass(slots=True)
class _Aircraft:
    state: AircraftState
    positions: Positions
    codes: Codes = field(default_factory=Codes)
    heights: Heights = field(default_factory=Heights)
    conduct: Conduct = field(default_factory=Conduct)
    squawk_once: str | None = None
    altitude_once_m: float | None = None


@dataclass(slots=True)
class TableCounters:
    messages: int = 0
    positions: int = 0
    held_back: int = 0
    jumps: int = 0
    out_of_range: int = 0
    altitudes_held_back: int = 0
    ground_claims: int = 0  # not believed
    turned_away: int = 0  # messages of aircraft for which there was no room


class AircraftTable:
    """`site` bounds what is plausible and resolves positions on the ground; without it neither is done.

    Args:
        air: what the station knows of its pressure and geoid. limit: aircraft at most.
    """

    def __init__(self, site: Site | None, *, air: Air | None = None, limit: int = 1000) -> None:
        self._site, self._limit = site, limit
        self._aircraft: dict[str, _Aircraft] = {}
        self._heights = HeightChain(Air() if air is None else air)
        self._signals = SignalRange()
        self.gain_db = 0.0  # of the receiver now, where it is known: levels are compared without it
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
            first = AircraftState(key=report.key, icao=report.icao, seen_mono_s=mono_s)
            aircraft = self._aircraft[report.key] = _Aircraft(first, Positions(self._site))
        self.counters.messages += 1
        says = report.on_ground if report.downlink_format in (11, 17, 18) else None
        if says is not None and not aircraft.conduct.lands(says, aircraft.state.speed_mps, mono_s):
            self.counters.ground_claims += 1
            report = replace(report, on_ground=None, speed_mps=None, track_deg=None, cpr=None)
        changes = _said(aircraft, report)
        changes["seen_mono_s"] = max(mono_s, aircraft.state.seen_mono_s)
        changes["messages"] = aircraft.state.messages + 1
        changes["rssi_dbfs"] = rssi_dbfs
        if report.downlink_format in (17, 18):
            changes |= self._squitter(aircraft, report, utc_ns, mono_s)
        if report.altitude_baro_m is not None:
            changes |= self._altitude(aircraft, report, utc_ns, mono_s)
        if report.cpr is not None:
            changes |= self._position(aircraft, report, utc_ns, mono_s, rssi_dbfs)
        if report.altitude_baro_m is not None or report.height_m is not None or report.geo_minus_baro_m is not None:
            vouched = aircraft.positions.trusted is not None and not aircraft.state.flags
            height = self._heights.best(aircraft.heights, aircraft.codes, mono_s, vouched=vouched)
            if height is not None:
                changes["height_m"], changes["height_sigma_m"] = height.height_m, height.sigma_m
                changes["height_basis"] = height.basis
        aircraft.state = aircraft.state.model_copy(update=changes)
        return aircraft.state

    def forget(self, mono_s: float) -> list[str]:
        """Drops aircraft silent for a minute, or for ten seconds where the table is full and they never had a place;
        their keys."""
        unplaced_s = STALE_S if len(self) >= self._limit else GONE_S
        gone = [
            key
            for key, aircraft in self._aircraft.items()
            if mono_s - aircraft.state.seen_mono_s > (unplaced_s if aircraft.positions.trusted is None else GONE_S)
        ]
        for key in gone:
            del self._aircraft[key]
            self._signals.forget(key)
        return gone

    def states(self) -> list[AircraftState]:
        return [aircraft.state for aircraft in self._aircraft.values()]

    def fresh(self, mono_s: float) -> int:
        """How many have a position younger than ten seconds."""
        times = (aircraft.state.position_mono_s for aircraft in self._aircraft.values())
        return sum(time_s is not None and mono_s - time_s < STALE_S for time_s in times)

    def not_located(self, mono_s: float) -> int:
        """How many are heard but have no position: transponders without ADS-B, or with all of it held back."""
        states = [one.state for one in self._aircraft.values() if mono_s - one.state.seen_mono_s < STALE_S]
        placed = [one for one in states if one.position_mono_s is not None and mono_s - one.position_mono_s < GONE_S]
        return len(states) - len(placed)

    def _squitter(self, aircraft: _Aircraft, report: Report, utc_ns: int, mono_s: float) -> dict[str, object]:
        """Velocity, height difference and codes: what only squitters carry."""
        changes: dict[str, object] = {}
        if report.codes is not None:
            codes = aircraft.codes = aircraft.codes.updated(report.codes)
            changes |= {"adsb_version": codes.version, "nac_p": codes.nac_p, "sda": codes.sda, "gva": codes.gva}
            changes |= {"nac_v": codes.nac_v, "velocity_sigma_mps": velocity_sigma_mps(codes.nac_v)}
        if report.speed_mps is not None or report.track_deg is not None:
            changes["velocity_utc_ns"] = utc_ns
        if report.speed_mps is not None and report.track_deg is not None and not report.on_ground:
            sigma_mps = velocity_sigma_mps(aircraft.codes.nac_v)
            aircraft.conduct.fly(report.speed_mps, report.track_deg, sigma_mps, utc_ns, mono_s)
        if report.vertical_rate_mps is not None:
            aircraft.conduct.climb(report.vertical_rate_mps, mono_s)
        if report.geo_minus_baro_m is not None:
            aircraft.heights.difference(report.geo_minus_baro_m, mono_s)
        if report.height_m is not None or report.height_if_metres_m is not None:
            sigma_m = height_sigma_m(aircraft.codes, report.typecode)
            aircraft.heights.gnss(report.height_m, report.height_if_metres_m, sigma_m, mono_s)
        return changes

    def _altitude(self, aircraft: _Aircraft, report: Report, utc_ns: int, mono_s: float) -> dict[str, object]:
        """Replies are known only by an address laid over their parity: theirs counts when it is said twice. One that
        no aircraft could reach waits for a second like it, whoever says it."""
        altitude_m, once_m = report.altitude_baro_m, aircraft.altitude_once_m
        assert altitude_m is not None
        aircraft.altitude_once_m = altitude_m
        if report.downlink_format not in (17, 18) and (once_m is None or abs(altitude_m - once_m) >= _SAID_TWICE_M):
            return {}
        if not aircraft.conduct.rise(altitude_m, utc_ns, mono_s):
            self.counters.altitudes_held_back += 1
            return {}
        aircraft.heights.baro_m, aircraft.heights.baro_mono_s = altitude_m, mono_s
        return {"altitude_baro_m": altitude_m}

    def _position(
        self, aircraft: _Aircraft, report: Report, utc_ns: int, mono_s: float, rssi_dbfs: float | None
    ) -> dict[str, object]:
        assert report.cpr is not None
        positions, conduct, codes = aircraft.positions, aircraft.conduct, aircraft.codes
        outcome = positions.take(report.cpr, utc_ns, mono_s, aircraft.state.speed_mps)
        self.counters.held_back += outcome is Outcome.HELD
        self.counters.jumps += outcome is Outcome.JUMPED
        self.counters.out_of_range += outcome is Outcome.FAR
        fix = positions.trusted
        if fix is None or outcome not in (Outcome.NEW, Outcome.JUMPED):
            flags = aircraft.state.flags
            return {"flags": (*flags, *(flag for flag in positions.flags(mono_s) if flag not in flags))}
        self.counters.positions += 1
        if outcome is Outcome.JUMPED or report.cpr.surface:
            conduct.jumped(fix)
        else:
            conduct.move(fix, velocity_sigma_mps(codes.nac_v))
        if rssi_dbfs is not None and self._site is not None and not report.cpr.surface:
            self._hear(aircraft, self._site, fix, rssi_dbfs)
        told = quality(codes, report.typecode or 0, supplement_b=bool(report.supplement_b))
        signal = ("signal-range",) if self._signals.suspect(report.key) else ()
        return {
            "latitude_deg": fix.latitude_deg,
            "longitude_deg": fix.longitude_deg,
            "position_utc_ns": fix.utc_ns,
            "position_mono_s": fix.mono_s,
            "horizontal_sigma_m": told.sigma_m,
            "nic": told.nic,
            "rc_m": told.rc_m,
            "vpl_m": told.vpl_m,
            "epu_m": told.epu_m,
            "sil": told.sil,
            "flags": (*told.flags, *positions.flags(mono_s), *conduct.flags(mono_s), *signal),
        }

    def _hear(self, aircraft: _Aircraft, site: Site, fix: Fix, rssi_dbfs: float) -> None:
        above_m = (aircraft.heights.baro_m or 0.0) - site.height_m
        range_m = hypot(distance_m(site, fix), above_m)
        self._signals.hear(aircraft.state.key, rssi_dbfs, self.gain_db, range_m, fix.mono_s)


def _said(aircraft: _Aircraft, report: Report) -> dict[str, object]:
    """The plain fields of a report."""
    changes: dict[str, object] = {}
    squitter = report.downlink_format in (17, 18)
    if squitter:
        for name in _PLAIN:
            value = getattr(report, name)
            if value is not None:
                changes[name] = value
    if report.on_ground is not None and (squitter or report.downlink_format == 11):
        changes["on_ground"] = report.on_ground
    if report.squawk is not None:
        if squitter or report.squawk == aircraft.squawk_once:
            changes["squawk"] = report.squawk
        aircraft.squawk_once = report.squawk
    return changes
