"""The score is what was observed."""

import numpy as np
import pytest

from models.score_fit import fit


def test_odds_that_were_put_in_come_out():
    rng = np.random.default_rng(5)
    raw = rng.normal(0, 3, 20_000)
    real = rng.random(20_000) < 1 / (1 + np.exp(-(-2.0 + 1.5 * raw)))
    found = fit(raw, list(real))
    assert found.offset == pytest.approx(-2.0, abs=0.1)
    assert found.slope == pytest.approx(1.5, abs=0.07)
    assert found.real == real.sum()


def test_kinds_that_never_meet_still_end_in_numbers():
    found = fit(np.array([-2.0, -1.0, 1.0, 2.0]), [False, False, True, True])
    assert np.isfinite(found.slope)
    assert found.slope > 0


def test_one_kind_alone_is_refused():
    with pytest.raises(ValueError, match="both kinds"):
        fit(np.array([1.0, 2.0]), [True, True])
