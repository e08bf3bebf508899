"""A trained network as teacher: what it says to a picture in another position, to be learned beside the labels.

A trail is one whichever way the picture stands; what a network calls a trail in one position only (the edge of a wood,
a star drawn out by a lens) is none. Asking in several positions and averaging tells them apart, but costs as many
passes; learning that mean costs none later (Radosavovic et al., CVPR 2018, "Data Distillation", sections 3.1-3.3). The
mean over all eight positions is met on average: each step takes two of them, by chance.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from models.losses import focal, trail_logit


class Teacher:
    """`net`, ready to infer, is only asked."""

    def __init__(self, net: nn.Module) -> None:
        self._net = net.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def probability(self, planes: Tensor, rng: np.random.Generator) -> Tensor:
        """(N, 4, H, W) -> (N, H, W) of a trail: the mean of two opposite positions of the eight."""
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        with torch.no_grad():
            return torch.stack([self._in_position(planes, turns + half, mirrored) for half in (0, 2)]).mean(0)

    def _in_position(self, planes: Tensor, turns: int, mirrored: bool) -> Tensor:
        seen = torch.rot90(planes, turns, (2, 3))
        seen = seen.flip(3) if mirrored else seen
        logits = self._net(seen.contiguous(memory_format=torch.channels_last)).float()
        logits = logits.flip(3) if mirrored else logits
        return trail_logit(torch.rot90(logits, -turns, (2, 3))).sigmoid()


def taught_loss(logits: Tensor, probability: Tensor) -> Tensor:
    """(N, classes, H, W) against a teacher's (N, H, W), by the same focal cross entropy as labels."""
    return focal(trail_logit(logits), probability, torch.ones_like(probability))
