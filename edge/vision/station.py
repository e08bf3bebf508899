"""Everything one station knows, and the situation it puts before the guard.

Pure bookkeeping on given times: no thread, no socket, no file. The live process and the replay feed the same object; it
is not thread-safe, its owner locks (`Fusion` inside locks for itself).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.plate import Plate
from camera.platewatch import PlateHealth
from camera.sectors import CENTRE_ENU, RING_EDGES_DEG
from edge.config import BeamSection, Config
from edge.fusion.fuse import Fusion
from edge.fusion.satellites import SatelliteBook
from edge.guard.model import Guard
from edge.guard.payload import SafetyMessage, Stamp, last_will
from edge.guard.rates import RatesWatch
from edge.guard.situation import ABSENT, FROZEN, JUMPED, REFUSED, UNKNOWN, Situation
from edge.guard.verdict import Verdict
from edge.publish.twins import TwinWatch
from edge.records import (
    AircraftState,
    CameraHealth,
    Datagram,
    Pointing,
    RadioHealth,
    SensorReport,
    SensorState,
    SkyObject,
)
from edge.vision.sight import LONGEST_SUMMED_S, Judged, JudgedSum

HEALTH_AGE_S = 3.0  # both other processes report once a second
TRAIL_S, TRAIL_SHARE = 0.5, 0.75  # an exposure shorter than that, or than that share of the wanted one, shows dots
SUM_AGE_S = 25.0  # two sums of five exposures of 2 s, and one exposure lost
SUMMED_BELOW_DEG = float(RING_EDGES_DEG[1])  # an airliner there moves a few pixels in 2 s: only sums show it as a trail
DETECTION_SIGMA_DEG = 0.1  # where a trail's end is placed: two pixels; the plate's own error comes on top of it


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on all clocks: sky, wall (UTC of the operating system) and monotonic."""

    sky_utc_ns: int
    wall_utc_ns: int
    mono_s: float


@dataclass(slots=True)
class Beam:
    """What belongs to one telescope."""

    section: BeamSection
    fusion: Fusion
    guard: Guard
    rates: RatesWatch
    pointing: Pointing | None = None
    pointing_refused: str = ""
    remote_hold: str = ""
    objects: tuple[SkyObject, ...] = ()
    objects_known: bool = False  # whether `objects` is all there is; an empty list that is not known says nothing


