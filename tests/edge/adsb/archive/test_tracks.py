from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from camera.sim.scenario import night
from edge.adsb.archive.shelf import Shelf
from edge.adsb.archive.states import StateRecorder
from edge.adsb.archive.tracks import tracks
from edge.adsb.cli import radio_app
from edge.adsb.ear import Ear, TimedFrame
from edge.adsb.frames import TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.sim.signal import SkySignal
from edge.records import AircraftState
from tests.edge.adsb.archive.test_states import HOUR_NS, NOON_NS

SCENARIO = night(1)
S = 1_000_000_000


def flying(key: str, *times_s: float, **more) -> list[tuple[int, AircraftState]]:
    return [
        (
            NOON_NS + round(t_s * S),
            AircraftState(
                key=key, icao=key[-6:], latitude_deg=40.0 + t_s / 1000, longitude_deg=-3.0, seen_mono_s=0.0,
                position_utc_ns=NOON_NS + round(t_s * S), **more,
            ),
        )
        for t_s in times_s
    ]  # fmt: skip


def recorded(root, rows) -> None:
    recorder = StateRecorder(Shelf(root, 10**9), flush_s=60.0)
    recorder.offer(rows)
    recorder.close()
    assert recorder.lost == 0


def test_an_exposure_has_the_positions_within_and_the_nearest_beside_it(tmp_path):
    recorded(tmp_path, flying("icao:AAAAAA", -30.0, -8.0, -2.0, 0.5, 1.5, 3.0, 9.0, callsign="IBE1"))
    (track,) = tracks(tmp_path, NOON_NS, NOON_NS + 2 * S)
    assert ((track.utc_ns - NOON_NS) / S).tolist() == [-2.0, 0.5, 1.5, 3.0]
    assert track.latitude_deg == pytest.approx([39.998, 40.0005, 40.0015, 40.003])
    assert (track.key, track.icao, track.callsign) == ("icao:AAAAAA", "AAAAAA", "IBE1")
    assert np.isnan(track.height_m).all()


def test_a_message_between_the_positions_either_side_is_enough_and_one_side_is_not(tmp_path):
    recorded(tmp_path, flying("icao:AAAAAA", -3.0, 5.0) + flying("icao:BBBBBB", -3.0) + flying("icao:CCCCCC", 13.0))
    assert [track.icao for track in tracks(tmp_path, NOON_NS, NOON_NS + 2 * S)] == ["AAAAAA"]


def test_messages_that_brought_no_position_do_not_repeat_the_last_one(tmp_path):
    rows = flying("icao:AAAAAA", 1.0, 2.0)
    again = (rows[1][0] + S // 2, rows[1][1].model_copy(update={"height_m": 9000.0, "flags": ("jump",)}))
    never = (rows[1][0], AircraftState(key="icao:BBBBBB", icao="BBBBBB", seen_mono_s=0.0))
    recorded(tmp_path, [*rows, again, never])
    (track,) = tracks(tmp_path, NOON_NS, NOON_NS + 3 * S)
    assert len(track.utc_ns) == 2
    assert track.flags == ()


def test_an_exposure_over_midnight_is_one(tmp_path):
    midnight_s = 12 * 3600.0
    recorded(tmp_path, flying("icao:AAAAAA", midnight_s - 1.0, midnight_s + 0.5))
    begin_ns = NOON_NS + 12 * HOUR_NS
    (track,) = tracks(tmp_path, begin_ns - S, begin_ns + S)
    assert len(track.utc_ns) == 2


def test_a_folder_without_a_recording_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"recorder\.directory"):
        tracks(tmp_path, 0, 1)


@pytest.fixture(scope="module")
def station(tmp_path_factory):
    """A minute of the simulated night, heard, decoded and recorded."""
    root, addresses = tmp_path_factory.mktemp("station"), AddressBook()
    ear = Ear(SCENARIO.site, 0.0, expected_bytes_per_s=None)
    rows = []
    for item in SkySignal(SCENARIO).transmissions(60.0, 120.0):
        for frame in addresses.judge(ModeSFrame(item.frame, item.t_s * TICK_HZ, -12.0)):
            t_s = frame.sample / TICK_HZ
            decoded = ear.learn([TimedFrame(frame, t_s, SCENARIO.epoch_utc_ns + round(t_s * S))])
            rows += [(one.heard.utc_ns, one.state) for one in decoded]
    recorded(root, rows)
    return root


def test_the_tracks_of_a_simulated_minute_lie_on_its_truth(station):
    begin_ns = SCENARIO.epoch_utc_ns + 100 * S
    found = {track.icao: track for track in tracks(station, begin_ns, begin_ns + 10 * S)}
    assert set(found) == {plane.icao for plane in SCENARIO.aircraft if plane.transponder}
    for plane in SCENARIO.aircraft:
        if plane.icao not in found:
            continue
        track = found[plane.icao]
        assert len(track.utc_ns) >= 10
        assert (np.diff(track.utc_ns) > 0).all()
        true = plane.position((track.utc_ns - SCENARIO.epoch_utc_ns) / S)
        assert track.latitude_deg == pytest.approx(true[0], abs=1e-4)
        assert track.longitude_deg == pytest.approx(true[1], abs=1e-4)
        assert track.height_m == pytest.approx(true[2], abs=30.0)


def test_the_command_prints_the_same_as_json_and_csv(station):
    begin, end = ("2026-01-01T00:00:00", "2030-01-01T00:00:00")
    run = CliRunner()
    told = run.invoke(radio_app, ["tracks", str(station), "--from", begin, "--to", end])
    aircraft = [json.loads(line) for line in told.stdout.splitlines()]
    table = run.invoke(radio_app, ["tracks", str(station), "--from", begin, "--to", end, "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    assert len(rows) == sum(len(one["positions"]) for one in aircraft) > 300
    assert rows[0]["icao"] == aircraft[0]["icao"]
    assert int(rows[0]["utc_ns"]) == aircraft[0]["positions"][0]["utc_ns"]
    assert float(rows[0]["latitude_deg"]) == aircraft[0]["positions"][0]["latitude_deg"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "yesterday", "--to", "2026-11-21"],
        ["--from", "2026-11-21", "--to", "2026-11-20"],
        ["--from", "0001-01-01", "--to", "9999-12-31"],
    ],
)
def test_nonsense_times_are_refused_with_code_two(station, arguments):
    assert CliRunner().invoke(radio_app, ["tracks", str(station), *arguments]).exit_code == 2


def test_a_folder_that_is_none_is_refused_with_code_two(tmp_path):
    done = CliRunner().invoke(radio_app, ["tracks", str(tmp_path), "--from", "2026-11-21", "--to", "2026-11-22"])
    assert done.exit_code == 2
    assert str(tmp_path) in done.stderr
