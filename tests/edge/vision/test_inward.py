"""What the network may say: nothing old, nothing half, nothing that takes a hold back."""

from __future__ import annotations

import json

import pytest

from edge.config import Config
from edge.fusion.satellites import SatelliteBook
from edge.guard.inbound import PrimaryMessage
from edge.vision.inward import Inward
from edge.vision.station import Station

POINTING = json.dumps(
    {"azimuth_deg": 370.0, "elevation_deg": 60.0, "azimuth_rate_dps": 0, "elevation_rate_dps": 0, "laser_state": "on"}
).encode()


@pytest.fixture
def station() -> Station:
    config = Config.model_validate(
        {"station": {"id": "test", "latitude_deg": 40.5, "longitude_deg": -3.1, "height_m": 900.0}}
    )
    return Station(config, plate=None, book=SatelliteBook(None, 7.0))


@pytest.fixture
def inward(station: Station) -> Inward:
    return Inward(station)


def test_a_pointing_reaches_its_beam_and_ages_from_its_arrival(station: Station, inward: Inward) -> None:
    inward.take("pointing", "main", POINTING, retained=False, mono_s=7.0)
    pointing = station.beams["main"].pointing
    assert pointing is not None
    assert (pointing.azimuth_deg, pointing.laser_on, pointing.received_mono_s) == (10.0, True, 7.0)


def test_a_bad_pointing_is_named_until_a_good_one_comes(station: Station, inward: Inward) -> None:
    beam = station.beams["main"]
    inward.take("pointing", "main", b'{"azimuth_deg": NaN}', retained=False, mono_s=1.0)
    assert beam.pointing_refused.startswith("pointing: ")
    assert beam.pointing is None
    inward.take("pointing", "main", POINTING, retained=False, mono_s=2.0)
    assert beam.pointing_refused == ""


def test_what_the_broker_kept_is_refused_and_counted(station: Station, inward: Inward) -> None:
    for kind in ("pointing", "primary"):
        inward.take(kind, "main", POINTING, retained=True, mono_s=1.0)
        assert inward.refused[f"{kind}_retained"] == 1
    beam = station.beams["main"]
    assert (beam.pointing, station.primary_heard_mono_s) == (None, None)


def test_a_hold_that_was_left_standing_on_the_broker_holds(station: Station, inward: Inward) -> None:
    inward.take("hold", "main", b'{"by": "night crew"}', retained=True, mono_s=1.0)
    assert station.beams["main"].remote_hold == "held over the network: held by night crew"


def test_deleting_a_retained_hold_is_no_new_hold(station: Station, inward: Inward) -> None:
    inward.take("hold", "main", b"", retained=False, mono_s=1.0)
    assert station.beams["main"].remote_hold == ""


@pytest.mark.parametrize("payload", [b"\xff\x00", b'{"release": true}', b'{"by": "J. Roe", "reason": "kite"}'])
def test_whatever_comes_as_a_hold_holds(station: Station, inward: Inward, payload: bytes) -> None:
    inward.take("hold", "main", payload, retained=False, mono_s=1.0)
    assert station.beams["main"].remote_hold.startswith("held over the network: ")


def test_only_a_primary_measure_that_works_is_a_heartbeat(station: Station, inward: Inward) -> None:
    for payload in (b"", b"{}", PrimaryMessage(measure="radar", working=False).to_bytes()):
        inward.take("primary", "", payload, retained=False, mono_s=1.0)
    assert (station.primary_heard_mono_s, inward.refused["primary"]) == (None, 3)
    inward.take("primary", "", PrimaryMessage(measure="radar", working=True).to_bytes(), retained=False, mono_s=4.0)
    assert station.primary_heard_mono_s == 4.0


def test_a_beam_that_is_not_here_is_counted(station: Station, inward: Inward) -> None:
    inward.take("hold", "other", b"", retained=False, mono_s=1.0)
    assert inward.refused["hold_other_beam"] == 1
