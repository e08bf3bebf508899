"""The table of topics says what the contract says."""

from __future__ import annotations

import pytest

from edge.config import Config
from edge.publish.topics import EVENTS, POINTING, SAFETY, STATUS, TABLE, topic_root


def test_the_safety_topic_is_never_retained_and_never_queued():
    assert (SAFETY.qos, SAFETY.retain, SAFETY.expiry_s) == (0, False, 2)
    assert SAFETY.path("skyspotter/yebes", "main") == "skyspotter/yebes/main/safety"


def test_only_the_status_is_retained_and_only_what_is_owed_is_acknowledged():
    assert [topic for topic in TABLE if topic.retain] == [STATUS]
    assert EVENTS.qos == 1


def test_a_topic_of_a_beam_needs_its_name():
    with pytest.raises(ValueError, match="beam"):
        POINTING.path("skyspotter/yebes")


def test_a_simulation_speaks_elsewhere():
    station = {"id": "yebes", "latitude_deg": 40.0, "longitude_deg": -3.0, "height_m": 900.0}
    assert Config.model_validate({"station": station}).topic_root == topic_root("yebes", simulation=False)
    simulation = {"epoch_utc_ns": 1, "mono_zero_s": 0.0}
    simulated = Config.model_validate({"station": station, "simulation": simulation})
    assert simulated.topic_root == topic_root("yebes", simulation=True) == "skyspotter-sim/yebes"
