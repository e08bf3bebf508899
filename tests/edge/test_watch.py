"""The control room's view shows what an interlock may do, and nothing better."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from edge.guard.payload import Stamp, StatusMessage, Track, TracksMessage, last_will, rfc3339
from edge.guard.verdict import safety_message
from edge.records import SensorState
from edge.watch.screen import render_watch
from edge.watch.state import WatchState, as_record
from tests.edge.guard.scene import BEAM_AZEL, INJECTIONS, UTC_NS, path, run, thing, warmed

UTC_S = UTC_NS / 1e9
ROOT = "skyspotter/yebes"
AWAY = (BEAM_AZEL[0], BEAM_AZEL[1] + 25.0)
CLOSING = {"objects": (thing("A", path(*AWAY, 0.0, -1.5), label="IBE123", identity="aircraft"),)}


def verdict_of(name):
    guard, t = warmed()
    injection = {"CLEAR": lambda t, t0: {}, "CAUTION": lambda t, t0: CLOSING, "HOLD": INJECTIONS["object-inside"],
                 "FAULT": INJECTIONS["canary-missed"]}[name]  # fmt: skip
    verdict = run(guard, t, 0.5, injection)[-1][1]
    assert verdict.state == name
    return verdict


VERDICTS = {name: verdict_of(name) for name in ("CLEAR", "CAUTION", "HOLD", "FAULT")}


def heard(name, *, simulation=False, messages=3, retained=False):
    """A watch that has heard `messages` of them, the last at 0 s."""
    state = WatchState("yebes", "main", simulation)
    state.connected, state.link = True, "connected to broker:1883, MQTT 5"
    stamp = Stamp(station="yebes", boot_id="b1", simulated=simulation)
    for i in range(messages):
        t = 0.5 * (i + 1 - messages)
        utc_ns = UTC_NS + round(t * 1e9)
        message = safety_message(VERDICTS[name], stamp, "main", plate_sha="", seq=i, utc_ns=utc_ns, sky_utc_ns=utc_ns)
        state.take(next(iter(state.topics())), message.to_bytes(), retained, t, UTC_S + t)
    return state


def screen(state, mono_s, width=80):
    console = Console(width=width, record=True, file=open("/dev/null", "w"), force_terminal=True)  # noqa: SIM115
    with console.file:
        console.print(render_watch(state, mono_s))
        return console.export_text()


@pytest.mark.parametrize("name", VERDICTS)
def test_each_state_stands_in_large_letters_with_its_permission(name):
    text = screen(heard(name), 0.2)
    assert "██" in text
    if name in ("CLEAR", "CAUTION"):
        assert "PERMIT" in text
        assert "1.3 s" in text
        assert "DO NOT LASE" not in text
    else:
        assert f"DO NOT LASE: {name}" in text
        assert VERDICTS[name].reasons[0].words[:30] in text


def test_an_expired_permission_says_so_to_the_tenth_of_a_second():
    text = screen(heard("CLEAR"), 1.9)
    assert "DO NOT LASE: permission expired 0.4 s ago" in text


def test_a_state_is_not_shown_once_its_speaker_is_silent():
    state = heard("CLEAR")
    assert state.shown(1.9) == "CLEAR"
    assert state.shown(2.1) == "SILENT"
    assert "nothing heard for 9 s" in screen(state, 9.0)


def test_the_first_messages_of_a_boot_do_not_permit_yet():
    assert "DO NOT LASE: new boot_id: live message 2 of 3" in screen(heard("CLEAR", messages=2), 0.1)


def test_retained_copies_are_neither_believed_nor_shown():
    state = heard("CLEAR", retained=True)
    assert state.shown(0.0) == "SILENT"
    assert "DO NOT LASE: retained copy" in screen(state, 0.0)


def test_caution_gives_the_time_left_and_who_comes():
    text = screen(heard("CAUTION"), 0.0)
    assert "IBE123" in text
    assert "time left:" in text


def test_shadow_says_what_it_would_be():
    from edge.config import GuardSection

    guard, t = warmed(GuardSection(mode="shadow"))
    VERDICTS["SHADOW"] = run(guard, t, 0.5)[-1][1]
    state = heard("SHADOW")
    del VERDICTS["SHADOW"]
    assert "DO NOT LASE: mode SHADOW never permits; it would be CLEAR" in screen(state, 0.0)


def test_a_simulation_is_marked_and_a_real_watch_does_not_believe_it():
    assert "SIMULATION" in screen(heard("CLEAR", simulation=True), 0.0)
    assert "SIMULATION" not in screen(heard("CLEAR"), 0.0)
    state = heard("CLEAR")
    simulated = heard("CLEAR", simulation=True)
    state.take(next(iter(state.topics())), simulated.safety.to_bytes(), False, 0.1, UTC_S + 0.1)
    assert "DO NOT LASE: simulated" in screen(state, 0.1)


def test_the_will_takes_the_permit_and_names_the_cause():
    state = heard("CLEAR")
    will = last_will(Stamp(station="yebes", boot_id="b1", simulated=False), "main", "ENFORCE", "", UTC_NS)
    state.take(f"{ROOT}/main/safety", will.to_bytes(), False, 0.2, UTC_S + 0.2)
    text = screen(state, 0.2)
    assert "DO NOT LASE: FAULT" in text
    assert "vanished" in text


def test_sensors_and_tracks_are_listed_and_an_unvouched_sky_is_not_empty():
    state = heard("CLEAR")
    track = Track(id="t1", identity="unknown", senses=("camera",), azimuth_deg=12.0, elevation_deg=34.0,
                  separation_deg=56.7, age_s=1.0)  # fmt: skip
    fields = {"station": "yebes", "beam": "main", "issued_at": rfc3339(UTC_NS), "boot_id": "b1", "simulated": False,
              "sky_utc": rfc3339(UTC_NS), "camera": SensorState.OK, "radio": SensorState.OK}  # fmt: skip
    state.take(f"{ROOT}/main/tracks", TracksMessage(**fields, tracks=(track,)).to_bytes(), False, 0.0, UTC_S)
    text = screen(state, 0.0)
    assert "56.7°" in text
    assert "unknown" in text
    for name in ("camera", "radio", "clock", "plate", "pointing"):
        assert name in text
    blind = TracksMessage(**{**fields, "camera": SensorState.BLIND}, tracks=None)
    state.take(f"{ROOT}/main/tracks", blind.to_bytes(), False, 0.0, UTC_S)
    assert "nobody can say" in screen(state, 0.0)
    assert "no list of tracks" in screen(state, 60.0)


def test_a_broken_link_is_the_reason_before_anything_else():
    state = heard("CLEAR")
    state.connected, state.link = False, "no broker listens at box:1883: start it, or check mqtt.host and mqtt.port"
    assert state.reasons(0.0) == [state.link]
    assert "no broker listens" in screen(state, 0.0, width=120)


def test_a_box_that_said_good_bye_is_not_just_silent():
    state = heard("CLEAR")
    gone = StatusMessage(station="yebes", status="offline", boot_id="b1", issued_at=rfc3339(UTC_NS), simulated=False)
    state.take(f"{ROOT}/status", gone.to_bytes(), True, 1.0, UTC_S + 1)
    assert "good-bye" in screen(state, 9.0)


def test_rubbish_is_counted_and_ends_the_permit():
    state = heard("CLEAR")
    state.take(f"{ROOT}/main/safety", b"{", False, 0.1, UTC_S + 0.1)
    assert state.unreadable == 1
    assert not state.verdict(0.1)[0]


def test_programs_get_the_same_answer():
    record = as_record(heard("CLEAR"), 0.1)
    assert json.loads(json.dumps(record)) == record
    assert (record["may_lase"], record["state"], record["remaining_s"]) == (True, "CLEAR", 1.4)
