"""What goes out is what the contract says."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

from edge.guard.payload import SafetyMessage, Stamp, last_will, rfc3339
from edge.guard.verdict import safety_message
from tests.edge.guard.scene import UTC_NS, run, warmed

STAMP = Stamp(station="yebes", boot_id="b1", config_sha="c", model_sha="m", simulated=False)
CONTRACT = {"schema", "state", "permit", "would_permit", "mode", "basis", "reasons", "lease_ms", "issued_at"} | {
    "seq", "boot_id", "sensors", "config_sha", "model_sha", "plate_sha", "role"
}  # fmt: skip


def test_the_safety_message_has_every_field_of_the_contract():
    guard, t = warmed()
    verdict = run(guard, t, 0.5)[-1][1]
    message = safety_message(verdict, STAMP, "main", plate_sha="p", seq=5, utc_ns=UTC_NS + 999_999, sky_utc_ns=UTC_NS)
    sent = json.loads(message.to_bytes())
    assert sent.keys() >= CONTRACT
    assert sent["schema"] == "skyspotter.safety/1"
    assert sent["role"] == "independent second tier; never the sole measure"
    assert sent["lease_ms"] == 1500
    assert sent["issued_at"] == "2026-06-14T21:45:00.000Z"
    assert sent["sensors"].keys() == {"camera", "radio", "clock", "plate", "pointing"}
    assert SafetyMessage.model_validate_json(message.to_bytes()) == message


def test_the_will_takes_the_permit_away():
    will = json.loads(last_will(STAMP, "main", "ENFORCE", "", UTC_NS).to_bytes())
    assert (will["state"], will["permit"], will["boot_id"]) == ("FAULT", False, "b1")


def test_stamps_are_utc_milliseconds_and_never_in_the_future():
    assert re.fullmatch(r".*59\.999Z", rfc3339(UTC_NS - 1))


def test_a_message_with_a_number_that_is_none_cannot_be_made():
    guard, t = warmed()
    message = safety_message(
        run(guard, t, 0.5)[-1][1], STAMP, "main", plate_sha="", seq=0, utc_ns=UTC_NS, sky_utc_ns=UTC_NS
    )
    with pytest.raises(ValidationError):
        SafetyMessage.model_validate({**message.model_dump(by_alias=True), "caution_in_s": float("nan")})
