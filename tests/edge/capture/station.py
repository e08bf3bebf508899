"""One camera's process in this one, under a little supervisor, with every time constant divided: hours in minutes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import camera.asi
from camera.device import CameraLost, Frame
from camera.zwo.library import import_zwoasi
from edge.capture import ladder, process, reader, recorded
from edge.capture.memory import recall
from edge.config import Config
from edge.records import CameraHealth
from edge.runtime.clock import SkyClock
from edge.runtime.datagram import DatagramReceiver
from edge.runtime.place import datagram_path, frames_directory, runtime_directory
from edge.runtime.ring import RingReader

EPOCH_UTC_NS = 1_781_473_500_000_000_000
_TIMES = (
    (ladder, ("HOUR_S", "WELL_AFTER_S", "REFUSED_AGAIN_S", "FIRST_BACKOFF_S", "LONGEST_BACKOFF_S")),
    (process, ("HEALTH_EVERY_S", "PATIENCE_S", "STOP_WAIT_S", "SETTLE_S")),
    (reader, ("SLICE_S", "SETTLE_S")),
    (recorded, ("HEALTH_EVERY_S",)),
    (camera.asi, ("OPENING_S",)),
)


@contextlib.contextmanager
def hurried(times: float) -> Iterator[None]:
    """Every time constant of the camera's process, `times` as short."""
    with contextlib.ExitStack() as stack:
        for module, names in _TIMES:
            for name in names:
                stack.enter_context(mock.patch.object(module, name, getattr(module, name) / times))
        limits = {rung: replace(limit, least_s=limit.least_s / times) for rung, limit in ladder.LIMITS.items()}
        stack.enter_context(mock.patch.object(ladder, "LIMITS", limits))
        yield


def config_of(
    source: str,
    *,
    exposure_s: float = 0.05,
    mode: str = "video",
    shortest_exposure_s: float | None = None,
    epoch_utc_ns: int = EPOCH_UTC_NS,
    **simulation: Any,
) -> Config:
    """Small frames. Without `shortest_exposure_s` the exposure stays what it is."""
    return Config.model_validate(
        {
            "station": {"id": "test", "latitude_deg": 40.5, "longitude_deg": -3.1, "height_m": 900.0},
            "camera": {
                "source": source, "mode": mode, "width_px": 96, "height_px": 80, "lowest_gain_setting": 120,
                "exposure_s": exposure_s, "shortest_exposure_s": shortest_exposure_s or exposure_s,
            },
            "simulation": {"epoch_utc_ns": epoch_utc_ns, "mono_zero_s": time.monotonic(), **simulation},
        }
    )  # fmt: skip


class Station:
    """The judgement's side of a camera's process, a thread here, started anew whenever it ends by an error.

    `ends` are its last words, one for each end; `ledger` is the simulated library's account of all its lives.
    """

    def __init__(self, config: Config, *, revive: bool = False) -> None:
        self.ring, self.socket = RingReader(frames_directory()), DatagramReceiver(datagram_path())
        self.stop = threading.Event()
        self.healths: list[CameraHealth] = []
        self.ends: list[str] = []
        self.ledger: Counter[str] = Counter()
        self.counters: dict[str, int] = {}  # the camera's, once closed
        self._revive, self._libraries = revive, []  # type: tuple[bool, list[Any]]
        assert config.simulation is not None
        clock = SkyClock(config.simulation.epoch_utc_ns, config.simulation.mono_zero_s, config.simulation.rate)
        self.thread = threading.Thread(target=self._run, args=(config, clock), daemon=True)
        self.thread.start()

    def _run(self, config: Config, clock: SkyClock) -> None:
        while not self.stop.is_set():
            life = threading.Event()  # a thread that hangs must not see the next life's
            ending = threading.Thread(target=lambda life=life: (self.stop.wait(), life.set()), daemon=True)
            ending.start()
            try:
                process.main(config, clock, life)
                break
            except CameraLost as err:
                self.ends.append(str(err))
            finally:
                self._bury()
            if not self._revive:
                break

    def _bury(self) -> None:
        """What the end of a process does to the library in it: its calls never return, its buffers are lost."""
        zwoasi = import_zwoasi()
        if (library := zwoasi.zwolib) is not None:
            self._libraries.append(library)
            library.close_all()
            self.ledger.update(library.ledger)
            zwoasi.zwolib = None

    def until(self, wanted: Callable[[CameraHealth], bool], timeout_s: float = 10.0) -> CameraHealth:
        give_up_mono_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_mono_s:
            for record in self.socket.receive(0.05):
                assert isinstance(record, CameraHealth)
                self.healths.append(record)
                if wanted(record):
                    return record
        raise AssertionError(f"never said; last: {self.healths[-3:]}, {self.ends}")

    def frame(self, timeout_s: float = 5.0) -> Any:
        found = self.ring.newest(timeout_s)
        assert found is not None, "no frame came"
        return found

    def no_frame_for(self, seconds: float) -> bool:
        self.ring.newest(0.0)  # the last good one
        return not isinstance(self.ring.newest(seconds), Frame)

    def close(self) -> None:
        self.stop.set()
        self.thread.join(10.0)
        self.counters = recall(runtime_directory() / process.LADDER_FILE).counters  # before anything hung wakes up
        for library in self._libraries:
            library.released.set()
        for thread in threading.enumerate():
            if thread.name == "camera":  # of a life that hung: it still writes down its end
                thread.join(5.0)
        self.ring.close()
        self.socket.close()
