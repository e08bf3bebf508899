"""What is said, when, and what must never be said."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from edge.guard.payload import Message, Reason, Sensor, Sensors, Stamp, TracksMessage, rfc3339
from edge.guard.verdict import Verdict
from edge.records import SensorState
from edge.runtime.clock import Moment
from edge.vision.outward import Outward, edges
from tests.edge.vision.test_station import judged, make_station

NOW = rfc3339(0)
STAMP = Stamp(station="test", boot_id="boot-1", simulated=False)


def verdict(state: str = "CLEAR", camera: SensorState = SensorState.OK, codes: tuple[str, ...] = ()) -> Verdict:
    ok = Sensor(state=SensorState.OK)
    reasons = tuple(Reason(code=code, words=f"because of {code}", since=NOW) for code in codes)
    sensors = Sensors(camera=Sensor(state=camera), radio=ok, clock=ok, plate=ok, pointing=ok)
    return Verdict(state, False, state == "CLEAR", "SHADOW", "FULL", reasons, sensors, frozenset(codes))  # type: ignore[arg-type]


class Heard:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Message]] = []
        self.station = make_station()
        self.outward = Outward(self.station, STAMP, lambda *what: self.sent.append(what), version="1")

    def say(self, mono_s: float, what: Verdict) -> list[str]:
        self.sent.clear()
        self.outward.say("main", what, Moment(0, 0, mono_s))
        return [kind for kind, _, _ in self.sent]


def test_safety_goes_out_twice_a_second_and_at_once_when_it_changes() -> None:
    heard = Heard()
    said = [heard.say(tenth / 10, verdict()).count("safety") for tenth in range(21)]
    assert sum(said) == 5
    assert heard.say(2.11, verdict("HOLD", codes=("object-inside",))).count("safety") == 1
    assert heard.say(2.12, verdict("HOLD", codes=("object-inside",))).count("safety") == 0


def test_seq_grows_by_one_with_every_safety_message() -> None:
    heard, seqs = Heard(), []
    for tenth in range(30):
        heard.say(tenth / 10, verdict())
        seqs += [message.seq for kind, _, message in heard.sent if kind == "safety"]  # type: ignore[attr-defined]
    assert seqs == list(range(1, len(seqs) + 1))


def test_tracks_go_out_with_a_new_picture() -> None:
    heard = Heard()
    heard.say(0.0, verdict())
    assert "tracks" not in heard.say(0.1, verdict())
    heard.station.saw(judged(0.1, seq=5))
    assert "tracks" in heard.say(0.2, verdict())
    tracks = next(message for kind, _, message in heard.sent if kind == "tracks")
    assert isinstance(tracks, TracksMessage)
    assert (tracks.picture_seq, tracks.picture_age_s) == (5, pytest.approx(0.1))


@pytest.mark.parametrize("state", [SensorState.BLIND, SensorState.STALE, SensorState.DEAD])
def test_an_empty_sky_is_never_said_of_a_sensor_that_cannot_know(state: SensorState) -> None:
    heard = Heard()
    heard.say(0.0, verdict("HOLD", camera=state))
    tracks = next(message for kind, _, message in heard.sent if kind == "tracks")
    assert isinstance(tracks, TracksMessage)
    assert tracks.tracks is None
    with pytest.raises(ValidationError, match="an empty sky needs both senses"):
        TracksMessage.model_validate(tracks.model_dump(by_alias=True) | {"tracks": []})


def test_events_are_edges() -> None:
    assert [kind for kind, _, _ in edges(None, verdict())] == ["state"]
    assert edges(verdict(), verdict()) == []
    found = edges(verdict(), verdict("HOLD", SensorState.BLIND, ("camera-blind",)))
    assert [kind for kind, _, _ in found] == ["state", "sensor", "fault"]
    assert "because of camera-blind" in found[0][1]
