from __future__ import annotations

import json
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from camera.geodesy import Site
from edge.adsb.share.aircraft_json import JsonFiles, aircraft_json, receiver_json
from edge.records import AircraftState
from tests.edge.adsb.share.test_server import until

STATE = AircraftState(
    key="icao:3409F1", icao="3409F1", callsign="IBE31AB", squawk="7000", category="A3", emergency="none",
    latitude_deg=40.51234567, longitude_deg=-3.1, altitude_baro_m=10_668.0, height_m=10_700.0, height_basis="gnss",
    speed_mps=231.5, track_deg=359.996, vertical_rate_mps=-5.08, position_utc_ns=0, position_mono_s=98.75,
    seen_mono_s=99.5, messages=17, rssi_dbfs=-12.345, adsb_version=2, nic=8, rc_m=185.2, nac_v=2, sil=3, sda=2,
)  # fmt: skip


def document(*states: AircraftState) -> dict:
    return json.loads(aircraft_json(states, utc_ns=1_795_284_000_250_000_000, mono_s=100.0, messages=99))


def test_an_aircraft_reads_as_readsb_writes_it():
    whole = document(STATE)
    assert (whole["now"], whole["messages"]) == (1795284000.25, 99)
    assert whole["aircraft"] == [
        {
            "hex": "3409f1", "type": "adsb_icao", "flight": "IBE31AB ", "alt_baro": 35000, "alt_geom": 35105,
            "gs": 450.0, "track": 360.0, "baro_rate": -1000, "squawk": "7000", "emergency": "none", "category": "A3",
            "lat": 40.512346, "lon": -3.1, "nic": 8, "rc": 185, "seen_pos": 1.2, "version": 2, "nac_v": 2, "sil": 3,
            "sda": 2, "mlat": [], "tisb": [], "messages": 17, "seen": 0.5, "rssi": -12.3,
        }
    ]  # fmt: skip


def test_what_is_not_known_is_left_out_and_nothing_is_guessed():
    silent = AircraftState(key="icao:3409F1", icao="3409F1", seen_mono_s=100.0, height_m=900.0, height_basis="baro")
    assert document(silent)["aircraft"] == [
        {"hex": "3409f1", "type": "mode_s", "mlat": [], "tisb": [], "messages": 0, "seen": 0.0}
    ]
    taxiing = silent.model_copy(update={"on_ground": True, "altitude_baro_m": 600.0})
    assert document(taxiing)["aircraft"][0]["alt_baro"] == "ground"


def test_an_address_that_is_no_airframe_s_has_a_tilde_and_its_kind():
    def of(key: str) -> tuple[str, str]:
        got = document(STATE.model_copy(update={"key": f"{key}:3409F1"}))["aircraft"][0]
        return got["hex"], got["type"]

    assert of("anon") == ("~3409f1", "adsb_other")
    assert of("tisb-anon") == ("~3409f1", "tisb_other")
    assert of("tisb") == ("3409f1", "tisb_icao")
    assert of("adsr") == ("3409f1", "adsr_icao")
    assert "lat" in document(STATE.model_copy(update={"key": "tisb:3409F1"}))["aircraft"][0]["tisb"]


def test_a_simulated_sky_says_so():
    assert json.loads(aircraft_json([], utc_ns=0, mono_s=0.0, messages=0, simulated=True))["simulated"] is True
    assert "simulated" not in document()


NUMBER = st.one_of(st.none(), st.floats(-1e5, 1e5))


@given(st.builds(
    AircraftState,
    key=st.sampled_from(["icao:ABCDEF", "tisb:ABCDEF", "new-kind:ABCDEF"]), icao=st.just("ABCDEF"),
    altitude_baro_m=NUMBER, height_m=NUMBER, height_basis=st.sampled_from([None, "gnss", "qnh"]), speed_mps=NUMBER,
    track_deg=NUMBER, vertical_rate_mps=NUMBER, seen_mono_s=st.floats(0, 1e6), position_mono_s=NUMBER,
    rssi_dbfs=NUMBER, on_ground=st.booleans(),
))  # fmt: skip
def test_every_state_is_valid_json_with_its_must_haves(state):
    aircraft = document(state)["aircraft"][0]
    assert {"hex", "type", "messages", "seen"} <= set(aircraft)
    assert aircraft["seen"] >= 0.0
    assert None not in aircraft.values()


def test_the_files_are_replaced_in_one_step_and_the_sky_is_taken_away_at_the_end(tmp_path: Path):
    files = JsonFiles(tmp_path, receiver_json("0.1", Site(40.52471, -3.0883, 980.0)))
    for messages in range(20):
        files.offer(aircraft_json([STATE], utc_ns=0, mono_s=0.0, messages=messages))
        until(lambda: (tmp_path / "aircraft.json").exists())
        json.loads((tmp_path / "aircraft.json").read_bytes())
    files.close()
    assert json.loads((tmp_path / "receiver.json").read_bytes()) == {
        "version": "skyspotter 0.1", "refresh": 1000, "history": 0, "lat": 40.5247, "lon": -3.0883,
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["receiver.json"]


def test_the_sky_of_a_killed_process_is_taken_away_by_the_next(tmp_path: Path):
    (tmp_path / "aircraft.json").write_text("{}")
    files = JsonFiles(tmp_path, b"{}")
    assert not (tmp_path / "aircraft.json").exists()
    files.close()


def test_a_folder_that_is_not_there_is_a_sentence_and_a_counter(tmp_path: Path):
    files = JsonFiles(tmp_path / "absent", b"{}")
    until(lambda: files.lost)
    assert files.failure.endswith("No such file or directory; check share.json_directory")
    os.mkdir(tmp_path / "absent")
    files.offer(b"{}")
    until(lambda: not files.failure)
    files.close()
