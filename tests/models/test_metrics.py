"""The definitions, on counts that somebody else printed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import IGNORE, Confusion, confusion, mask_of, of_classes, per_image, pooled

# Creelman, U-Net against U-Net++ on cloud masks: raw counts and the rates printed with them.
NESTED = Confusion(tp=2_166_535, fn=118_878, fp=363_524, tn=890_007)
STRAIGHT = Confusion(tp=13_889_639, fn=348_060, fp=1_013_039, tn=6_867_662)
PRINTED = ("TPR", "FPR", "PPV", "FOR", "LR+", "LR-", "BA", "TS")


@pytest.mark.parametrize(
    ("counts", "figures"),
    [
        (NESTED, (0.948, 0.290, 0.856, 0.118, 3.269, 0.073, 0.829, 0.818)),
        (STRAIGHT, (0.976, 0.129, 0.932, 0.048, 7.589, 0.028, 0.924, 0.911)),
    ],
)
def test_published_counts_give_the_published_rates(counts, figures):
    rates = counts.rates()
    assert [rates[name] for name in PRINTED] == pytest.approx(figures, abs=1e-3)


def test_the_one_misprinted_row_follows_the_definition_not_the_print():
    assert NESTED.rates()["ACC"] == pytest.approx(0.864, abs=5e-4)  # printed: .638
    assert STRAIGHT.rates()["ACC"] == pytest.approx(0.938, abs=5e-4)  # printed: .692


@given(st.tuples(*[st.integers(0, 10**9)] * 4))
def test_rates_are_consistent_or_undefined(counts):
    tp, fn, fp, tn = counts
    rates = Confusion(tp, fn, fp, tn).rates()
    assert rates["P"] + rates["N"] == rates["PP"] + rates["PN"] == tp + fn + fp + tn
    for one, other in (("TPR", "FNR"), ("FPR", "TNR"), ("PPV", "FDR"), ("FOR", "NPV")):
        assert math.isnan(rates[one]) == math.isnan(rates[other])
        assert math.isnan(rates[one]) or rates[one] + rates[other] == pytest.approx(1)
    if tp:
        assert rates["F1"] == pytest.approx(2 * rates["TS"] / (1 + rates["TS"]))
        assert rates["F1"] == pytest.approx(2 / (1 / rates["PPV"] + 1 / rates["TPR"]))


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_counting_agrees_with_counting_one_by_one(seed, classes):
    rng = np.random.default_rng(seed)
    truth = rng.choice([*range(classes), IGNORE], (5, 7)).astype(np.uint8)
    found = rng.integers(0, classes, (5, 7)).astype(np.uint8)
    for number, counted in enumerate(of_classes(truth, found, [str(k) for k in range(classes)]).values()):
        pairs = [(t == number, f == number) for t, f in zip(truth.flat, found.flat, strict=True) if t != IGNORE]
        assert counted == Confusion(
            pairs.count((True, True)),
            pairs.count((True, False)),
            pairs.count((False, True)),
            pairs.count((False, False)),
        )


def test_probabilities_must_become_a_mask_before_they_are_counted():
    truth, p = np.array([[1, 1, 0]], np.uint8), np.array([[0.9, 0.4, 0.6]])
    with pytest.raises(ValueError, match="threshold"):
        confusion(truth, p)
    assert confusion(truth, mask_of(p)).iou == pytest.approx(1 / 3)
    assert confusion(truth, mask_of(p, 0.3)).iou == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no numbers"):
        mask_of(np.array([np.nan]))
    with pytest.raises(ValueError, match="shape"):
        confusion(truth, np.zeros((3, 1), bool))


def test_images_are_spread_over_where_they_are_defined():
    images = [Confusion(8, 2, 0, 90), Confusion(4, 6, 0, 90), Confusion(0, 0, 5, 95)]
    spread = per_image(images)
    assert (spread["TPR"].images, spread["TPR"].mean) == (2, pytest.approx(0.6))
    assert (spread["FPR"].images, spread["FPR"].median) == (3, 0.0)
    assert spread["TPR"].low <= spread["TPR"].median <= spread["TPR"].high
    assert pooled(images) == Confusion(12, 8, 5, 275)
    assert math.isnan(per_image([])["TPR"].mean)
