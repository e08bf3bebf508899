"""What the station tells the guard of its sensors, from what it was told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from camera.device import Frame
from camera.geodesy import azel_to_unit
from camera.platewatch import PlateHealth, State
from camera.sectors import SECTORS
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import YEBES, night
from camera.visibility import Visibility
from edge.config import CameraSection, Config, RadioSection, StationSection
from edge.fusion.satellites import SatelliteBook
from edge.guard.payload import Stamp
from edge.guard.situation import ABSENT, FROZEN, JUMPED
from edge.records import AircraftState, CameraHealth, Pointing, RadioHealth, SensorState
from edge.runtime.clock import Moment
from edge.vision.outward import Outward
from edge.vision.sight import Judged, JudgedStack
from edge.vision.station import Station

UTC_NS = 1_781_473_500_000_000_000
OK = SensorState.OK


def make_station(*, plate: bool = True, camera: str = "asi", radio: str = "rtlsdr") -> Station:
    site = StationSection(id="test", latitude_deg=YEBES.latitude_deg, longitude_deg=YEBES.longitude_deg, height_m=980)
    config = Config.model_validate(
        {"station": site, "camera": CameraSection(source=camera), "radio": RadioSection(source=radio)}  # type: ignore[arg-type]
    )
    return Station(config, plate=simulated_plate(night(1)) if plate else None, book=SatelliteBook(None))


def frame(mono_s: float, seq: int = 1) -> Frame:
    pixels: NDArray[np.uint16] = np.zeros((4, 4), np.uint16)
    return Frame(
        seq=seq, start_utc_ns=UTC_NS + round(mono_s * 1e9), end_mono_s=mono_s, exposure_s=2.0, gain_setting=120,
        gain_e_per_adu=1.0, origin_px=(0, 0), mosaic="RGGB", white_adu=65532, sensor_celsius=-5.0, cooler_percent=40.0,
        pixels=pixels,
    )  # fmt: skip


def judged(mono_s: float, *, reason: str = "", plate: State = "OK", seq: int = 1) -> Judged:
    sectors, limits = np.full(SECTORS, 2 if reason else 1, np.int8), np.full(SECTORS, 5.0)
    share = 0.0 if reason else 1.0
    view = Visibility(mono_s, sectors, limits, reason, share, 400, 0 if reason else 390, 0.2, 5.0)
    shift_deg = 0.01 if plate == "OK" else 0.3
    health = PlateHealth(plate, "" if plate == "OK" else "the stars say so", 5.0, shift_deg, 0.3, 0.0, 100, mono_s)
    return Judged(frame(mono_s, seq), (), (), view, "", {}, plate_health=health)


def stacked(mono_s: float) -> JudgedStack:
    return JudgedStack((), UTC_NS, UTC_NS + 10**10, mono_s)


def camera_health(mono_s: float, state: SensorState = OK, reason: str = "") -> CameraHealth:
    return CameraHealth(mono_s=mono_s, state=state, reason=reason)


def test_a_camera_that_never_reported_is_dead() -> None:
    assert make_station().camera_report(10.0).state is SensorState.DEAD


def test_a_camera_process_that_falls_silent_is_stale_though_its_last_word_was_good() -> None:
    station = make_station()
    station.heard([camera_health(10.0)])
    station.saw(judged(10.0))
    assert station.camera_report(11.0).state is OK
    report = station.camera_report(14.0)
    assert report.state is SensorState.STALE
    assert "silent for 4 s" in report.reason
    assert report.age_s == pytest.approx(4.0)


def test_a_picture_without_stars_is_blind_with_its_reason() -> None:
    station = make_station()
    station.heard([camera_health(10.0)])
    station.saw(judged(10.0, reason="daylight"))
    report = station.camera_report(10.5)
    assert (report.state, report.reason) == (SensorState.BLIND, "daylight")


@pytest.mark.parametrize(("exposure_s", "state"), [(2.0, OK), (1.0, SensorState.BLIND), (0.03, SensorState.BLIND)])
def test_an_exposure_that_a_bright_sky_shortened_shows_stars_and_no_trails(
    exposure_s: float, state: SensorState
) -> None:
    station = make_station()
    station.heard([camera_health(10.0)])
    seen = judged(10.0)
    station.saw(replace(seen, frame=replace(seen.frame, exposure_s=exposure_s)))
    report = station.camera_report(10.5)
    assert report.state is state
    assert ("too short" in report.reason) == (state is not OK)


def test_the_camera_s_own_trouble_comes_before_what_its_last_picture_said() -> None:
    station = make_station()
    station.heard([camera_health(10.0)])
    station.saw(judged(10.0))
    station.heard([camera_health(11.0, SensorState.DEAD, "unplugged")])
    assert station.camera_report(11.1).reason == "unplugged"


def test_a_station_without_one_sense_says_so() -> None:
    report = make_station(camera="none").camera_report(1.0)
    assert (report.state, report.details["cause"]) == (SensorState.DEAD, ABSENT)
    report = make_station(radio="none").radio_report(1.0)
    assert (report.state, report.details["cause"]) == (SensorState.DEAD, ABSENT)


def test_a_radio_that_falls_silent_is_stale_and_gives_no_good_evidence() -> None:
    station = make_station()
    station.heard([RadioHealth(mono_s=10.0, state=OK)])
    assert station.radio_report(11.0).state is OK
    assert station.radio_report(14.0).state is SensorState.STALE


def test_without_a_plate_the_reason_says_what_to_do() -> None:
    assert "skyspotter calibrate" in make_station(plate=False).plate_report().reason


def test_a_plate_that_jumped_is_reported_and_latches() -> None:
    station = make_station()
    station.saw(judged(10.0))
    assert station.plate_report().state is OK
    station.saw(judged(12.0, plate="JUMPED"))
    assert station.plate_report().details["cause"] == JUMPED
    assert "plate-jumped" in station.decide("main", Moment(UTC_NS, UTC_NS, 12.0)).active
    station.saw(judged(14.0))
    assert station.plate_report().state is OK  # the guard latches; the station only reports
    assert "plate-jumped" in station.beams["main"].guard.latched


def test_a_plate_that_drifts_goes_on_with_its_reason_and_a_wider_error() -> None:
    station = make_station()
    station.saw(judged(10.0))
    before = station._situation(station.beams["main"], Moment(UTC_NS, UTC_NS, 10.0), 10.0).plate_sigma_deg
    station.saw(judged(12.0, plate="SUSPECT"))
    after = station._situation(station.beams["main"], Moment(UTC_NS, UTC_NS, 12.0), 12.0).plate_sigma_deg
    assert before == pytest.approx(np.hypot(0.1, 0.01))
    assert after == pytest.approx(np.hypot(0.1, 0.3))
    assert (station.plate_report().state, station.plate_report().reason) == (OK, "the stars say so")


def test_stars_that_stand_still_are_a_frozen_camera() -> None:
    station = make_station()
    station.heard([camera_health(10.0)])
    station.saw(judged(10.0, plate="STILL"))
    report = station.camera_report(10.5)
    assert (report.state, report.details["cause"]) == (SensorState.DEAD, FROZEN)


def test_with_everything_well_the_beam_is_clear_after_ten_seconds_and_a_silent_radio_ends_it() -> None:
    station = make_station()
    station.clock_error_s = 0.01
    station.clock = station.radio_report(0.0).__class__(OK)
    beam = station.beams["main"]
    states = []
    for tenth in range(400):
        mono_s = 100.0 + tenth / 10
        if tenth % 10 == 0:
            station.heard([camera_health(mono_s)])
            if mono_s < 130.0:
                station.heard([RadioHealth(mono_s=mono_s, state=OK)])
        if tenth % 20 == 0:
            station.saw(judged(mono_s, seq=tenth))
        beam.pointing = Pointing(mono_s, 90.0, 70.0, 0.0, 0.0, "", False)
        utc_ns = UTC_NS + round(mono_s * 1e9)
        states.append((mono_s, station.decide("main", Moment(utc_ns, utc_ns, mono_s))))
    clear = [mono_s for mono_s, verdict in states if verdict.would_permit]
    assert clear[0] == pytest.approx(110.0, abs=1.0)
    assert clear[-1] < 130.0 + 6.0
    assert not any(verdict.permit for _, verdict in states)  # SHADOW


def test_aircraft_not_heard_for_a_minute_are_forgotten() -> None:
    station = make_station()
    station.heard([AircraftState(key="icao:ABCDEF", icao="ABCDEF", seen_mono_s=10.0)])
    station.forget_old(69.0)
    assert station.aircraft
    station.forget_old(71.0)
    assert not station.aircraft


def test_a_detector_that_misses_the_made_up_trail_takes_the_permit_and_stays_latched() -> None:
    station = make_station()
    station.saw(replace(judged(10.0), canary_missed="not found"))
    assert "canary-missed" in station.decide("main", Moment(UTC_NS, UTC_NS, 10.0)).active
    assert "canary-missed" in station.beams["main"].guard.latched


def test_what_lies_outside_the_picture_is_not_seen_whatever_the_stars_of_its_sector_say() -> None:
    station = make_station()
    plate = station.plate
    assert plate is not None
    station.saw(judged(10.0))
    station.saw_stack(stacked(10.0))
    azimuths = np.arange(0.0, 360.0, 5.0)
    low = azel_to_unit(azimuths, np.full(len(azimuths), 12.0))
    assert station._sees(low).all()
    width, height = plate.region.size_px
    x, y = plate.region.origin_px
    half = plate.region.model_copy(update={"size_px": (width, height // 2), "origin_px": (x, y)})
    station.plate = plate.model_copy(update={"region": half})
    seen = station._sees(low)
    assert 0.2 < seen.mean() < 0.8
    rows = plate.unit_to_pixel(low, half.origin_px)[:, 1]
    assert (seen == (rows <= height // 2 - 1)).all()


def test_low_down_nothing_is_vouched_for_without_a_stack_of_exposures() -> None:
    station = make_station()
    low, high = azel_to_unit([20.0, 20.0], [15.0, 40.0])
    stacks = (12.0, 24.0)  # then a slow machine, or every other exposure lost
    seen = []
    for mono_s in (10.0, 12.0, 24.0, 48.0, 50.0):
        station.saw(judged(mono_s))
        if mono_s in stacks:
            station.saw_stack(stacked(mono_s))
        seen.append((bool(station._sees(low)[0]), bool(station._sees(high)[0])))
    assert seen == [(False, True), (True, True), (True, True), (True, True), (False, True)]


def test_a_station_without_a_plate_never_reports_an_empty_sky(monkeypatch: pytest.MonkeyPatch) -> None:
    for plate, fails in ((False, False), (True, True), (True, False)):
        station = make_station(plate=plate)
        beam = station.beams["main"]
        if fails:
            monkeypatch.setattr(beam.fusion, "objects", lambda *_: 1 / 0)
        outward = Outward(station, Stamp(station="test", boot_id="b", simulated=False), lambda *_: None, version="1")
        station.heard([camera_health(10.0), RadioHealth(mono_s=10.0, state=OK)])
        station.saw(judged(10.0) if plate else replace(judged(10.0), visibility=None, plate_fault="no plate"))
        moment = Moment(UTC_NS, UTC_NS, 10.0)
        said = outward.tracks(beam, station.decide("main", moment), moment).tracks
        assert said == (() if plate and not fails else None)
