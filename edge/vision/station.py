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
from camera.sectors import RING_EDGES_DEG
from edge.config import BeamSection, Config
from edge.fusion.fuse import Fusion
from edge.fusion.satellites import SatelliteBook
from edge.guard.model import Guard
from edge.guard.payload import SafetyMessage, Stamp, last_will
from edge.guard.rates import RatesWatch
from edge.guard.situation import UNKNOWN, Situation
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
from edge.runtime.clock import Moment
from edge.vision.reports import camera_report, direction_sigma_deg, plate_report, radio_report
from edge.vision.sight import LONGEST_STACKED_S, Judged, JudgedStack

STACK_AGE_S = 25.0  # two stacks of five exposures of 2 s, and one exposure lost
STACKED_BELOW_DEG = float(RING_EDGES_DEG[1])  # an airliner there is a dot in 2 s: only stacks show a trail


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
        self._stacked_mono_s = float("-inf")  # end of the newest stack that was judged
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

    @property
    def latched(self) -> dict[str, dict[str, str]]:
        """By beam: what only somebody at the box can release."""
        return {name: beam.guard.latched for name, beam in self.beams.items()}

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

    def saw_stack(self, judged: JudgedStack) -> None:
        """After `saw` of its last exposure."""
        self._stacked_mono_s = judged.end_mono_s
        for beam in self.beams.values():
            beam.fusion.see_stack(judged.sky_trails, judged.begin_utc_ns, judged.end_utc_ns, judged.end_mono_s)

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
        the part of it that is judged; low down, that stacks of exposures were judged too."""
        assert self.judged is not None
        assert self.judged.visibility is not None
        assert self.plate is not None
        units = np.atleast_2d(unit_enu)
        frame, lowest_deg = self.judged.frame, self.config.plate.minimum_elevation_deg
        if frame.exposure_s <= LONGEST_STACKED_S and frame.end_mono_s - self._stacked_mono_s > STACK_AGE_S:
            lowest_deg = max(lowest_deg, STACKED_BELOW_DEG)
        judged = units[:, 2] >= np.sin(np.radians(lowest_deg))
        return np.asarray(self.judged.visibility.sees(units) & judged & self.plate.shows(units))

    def camera_report(self, mono_s: float) -> SensorReport:
        return camera_report(self.config.camera, self.camera_health, self.judged, mono_s)

    def radio_report(self, mono_s: float) -> SensorReport:
        return radio_report(self.config.radio, self.radio_health, mono_s)

    def plate_report(self) -> SensorReport:
        fault = self._plate_fault or ("" if self.judged is None else self.judged.plate_fault)
        refused = self._plate_refused or self.plate is not None
        return plate_report(self.plate, fault, refused=refused, health=self.plate_health)

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


def _latched_of(name: str, latched: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What is latched of one beam; "*" stands for all of them."""
    return {**latched.get("*", {}), **latched.get(name, {})}
