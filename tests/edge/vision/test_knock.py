"""The camera is knocked while the station permits: no permit within ten seconds, and it says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from camera.device import Frame
from camera.sim.conditions import SimKnock, SimSky
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import SimCloud, night
from edge.records import Pointing, RadioHealth, SensorReport
from edge.runtime.clock import Moment
from edge.vision.sight import Sight
from edge.vision.station import Station
from models.detect import Detection, Timings
from tests.edge.vision.test_station import OK, camera_health, make_station

KNOCK_S = 31.0
CLOUDS = (SimCloud(-100.0, 1000.0, 200.0, 72.0, 0.02),)  # 40 % of the sky
PLATE = simulated_plate(night(1))  # as `make_station` has it


class NoTrails:
    """Stands for the network: this test is about the stars."""

    def detect(self, frame: Frame, *_: object) -> Detection:
        return Detection([], Timings(0.0, 0.0, 0.0, 0.0))


def frames(knock: SimKnock) -> Iterator[Frame]:
    scenario = replace(night(1), clouds=CLOUDS, sky=SimSky(knock=knock))
    (width, height), origin = PLATE.region.size_px, PLATE.region.origin_px
    renderer = Renderer(scenario, PLATE, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    for seq, t_s in enumerate(np.arange(10.0, 46.0, 2.0).tolist()):
        yield Frame(
            seq=seq, start_utc_ns=scenario.utc_ns(t_s), end_mono_s=t_s + 2.0, exposure_s=2.0, gain_setting=120,
            gain_e_per_adu=renderer.sensor.e_per_stored, origin_px=origin, mosaic="RGGB", white_adu=65532,
            sensor_celsius=0.0, cooler_percent=0.0, pixels=renderer.render(scenario.utc_ns(t_s), 2.0),
            camera_serial=PLATE.camera_serial,
        )  # fmt: skip


def decided(station: Station, mono_s: float) -> tuple[bool, frozenset[str], str]:
    beam = station.beams["main"]
    station.heard([camera_health(mono_s), RadioHealth(mono_s=mono_s, state=OK)])
    beam.pointing = Pointing(mono_s, 20.0, 60.0, 0.0, 0.0, "", False)
    utc_ns = station.judged.end_utc_ns if station.judged else 0
    verdict = station.decide("main", Moment(utc_ns, utc_ns, mono_s))
    return verdict.would_permit, verdict.active, "; ".join(reason.words for reason in verdict.reasons)


def test_a_knock_of_a_third_of_a_degree_under_cloud_ends_the_permit_with_its_reason() -> None:
    station = make_station()
    station.clock, station.clock_error_s = SensorReport(OK), 0.01
    sight = Sight(NoTrails(), PLATE)  # type: ignore[arg-type]
    permitted_s, named_s = -1.0, -1.0
    for frame in frames(SimKnock(KNOCK_S, tilt_north_deg=0.3)):
        station.saw(sight.judge(frame))
        would_permit, active, words = decided(station, frame.end_mono_s + 0.3)
        permitted_s = frame.end_mono_s if would_permit else permitted_s
        if "plate-jumped" in active and named_s < 0:
            named_s = frame.end_mono_s
            assert "the camera was moved" in words
    assert KNOCK_S - 3.0 < permitted_s < KNOCK_S + 10.0  # permitted until the knock
    assert KNOCK_S < named_s <= KNOCK_S + 10.0
    assert "plate-jumped" in station.beams["main"].guard.latched
