"""The other side: never a permission past its lease, and none from anything but good live messages."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import edge.guard.consumer as consumer
from edge.guard.consumer import LIVE_MESSAGES, PermitHolder
from edge.guard.payload import Stamp, last_will, rfc3339
from edge.guard.verdict import safety_message
from tests.edge.guard.scene import INJECTIONS, UTC_NS, run, warmed

UTC_S = UTC_NS / 1e9
guard, _t = warmed()
GOOD = run(guard, _t, 0.5)[-1][1]
HELD = run(guard, _t + 1, 0.5, INJECTIONS["stopping"])[-1][1]


def message(seq, t, verdict=GOOD, boot="b1", /, **changes):
    """A message of the real station at `t` seconds, as bytes; `changes` falsify it."""
    stamp = Stamp(station="yebes", boot_id=boot, simulated=False)
    whole = safety_message(verdict, stamp, "main", plate_sha="", seq=seq, utc_ns=UTC_NS + round(t * 1e9), sky_utc_ns=0)
    if not changes:
        return whole.to_bytes()
    return json.dumps({**json.loads(whole.to_bytes()), **changes}).encode()


def holding(at_s=0.0, **kwargs):
    """A holder with a permit that arrived at `at_s`."""
    holder = PermitHolder(**kwargs)
    for i in range(LIVE_MESSAGES):
        t = at_s - 0.5 * (LIVE_MESSAGES - 1 - i)
        holder.receive(message(i, t, GOOD, "b1", simulated=kwargs.get("simulation", False)), False, t, UTC_S + t)
    assert holder.permitted(at_s)[0]
    return holder


def test_a_station_can_copy_it():
    source = Path(consumer.__file__).read_text()
    assert len(source.splitlines()) < 130
    imported = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name.name for node in imported if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in imported if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(("name", "other"), [("station", "elsewhere"), ("beam", "second")])
def test_the_permit_of_another_station_or_beam_is_none(name, other):
    whose = json.loads(message(0, 0.0))
    assert holding(station=whose["station"], beam="main").permitted(0.0)[0]
    holder = holding(station=whose["station"], beam="main")
    holder.receive(message(9, 0.1, GOOD, "b1", **{name: other}), False, 0.1, UTC_S + 0.1)
    may, why_not, _ = holder.permitted(0.1)
    assert not may
    assert f"of another {name}" in why_not


def test_a_permit_lives_its_lease_and_says_when_it_expired():
    holder = holding()
    assert holder.permitted(1.49)[0]
    assert holder.permitted(1.9) == (False, "permission expired 0.4 s ago", pytest.approx(-0.4))


def test_a_new_boot_permits_only_from_its_third_live_message():
    holder = holding()
    for i, expected in enumerate((False, False, True)):
        holder.receive(message(i, 0.5 + i, GOOD, "b2"), False, 0.5 + i, UTC_S + 0.5 + i)
        assert holder.permitted(0.5 + i)[0] is expected


def test_two_boxes_that_speak_in_turn_never_permit():
    holder = PermitHolder()
    for i in range(40):
        holder.receive(message(i, i / 4, GOOD, f"b{i % 2}"), False, i / 4, UTC_S + i / 4)
        assert not holder.permitted(i / 4)[0]


def test_the_will_ends_the_permit_at_once_however_old_it_is():
    holder = holding(at_s=3600.0)
    will = last_will(Stamp(station="yebes", boot_id="b1", simulated=False), "main", "ENFORCE", "", UTC_NS)
    holder.receive(will.to_bytes(), False, 3600.1, UTC_S + 3600.1)
    assert holder.permitted(3600.1)[:2] == (False, "FAULT: no permit")


BAD = {
    "retained": (lambda t: message(9, t), True, "retained"),
    "late": (lambda t: message(9, t - 1.1), False, "clock"),
    "early": (lambda t: message(9, t + 1.1), False, "clock"),
    "older seq": (lambda t: message(1, t), False, "seq"),
    "repeated seq": (lambda t: message(2, t), False, "seq"),
    "held": (lambda t: message(9, t, HELD), False, "HOLD"),
    "simulated": (lambda t: message(9, t, simulated=True), False, "simulated"),
    "not JSON": (lambda t: b"\xff{", False, "garbage"),
    "empty": (lambda t: b"", False, "garbage"),
    "deep": (lambda t: b"[" * 100_000, False, "garbage"),
    "a list": (lambda t: b"[]", False, "garbage"),
    "other schema": (lambda t: message(9, t, schema="skyspotter.safety/2"), False, "garbage"),
    "long lease": (lambda t: message(9, t, lease_ms=60_000), False, "lease"),
    "no lease": (lambda t: message(9, t, lease_ms=0), False, "lease"),
    "lease NaN": (lambda t: message(9, t, lease_ms=float("nan")), False, "lease"),
    "lease true": (lambda t: message(9, t, lease_ms=True), False, "lease"),
    "permit as text": (lambda t: message(9, t, permit="true"), False, "CLEAR"),
    "permit while HOLD": (lambda t: message(9, t, state="HOLD"), False, "HOLD"),
    "permit in mode SHADOW": (lambda t: message(9, t, mode="SHADOW"), False, "no permit"),
    "permit on no basis": (lambda t: message(9, t, basis="NONE"), False, "no permit"),
    "permit while FAULT": (lambda t: message(9, t, state="FAULT"), False, "FAULT"),
    "no stamp": (lambda t: message(9, t, issued_at=None), False, "garbage"),
    "stamp without zone": (lambda t: message(9, t, issued_at=rfc3339(UTC_NS)[:-1]), False, "garbage"),
    "seq as text": (lambda t: message(9, t, seq="9"), False, "seq"),
    "seq huge float": (lambda t: message(9, t, seq=1e308), False, "seq"),
    "no boot": (lambda t: message(9, t, boot_id=""), False, "garbage"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_anything_but_a_good_live_message_ends_the_permit(what):
    make, retained, reason = BAD[what]
    holder = holding()
    assert not holder.receive(make(0.5), retained, 0.5, UTC_S + 0.5)
    may, why, remaining_s = holder.permitted(0.5)
    assert not may
    assert reason in why
    assert remaining_s == 0.0


def test_a_simulation_is_watched_only_on_request_and_then_nothing_else_is():
    holder = holding(simulation=True)
    holder.receive(message(9, 0.5), False, 0.5, UTC_S + 0.5)
    assert holder.permitted(0.5)[:2] == (False, "real, but a simulation is watched")


def test_a_monotonic_clock_that_goes_back_or_is_no_number_gives_nothing():
    holder = holding(at_s=10.0)
    assert not holder.permitted(9.9)[0]
    assert not holder.permitted(float("nan"))[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_raise_or_permit(payload):
    holder = holding()
    assert not holder.receive(payload, False, 0.5, UTC_S + 0.5)
    assert not holder.permitted(0.5)[0]


@settings(max_examples=150)
@given(st.dictionaries(
    st.sampled_from(["schema", "state", "permit", "lease_ms", "issued_at", "seq", "boot_id", "simulated"]),
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    min_size=1,
))  # fmt: skip
def test_no_falsified_field_raises_or_outlives_a_lease(changes):
    holder = holding()
    holder.receive(message(9, 0.5, **changes), False, 0.5, UTC_S + 0.5)
    assert not holder.permitted(0.5 + 1.5)[0]


class Wire(RuleBasedStateMachine):
    """A station that sends, a wire that drops, repeats, delays and swaps, a box that restarts, a clock that errs."""

    def __init__(self):
        super().__init__()
        self.t, self.seq, self.boot, self.skew_s = 100.0, 0, 1, 0.0
        self.holder = PermitHolder()
        self.wire: list[tuple[float, bytes, bool]] = []  # sent at, payload, permits
        self.last_good_arrival = None  # of a permit sent at most 1 s before

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.4, 1.6, 30.0]))
    def time_passes(self, seconds):
        self.t += seconds

    @rule(permits=st.booleans())
    def station_sends(self, permits):
        self.wire.append((self.t, message(self.seq, self.t, GOOD if permits else HELD, f"b{self.boot}"), permits))
        self.seq += 1

    @precondition(lambda self: self.wire)
    @rule(data=st.data(), keep=st.booleans(), retained=st.sampled_from([False, False, False, True]))
    def wire_delivers(self, data, keep, retained):
        i = data.draw(st.sampled_from([0, len(self.wire) - 1, len(self.wire) // 2]))
        sent, payload, permits = self.wire[i] if keep else self.wire.pop(i)
        renewed = self.holder.receive(payload, retained, self.t, UTC_S + self.t + self.skew_s)
        fresh = abs(self.t + self.skew_s - sent) <= 1.0 + 2e-3  # stamps are cut to milliseconds
        assert not renewed or (permits and fresh and not retained)
        self.last_good_arrival = self.t if renewed else None

    @rule(many=st.integers(3, 5))
    def a_good_minute(self, many):
        for _ in range(many):
            self.time_passes(0.5)
            self.station_sends(True)
            _, payload, _ = self.wire.pop()
            renewed = self.holder.receive(payload, False, self.t, UTC_S + self.t + self.skew_s)
            self.last_good_arrival = self.t if renewed else None

    @rule()
    def box_restarts(self):
        self.boot, self.seq = self.boot + 1, 0

    @rule(skew_s=st.sampled_from([0.0, 0.0, 0.9, -0.9, 5.0, -5.0]))
    def consumers_clock_errs(self, skew_s):
        self.skew_s = skew_s

    @invariant()
    def a_permit_is_never_older_than_its_lease(self):
        may, _, _ = self.holder.permitted(self.t)
        assert may == (self.last_good_arrival is not None and self.t - self.last_good_arrival < 1.5)


Wire.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestWire = Wire.TestCase
