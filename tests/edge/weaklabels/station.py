"""A short simulated night as a station records it: its own recorders of frames and of aircraft, nothing made up after.

Four aircraft: one as it should be, one whose transponder lies about its place, one behind a cloud, one silent.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from camera.geodesy import azel_to_unit, enu_to_geodetic
from camera.sim.renderer import SERIAL, TruthTrail
from camera.sim.scenario import Scenario, SimAircraft, SimCloud, night
from camera.store.header import Origin
from camera.store.recorder import FrameRecorder, RecorderSettings
from edge.adsb.archive.shelf import Shelf
from edge.adsb.archive.states import StateRecorder
from edge.adsb.ear import Ear, TimedFrame
from edge.adsb.frames import TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.sim.signal import SkySignal
from edge.records import AircraftState
from models.rendered import render

NIGHT = "2026-06-14"
HONEST, LYING, CLOUDED, SILENT = "A00001", "A00002", "A00003", "A00004"
HEARD_S, TIMES_S, EXPOSURE_S = 24.0, (10.0, 13.0), 2.0
LIE_DEG = 0.08  # of latitude: 9 km


def scenario() -> Scenario:
    quiet = night(1)
    aircraft = (
        _crossing(quiet, HONEST, 60.0, 45.0), _crossing(quiet, LYING, 150.0, 45.0),
        _crossing(quiet, CLOUDED, 330.0, 40.0), replace(_crossing(quiet, SILENT, 240.0, 45.0), transponder=False),
    )  # fmt: skip
    cloud = SimCloud(0.0, 60.0, 330.0, 40.0, 0.01)
    beam = replace(quiet.beam, lasing_s=())
    return replace(quiet, aircraft=aircraft, satellites=(), meteors=(), clouds=(cloud,), beam=beam)


def _crossing(quiet: Scenario, icao: str, azimuth_deg: float, elevation_deg: float) -> SimAircraft:
    """Level at 10 km, across the line of sight, there at 12 s."""
    height_m = 9_000.0  # above the station
    unit = azel_to_unit(azimuth_deg, elevation_deg)
    latitude, longitude, above_m = enu_to_geodetic(unit * height_m / unit[2], quiet.site)
    return replace(
        quiet.aircraft[0], icao=icao, callsign=f"OWN{icao[-3:]}", transponder=True, lights="jet", t_ref_s=12.0,
        latitude_ref_deg=latitude, longitude_ref_deg=longitude, height_ref_m=above_m, speed_mps=230.0,
        track_deg=(azimuth_deg + 90.0) % 360.0, vertical_rate_mps=0.0, brightness=3.0,
    )  # fmt: skip


def record(root: Path) -> list[list[TruthTrail]]:
    """Into `root`, as `recorder.directory` would hold it; what was truly on each frame."""
    sky = scenario()
    states = StateRecorder(Shelf(root, 10**9), flush_s=60.0)
    states.offer(_heard(sky))
    states.close()
    assert (states.lost, states.failure) == (0, "")
    rendered = list(render(sky, list(TIMES_S), exposure_s=EXPOSURE_S))
    origin = Origin(station="test", site=sky.site, plate=rendered[0].plate, simulated=True)
    frames = FrameRecorder(RecorderSettings(root), lambda: origin)
    for one in rendered:
        assert frames.offer(replace(one.frame, camera_serial=SERIAL))
        time.sleep(0.05)
    frames.close(30.0)
    assert frames.written == len(TIMES_S)
    return [one.truth for one in rendered]


def _heard(sky: Scenario) -> list[tuple[int, AircraftState]]:
    addresses, ear = AddressBook(), Ear(sky.site, 0.0, expected_bytes_per_s=None)
    rows = []
    for item in SkySignal(sky).transmissions(0.0, HEARD_S):
        for frame in addresses.judge(ModeSFrame(item.frame, item.t_s * TICK_HZ, -12.0)):
            t_s = frame.sample / TICK_HZ
            for one in ear.learn([TimedFrame(frame, t_s, sky.utc_ns(t_s))]):
                rows.append((one.heard.utc_ns, _told(one.state)))
    return rows


def _told(state: AircraftState) -> AircraftState:
    if state.icao != LYING or state.latitude_deg is None:
        return state
    return state.model_copy(update={"latitude_deg": state.latitude_deg + LIE_DEG})
