from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from camera.geodesy import Site
from camera.sim.scenario import night
from edge.adsb.ear import Ear, TimedFrame
from edge.adsb.frames import AddressBook, ModeSFrame
from edge.adsb.recording import decode_messages
from edge.adsb.share.beast import beast_message
from edge.adsb.share.sbs import sbs_line
from edge.adsb.sim import encode
from edge.adsb.sim.signal import SkySignal
from tests.edge.adsb.share import dump1090

BEAST = "modes_logs/beastblackbox/ulss7-beast-bin-utc--1522782148.136310917--.log"
ICAO = 0x3409F1


def lines(*messages: bytes) -> list[str]:
    """A second between messages, from 2026-11-21 18:00:00.25 on."""
    ear = Ear(Site(40.5, -3.1, 900.0), 0.0, expected_bytes_per_s=None)
    timed = [
        TimedFrame(ModeSFrame(data, 2.4e6 * n, -10.0), float(n), 1_795_284_000_250_000_000 + n * 10**9)
        for n, data in enumerate(messages)
    ]
    return [line for item in ear.learn(timed) if (line := sbs_line(item)) is not None]


def test_each_kind_of_message_has_its_line():
    position = [encode.position(ICAO, 40.5, -3.0 + n * 0.002, 30_000, n % 2) for n in range(4)]
    got = lines(
        *position,
        encode.velocity(ICAO, 90.0, 200.0, -5.08, 250),
        encode.identification(ICAO, "IBE31AB"),
        encode.identity_reply(ICAO, "7700"),
        encode.altitude_reply(ICAO, 30_000),
        encode.all_call(ICAO),
    )
    start = "1,1,3409F1,1,2026/11/21,18:00:0{0}.250,2026/11/21,18:00:0{0}.250"
    assert got[0] == f"MSG,3,{start.format(0)},,30000,,,,,,,,,,0"  # one position alone is none
    assert got[3].startswith(f"MSG,3,{start.format(3)},,30000,,,40.49998,-2.99402,")
    assert got[4] == f"MSG,4,{start.format(4)},,,389.0,90.0,,,-1024,,,,,0"
    assert got[5] == f"MSG,1,{start.format(5)},IBE31AB,,,,,,,,,,,0"
    assert got[6] == f"MSG,6,{start.format(6)},,,,,,,,7700,0,-1,0,0"
    assert got[7] == f"MSG,5,{start.format(7)},,30000,,,,,,,0,,0,0"
    assert got[8] == f"MSG,8,{start.format(8)},,,,,,,,,,,,0"
    assert {line.count(",") for line in got} == {21}


def test_an_address_that_is_no_airframe_s_has_no_line():
    anonymous = bytes((18 << 3 | 1,)) + encode.position(ICAO, 40.5, -3.0, 30_000, 0)[1:11]
    assert lines(encode.with_parity(anonymous)) == []
    assert len(lines(encode.with_parity(bytes((18 << 3,)) + anonymous[1:]))) == 1


def compare(ours: list[str], theirs: list[str]) -> tuple[int, int, int]:
    """Lines both have, positions of theirs, and how many of these are ours; times and the ground apart, which it knows
    less of."""
    left, same = Counter(said(line) for line in theirs), 0
    for line in ours:
        for up in (1, 0, 2):  # of the track, which it rounds in its own way
            if left[wanted := said(line, up)]:
                left[wanted] -= 1
                same += 1
                break
    places = {tuple(line.split(",")[i] for i in (4, 14, 15)) for line in theirs if line.split(",")[14]}
    mine = defaultdict(list)
    for fields in (line.split(",") for line in ours):
        if fields[14]:
            mine[fields[4]].append((float(fields[14]), float(fields[15])))
    near = sum(
        any(abs(float(lat) - a) < 2e-5 and abs(float(lon) - b) < 4e-5 for a, b in mine[icao])
        for icao, lat, lon in places
    )
    return same, len(places), near


def said(line: str, up: int = 0) -> tuple[str, ...]:
    """Whole knots and degrees downwards, and the degrees `up` from there."""
    fields = line.split(",")
    assert len(fields) == 22
    speed, track = (
        str(int(float(field) + 0.01 + more)) if field else "" for field, more in ((fields[12], 0), (fields[13], up))
    )
    return (fields[1], fields[4], fields[10].strip(), fields[11], speed, track, *fields[16:21])


@dump1090.needed
def test_dump1090_prints_the_same_of_a_simulated_sky():
    sent = [ModeSFrame(item.frame, item.t_s * 2.4e6, -12.0) for item in SkySignal(night(1)).transmissions(60.0, 75.0)]
    addresses = AddressBook()
    believed = [frame for frame in sent for frame in addresses.judge(frame)]
    ear = Ear(Site(40.5247, -3.0883, 980.0), 0.0, expected_bytes_per_s=None)
    decoded = ear.learn(TimedFrame(frame, frame.sample / 2.4e6, round(frame.sample / 2.4e-3)) for frame in believed)
    ours = [line for item in decoded if (line := sbs_line(item)) is not None]
    theirs = dump1090.through_dump1090(b"".join(map(beast_message, sent)), "sbs").decode().splitlines()
    same, places, near = compare(ours, theirs)
    assert same > 0.99 * len(ours) > 500
    assert near > 0.95 * places > 50  # we hold each aircraft's first one back


@pytest.mark.realdata
@dump1090.needed
def test_dump1090_prints_the_same_of_a_real_recording(real_data: Path):
    path = real_data / BEAST
    ours = [line for item in decode_messages(path) if (line := sbs_line(item)) is not None]
    theirs = dump1090.through_dump1090(path.read_bytes(), "sbs").decode().splitlines()
    same, places, near = compare(ours, theirs)
    print(f"{len(ours)} lines, {len(theirs)} of dump1090, {same} the same; {near} of its {places} positions")
    assert same > 0.99 * len(ours)  # 52 have a callsign there: it reads Comm-B replies as well
    assert near > 0.97 * places > 500  # its first of every aircraft, which we hold back