class Station:
    """The judgement's memory.

    Args:
        plate: None when there is none or it was refused (`plate_fault` says why, `plate_refused` that it was).
        latched: per beam, what an earlier process left latched.
    """

    def __init__(
        self,
        config: Config,
        *,
        plate: Plate | None,
        plate_fault: str = "",
        plate_refused: bool = False,
        book: SatelliteBook,
        latched: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.config = config
        self.plate = plate
        self._plate_fault, self._plate_refused = plate_fault, plate_refused
        self._sigma_deg = direction_sigma_deg(plate, config.plate.minimum_elevation_deg)
        sky_rate = 1.0 if config.simulation is None else config.simulation.rate
        self.beams = {
            section.name: Beam(
                section,
                Fusion(
                    site=config.station.site,
                    telescope_enu_m=(section.telescope_east_m, section.telescope_north_m, section.telescope_up_m),
                    book=book,
                    exposure_s=config.camera.exposure_s,
                    plate_sigma_deg=self._sigma_deg,
                    sky_rate=sky_rate,
                ),
                Guard(section, config.guard, latched=_latched_of(section.name, latched or {})),
                RatesWatch(sky_rate),
            )
            for section in config.guard.beams
        }
        self.judged: Judged | None = None
        self._summed_mono_s = float("-inf")  # end of the newest sum that was judged
        self.camera_health: CameraHealth | None = None
        self.radio_health: RadioHealth | None = None
        self.aircraft: dict[str, AircraftState] = {}
        self.primary_heard_mono_s: float | None = None
        self.local_hold = ""
        self.disk_full = ""
        self.parity_failed = ""
        self.stopping = False
        self.clock = SensorReport(SensorState.OK, "simulated") if config.simulation else UNKNOWN
        self.clock_error_s: float | None = 0.0 if config.simulation else None
        self._radio_ok_mono_s: float | None = None
        self.twins: TwinWatch | None = None  # a replay has none

    def wills(self, stamp: Stamp, utc_ns: int) -> dict[str, SafetyMessage]:
        """By beam: what the broker says when this process has vanished."""
        plate_sha = "" if self.plate is None else self.plate.sha256
        return {name: last_will(stamp, name, beam.guard.mode, plate_sha, utc_ns) for name, beam in self.beams.items()}

    # -- what comes in -----------------------------------------------------------------------------------------------

    def saw(self, judged: Judged) -> None:
        """A frame was judged. Frames that the capture process calls frozen never come here."""
        self.judged = judged
        if judged.frame.start_utc_ns <= 0 or judged.plate_fault:
            return
        for beam in self.beams.values():
            beam.fusion.see(
                judged.sky_trails, judged.begin_utc_ns, judged.end_utc_ns, judged.frame.end_mono_s, beam.pointing
            )

    def saw_sum(self, judged: JudgedSum) -> None:
        """After `saw` of its last exposure."""
        self._summed_mono_s = judged.end_mono_s
        for beam in self.beams.values():
            beam.fusion.see_sum(judged.sky_trails, judged.begin_utc_ns, judged.end_utc_ns, judged.end_mono_s)

    def heard(self, records: Iterable[Datagram]) -> None:
        """Datagrams of the other two processes."""
        states = []
        for record in records:
            if isinstance(record, AircraftState):
                states.append(record)
                self.aircraft[record.key] = record
            elif isinstance(record, RadioHealth):
                self.radio_health = record
                if record.state is SensorState.OK:
                    self._radio_ok_mono_s = record.mono_s
            else:
                self.camera_health = record
        if states:
            for beam in self.beams.values():
                beam.fusion.hear(states)

    # -- what follows ------------------------------------------------------------------------------------------------

    def decide(self, name: str, now: Moment) -> Verdict:
        """One beam's verdict now; also renews its list of objects. Never raises for what the guard is asked."""
        beam = self.beams[name]
        try:
            beam.objects = beam.fusion.objects(now.sky_utc_ns, now.mono_s, beam.pointing)
            made_mono_s: float | None = now.mono_s
        except (ValueError, ArithmeticError):  # fusion met a number that is none: no objects is no evidence
            beam.objects, made_mono_s = (), None
        beam.objects_known = made_mono_s is not None
        verdict = beam.guard.decide(self._situation(beam, now, made_mono_s), now.mono_s)
        if "remote-hold" in verdict.active:
            beam.remote_hold = ""  # latched now; a release must not find it again
        return verdict

    def forget_old(self, mono_s: float) -> None:
        """Aircraft that nobody has heard for a minute."""
        self.aircraft = {key: state for key, state in self.aircraft.items() if mono_s - state.seen_mono_s <= 60.0}

    def _situation(self, beam: Beam, now: Moment, objects_mono_s: float | None) -> Situation:
        judged = self.judged
        view = None if judged is None else judged.visibility
        return Situation(
            utc_ns=now.wall_utc_ns,
            camera=self.camera_report(now.mono_s),
            picture_end_mono_s=None if judged is None else judged.frame.end_mono_s,
            picture_exposure_s=0.0 if judged is None else judged.frame.exposure_s,
            sees=None if view is None or self.plate is None else self._sees,
            radio=self.radio_report(now.mono_s),
            radio_heard_mono_s=self._radio_ok_mono_s,
            clock=self.clock,
            clock_error_s=self.clock_error_s,
            plate=self.plate_report(),
            plate_sigma_deg=float(np.hypot(self._sigma_deg, self._shift_deg())),
            pointing=beam.pointing,
            pointing_refused=beam.pointing_refused,
            objects=beam.objects,
            objects_mono_s=objects_mono_s,
            primary_heard_mono_s=self.primary_heard_mono_s,
            local_hold=self.local_hold,
            remote_hold=beam.remote_hold,
            twin="" if self.twins is None else self.twins.noticed(now.mono_s),
            parity_failed=self.parity_failed,
            canary_missed="" if judged is None else judged.canary_missed,
            disk_full=self.disk_full,
            stopping=self.stopping,
        )

    def _sees(self, unit_enu: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(N, 3) directions -> (N,): stars prove that the camera sees that sector, and it lies in the picture and in
        the part of it that is judged; low down, that sums of exposures were judged too."""
        assert self.judged is not None
        assert self.judged.visibility is not None
        assert self.plate is not None
        units = np.atleast_2d(unit_enu)
        frame, lowest_deg = self.judged.frame, self.config.plate.minimum_elevation_deg
        if frame.exposure_s <= LONGEST_SUMMED_S and frame.end_mono_s - self._summed_mono_s > SUM_AGE_S:
            lowest_deg = max(lowest_deg, SUMMED_BELOW_DEG)
        judged = units[:, 2] >= np.sin(np.radians(lowest_deg))
        return np.asarray(self.judged.visibility.sees(units) & judged & self.plate.shows(units))

    def camera_report(self, mono_s: float) -> SensorReport:
        """Worst first: not fitted, process silent, device's own word, nothing judged, blind."""
        if self.config.camera.source == "none":
            return SensorReport(SensorState.DEAD, "this station has no camera", None, {"cause": ABSENT})
        judged, health = self.judged, self.camera_health
        age_s = None if judged is None else mono_s - judged.frame.end_mono_s
        if self.config.camera.source != "replay":
            if health is None:
                return SensorReport(SensorState.DEAD, "the capture process has not reported yet", age_s)
            silent_s = mono_s - health.mono_s
            if silent_s > HEALTH_AGE_S:
                return SensorReport(SensorState.STALE, f"the capture process is silent for {silent_s:.0f} s", age_s)
            if health.state is not SensorState.OK:
                return SensorReport(
                    health.state, health.reason, age_s, {"cause": FROZEN} if health.cause == "frozen" else {}
                )
        if judged is None:
            return SensorReport(SensorState.DEAD, "no picture judged yet", None)
        if judged.plate_health is not None and judged.plate_health.state == "STILL":
            return SensorReport(SensorState.DEAD, judged.plate_health.words, age_s, {"cause": FROZEN})
        view = judged.visibility
        if view is not None and view.reason:
            return SensorReport(SensorState.BLIND, view.reason, age_s)
        if self.config.camera.source != "replay" and (words := self._too_short(judged.frame.exposure_s)):
            return SensorReport(SensorState.BLIND, words, age_s)
        return SensorReport(SensorState.OK, "", age_s)

    def _too_short(self, exposure_s: float) -> str:
        """Stars may still show in a shortened exposure, while an aircraft is a dot like one of them, and most of the
        time nobody looks: there are no more exposures than of the wanted length."""
        if exposure_s >= max(TRAIL_S, TRAIL_SHARE * self.config.camera.exposure_s):
            return ""
        return f"exposures of {exposure_s:.3g} s are too short: an aircraft leaves no trail, or passes between them"

    def radio_report(self, mono_s: float) -> SensorReport:
        if self.config.radio.source == "none":
            return SensorReport(SensorState.DEAD, "this station has no radio", None, {"cause": ABSENT})
        health = self.radio_health
        if health is None:
            return SensorReport(SensorState.DEAD, "the radio process has not reported yet")
        age_s = mono_s - health.mono_s
        if age_s > HEALTH_AGE_S:
            return SensorReport(SensorState.STALE, f"the radio process is silent for {age_s:.0f} s", age_s)
        return SensorReport(health.state, health.reason or health.warning, age_s)

    def plate_report(self) -> SensorReport:
        fault = self._plate_fault or ("" if self.judged is None else self.judged.plate_fault)
        if fault:
            refused = self._plate_refused or self.plate is not None
            return SensorReport(SensorState.DEAD, fault, None, {"cause": REFUSED} if refused else {})
        if self.plate is None:
            return SensorReport(
                SensorState.DEAD, "no plate: the camera cannot say where it looks; run `skyspotter calibrate`"
            )
        health = self.plate_health
        if health is not None and health.state == "JUMPED":
            return SensorReport(SensorState.DEAD, health.words, None, {"cause": JUMPED})
        return SensorReport(SensorState.OK, "" if health is None else health.words)

    @property
    def plate_health(self) -> PlateHealth | None:
        return None if self.judged is None else self.judged.plate_health

    def _shift_deg(self) -> float:
        """By which the stars stand aside of the plate now: nobody corrects it, so it counts as uncertainty."""
        health = self.plate_health
        return 0.0 if health is None or health.shift_deg is None else health.shift_deg

    def visible_fraction(self) -> float | None:
        """Of the sky above 10 degrees, where stars prove that the camera sees; None without a plate or a picture."""
        view = None if self.judged is None else self.judged.visibility
        return None if view is None else float(np.clip(view.fraction, 0.0, 1.0))


def direction_sigma_deg(plate: Plate | None, lowest_deg: float) -> float:
    """One sigma of a direction, detection and plate together, where the plate is worst above `lowest_deg`."""
    if plate is None or plate.covariance is None:  # only the simulator's plate, the truth itself, carries none
        return DETECTION_SIGMA_DEG
    sky = CENTRE_ENU[CENTRE_ENU[:, 2] >= np.sin(np.radians(lowest_deg))]
    return float(np.hypot(DETECTION_SIGMA_DEG, plate.sigma_deg(sky).max()))


def _latched_of(name: str, latched: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What is latched of one beam; "*" stands for all of them."""
    return {**latched.get("*", {}), **latched.get(name, {})}
