"""Recordings of the radio as fast as they can be read, nothing lost: for `skyspotter replay` and `radio decode`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from camera.geodesy import Site
from edge.adsb.decode import decode
from edge.adsb.ear import Decoded, TimedFrame
from edge.adsb.frames import TICK_HZ, ModeSFrame
from edge.adsb.signal.demod import Demodulator
from edge.adsb.sources.beastfeed import believed, read_beast
from edge.adsb.sources.cu8 import read_cu8, recording_kind
from edge.adsb.sources.rate import recorded_rate_hz
from edge.adsb.table import AircraftTable
from edge.records import AircraftState

_START_IN_NAME = re.compile(r"utc--(\d{9,10})\.(\d{1,9})")


@dataclass(slots=True)
class RecordingSummary:
    """Filled while the recording is read."""

    kind: str = ""
    duration_s: float = 0.0
    messages: int = 0
    positions: int = 0
    icaos: set[str] = field(default_factory=set)

    @property
    def aircraft(self) -> int:
        return len(self.icaos)


def read_frames(path: Path, *, rate_hz: int | None = None) -> Iterator[ModeSFrame]:
    """Believed frames of a Beast or cu8 recording, told apart by content.

    Raises RecordingRefused, also where the rate of a cu8 file was declared wrong or (None) cannot be told.
    """
    if recording_kind(path) == "beast":
        yield from believed(read_beast(path))
        return
    demodulator = Demodulator(recorded_rate_hz(path, rate_hz))
    for block in read_cu8(path):
        yield from demodulator.feed(block)
    yield from demodulator.finish()


def decode_recording(
    path: Path, *, rate_hz: int | None = None, site: Site | None = None, summary: RecordingSummary | None = None
) -> Iterator[tuple[int | None, float, AircraftState]]:
    """(utc_ns, seconds since the recording's first frame, state after it) for every message of a believed aircraft.

    `utc_ns` is None unless the file's name tells when it began (`...utc--<seconds>.<fraction>...`); the states' own
    times count from there, or from zero. `rate_hz` is that of a cu8 file, None: found out. Raises RecordingRefused.
    """
    start_utc_ns = recording_start_utc_ns(path)
    for item in decode_messages(path, rate_hz=rate_hz, site=site, summary=summary):
        yield (None if start_utc_ns is None else item.heard.utc_ns), item.heard.mono_s, item.state


def decode_messages(
    path: Path, *, rate_hz: int | None = None, site: Site | None = None, summary: RecordingSummary | None = None
) -> Iterator[Decoded]:
    """Every message of a believed aircraft, its `mono_s` in seconds since the recording's first frame."""
    summary = RecordingSummary() if summary is None else summary
    summary.kind = recording_kind(path)
    start_utc_ns = recording_start_utc_ns(path)
    table = AircraftTable(site)
    first_sample: float | None = None
    for frame in read_frames(path, rate_hz=rate_hz):
        if first_sample is None:
            first_sample = frame.sample if summary.kind == "beast" else 0.0
        t_s = (frame.sample - first_sample) / TICK_HZ
        report = decode(frame)
        if report is None:
            continue
        utc_ns = (start_utc_ns or 0) + round(t_s * 1e9)
        table.forget(t_s)
        state = table.update(report, utc_ns, t_s, frame.rssi_dbfs)
        if state is None:
            continue
        summary.duration_s, summary.messages = max(summary.duration_s, t_s), summary.messages + 1
        summary.icaos.add(state.icao)
        summary.positions = table.counters.positions
        yield Decoded(TimedFrame(frame, t_s, utc_ns), report, state)


def recording_start_utc_ns(path: Path) -> int | None:
    """The Unix time in a recording's name, as `...utc--1522782148.136310917...`."""
    match = _START_IN_NAME.search(path.name)
    return None if match is None else int(match[1]) * 1_000_000_000 + int(match[2].ljust(9, "0"))
