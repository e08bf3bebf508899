"""The sky as published: a reader needs only the message; and what the plate does is said at once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from camera.geodesy import azel_to_unit
from camera.visibility import SectorState
from edge.guard.payload import EventMessage, Message, Stamp
from edge.runtime.clock import Moment
from edge.vision.outward import Outward
from edge.vision.skygrid import SkyMessage, SkyRing, sky_message
from tests.edge.vision.test_station import judged, make_station

STAMP = Stamp(station="test", boot_id="boot-1", simulated=False)
UTC_NS = 1_781_473_500_000_000_000


def test_a_subscriber_reads_the_grid_as_the_station_means_it() -> None:
    picture = judged(10.0)
    view = picture.visibility
    assert view is not None
    rng = np.random.default_rng(1)
    view.sectors[:] = rng.integers(0, 4, len(view.sectors))
    said = json.loads(
        sky_message(view, picture.plate_health, STAMP, utc_ns=UTC_NS, sky_utc_ns=UTC_NS, mono_s=11.0).to_bytes()
    )
    azimuth, elevation = rng.uniform(0, 360, 500), rng.uniform(10, 90, 500)
    sees = []
    for az, el in zip(azimuth, elevation, strict=True):
        ring = next(r for r in said["rings"] if r["elevation_from_deg"] <= el <= r["elevation_to_deg"])
        sees.append(ring["state"][int(az / 360 * len(ring["state"]))] == "SEEN")
    assert sees == view.sees(azel_to_unit(azimuth, elevation)).tolist()
    assert 0 < sum(sees) < 500
    assert said["plate"] == {
        "state": "OK", "words": "", "shift_px": 5.0, "rotation_deg": 0.3, "tilt_deg": 0.0, "stars": 100, "since_s": 1.0,
    }  # fmt: skip
    assert SkyMessage.model_validate(said).rings[0].limiting_v_mag[0] == 5.0


def test_without_a_picture_the_message_claims_nothing() -> None:
    said = sky_message(None, None, STAMP, utc_ns=0, sky_utc_ns=0, mono_s=0.0)
    assert (said.visible_fraction, said.rings, said.plate) == (0.0, (), None)
    assert said.reason
    dark = judged(1.0, reason="daylight").visibility
    assert dark is not None
    dark.limits_v_mag[:] = np.nan
    message = sky_message(dark, None, STAMP, utc_ns=0, sky_utc_ns=0, mono_s=0.0)
    assert message.reason == "daylight"
    assert {state for ring in message.rings for state in ring.state} == {"BLIND"}
    assert message.rings[0].limiting_v_mag[0] is None
    assert dark.unseen
    assert dark.sectors[0] == SectorState.BLIND


def test_a_ring_of_unequal_lists_is_refused() -> None:
    with pytest.raises(ValidationError, match="one value per sector"):
        SkyRing(elevation_from_deg=10, elevation_to_deg=25, state=("SEEN",), limiting_v_mag=())


def test_a_plate_that_changes_its_health_is_told_at_once_and_kept() -> None:
    station, sent = make_station(), list[tuple[str, Message]]()
    outward = Outward(station, STAMP, lambda kind, _, message: sent.append((kind, message)), version="1")
    said = []
    for tenth, plate in enumerate(["OK"] * 30 + ["JUMPED"] * 30):
        sent.clear()
        station.saw(judged(tenth / 10, plate=plate))  # type: ignore[arg-type]
        outward.station_wide(Moment(UTC_NS, UTC_NS, tenth / 10), dict)
        said += [(tenth, kind, message) for kind, message in sent if kind in ("sky", "events")]
    assert [(tenth, kind) for tenth, kind, _ in said] == [(0, "events"), (0, "sky"), (30, "events"), (30, "sky")]
    event = said[2][2]
    assert isinstance(event, EventMessage)
    assert event.words == "plate OK -> JUMPED: the stars say so"
