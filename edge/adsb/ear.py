"""Believed frames in, records for the judgement out: the table, how often each aircraft is told, the ear's health."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from camera.geodesy import Site
from edge.adsb.aircraft.height import Air
from edge.adsb.decode import Report, decode
from edge.adsb.frames import ModeSFrame
from edge.adsb.health import Evidence, RateMeter, judge
from edge.adsb.table import AircraftTable
from edge.records import AircraftState, RadioHealth

TELL_EVERY_S = 0.5
HEALTH_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class TimedFrame:
    frame: ModeSFrame
    mono_s: float
    utc_ns: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What one read of a feed brought."""

    frames: tuple[TimedFrame, ...]
    bytes: int  # of what proves that the source lives
    noise_dbfs: float | None = None
    strong_share: float | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """One message that says something of an aircraft, and the aircraft after it."""

    heard: TimedFrame
    report: Report
    state: AircraftState


class Ear:
    """Pure but for the times it is given; `failure` is why no source is open, "" while one is."""

    def __init__(
        self, site: Site, mono_s: float, *, expected_bytes_per_s: float | None, air: Air | None = None
    ) -> None:
        self.table = AircraftTable(site, air=air)
        self.failure = "not opened yet"
        self.gain_db: float | None = None
        self.counters: Counter[str] = Counter()
        self._expected_bytes_per_s = expected_bytes_per_s
        self._bytes, self._messages, self._lost = RateMeter(mono_s), RateMeter(mono_s), RateMeter(mono_s)
        self._turned_away = RateMeter(mono_s)
        self._heard_mono_s = float("-inf")
        self._lost_blocks = 0
        self._noise_dbfs: float | None = None
        self._strong_share: float | None = None
        self._changed: dict[str, AircraftState] = {}
        self._told_mono_s: dict[str, float] = {}
        self._health_mono_s = -1e9

    def opened(self, mono_s: float) -> None:
        """A source is open: forget what the last one measured, keep the aircraft."""
        self.failure, self._heard_mono_s, self._noise_dbfs = "", float("-inf"), None
        self._bytes = RateMeter(mono_s)

    def take(self, heard: Heard, mono_s: float, lost_blocks: int) -> list[Decoded]:
        """`lost_blocks` as the source counts them since it was made."""
        if heard.bytes:
            if self._heard_mono_s == float("-inf"):
                self._bytes = RateMeter(mono_s)  # a source may take its time to begin
            self._heard_mono_s = mono_s
        self._bytes.add(mono_s, heard.bytes)
        self._messages.add(mono_s, len(heard.frames))
        if lost_blocks > self._lost_blocks:
            self._lost.add(mono_s, lost_blocks - self._lost_blocks)
        self._lost_blocks = lost_blocks
        self._noise_dbfs, self._strong_share = heard.noise_dbfs, heard.strong_share
        turned_away, self.table.gain_db = self.table.counters.turned_away, self.gain_db or 0.0
        decoded = self.learn(heard.frames)
        self._turned_away.add(mono_s, self.table.counters.turned_away - turned_away)
        return decoded

    def learn(self, frames: Iterable[TimedFrame]) -> list[Decoded]:
        decoded = []
        for timed in frames:
            report = decode(timed.frame)
            if report is None:
                self.counters["undecoded"] += 1
                continue
            state = self.table.update(report, timed.utc_ns, timed.mono_s, timed.frame.rssi_dbfs)
            if state is None:
                continue
            decoded.append(Decoded(timed, report, state))
            if state.messages >= 2:
                self._changed[state.key] = state
        return decoded

    def due(self, mono_s: float) -> list[AircraftState]:
        """Aircraft that have changed and were not told within the last half second."""
        for key in self.table.forget(mono_s):
            self._told_mono_s.pop(key, None)
            self._changed.pop(key, None)
        ready = [key for key in self._changed if mono_s - self._told_mono_s.get(key, -1e9) >= TELL_EVERY_S]
        self._told_mono_s |= dict.fromkeys(ready, mono_s)
        return [self._changed.pop(key) for key in ready]

    def health(self, mono_s: float) -> RadioHealth | None:
        """Once a second, whatever happens; None in between."""
        if mono_s - self._health_mono_s < HEALTH_EVERY_S:
            return None
        self._health_mono_s = mono_s
        rate = self._bytes.per_s(mono_s)
        lost = int(self._lost.total(mono_s))
        verdict = judge(
            Evidence(
                self.failure,
                mono_s - self._heard_mono_s,
                rate,
                self._expected_bytes_per_s,
                self._noise_dbfs,
                lost,
                int(self._turned_away.total(mono_s)),
            )
        )
        return RadioHealth(
            mono_s=mono_s,
            state=verdict.state,
            reason=verdict.reason,
            bytes_per_s=rate,
            messages_per_s=self._messages.per_s(mono_s),
            noise_dbfs=None if self.failure else self._noise_dbfs,
            strong_share=self._strong_share,
            gain_db=self.gain_db,
            aircraft=self.table.fresh(mono_s),
            not_located=self.table.not_located(mono_s),
            lost_blocks=self._lost_blocks,
            counters={**self.counters, **asdict(self.table.counters)},
        )
