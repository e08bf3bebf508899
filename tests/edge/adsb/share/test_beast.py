from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.sim.scenario import night
from edge.adsb.frames import AddressBook, ModeSFrame
from edge.adsb.share.beast import HEARTBEAT, beast_message
from edge.adsb.share.server import StreamServer
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources.beast import BeastParser
from edge.adsb.sources.beastfeed import BeastFeed
from edge.runtime.clock import RealClock
from tests.edge.adsb.share import dump1090
from tests.edge.adsb.share.test_server import until

DATA = st.one_of(st.binary(min_size=7, max_size=7), st.binary(min_size=14, max_size=14))
FRAME = st.builds(ModeSFrame, DATA, st.integers(0, 2**48 - 1).map(lambda ticks: ticks / 5), st.floats(-60.0, 3.0))
SENT = [ModeSFrame(item.frame, item.t_s * 2_400_000, -12.0) for item in SkySignal(night(1)).transmissions(60.0, 60.6)]


@given(st.lists(FRAME, max_size=20))
def test_what_is_written_is_read_back_to_the_byte_and_the_tick(frames):
    parser = BeastParser()
    got = parser.feed(b"".join(map(beast_message, frames)))
    assert [(frame.data, frame.sample) for frame in got] == [(frame.data, frame.sample) for frame in frames]
    assert parser.counters.skipped_bytes == 0
    for back, frame in zip(got, frames, strict=True):
        if -30.0 < frame.rssi_dbfs < 0.0:  # one byte of amplitude: half a step of 255
            assert back.rssi_dbfs == pytest.approx(frame.rssi_dbfs, abs=0.6)


def test_a_heartbeat_is_no_message_to_anybody():
    parser = BeastParser()
    assert parser.feed(HEARTBEAT + beast_message(SENT[0])) == [
        ModeSFrame(SENT[0].data, pytest.approx(SENT[0].sample), pytest.approx(-12.0, abs=0.1))
    ]


@pytest.fixture
def server():
    made = StreamServer("beast", "127.0.0.1", 0)
    until(lambda: made.port)
    yield made
    made.close()


def test_our_own_client_reads_the_same_messages_from_the_port(server):
    feed = BeastFeed(RealClock(), host="127.0.0.1", port=server.port)
    feed.open()
    until(lambda: server.wanted)
    server.offer([beast_message(frame) for frame in SENT])
    addresses = AddressBook()
    expected = [believed.data for frame in SENT for believed in addresses.judge(frame)]
    got: list[bytes] = []
    until(lambda: got.extend(timed.frame.data for timed in feed.read(1.0).frames) or len(got) >= len(expected))
    assert got == expected
    feed.close()


@dump1090.needed
def test_dump1090_reads_the_same_messages_and_gives_them_back_byte_for_byte():
    data = dump1090.through_dump1090(b"".join(map(beast_message, SENT)), "bo", "--net-verbatim")
    got = BeastParser().feed(data)
    sent = {(frame.data, round(frame.sample * 5)) for frame in SENT}
    assert {(frame.data, round(frame.sample * 5)) for frame in got} <= sent
    squitters = [frame.data for frame in SENT if frame.downlink_format == 17]
    assert [frame.data for frame in got if frame.downlink_format == 17] == squitters  # others need addresses it knows
    assert len(squitters) > 10
