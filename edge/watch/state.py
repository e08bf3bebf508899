"""What was heard of one beam, what an interlock may do with it, and both in words. No connection, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from edge.guard.consumer import PermitHolder
from edge.guard.payload import SafetyMessage, StatusMessage, TracksMessage
from edge.publish.topics import SAFETY, STATUS, TRACKS, topic_root

SILENT_S = 2.0  # a state is not shown as the present one for longer than this


@dataclass
class WatchState:
    """What was heard of one beam of one station. Times are this machine's CLOCK_MONOTONIC."""

    station: str
    beam: str
    simulation: bool = False
    link: str = "connecting"
    connected: bool = False
    safety: SafetyMessage | None = None
    safety_mono_s: float = 0.0
    tracks: TracksMessage | None = None
    tracks_mono_s: float = 0.0
    status: StatusMessage | None = None
    unreadable: int = 0
    holder: PermitHolder = field(init=False)

    def __post_init__(self) -> None:
        self.holder = PermitHolder(station=self.station, beam=self.beam, simulation=self.simulation)

    def topics(self) -> dict[str, type[SafetyMessage] | type[TracksMessage] | type[StatusMessage]]:
        root = topic_root(self.station, simulation=self.simulation)
        return {
            SAFETY.path(root, self.beam): SafetyMessage,
            TRACKS.path(root, self.beam): TracksMessage,
            STATUS.path(root): StatusMessage,
        }

    def take(self, topic: str, payload: bytes, retained: bool, mono_s: float, utc_s: float) -> None:
        """One message as it arrived. The holder sees every one on the safety topic, good or bad."""
        kind = self.topics().get(topic)
        if kind is SafetyMessage:
            self.holder.receive(payload, retained, mono_s, utc_s)
        if kind is None or (retained and kind is not StatusMessage):
            return
        try:
            message = kind.model_validate_json(payload)
        except ValidationError:
            self.unreadable += 1
            return
        if isinstance(message, SafetyMessage):
            self.safety, self.safety_mono_s = message, mono_s
        elif isinstance(message, TracksMessage):
            self.tracks, self.tracks_mono_s = message, mono_s
        else:
            self.status = message

    def shown(self, mono_s: float) -> str:
        """CLEAR, CAUTION, HOLD, FAULT; SILENT when nobody has spoken for two seconds."""
        silent = self.safety is None or mono_s - self.safety_mono_s > SILENT_S
        return "SILENT" if silent or self.safety is None else self.safety.state

    def verdict(self, mono_s: float) -> tuple[bool, str, float]:
        """May somebody lase, the sentence for it, and the seconds left of the lease."""
        may, why_not, left_s = self.holder.permitted(mono_s)
        if may:
            return True, "PERMIT", left_s
        message = self.safety
        if why_not.startswith(("CLEAR", "CAUTION")) and message is not None and message.mode == "SHADOW":
            why_not = f"mode SHADOW never permits; it would be {message.state}"
        return False, f"DO NOT LASE: {why_not}", left_s

    def reasons(self, mono_s: float) -> list[str]:
        """In words, worst first."""
        if not self.connected:
            return [self.link]
        if self.shown(mono_s) == "SILENT" or self.safety is None:
            return [self._silence(mono_s)]
        return [reason.words for reason in self.safety.reasons]

    def _silence(self, mono_s: float) -> str:
        heard = self.safety is not None
        silent = f"nothing heard for {mono_s - self.safety_mono_s:.0f} s" if heard else "nothing heard yet"
        if self.status is not None and self.status.status == "offline":
            return f"{silent}; the box said good-bye"
        return silent if heard else f"{silent} on {next(iter(self.topics()))}: is this the station's id and beam?"


def as_record(state: WatchState, mono_s: float) -> dict[str, Any]:
    """For programs: one object a change."""
    may, sentence, left_s = state.verdict(mono_s)
    return {
        "may_lase": may,
        "sentence": sentence,
        "remaining_s": round(left_s, 2),
        "state": state.shown(mono_s),
        "reasons": state.reasons(mono_s),
        "simulation": state.simulation,
        "link": state.link,
    }
