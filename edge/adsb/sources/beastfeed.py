"""Another receiver's Beast stream, or recordings of one, as a feed of believed, timed frames."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from edge.adsb.ear import Heard, TimedFrame
from edge.adsb.frames import TICK_HZ, AddressBook, ModeSFrame
from edge.adsb.sources.beast import BeastParser
from edge.adsb.sources.iq import RecordingRefused, SourceLost, SourceRefused, SourceTimeout
from edge.adsb.sources.ladder import Plugged
from edge.adsb.sources.recorded import RECORDING_ENDED
from edge.adsb.sources.tcp import connected
from edge.adsb.sources.ticks import ReceiverTicks
from edge.runtime.clock import Clock

SILENT_S = 90.0  # without a byte; readsb and dump1090 send a heartbeat every minute at the latest
LATE_S = 2.0  # what comes later does not tell whether the receiver hears now


class BeastFeed:
    """A TCP stream of readsb or dump1090, or recordings played at their own pace."""

    lost_blocks = 0
    gain_db: float | None = None
    plugged: Plugged | None = None

    def __init__(
        self, clock: Clock, *, host: str = "", port: int = 0, files: tuple[Path, ...] = (), sky_rate: float = 1.0
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._clock, self._host, self._port, self._files, self._sky_rate = clock, host, port, files, sky_rate
        self._socket: socket.socket | None = None
        self._recorded: Iterator[ModeSFrame] = iter(())
        self._pending: ModeSFrame | None = None
        self._zero_mono_s = 0.0
        self._ended = False

    def open(self) -> None:
        self._parser, self._addresses = BeastParser(), AddressBook()
        self._ticks = ReceiverTicks(sky_rate=self._sky_rate)
        if self._ended:
            raise SourceRefused(RECORDING_ENDED)
        if self._files:
            self._recorded = (frame for path in self._files for frame in read_beast(path))
            self._pending = next(self._recorded, None)
            if self._pending is not None:
                self._zero_mono_s = self._clock.mono_s() - self._pending.sample / TICK_HZ
            return
        self._socket = connected("Beast stream", self._host, self._port)
        self._last_mono_s = self._clock.mono_s()

    def read(self, timeout_s: float) -> Heard:
        frames, count = self._from_socket(timeout_s) if self._socket else self._from_files(timeout_s)
        mono_s, utc_ns = self._clock.mono_s(), self._clock.utc_ns()
        met, pushed_out, distrusted = self._counted()
        timed = []
        for frame in frames:
            ours = replace(frame, sample=self._ticks.arrived(frame.sample, mono_s, utc_ns))
            self._addresses.forget(ours.sample)
            timed += [TimedFrame(one, *self._ticks.at(one.sample)) for one in self._addresses.judge(ours)]
        now_met, now_pushed_out, now_distrusted = self._counted()
        self.counters["addresses_pushed_out"] += now_pushed_out - pushed_out
        self.counters["ticks_distrusted"] += now_distrusted - distrusted
        # A heartbeat, rubbish, broken frames or old news are no proof that the receiver hears.
        proof = (timed or now_met > met) and self._ticks.late_s <= LATE_S
        return Heard(tuple(timed), count if proof else 0)

    def _counted(self) -> tuple[int, int, int]:
        return self._addresses.first_sightings, self._addresses.pushed_out, self._ticks.distrusted

    def _from_socket(self, timeout_s: float) -> tuple[list[ModeSFrame], int]:
        assert self._socket is not None
        self._socket.settimeout(timeout_s)
        try:
            data = self._socket.recv(65536)
        except TimeoutError as err:
            silent_s = self._clock.mono_s() - self._last_mono_s
            if silent_s > SILENT_S:
                raise SourceLost(f"{self._host}:{self._port} has said nothing for {silent_s:.0f} s") from err
            raise SourceTimeout(f"no message in {timeout_s:.1f} s") from err
        except OSError as err:
            raise SourceLost(f"Beast stream of {self._host}:{self._port} broke: {err}") from err
        if not data:
            raise SourceLost(f"{self._host}:{self._port} closed its Beast stream")
        self._last_mono_s = self._clock.mono_s()
        return self._parser.feed(data), len(data)

    def _from_files(self, timeout_s: float) -> tuple[list[ModeSFrame], int]:
        if self._pending is None:
            self._ended = True
            raise SourceLost(RECORDING_ENDED)
        due_s = self._zero_mono_s + self._pending.sample / TICK_HZ - self._clock.mono_s()
        if due_s > timeout_s:
            time.sleep(timeout_s)
            raise SourceTimeout("the recording's next message is not due yet")
        time.sleep(max(0.0, due_s))
        now_sample = (self._clock.mono_s() - self._zero_mono_s) * TICK_HZ
        frames = []
        while self._pending is not None and self._pending.sample <= now_sample:
            frames.append(self._pending)
            self._pending = next(self._recorded, None)
        return frames, 23 * len(frames)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def read_beast(path: Path) -> Iterator[ModeSFrame]:
    """All Mode S frames of a Beast recording, unjudged. Raises RecordingRefused."""
    parser = BeastParser()
    try:
        with path.open("rb") as file:
            while data := file.read(65536):
                yield from parser.feed(data)
    except OSError as err:
        raise RecordingRefused(f"{path}: cannot be read: {err.strerror}") from err


def believed(frames: Iterable[ModeSFrame]) -> Iterator[ModeSFrame]:
    """Those of another receiver's frames that may be believed."""
    addresses = AddressBook()
    for frame in frames:
        addresses.forget(frame.sample)
        yield from addresses.judge(frame)
