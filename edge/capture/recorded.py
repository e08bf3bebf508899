"""Recorded frames in the place of a camera, every one once; and a station that has none."""

from __future__ import annotations

import threading
import time
from collections import Counter

from camera.device import FileUnreadable
from camera.files import read_frame
from edge.config import SimulationSection
from edge.records import CameraHealth, SensorState
from edge.runtime.datagram import DatagramSender
from edge.runtime.notify import Notifier
from edge.runtime.place import datagram_path, frames_directory
from edge.runtime.ring import RingWriter

HEALTH_EVERY_S = 1.0


def replay(simulation: SimulationSection, stop: threading.Event) -> None:
    """Every file once, in order, as fast as the judgement takes them."""
    files = list(simulation.files)
    if simulation.file_list is not None:
        lines = simulation.file_list.read_text(encoding="utf-8").splitlines()
        files += [simulation.file_list.parent / line for line in lines if line.strip()]
    sender, notifier = DatagramSender(datagram_path()), Notifier()
    counters: Counter[str] = Counter()
    told_mono_s = 0.0

    def tell() -> None:
        nonlocal told_mono_s
        notifier.beat()
        now_mono_s = time.monotonic()
        if now_mono_s - told_mono_s >= HEALTH_EVERY_S:
            told_mono_s = now_mono_s
            done = f"replay: {counters['frames'] + counters['unreadable']} of {len(files)} files"
            sender.send(
                CameraHealth(
                    mono_s=now_mono_s, state=SensorState.OK, reason=done, frames=counters["frames"],
                    counters=dict(counters),
                )
            )  # fmt: skip
            notifier.status(done)

    ring = RingWriter(frames_directory(), slot_bytes=1 << 20, lossless=True, stop=stop, waiting=tell)
    try:
        for number, file in enumerate(files, 1):
            if stop.is_set():
                return
            tell()
            try:
                frame = read_frame(file, seq=number)
            except FileUnreadable as err:
                counters["unreadable"] += ring.write_error(str(file), str(err))
            else:
                counters["frames"] += ring.write(frame)
            if number == 1:
                notifier.ready()
        ring.end()
    finally:
        ring.close()
        sender.close()


def not_fitted(stop: threading.Event) -> None:
    sender, notifier = DatagramSender(datagram_path()), Notifier()
    notifier.ready()
    while True:
        notifier.beat()
        sender.send(CameraHealth(mono_s=time.monotonic(), state=SensorState.DEAD, reason="not fitted"))
        if stop.wait(HEALTH_EVERY_S):
            break
    sender.close()
