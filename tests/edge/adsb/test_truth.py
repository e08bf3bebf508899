"""Real recordings with what another decoder made of them: positions near the same place at the same time."""

import csv
from datetime import UTC, datetime

import pyModeS
import pytest

from edge.adsb.aircraft.positions import Fix, distance_m
from edge.adsb.decode import decode
from edge.adsb.frames import TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.recording import decode_recording
from edge.adsb.table import AircraftTable

pytestmark = pytest.mark.realdata
BEAST = "modes_logs/beastblackbox/"


def reproduced(truth, ours):
    """(how many of `truth`, all of it) of (seconds, latitude, longitude), from our first on, within 50 m and 1 s."""
    truth = [row for row in truth if row[0] >= ours[0][0] - 1e-3]  # the truth is told in milliseconds
    return sum(
        any(abs(own[0] - t) <= 1.0 and distance_m(Fix(la, lo, 0, 0.0), Fix(*own[1:], 0, 0.0)) <= 50.0 for own in ours)
        for t, la, lo in truth
    ), len(truth)


def test_every_position_of_the_beast_recording_is_reproduced(real_data):
    truth: dict[str, list[tuple[float, float, float]]] = {}
    for line in (real_data / BEAST / "beast_decoded_sbs.txt").read_text().splitlines():
        fields = line.split(",")
        if fields[0] == "MSG" and len(fields) > 15 and fields[14]:
            when = datetime.strptime(f"{fields[6]} {fields[7]}Z", "%Y/%m/%d %H:%M:%S.%f%z").astimezone(UTC)
            truth.setdefault(fields[4], []).append((when.timestamp(), float(fields[14]), float(fields[15])))
    ours: dict[str, list[tuple[float, float, float]]] = {}
    path = next((real_data / BEAST).glob("*.log"))
    for _, _, state in decode_recording(path):
        if state.position_utc_ns is not None:
            place = (state.position_utc_ns / 1e9, state.latitude_deg, state.longitude_deg)
            if place not in ours.setdefault(state.icao, [])[-1:]:
                ours[state.icao].append(place)
    assert ours.keys() == truth.keys()
    assert len(ours) == 11
    counts = [reproduced(truth[icao], ours[icao]) for icao in truth]
    assert sum(all_ for _, all_ in counts) >= 1430  # of 1456: before our first came one message of each, doubled
    assert sum(right for right, _ in counts) == sum(all_ for _, all_ in counts)


def test_every_position_that_pymodes_finds_in_its_own_log_is_reproduced(real_data):
    oracle, addresses, table = pyModeS.PipeDecoder(), AddressBook(), AircraftTable(None)
    truth, ours = [], []
    lines = (real_data / "modes_logs/pyModeS/sample_data_adsb.csv").read_text().splitlines()
    for t_text, message, icao, _ in csv.reader(lines):
        t_s = float(t_text)
        said = oracle.decode(message, timestamp=t_s)
        if said.get("latitude") is not None:
            truth.append((t_s, said["latitude"], said["longitude"]))
        for frame in addresses.judge(ModeSFrame(bytes.fromhex(message), t_s * TICK_HZ, -10.0)):
            report, before = decode(frame), table.counters.positions
            assert report is not None
            state = table.update(report, round(frame.sample / TICK_HZ * 1e9), frame.sample / TICK_HZ)
            assert state is not None
            assert state.key == f"icao:{icao}"
            if table.counters.positions > before:
                ours.append((frame.sample / TICK_HZ, state.latitude_deg, state.longitude_deg))
    assert len(truth) >= 920
    assert reproduced(truth, ours) == (len(truth), len(truth))
    assert table.counters.jumps == 0
