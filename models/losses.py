"""What training minimises: is this pixel light of a trail, and if so, of what.

One trail logit z = logsumexp(trail classes) - logsumexp(other classes) carries detection: focal cross entropy (Lin et
al., ICCV 2017, equation 4) plus Dice (Milletari et al., 3DV 2016, equation 3). The class is learned by cross entropy
between the trail classes alone, on trails whose kind is known: photographs whose labels say only "streak" teach
where, not what. Cloud is learned by cross entropy between background and cloud alone, where a rendered sky says which
it is; photographs do not. For detection both are the same: no trail.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from models.synth import AIRCRAFT, ANY_TRAIL, BACKGROUND, CLEAR, CLOUD, IGNORE, METEOR, SATELLITE, is_trail

TRAIL = [AIRCRAFT, SATELLITE, METEOR]
OTHER = [BACKGROUND, CLOUD]
FOCAL_GAMMA = 1.0
CLASS_WEIGHT = 0.2
CLOUD_WEIGHT = 0.1
RARITY = (1.0, 3.0, 3.0)  # satellites and meteors have few pixels beside aircraft


def trail_logit(logits: Tensor) -> Tensor:
    """(N, classes, H, W) -> (N, H, W) log-odds of "some trail"."""
    return logits[:, TRAIL].logsumexp(1) - logits[:, OTHER].logsumexp(1)


def field_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """logits (N, classes, H, W), labels (N, H, W) integers as in `synth` -> scalar."""
    return trail_loss(logits, labels) + CLOUD_WEIGHT * cloud_loss(logits, labels)


def trail_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Of detection and of the kind of trail."""
    z = trail_logit(logits)
    known = labels != IGNORE
    target = is_trail(labels).to(z.dtype)
    p = z.sigmoid()
    overlap = (p * target).sum()
    dice = 1 - (2 * overlap + 1) / ((p * known).sum() + target.sum() + 1)
    kind = is_trail(labels) & (labels != ANY_TRAIL)
    loss = focal(z, target, known) + dice
    if kind.any():
        among = logits.permute(0, 2, 3, 1)[kind][:, TRAIL]
        loss = loss + CLASS_WEIGHT * functional.cross_entropy(
            among, labels[kind].long() - TRAIL[0], weight=torch.tensor(RARITY)
        )
    return loss


def focal(z: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Cross entropy of log-odds against a share of 0 to 1, weighted by how wrong they are; per pixel of trail,
    and a little per pixel of the picture, so that one without trails counts less and divides by no zero."""
    entropy = functional.binary_cross_entropy_with_logits(z, target, reduction="none")
    wrong = (z.sigmoid() - target).abs()
    return (entropy * wrong**FOCAL_GAMMA * known).sum() / (target.sum() + 0.002 * known.sum())


def cloud_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Of cloud against background: half the mean over clouded pixels plus half the mean over clear ones, so that the
    more common do not decide; without such pixels 0."""
    log_odds = logits[:, CLOUD] - logits[:, BACKGROUND]
    loss = logits.new_zeros(())
    for label, wrong in ((CLOUD, -log_odds), (CLEAR, log_odds)):
        if (told := labels == label).any():
            loss = loss + functional.softplus(wrong[told]).mean() / 2
    return loss


def pixel_counts(logits: Tensor, labels: Tensor) -> Tensor:
    """(3,) true positives, false positives, false negatives of trail pixels at even odds."""
    with torch.no_grad():
        found, known = trail_logit(logits) > 0, labels != IGNORE
        true = is_trail(labels)
        return torch.stack([(found & true).sum(), (found & ~true & known).sum(), (~found & true).sum()])
