"""Radio recordings for a replay: every state in order of time, what was heard in all, and the same as files.

Decoded where they are used, on demand: nothing is handed between processes, so nothing can be lost on the way, and the
picture of 21:45:02 meets the aircraft of 21:45:02 however fast either is read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from camera.geodesy import Site
from edge.adsb.recording import decode_recording
from edge.records import AircraftState


@dataclass(slots=True)
class Heard:
    """One aircraft over a whole recording."""

    icao: str
    callsign: str = ""
    messages: int = 0
    positions: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    _position_utc_ns: int | None = None

    def take(self, state: AircraftState, t_s: float) -> bool:
        """One message more; True when it brought a new position."""
        self.first_s = t_s if self.messages == 0 else self.first_s
        self.last_s, self.messages = t_s, self.messages + 1
        self.callsign = state.callsign or self.callsign
        new = state.position_utc_ns is not None and state.position_utc_ns != self._position_utc_ns
        if new:
            self.positions, self._position_utc_ns = self.positions + 1, state.position_utc_ns
        return new


class RadioReplay:
    """Recordings merged by time; `states_until` gives them out, `aircraft` keeps count."""

    def __init__(self, recordings: Sequence[Path], *, rate_hz: int, site: Site | None) -> None:
        streams = [decode_recording(path, rate_hz=rate_hz, site=site) for path in recordings]
        keyed = [((state_utc(utc_ns, t_s), t_s, state) for utc_ns, t_s, state in stream) for stream in streams]
        self._stream: Iterator[tuple[int, float, AircraftState]] = heapq.merge(*keyed, key=lambda item: item[0])
        self._ahead: tuple[int, float, AircraftState] | None = next(self._stream, None)
        self.begin_utc_ns = 0 if self._ahead is None else self._ahead[0]
        self.now_utc_ns = self.begin_utc_ns
        self.aircraft: dict[str, Heard] = {}

    @property
    def over(self) -> bool:
        return self._ahead is None

    def states_until(self, utc_ns: int) -> Iterator[tuple[AircraftState, bool]]:
        """(state, whether its position is new) of everything up to that instant. Raises RecordingRefused."""
        while self._ahead is not None and self._ahead[0] <= utc_ns:
            self.now_utc_ns, t_s, state = self._ahead
            self._ahead = next(self._stream, None)
            yield state, self.aircraft.setdefault(state.key, Heard(state.icao)).take(state, t_s)


def state_utc(utc_ns: int | None, t_s: float) -> int:
    """Recordings whose name does not tell when they began count from zero."""
    return round(t_s * 1e9) if utc_ns is None else utc_ns
