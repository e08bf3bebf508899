"""Each loss against numbers worked out by hand."""

import math

import pytest

torch = pytest.importorskip("torch")

from models.pixel_losses import IGNORE, bce, ce, dice, focal, jaccard, parse_loss  # noqa: E402

# Four pixels given 0.8, 0.6, 0.3, 0.5; the first two are trail.
P = (0.8, 0.6, 0.3, 0.5)
LOGITS = torch.tensor([[[[math.log(p / (1 - p)) for p in P]]]])
LABELS = torch.tensor([[[1, 1, 0, 0]]])
OF_TRUTH = (0.8, 0.6, 0.7, 0.5)
# Two pixels, three classes, probabilities (0.7, 0.2, 0.1) and (0.3, 0.3, 0.4); truths 0 and 2.
SOFT = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]]).log().T.reshape(1, 3, 1, 2)
KINDS = torch.tensor([[[0, 2]]])


def test_overlap_losses_of_one_mask():
    overlap, predicted, true = 1.4, 2.2, 2.0
    assert float(jaccard(LOGITS, LABELS)) == pytest.approx(1 - (overlap + 1) / (predicted + true - overlap + 1))
    assert float(dice(LOGITS, LABELS)) == pytest.approx(1 - (2 * overlap + 1) / (predicted + true + 1))


def test_overlap_losses_of_classes_are_the_mean_over_them():
    by_hand = [(0.7, 1.0 + 1.0), (0.0, 0.5 + 0.0), (0.4, 0.5 + 1.0)]  # overlap, sum of both
    assert float(dice(SOFT, KINDS)) == pytest.approx(sum(1 - (2 * o + 1) / (s + 1) for o, s in by_hand) / 3)
    assert float(jaccard(SOFT, KINDS)) == pytest.approx(sum(1 - (o + 1) / (s - o + 1) for o, s in by_hand) / 3)


def test_entropies():
    one_mask = -sum(map(math.log, OF_TRUTH)) / 4
    assert float(bce(LOGITS, LABELS)) == pytest.approx(one_mask)
    assert float(ce(LOGITS, LABELS)) == pytest.approx(one_mask)
    assert float(ce(SOFT, KINDS)) == pytest.approx(-(math.log(0.7) + math.log(0.4)) / 2)


def test_focal_losses():
    weights = (0.2, 0.2, 0.8, 0.8)
    by_hand = -sum(w * (1 - p) ** 2 * math.log(p) for w, p in zip(weights, OF_TRUTH, strict=True)) / 4
    assert float(focal(LOGITS, LABELS, gamma=2, alpha=0.2)) == pytest.approx(by_hand)
    by_hand = -(0.3**2 * math.log(0.7) + 0.6**2 * math.log(0.4)) / 2
    assert float(focal(SOFT, KINDS, gamma=2)) == pytest.approx(by_hand)
    assert float(focal(SOFT, KINDS, gamma=0)) == pytest.approx(float(ce(SOFT, KINDS)))
    with pytest.raises(ValueError, match="alpha"):
        focal(SOFT, KINDS, alpha=0.5)


@pytest.mark.parametrize("loss", [jaccard, dice, bce, ce, focal])
def test_pixels_without_an_opinion_change_nothing(loss):
    for logits, labels in ((LOGITS, LABELS), (SOFT, KINDS)):
        more = torch.cat([logits, 3 * torch.ones_like(logits)], -1)
        unknown = torch.cat([labels, torch.full_like(labels, IGNORE)], -1)
        assert float(loss(more, unknown)) == pytest.approx(float(loss(logits, labels)))
        more.requires_grad_()
        loss(more, unknown).backward()
        assert not more.grad[..., labels.shape[-1] :].any()
        assert torch.isfinite(loss(logits, torch.full_like(labels, IGNORE)))


def test_sums_are_written_as_they_are_meant():
    given = parse_loss("jaccard + 0.5*focal(alpha=0.2, gamma=2)+bce")(LOGITS, LABELS)
    wanted = jaccard(LOGITS, LABELS) + 0.5 * focal(LOGITS, LABELS, alpha=0.2, gamma=2) + bce(LOGITS, LABELS)
    assert float(given) == pytest.approx(float(wanted))
    deep = parse_loss("bce")([LOGITS, LOGITS * 0], LABELS)
    assert float(deep) == pytest.approx((float(bce(LOGITS, LABELS)) + math.log(2)) / 2)


@pytest.mark.parametrize("text", ["", "iou", "jaccard+", "focal(gamma)", "focal(gamma=x)", "dice(gamma=2)", "-1*dice"])
def test_an_expression_that_means_nothing_is_refused(text):
    with pytest.raises(ValueError, match="loss"):
        parse_loss(text)
