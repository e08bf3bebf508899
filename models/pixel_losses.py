"""The published losses, on logits, for one mask or for classes, alone or summed: "jaccard", "2*dice + focal(gamma=2)".

With one output channel the mask is sigmoid and labels are 0 and 1; with more, softmax and class numbers. Labels 255
have no opinion. Jaccard and Dice: smoothed by 1 in numerator and denominator, over the whole batch, mean of classes
(Milletari et al., 3DV 2016, equation 3; Rahman & Wang, ISVC 2016, equation 2). Focal: Lin et al., ICCV 2017,
equation 5; alpha weighs trail against background, and applies to one mask only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]
IGNORE = 255
SMOOTH = 1.0


def jaccard(logits: Tensor, labels: Tensor) -> Tensor:
    overlap, either = _overlap(logits, labels)
    return (1 - (overlap + SMOOTH) / (either - overlap + SMOOTH)).mean()


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    overlap, both = _overlap(logits, labels)
    return (1 - (2 * overlap + SMOOTH) / (both + SMOOTH)).mean()


def bce(logits: Tensor, labels: Tensor) -> Tensor:
    """Of one mask; several outputs are one yes-or-no question per class."""
    known, target = _targets(logits, labels)
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return _mean(entropy, known.expand_as(entropy))


def ce(logits: Tensor, labels: Tensor) -> Tensor:
    known = (labels != IGNORE)[:, None]
    return _mean(_entropy(logits, labels), known)


def focal(logits: Tensor, labels: Tensor, *, gamma: float = 2.0, alpha: float | None = None) -> Tensor:
    entropy = _entropy(logits, labels)
    known = (labels != IGNORE)[:, None]
    weight = 1.0
    if alpha is not None:
        if logits.shape[1] != 1:
            raise ValueError("focal(alpha=...) is for one mask; several classes have no single alpha")
        weight = torch.where(labels[:, None] == 1, alpha, 1 - alpha)
    return _mean(weight * (1 - torch.exp(-entropy)) ** gamma * entropy, known)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "jaccard": jaccard, "dice": dice, "focal": focal, "bce": bce, "ce": ce,
}  # fmt: skip
_TERM = re.compile(r"(?:([0-9.]+)\s*\*\s*)?([a-z]+)(?:\(([^()]*)\))?")


def parse_loss(text: str) -> Loss:
    """The sum that an expression names; ValueError says what is wrong with it. A list of logits gives the mean."""
    terms: list[tuple[float, Loss]] = []
    for part in re.split(r"\+(?![^()]*\))", text):
        match = _TERM.fullmatch(part.strip())
        if match is None or match[2] not in LOSSES:
            raise ValueError(f"loss {text!r}: {part.strip()!r} is not one of {', '.join(LOSSES)}")
        try:
            weight = float(match[1] or 1.0)
            options = {
                k.strip(): float(v) for k, v in (pair.split("=") for pair in (match[3] or "").split(",") if pair)
            }
        except ValueError:
            raise ValueError(
                f"loss {text!r}: {part.strip()!r} wants numbers, as in focal(alpha=0.2, gamma=2)"
            ) from None
        if set(options) - ({"alpha", "gamma"} if match[2] == "focal" else set()):
            raise ValueError(f"loss {text!r}: {match[2]} has no option {', '.join(options)}")
        terms.append((weight, partial(LOSSES[match[2]], **options)))

    def loss(logits: Tensor | list[Tensor], labels: Tensor) -> Tensor:
        answers = logits if isinstance(logits, list) else [logits]
        total = [w * term(answer, labels) for answer in answers for w, term in terms]
        return torch.stack(total).sum() / len(answers)

    return loss


def _entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """(N, 1, H, W) minus log of the probability given to the truth; 0 where nobody knows it."""
    if logits.shape[1] == 1:
        target = (labels == 1).to(logits.dtype)[:, None]
        entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return entropy * (labels != IGNORE)[:, None]
    return functional.cross_entropy(logits, labels.long(), ignore_index=IGNORE, reduction="none")[:, None]


def _targets(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Known (N, 1, H, W) and one-hot targets as the logits."""
    known, classes = (labels != IGNORE)[:, None], logits.shape[1]
    if classes == 1:
        return known, (labels == 1).to(logits.dtype)[:, None]
    safe = torch.where(labels == IGNORE, 0, labels.long())
    return known, functional.one_hot(safe, classes).permute(0, 3, 1, 2).to(logits.dtype)


def _overlap(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Per class: sum of p t, and sum of p + t, over known pixels of the batch."""
    known, target = _targets(logits, labels)
    p = (logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)) * known
    target = target * known
    return (p * target).sum((0, 2, 3)), (p + target).sum((0, 2, 3))


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return (values * known).sum() / known.sum().clamp(min=1)
