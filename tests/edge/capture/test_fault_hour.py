"""An hour of random faults ends with frames flowing, and every exposure is accounted for."""

from __future__ import annotations

import pytest

from tests.bench.camera_faults import run


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_faults_ends_with_frames_and_every_loss_is_counted(seed: int) -> None:
    outcome = run(1.0, seed)  # raises when frames do not come back after a fault
    assert sum(outcome.faults.values()) > 20
    assert outcome.accounted == outcome.ledger["made"] > 500


def test_three_minutes_of_faults_lose_no_exposure_unaccounted() -> None:
    outcome = run(0.05, seed=3)
    assert outcome.accounted == outcome.ledger["made"] > 0
