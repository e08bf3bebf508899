"""Real recordings with what another decoder made of them: the same fields, positions near the same place and time."""

import csv
import gzip
import re
from datetime import UTC, datetime
from operator import attrgetter

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


_FEET, _NUMBER = r" +(-?\d+) ft", r" +(-?\d+)"
_PRINTED = {  # how dump1090 prints it: our field, the unit, how far rounding may take them apart
    "Altitude:" + _FEET + " barometric": ("altitude_baro_m", 0.3048, 0.1),
    "GNSS delta:" + _FEET: ("geo_minus_baro_m", 0.3048, 0.1),
    "Speed:" + _NUMBER + " kt groundspeed": ("speed_mps", 1852 / 3600, 0.6),
    "Heading:" + _NUMBER: (
        "track_deg",
        1.0,
        1.6,
    ),  # it works in whole numbers: ours is 316.8 for 156 kt west, 166 north
    "Vertical rate:" + _NUMBER + " ft/min": ("vertical_rate_mps", 0.3048 / 60, 0.01),
    "NACp:" + _NUMBER: ("codes.nac_p", 1, 0),
    "SIL:" + _NUMBER: ("codes.sil", 1, 0),
    "GVA:" + _NUMBER: ("codes.gva", 1, 0),
    "Version:" + _NUMBER: ("codes.version", 1, 0),
    "Squawk:" + _NUMBER: ("squawk", 1, 0),
}


def test_every_field_that_another_decoder_prints_is_decoded_to_the_same(real_data):
    text = gzip.decompress((real_data / BEAST / "beast_decoded_dump1090.txt.gz").read_bytes()).decode()
    compared = dict.fromkeys(_PRINTED, 0)
    for part in text.split("\n*")[1:]:
        report = decode(ModeSFrame(bytes.fromhex(part[: part.index(";")]), 0.0, -10.0))
        for pattern, (name, unit, off) in _PRINTED.items():
            if (found := re.search(pattern, part)) and not (name == "track_deg" and "Target heading" in part):
                apart = float(attrgetter(name)(report)) - float(found[1]) * unit
                if name == "track_deg":
                    apart = (apart + 180) % 360 - 180
                assert abs(apart) <= off, part
                compared[pattern] += 1
        assert (report.on_ground, "Air/Ground:    ground\n" in part) != (False, True)
    assert all(count >= 78 for count in compared.values()), compared


def test_no_aircraft_of_the_real_recordings_is_said_to_fly_as_none_does(real_data):
    flags = {flag for _, _, state in decode_recording(next((real_data / BEAST).glob("*.log"))) for flag in state.flags}
    assert flags <= {"nic", "nacp", "sil"}  # four of them fly on inertial navigation and say so: type code 18


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
