"""The frame ring: never torn, never twice, never waiting when live; each exactly once in a replay."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from camera.device import Frame
from edge.runtime.place import StartRefused
from edge.runtime.ring import EndOfFrames, ReadError, RingReader, RingWriter

SHAPE = (64, 80)
BYTES = SHAPE[0] * SHAPE[1] * 2


def a_frame(seq: int, shape: tuple[int, ...] = SHAPE, dtype: type = np.uint16, file: str = "") -> Frame:
    """Every pixel holds the sequence number, so that a torn frame shows."""
    pixels = np.full(shape, seq % 256, dtype)
    return Frame(
        seq=seq, start_utc_ns=1_781_473_500_000_000_000 + seq, end_mono_s=seq + 0.25, exposure_s=2.0, gain_setting=120,
        gain_e_per_adu=0.9, origin_px=(2, 4), mosaic="RGGB", white_adu=65532, sensor_celsius=-5.5, cooler_percent=40.0,
        pixels=pixels, camera_serial="0a1b", file=file,
    )  # fmt: skip


def test_a_frame_arrives_as_it_was_written(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path, slot_bytes=BYTES), RingReader(tmp_path)
    sent = a_frame(7, file="night/übung.fits")
    assert writer.write(sent)
    got = reader.newest(0)
    assert isinstance(got, Frame)
    for name in Frame.__dataclass_fields__:
        if name != "pixels":
            assert getattr(got, name) == getattr(sent, name), name
    assert got.pixels.dtype == sent.pixels.dtype
    assert np.array_equal(got.pixels, sent.pixels)
    assert not got.pixels.flags.writeable
    assert reader.newest(0) is None, "a frame is taken once"


def test_the_newest_wins_and_the_others_are_counted(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path, slot_bytes=BYTES), RingReader(tmp_path)
    for seq in range(1, 8):
        assert writer.write(a_frame(seq))
    got = reader.newest(0)
    assert isinstance(got, Frame)
    assert (got.seq, reader.skipped) == (7, 6)


def test_a_copy_stays_valid_when_its_slot_is_written_again(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path, slot_bytes=BYTES), RingReader(tmp_path)
    writer.write(a_frame(1))
    first = reader.newest(0)
    for seq in range(2, 9):
        writer.write(a_frame(seq))
    assert isinstance(first, Frame)
    assert np.all(first.pixels == 1)


def test_frames_of_any_size_and_kind_pass_through_one_ring(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path, slot_bytes=100), RingReader(tmp_path)
    for seq, (shape, dtype) in enumerate([((4, 4), np.uint16), ((300, 200, 3), np.uint8), ((5, 7), np.uint16)], 1):
        writer.write(a_frame(seq, shape, dtype))
        got = reader.newest(0)
        assert isinstance(got, Frame)
        assert (got.pixels.shape, got.pixels.dtype) == (shape, np.dtype(dtype))
        assert np.all(got.pixels == seq)


def test_numbers_of_numpy_are_no_obstacle(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path, slot_bytes=BYTES), RingReader(tmp_path)
    frame = a_frame(3)
    writer.write(Frame(**{n: getattr(frame, n) for n in Frame.__dataclass_fields__} | {"white_adu": np.int64(9)}))
    got = reader.newest(0)
    assert isinstance(got, Frame)
    assert got.white_adu == 9


def test_a_hammering_writer_never_shows_a_torn_frame(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.edge.runtime.test_ring import a_frame, RingWriter\n"
        "writer = RingWriter(Path(sys.argv[1]), slot_bytes=2_000_000)\n"
        "for seq in range(1, 1501): writer.write(a_frame(seq, (1000, 1000)))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) as writer:
        reader, last, seen = RingReader(tmp_path), 0, 0
        while last < 1500:
            got = reader.newest(20)
            assert isinstance(got, Frame), "the writer stopped"
            assert got.pixels.min() == got.pixels.max() == got.seq % 256, "torn"
            assert got.seq > last, "an older frame after a newer one"
            last, seen = got.seq, seen + 1
    assert writer.returncode == 0
    assert seen + reader.skipped == 1500, "every frame was seen or counted"


def test_a_writer_killed_in_the_middle_leaves_no_torn_frame_and_its_successor_is_noticed(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tests.edge.runtime.test_ring import a_frame, RingWriter\n"
        "import numpy as np\n"
        "writer = RingWriter(Path(sys.argv[1]), slot_bytes=100_000)\n"
        "writer.write(a_frame(1))\n"
        "def die(there, pixels): there[:10] = 99; os.kill(os.getpid(), 9)\n"
        "np.copyto = die\n"
        "writer.write(a_frame(2))\n"
    )
    reader = RingReader(tmp_path)
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    got = reader.newest(0)
    assert isinstance(got, Frame)
    assert got.seq == 1
    assert reader.newest(0) is None
    successor = RingWriter(tmp_path, slot_bytes=BYTES)
    assert reader.newest(0) is None, "nothing old comes again"
    successor.write(a_frame(10))
    got = reader.newest(0)
    assert isinstance(got, Frame)
    assert got.seq == 10


def test_a_restarted_reader_takes_no_frame_twice(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path, slot_bytes=BYTES), RingReader(tmp_path)
    writer.write(a_frame(1))
    assert isinstance(reader.newest(0), Frame)
    reader.close()
    reader = RingReader(tmp_path)
    assert reader.newest(0) is None
    writer.write(a_frame(2))
    got = reader.newest(0)
    assert isinstance(got, Frame)
    assert (got.seq, reader.skipped) == (2, 0)


def test_in_a_replay_every_frame_and_error_comes_once_in_order(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path, slot_bytes=BYTES, lossless=True), RingReader(tmp_path)
    ended: list[bool] = []

    def replay() -> None:
        for seq in range(1, 101):
            if seq % 10 == 0:
                writer.write_error(f"{seq}.fits", "damaged")
            else:
                writer.write(a_frame(seq))
        ended.append(writer.end())

    thread = threading.Thread(target=replay)
    thread.start()
    got: list[int | str] = []
    while not isinstance(found := reader.newest(10), EndOfFrames):
        assert found is not None
        got.append(found.file if isinstance(found, ReadError) else found.seq)
    thread.join(10)
    assert got == [f"{seq}.fits" if seq % 10 == 0 else seq for seq in range(1, 101)]
    assert (reader.skipped, ended) == (0, [True])


def test_a_replay_without_reader_waits_and_can_be_stopped(tmp_path: Path) -> None:
    stop, waits = threading.Event(), []

    def waiting() -> None:
        waits.append(1)
        if len(waits) > 2:
            stop.set()

    writer = RingWriter(tmp_path, slot_bytes=BYTES, lossless=True, stop=stop, waiting=waiting)
    assert writer.write(a_frame(1))
    assert not writer.write(a_frame(2), timeout_s=0), "not taken yet: not written"
    assert not writer.write(a_frame(2))
    assert len(waits) == 3
    got = RingReader(tmp_path).newest(0)
    assert isinstance(got, Frame)
    assert got.seq == 1


def test_a_file_system_too_small_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*real[:2], 100, 100, 100, *real[5:10])))
    with pytest.raises(StartRefused, match=r"needs 47 MB more.*--shm-size"):
        RingWriter(tmp_path, slot_bytes=2822 * 2744 * 2)
    assert not list(tmp_path.glob("slot-*"))


def test_closing_removes_the_slots_and_only_its_own(tmp_path: Path) -> None:
    old, new = RingWriter(tmp_path, slot_bytes=BYTES), RingWriter(tmp_path, slot_bytes=BYTES)
    old.close()
    assert len(list(tmp_path.glob("slot-*"))) == 3
    new.close()
    new.close()
    assert not list(tmp_path.glob("slot-*"))


class RingLife(RuleBasedStateMachine):
    """Any order of writes, reads and restarts: the newest untaken frame comes once, the others are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="ring-"))
        self.writer, self.reader = RingWriter(self.directory, slot_bytes=100), RingReader(self.directory)
        self.seq, self.untaken = 0, 0
        self.crashed: list[RingWriter | RingReader] = []

    @rule(side=st.integers(1, 12))
    def write(self, side: int) -> None:
        self.seq += 1
        assert self.writer.write(a_frame(self.seq, (side, side)))
        self.untaken += 1

    @rule()
    def read(self) -> None:
        before, got = self.reader.skipped, self.reader.newest(0)
        if not self.untaken:
            assert got is None
            return
        assert isinstance(got, Frame)
        assert got.seq == self.seq
        assert np.all(got.pixels == self.seq % 256)
        assert self.reader.skipped - before == self.untaken - 1
        self.untaken = 0

    @rule(orderly=st.booleans())
    def restart_writer(self, orderly: bool) -> None:
        if orderly:
            self.writer.close()
        self.crashed.append(self.writer)
        self.writer = RingWriter(self.directory, slot_bytes=100)
        self.untaken = 0

    @rule(orderly=st.booleans())
    def restart_reader(self, orderly: bool) -> None:
        if orderly:
            self.reader.close()
        else:
            self.crashed.append(self.reader)
        self.reader = RingReader(self.directory)

    def teardown(self) -> None:
        for end in (*self.crashed, self.writer, self.reader):
            end.close()
        shutil.rmtree(self.directory)


TestRingLife = RingLife.TestCase
TestRingLife.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
