"""Nothing from the network can release or invent anything; bad pointing names its field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.guard.inbound import (
    HoldMessage,
    PointingMessage,
    PointingRefused,
    PrimaryMessage,
    parse_hold,
    parse_pointing,
    parse_primary,
)

GOOD = {"schema": "skyspotter.pointing/1", "azimuth_deg": 370.0, "elevation_deg": 45, "azimuth_rate_dps": 0.1,
        "elevation_rate_dps": -0.1, "target_id": "LAGEOS-1", "laser_state": "on"}  # fmt: skip


def test_pointing_arrives_with_its_rates_and_an_unwound_azimuth():
    pointing = parse_pointing(json.dumps(GOOD).encode(), retained=False, arrived_mono_s=7.0)
    assert (pointing.azimuth_deg, pointing.elevation_deg, pointing.laser_on) == (10.0, 45.0, True)
    assert pointing.received_mono_s == 7.0
    sent = PointingMessage(
        azimuth_deg=1.0, elevation_deg=2.0, azimuth_rate_dps=0.0, elevation_rate_dps=0.0, laser_state="off"
    ).to_bytes()
    assert not parse_pointing(sent, retained=False, arrived_mono_s=0.0).laser_on


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"elevation_deg": 120}, "elevation_deg"),
        ({"azimuth_deg": "north"}, "azimuth_deg"),
        ({"azimuth_deg": float("nan")}, "azimuth_deg"),
        ({"laser_state": True}, "laser_state"),
        ({"azimuth_rate_dps": 1e9}, "azimuth_rate_dps"),
        ({"schema": "skyspotter.pointing/2"}, "schema"),
    ],
)
def test_a_wrong_pointing_is_refused_with_its_field(changes, field):
    with pytest.raises(PointingRefused, match=f"pointing: {field}: "):
        parse_pointing(json.dumps({**GOOD, **changes}).encode(), retained=False, arrived_mono_s=0.0)


@pytest.mark.parametrize("field", ["azimuth_rate_dps", "elevation_rate_dps", "laser_state"])
def test_a_pointing_that_leaves_something_out_is_refused(field):
    half = {name: value for name, value in GOOD.items() if name != field}
    with pytest.raises(PointingRefused, match=f"pointing: {field}: Field required"):
        parse_pointing(json.dumps(half).encode(), retained=False, arrived_mono_s=0.0)


def test_a_retained_pointing_is_refused():
    with pytest.raises(PointingRefused, match="retain"):
        parse_pointing(json.dumps(GOOD).encode(), retained=True, arrived_mono_s=0.0)


def test_anyone_may_hold_also_unreadably():
    assert parse_hold(HoldMessage(by="control room", reason="fire drill").to_bytes()) == "control room: fire drill"
    assert parse_hold(b"STOP!")
    assert parse_hold(json.dumps({"hold": False}).encode())  # there is no message that releases
    assert parse_hold(b"") == ""


def test_only_a_live_word_that_it_works_is_a_heartbeat():
    beat = PrimaryMessage(measure="radar", working=True).to_bytes()
    assert parse_primary(beat, retained=False)
    assert not parse_primary(beat, retained=True)
    assert not parse_primary(PrimaryMessage(measure="radar", working=False).to_bytes(), retained=False)


@given(st.binary(max_size=200))
def test_rubbish_is_a_hold_no_heartbeat_and_no_pointing(payload):
    assert bool(parse_hold(payload)) == bool(payload)
    assert not parse_primary(payload, retained=False)
    with pytest.raises(PointingRefused):
        parse_pointing(payload, retained=False, arrived_mono_s=0.0)
