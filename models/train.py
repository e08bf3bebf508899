"""One visible training loop. Killed, it goes on from its last checkpoint as if nothing had happened; seeded
throughout."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.architectures import NETWORKS, FieldNet
from models.checkpoints import read_checkpoint, write_checkpoint
from models.dataset import Sources, make_batch
from models.losses import field_loss, pixel_counts
from models.teacher import Teacher, taught_loss

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
AVERAGE = 0.998  # of the weights' moving average, which is what is exported (Polyak averaging)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the outcome, besides the data."""

    steps: int = 2000
    batch: int = 16
    size: int = 256
    learning_rate: float = 2e-3
    warm_up_steps: int = 60
    weight_decay: float = 1e-4
    seed: int = 1
    network: str = "field"
    channels: tuple[int, ...] = (32, 48, 64, 96, 128)  # of "field"; the others have their own
    checkpoint_every: int = 50
    taught: float = 0.0  # weight of what a teacher says, beside the labels

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ValueError(f"network {self.network!r} is not known; there are {', '.join(NETWORKS)}")

    def fresh(self) -> nn.Module:
        """Its network, untrained."""
        return FieldNet(self.channels) if self.network == "field" else NETWORKS[self.network]()

    def rate(self, step: int) -> float:
        """Learning rate: linear warm-up, then a half cosine to nothing (Loshchilov & Hutter, ICLR 2017, equation 5)."""
        warm = min(1.0, (step + 1) / self.warm_up_steps)
        return self.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))


@dataclass(frozen=True)
class Progress:
    step: int
    steps: int
    loss: float
    pixel_f1: float


def train(
    recipe: Recipe, sources: Sources, run: Path, *, start_from: Path | None = None, teacher: Path | None = None,
    report: Callable[[Progress], None] = lambda _: None, threads: int = 1,
) -> Path:  # fmt: skip
    """Trains to `recipe.steps` in the folder `run` and returns the checkpoint.

    A checkpoint already there is continued (and must be of the same recipe, or ValueError); otherwise `start_from`,
    another run's checkpoint, gives the first weights. `teacher`, a checkpoint as well, is learned from by the weight
    that the recipe gives it.
    """
    if (recipe.taught > 0) != (teacher is not None):
        raise ValueError("a teacher and the weight of what it says go together: give both or none")
    torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / CHECKPOINT
    net = recipe.fresh().to(memory_format=torch.channels_last)
    if start_from is not None and not checkpoint.exists():
        other = _read(start_from)
        before = other["recipe"]
        if before.network != recipe.network:
            raise ValueError(f"{start_from}: holds weights of {before.network!r}, not of {recipe.network!r}")
        if tuple(before.channels) != tuple(recipe.channels):
            raise ValueError(f"{start_from}: holds weights of channels {before.channels}, not of {recipe.channels}")
        net.load_state_dict(other["average"])
    average = {name: value.detach().clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    first = 0
    if checkpoint.exists():
        state = _read(checkpoint)
        if state["recipe"] != recipe:
            raise ValueError(f"{checkpoint}: was made by another recipe; give another run folder or remove it")
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        average, first = state["average"], state["step"]
    net.train()
    says = Teacher(load_net(teacher)) if teacher is not None else None
    # bfloat16 halves the time of a step on CPUs that have it; the loss stays in float32.
    half = torch.backends.mkldnn.is_available()
    loss_mean, counts = 0.0, torch.zeros(3)
    for step in range(first, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(step)
        planes, labels = (
            torch.from_numpy(a)
            for a in make_batch(sources, size=recipe.size, batch=recipe.batch, seed=recipe.seed, step=step)
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = net(planes.contiguous(memory_format=torch.channels_last))
            said = says.probability(planes, np.random.default_rng((recipe.seed, step, 1))) if says else None
        loss = field_loss(logits.float(), labels)
        if said is not None:
            loss = loss + recipe.taught * taught_loss(logits.float(), said)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        keep = min(AVERAGE, (step + 1) / (step + 10))
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - keep)
            else:
                average[name].copy_(value)
        loss_mean += 0.02 * (float(loss.detach()) - loss_mean) if step > first else float(loss.detach())
        counts = 0.98 * counts + pixel_counts(logits.float(), labels)
        report(
            Progress(
                step + 1, recipe.steps, loss_mean, float(2 * counts[0] / (2 * counts[0] + counts[1] + counts[2] + 1))
            )
        )
        if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == recipe.steps:
            state = {"recipe": asdict(recipe), "step": step + 1, "net": net.state_dict(), "average": average}
            write_checkpoint(checkpoint, {**state, "optimiser": optimiser.state_dict()})
    return checkpoint


def load_net(checkpoint: Path) -> nn.Module:
    """The averaged weights of a run, ready to infer."""
    state = _read(checkpoint)
    net: nn.Module = state["recipe"].fresh()
    net.load_state_dict(state["average"])
    return net.eval()


def read_recipe(checkpoint: Path) -> Recipe:
    """By which a run was trained; ValueError where that cannot be read."""
    recipe: Recipe = _read(checkpoint)["recipe"]
    return recipe


def _read(path: Path) -> dict[str, Any]:
    state = read_checkpoint(path, "recipe", "step", "net", "average", "optimiser")
    try:
        state["recipe"] = Recipe(**state["recipe"])  # the first ones named no network: "field"
    except (TypeError, ValueError) as err:
        raise ValueError(f"{path}: no checkpoint of this training ({err})") from err
    return state
