"""An explanation frees one object, by a configured rule and with evidence, and never the one beside it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import GuardSection
from edge.guard.rules import OWN_BEAM_S, passing_rule
from tests.edge.guard.scene import BEAM_AZEL, path, run, thing, warmed

EVERYTHING = ("satellite", "meteor", "own-beam", "own-target")


@pytest.mark.parametrize("identity", ["aircraft", "unknown"])
def test_no_configuration_lets_an_aircraft_or_an_unknown_pass(identity):
    assert passing_rule(thing("A", identity=identity, evidence="x"), (*EVERYTHING, identity), 0.0) is None


@pytest.mark.parametrize("identity", EVERYTHING)
def test_an_explained_object_passes_only_where_the_station_says_so(identity):
    explained = thing("A", identity=identity, evidence="position and rate agree")
    assert passing_rule(explained, (), 0.0) is None
    rule = passing_rule(explained, (identity,), 0.0)
    assert rule is not None
    assert identity in rule


def test_what_carries_a_transponder_is_an_aircraft_whatever_it_is_called():
    assert (
        passing_rule(thing("A", identity="satellite", evidence="x", senses=("camera", "radio")), EVERYTHING, 0.0)
        is None
    )


def test_without_evidence_an_explanation_is_an_opinion():
    assert passing_rule(thing("A", identity="meteor"), EVERYTHING, 0.0) is None


def test_the_own_beam_exists_only_while_the_laser_is_on_or_was_a_moment_ago():
    beam = thing("A", identity="own-beam", evidence="x")
    assert passing_rule(beam, EVERYTHING, None) is None
    assert passing_rule(beam, EVERYTHING, OWN_BEAM_S - 0.1)
    assert passing_rule(beam, EVERYTHING, OWN_BEAM_S + 0.1) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["satellite", "meteor", "own-target"]), max_size=5), st.integers(0, 5))
def test_explained_objects_never_hide_another_one(identities, place):
    guard, t = warmed(GuardSection(mode="enforce", explained_may_pass=EVERYTHING))
    here = [thing(f"{i}", path(*BEAM_AZEL), identity=what, evidence="x") for i, what in enumerate(identities)]
    assert run(guard, t, 0.5, lambda t, t0: {"objects": tuple(here)})[-1][1].state == "CLEAR"
    here.insert(place, thing("dark", path(*BEAM_AZEL)))
    assert run(guard, t + 0.5, 0.5, lambda t, t0: {"objects": tuple(here)})[-1][1].state == "HOLD"
