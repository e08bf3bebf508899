"""Messages as a station would send them, for the tests of the view."""

from __future__ import annotations

from edge.demo.view import Screen
from edge.guard.payload import Closest, Reason, SafetyMessage, Sensor, Sensors, Track, TracksMessage
from edge.records import SensorState

NOW = "2026-06-14T21:46:12.300Z"
ROOT = "skyspotter-sim/demo"


def safety(
    state: str = "HOLD", words: str = "an unknown object comes within 2.1 deg of the beam in 7.5 s"
) -> SafetyMessage:
    ok = Sensor(state=SensorState.OK, age_s=0.4)
    permit = state in ("CLEAR", "CAUTION")
    return SafetyMessage.model_validate(
        {
            "station": "demo", "beam": "main", "state": state, "permit": permit, "would_permit": permit,
            "mode": "ADVISORY", "basis": "FULL", "issued_at": NOW, "seq": 412, "boot_id": "b1", "simulated": True,
            "reasons": () if permit else (Reason(code="near-beam", words=words, since=NOW),),
            "sensors": Sensors(
                camera=Sensor(state=SensorState.BLIND, reason="cloud in 4 of 24 sectors", age_s=2.7),
                radio=ok, clock=ok, plate=ok, pointing=ok,
            ),
            "closest": Closest(id="T7", identity="unknown", label="", separation_deg=2.1, in_s=7.5),
            "config_sha": "c", "model_sha": "m", "plate_sha": "p", "sky_utc": NOW,
        }
    )  # fmt: skip


def tracks(number: int = 8) -> TracksMessage:
    known = [
        Track(
            id=f"A{k}", identity="aircraft", label=f"SIM{126 + 37 * k}", age_s=0.4,
            senses=("camera", "radio") if k % 2 else ("radio",), azimuth_deg=(40.0 * k) % 360,
            elevation_deg=12.0 + 8 * (k % 8), separation_deg=20.0 + 9 * k, range_m=12e3 + 4e3 * k,
            evidence="radio position, trail within 0.2 deg of it",
        )
        for k in range(number)
    ]  # fmt: skip
    seen = {"senses": ("camera",), "age_s": 1.2}
    others = [
        Track(id="T7", identity="unknown", azimuth_deg=200, elevation_deg=58, separation_deg=4.1, **seen),
        Track(id="S1", identity="satellite", label="SIM-SAT", azimuth_deg=95, elevation_deg=47, **seen),
        Track(id="B", identity="own-beam", azimuth_deg=215, elevation_deg=61, separation_deg=0.2, **seen),
    ]
    return TracksMessage(
        station="demo",
        beam="main",
        issued_at=NOW,
        boot_id="b1",
        simulated=True,
        sky_utc=NOW,
        camera=SensorState.OK,
        radio=SensorState.OK,
        tracks=(*known, *others),
    )


def screen(state: str = "HOLD", number: int = 8) -> Screen:
    """A screen in the middle of a demo, at mono_s = 100."""
    shown = Screen(title="Skyspotter demo, night 1", end_s=180.0, rate=1.0, cone_deg=6.0, t_s=72.3, sky_utc=NOW)
    shown.story = "A light aircraft without transponder is crossing the beam. The camera alone holds the laser back."
    shown.beam_azel_deg = (214.0, 61.0)
    shown.laser_wanted = True
    if state in ("CLEAR", "CAUTION"):
        shown.lease_left_s, shown.laser_on = 1.2, True
    for k in range(10):
        shown.take(f"{ROOT}/main/safety", safety(state).to_bytes(), 95 + 0.5 * k)
    shown.take(f"{ROOT}/main/tracks", tracks(number).to_bytes(), 99.6)
    shown.take(f"{ROOT}/main/pointing", b'{"azimuth_deg": 214.0, "elevation_deg": 61.0, "laser_state": "off"}', 99.9)
    shown.take(f"{ROOT}/events", b'{"words": "meteor, 14 deg long, az 120, el 50"}', 99.0)
    shown.take(f"{ROOT}/health", b'{"parts": {"camera": {}, "radio": {}, "network": {}, "guard": {}}}', 98.0)
    return shown
