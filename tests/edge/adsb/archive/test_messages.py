from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from camera.sim.scenario import night
from edge.adsb.archive import messages as module
from edge.adsb.archive.messages import MessageRecorder
from edge.adsb.archive.shelf import Shelf
from edge.adsb.cli import radio_app
from edge.adsb.ear import TimedFrame
from edge.adsb.frames import TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.recording import decode_recording, recording_start_utc_ns
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources.beastfeed import read_beast
from tests.edge.adsb.archive.test_states import HOUR_NS, NOON_NS
from tests.edge.adsb.share.test_server import until


def timed(data: bytes, sample: float, utc_ns: int) -> TimedFrame:
    return TimedFrame(ModeSFrame(data, sample, -20.0), 0.0, utc_ns)


def files(root) -> list:
    return sorted(root.rglob("*.beast"))


@pytest.fixture(scope="module")
def heard() -> list[TimedFrame]:
    """20 s of the simulated sky as a receiver would believe them, from noon on."""
    addresses, frames = AddressBook(), []
    for item in SkySignal(night(1)).transmissions(60.0, 80.0):
        frames += addresses.judge(ModeSFrame(item.frame, item.t_s * TICK_HZ, -12.0))
    return [TimedFrame(frame, 0.0, NOON_NS + round((frame.sample / TICK_HZ - 60.0) * 1e9)) for frame in frames]


def test_what_was_heard_is_read_back_byte_for_byte_with_its_ticks_and_instant(tmp_path, heard):
    recorder = MessageRecorder(Shelf(tmp_path, 10**9))
    for at in range(0, len(heard), 50):
        recorder.offer(heard[at : at + 50])
    recorder.close()
    assert recorder.written == len(heard)
    (path,) = files(tmp_path)
    assert path.parent.name == "2026-11-21"
    assert recording_start_utc_ns(path) == heard[0].utc_ns
    back = list(read_beast(path))
    assert [frame.data for frame in back] == [item.frame.data for item in heard]
    for frame, item in zip(back, heard, strict=True):
        since_s = (frame.sample - back[0].sample) / TICK_HZ
        assert since_s == pytest.approx((item.frame.sample - heard[0].frame.sample) / TICK_HZ, abs=1e-7)


def test_a_recording_is_decoded_by_the_command_to_its_aircraft_and_times(tmp_path, heard):
    recorder = MessageRecorder(Shelf(tmp_path, 10**9))
    recorder.offer(heard)
    recorder.close()
    (path,) = files(tmp_path)
    got = CliRunner().invoke(radio_app, ["decode", str(path), "--format", "json"])
    icaos = {json.loads(line)["icao"] for line in got.stdout.splitlines()}
    assert icaos == {plane.icao for plane in night(1).aircraft if plane.transponder}
    stamps = [utc_ns for utc_ns, _, _ in decode_recording(path)]
    assert NOON_NS <= min(stamps) <= max(stamps) <= NOON_NS + 20 * 10**9


def test_an_hour_has_its_file(tmp_path, heard):
    recorder = MessageRecorder(Shelf(tmp_path, 10**9))
    for hour in range(3):
        recorder.offer([timed(item.frame.data, item.frame.sample, item.utc_ns + hour * HOUR_NS) for item in heard[:9]])
    recorder.close()
    assert [len(list(read_beast(path))) for path in files(tmp_path)] == [9, 9, 9]


@given(st.lists(st.tuples(st.floats(0, 1e9), st.integers(0, 1800 * 10**9)), min_size=1, max_size=12))
def test_whatever_the_counter_does_times_stay_within_a_second_of_the_clock(tmp_path_factory, steps):
    """A source opened anew counts from zero; another receiver's ticks may be anything."""
    root = tmp_path_factory.mktemp("messages")
    recorder = MessageRecorder(Shelf(root, 10**9, reserve_bytes=0))
    frames = [timed(bytes(7), sample, NOON_NS + at) for sample, at in steps]
    recorder.offer(frames)
    recorder.close()
    (path,) = files(root)
    first = recording_start_utc_ns(path)
    back = list(read_beast(path))
    for frame, item in zip(back, frames, strict=True):
        utc_ns = first + (frame.sample - back[0].sample) / TICK_HZ * 1e9
        if item.utc_ns > first - 100 * 10**9:  # beyond: further back than any believed message
            assert abs(utc_ns - item.utc_ns) <= 1.001e9


def test_what_is_there_after_a_kill_is_readable(tmp_path, heard):
    recorder = MessageRecorder(Shelf(tmp_path, 10**9), flush_s=0.0)
    recorder.offer(heard[:50])
    until(lambda: recorder.written)
    until(lambda: files(tmp_path) and files(tmp_path)[0].stat().st_size)
    (path,) = files(tmp_path)
    data = path.read_bytes()  # as a killed process leaves it: nobody closed it
    recorder.close()
    path.write_bytes(data[:-3])
    assert [frame.data for frame in read_beast(path)] == [item.frame.data for item in heard[:49]]


def test_the_open_file_is_never_the_one_that_makes_room(tmp_path, heard):
    shelf = Shelf(tmp_path, 4 << 20, reserve_bytes=0)
    old = tmp_path / "messages/2026-11-20/beast-utc--1795176000.000000000.beast"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(1000))
    recorder = MessageRecorder(shelf)
    recorder.offer(heard)
    recorder.close()
    assert not old.exists()
    assert shelf.expired == 1
    assert recorder.written == len(heard)


def test_a_disk_that_is_full_loses_messages_counted_with_a_sentence_until_there_is_room(tmp_path, heard, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    shelf = Shelf(tmp_path, 10**9, reserve_bytes=1 << 62)
    recorder = MessageRecorder(shelf)
    for _ in range(3):
        recorder.offer(heard[:5])
    until(lambda: recorder.lost == 15)
    until(lambda: recorder.failure.endswith("or the disk is full"))
    assert not files(tmp_path)
    shelf._reserve = 0
    recorder.offer(heard[:5])
    recorder.close()
    assert (recorder.written, recorder.lost, recorder.failure) == (5, 15, "")


def test_after_a_failure_the_disk_is_left_in_peace_for_a_while(tmp_path, heard, monkeypatch):
    asked = []
    monkeypatch.setattr(Shelf, "make_room", lambda self, *_, **__: asked.append(1))
    recorder = MessageRecorder(Shelf(tmp_path, 10**9))
    for _ in range(20):
        recorder.offer(heard[:5])
    recorder.close()
    assert (recorder.lost, len(asked)) == (100, 1)
