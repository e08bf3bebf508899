import socket
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.sim.scenario import night
from edge.adsb import frames
from edge.adsb.signal.crc import with_parity
from edge.adsb.signal.demod import Demodulator
from edge.adsb.signal.slicer import SPAN
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources import beastfeed
from edge.adsb.sources.beastfeed import BeastFeed
from edge.adsb.sources.feeds import IqFeed
from edge.adsb.sources.iq import RecordingRefused, SourceLost, SourceRefused, SourceTimeout
from edge.adsb.sources.recorded import RecordedIq
from edge.runtime.clock import RealClock
from tests.edge.adsb.sources.test_beast import beast

SIGNAL = SkySignal(night(1))
SENT = SIGNAL.transmissions(60.0, 60.6)


def read_all(feed):
    frames = []
    while True:
        try:
            frames += feed.read(0.5).frames
        except SourceTimeout:
            continue
        except SourceLost as err:
            return frames, str(err)


def stream():
    return b"".join(beast(round(item.t_s * 12e6), 200, item.frame) for item in SENT)


def test_a_beast_stream_is_read_judged_and_stamped_until_it_closes():
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def serve():
        connection, _ = server.accept()
        with connection:
            connection.sendall(stream())

    thread = threading.Thread(target=serve)
    thread.start()
    clock = RealClock()
    feed = BeastFeed(clock, host="127.0.0.1", port=port)
    feed.open()
    frames, why = read_all(feed)
    feed.close()
    thread.join(5.0)
    server.close()
    assert "closed" in why
    assert {timed.frame.data for timed in frames} <= {item.frame for item in SENT}
    assert len(frames) > 10
    assert all(abs(timed.mono_s - clock.mono_s()) < 5.0 for timed in frames)


def test_nobody_at_the_address_is_refused_by_name():
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.1:1: .*radio\.port"):
        BeastFeed(RealClock(), host="127.0.0.1", port=1).open()


def test_a_host_that_can_be_no_name_is_refused():
    with pytest.raises(SourceRefused, match=r"radio\.host"):
        BeastFeed(RealClock(), host=f"{'a' * 70}.example", port=1).open()


def test_a_stream_that_says_nothing_at_all_is_lost_in_the_end(monkeypatch):
    monkeypatch.setattr(beastfeed, "SILENT_S", 0.2)
    server = socket.create_server(("127.0.0.1", 0))
    feed = BeastFeed(RealClock(), host="127.0.0.1", port=server.getsockname()[1])
    feed.open()
    with pytest.raises(SourceTimeout):
        feed.read(0.05)
    assert "has said nothing for" in read_all(feed)[1]
    feed.close()
    server.close()


def test_a_recording_of_another_rate_is_refused_by_name(tmp_path):
    path = tmp_path / "slow.cu8"
    path.write_bytes(SkySignal(night(1), rate_hz=2_000_000).block(120_000_000, 1_200_000).tobytes())
    with pytest.raises(RecordingRefused, match=r"slow\.cu8: declared as 2400000 .* only at 2000000"):
        RecordedIq((path,), 2_400_000, RealClock()).open()


def test_recordings_play_at_their_pace_and_then_end(tmp_path):
    beast_file, iq_file = tmp_path / "a.beast", tmp_path / "a.cu8"
    beast_file.write_bytes(stream())
    iq_file.write_bytes(SIGNAL.block(60 * 2_400_000, 1_440_000).tobytes())
    clock = RealClock()
    for feed in (
        BeastFeed(clock, files=(beast_file,)),
        IqFeed(RecordedIq((iq_file,), 2_400_000, clock), sky_rate=1.0),
    ):
        start_s = clock.mono_s()
        feed.open()
        frames, why = read_all(feed)
        feed.close()
        assert "ended" in why
        with pytest.raises(SourceRefused, match="ended"):
            feed.open()
        assert len(frames) > 10
        span_s = frames[-1].mono_s - frames[0].mono_s
        assert 0.3 < span_s < 0.7
        assert frames[0].mono_s > start_s - 0.1


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3 * SPAN)), max_size=6),
    st.sampled_from([2_400_000, 2_000_000]),
)
def test_no_bytes_upset_the_demodulator(blocks, rate_hz):
    rng = np.random.default_rng(len(blocks))
    demodulator = Demodulator(rate_hz)
    for kind, samples in blocks:
        iq = rng.integers(0, 256, 2 * samples, dtype=np.uint8)
        assert demodulator.feed(np.full_like(iq, (0, 127, 255)[kind]) if kind < 3 else iq) == []
    assert demodulator.finish() == []


@pytest.mark.parametrize("said", [b"\x1a1" + bytes(9), beast(1, 200, bytes(14)), beast(1, 200, b"\x8d" + bytes(13))])
def test_a_heartbeat_or_a_broken_message_is_no_proof_that_a_receiver_hears(said):
    server = socket.create_server(("127.0.0.1", 0))
    feed = BeastFeed(RealClock(), host="127.0.0.1", port=server.getsockname()[1])
    feed.open()
    connection, _ = server.accept()
    connection.sendall(said)
    assert feed.read(2.0).bytes == 0
    for end in (connection, feed, server):
        end.close()


def test_addresses_pushed_out_by_a_flood_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "PENDING_LIMIT", 100)
    flood = [with_parity(bytes((0x5D, 0x50, k >> 8, k & 255))) for k in range(300)]
    path = tmp_path / "flood.beast"
    path.write_bytes(b"".join(beast(120 * k, 200, frame) for k, frame in enumerate(flood)))
    feed = BeastFeed(RealClock(), files=(path,))
    feed.open()
    read_all(feed)
    assert feed.counters["addresses_pushed_out"] == 200
