"""Several legs of a training as one network: the mean of their weights (Wortsman et al., ICML 2022, "Model soups",
section 2), for legs that began at the same weights. Batch normalisation is then measured anew, as for stochastic weight
averaging (Izmailov et al., UAI 2018, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.checkpoints import write_checkpoint
from models.dataset import Sources, make_batch
from models.train import CHECKPOINT, load_net, read_recipe

BATCHES, BATCH, SIZE = 24, 16, 256  # over which normalisation is measured


def average(
    runs: Sequence[Path], sources: Sources, into: Path, *, weights: Sequence[float] = (), seed: int = 7
) -> Path:  # fmt: skip
    """Writes the checkpoint of the mean into the folder `into` and returns it, for `quantise`; it is not trained on.

    Raises ValueError where a run has no checkpoint, is of another network than the first, or has no weight and others
    do.
    """
    if weights and len(weights) != len(runs):
        raise ValueError(f"{len(weights)} weights for {len(runs)} runs: give each one, or none")
    shares = np.array(weights or [1.0] * len(runs), float)
    shares /= shares.sum()
    recipe, nets = read_recipe(runs[0] / CHECKPOINT), [load_net(run / CHECKPOINT) for run in runs]
    states = [net.state_dict() for net in nets]
    for run, state in zip(runs, states, strict=True):
        if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in states[0].items()}:
            raise ValueError(f"{run}: another network than {runs[0]}, no mean of both exists")
    mean = {
        name: sum(share * s[name] for share, s in zip(shares, states, strict=True))
        if first.is_floating_point()
        else first
        for name, first in states[0].items()
    }
    net = nets[0]
    net.load_state_dict(mean)
    settle(net, (make_batch(sources, size=SIZE, batch=BATCH, seed=seed, step=step)[0] for step in range(BATCHES)))
    into.mkdir(parents=True, exist_ok=True)
    learned = {name: value.detach().clone() for name, value in net.state_dict().items()}
    state = {"recipe": asdict(recipe), "step": recipe.steps, "net": learned, "average": learned, "optimiser": {}}
    write_checkpoint(into / CHECKPOINT, state)
    return into / CHECKPOINT


def settle(net: nn.Module, batches: Iterable[NDArray[np.float32]]) -> nn.Module:
    """Batch normalisation measured anew, the plain mean over all batches of (N, C, H, W); the net, ready to infer."""
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        for batch in batches:
            net(torch.from_numpy(batch))
    return net.eval()
