"""The training loop of the published networks: epochs over patches, as a preset says.

Every step is a pure function of seed and step number, so a killed training goes on, from the end of its last epoch, to
the same curve; several processes (`torchrun`) see the batch that one would see, cut in parts.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.augment import augment
from models.importers.patches import Patch
from models.metrics import IGNORE, Confusion, confusion, pooled
from models.networks.published import Network, build
from models.patch_runs import Epoch, Run
from models.pixel_losses import parse_loss
from models.preset import Preset
from models.ranks import Ranks

log = logging.getLogger(__name__)


def fit(
    preset: Preset, train: Sequence[Patch], validation: Sequence[Patch], run: Path, *, here: Ranks,
    report: Callable[[int, int, Epoch | None], None] = lambda *_: None, board: Callable[[Epoch], None] = lambda _: None,
) -> list[Epoch]:  # fmt: skip
    """Trains as `preset` says in the folder `run`, or goes on there, and returns the history.

    `report(step, steps, last epoch)` is called after every step. ValueError: nothing to train or validate on, another
    preset's folder, a loss that became no number.
    """
    train, validation = _usable(train, preset, "train"), _usable(validation, preset, "validation")
    if preset.batch < here.world:
        raise ValueError(f"batch {preset.batch}: fewer than the {here.world} processes that share it")
    steps_per_epoch = preset.steps_per_epoch or math.ceil(len(train) / preset.batch)
    steps, feed = preset.epochs * steps_per_epoch, _Feed(train, preset, here)
    torch.manual_seed(preset.seed)
    net = build(preset.network, outputs=preset.outputs).to(here.device, memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(net.parameters(), preset.learning_rate, weight_decay=preset.weight_decay)
    scaler = torch.amp.GradScaler(enabled=here.device.type == "cuda" and preset.half_precision)
    state = Run.begin(run, preset, net=net, optimiser=optimiser, scaler=scaler)
    loss_of, wrapped = parse_loss(preset.loss), here.wrap(net)
    while len(state.history) < preset.epochs and not state.over:
        wrapped.train()
        first, total = len(state.history) * steps_per_epoch, 0.0
        for step in range(first, first + steps_per_epoch):
            for group in optimiser.param_groups:
                group["lr"] = preset.rate(step, steps)
            images, labels = feed.batch(step)
            torch.manual_seed(preset.seed * 1_000_003 + step * here.world + here.rank)  # of dropout
            with _precision(preset, here):
                logits = wrapped(images)
            loss = loss_of([x.float() for x in logits] if isinstance(logits, list) else logits.float(), labels)
            if not torch.isfinite(loss):
                raise ValueError(f"{run}: the loss became {loss.item()} in step {step}: lower the learning rate")
            optimiser.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
            total += here.sum([loss.item()])[0] / here.world
            report(step + 1, steps, state.history[-1] if state.history else None)
        here.same(net)
        measured = _validate(net, validation, preset, here)
        epoch = len(state.history) + 1
        done = Epoch(epoch, step + 1, preset.rate(step, steps), total / steps_per_epoch, *measured)
        state.add(done, write=here.first)
        board(done)
    return state.history


def predict(net: Network, images: Sequence[NDArray[np.uint8]], *, batch: int = 8) -> Iterator[NDArray[np.float32]]:
    """(outputs, H, W) probabilities per image: sigmoid of one mask, softmax of classes."""
    device = next(net.parameters()).device
    with torch.inference_mode():
        for begin in range(0, len(images), batch):
            logits = net(to_planes(np.stack(images[begin : begin + batch])).to(device)).float()
            yield from (logits.sigmoid() if net.outputs == 1 else logits.softmax(1)).cpu().numpy()


def to_planes(images: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) in [0, 1]."""
    planes = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return planes.contiguous(memory_format=torch.channels_last)


def answer(probabilities: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """(H, W) class numbers: thresholded where there is one mask, the likeliest class where there are several."""
    if len(probabilities) == 1:
        return (probabilities[0] >= threshold).astype(np.uint8)
    return probabilities.argmax(0).astype(np.uint8)


def _usable(patches: Sequence[Patch], preset: Preset, part: str) -> list[Patch]:
    """With labels as the network answers; what does not fit is counted and left out."""
    kept = [
        p for p in patches if p.image.shape == (preset.size, preset.size, 3) and p.labels.shape == p.image.shape[:2]
    ]
    if len(kept) < len(patches):
        log.warning("patches left out part=%s wrong_size=%d wanted=%d", part, len(patches) - len(kept), preset.size)
    if not kept:
        raise ValueError(
            f"no {part} patches of {preset.size} x {preset.size}: import with that size, more groups, or other shares"
        )
    if preset.outputs == 1:
        return [replace(p, labels=np.where(p.labels == IGNORE, p.labels, p.labels > 0).astype(np.uint8)) for p in kept]
    if too_high := {int(n) for p in kept for n in np.unique(p.labels)} - {*range(preset.outputs), IGNORE}:
        raise ValueError(f"{part} patches hold class {max(too_high)}, the network has {preset.outputs} outputs")
    return kept


class _Feed:
    """This rank's part of the batch of a step: patches in an order that is new in every pass, each changed by chance
    of its own, so that it does not matter who makes it."""

    def __init__(self, patches: Sequence[Patch], preset: Preset, here: Ranks) -> None:
        self._patches, self._preset, self._here = patches, preset, here
        self._empty = [p.image for p in patches if not ((p.labels > 0) & (p.labels != IGNORE)).any()]
        self._turn, self._order = -1, np.empty(0, np.int64)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """(n, 3, H, W) in [0, 1] and (n, H, W) class numbers."""
        batch, here = self._preset.batch, self._here
        made = [self._one(number) for number in range(step * batch, (step + 1) * batch)[here.share(batch)]]
        images, labels = zip(*made, strict=True)
        return to_planes(np.stack(images)).to(here.device), torch.from_numpy(np.stack(labels)).long().to(here.device)

    def _one(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        turn, place = divmod(number, len(self._patches))
        if turn != self._turn:
            self._turn = turn
            self._order = np.random.default_rng((self._preset.seed, 1, turn)).permutation(len(self._patches))
        rng = np.random.default_rng((self._preset.seed, 2, number))
        patch = self._patches[self._order[place]]
        others = [self._patches[int(rng.integers(len(self._patches)))].image]
        return augment(patch.image, patch.labels, self._preset.augmentation, rng, others, self._empty)


def _validate(net: Network, patches: Sequence[Patch], preset: Preset, here: Ranks) -> tuple[float, float, float, float]:
    """Loss, IoU, precision and recall over all ranks' shares; masks are thresholded before they are counted."""
    net.eval()
    loss_of, classes = parse_loss(preset.loss), range(1, max(2, preset.outputs))
    mine, total = list(patches)[here.share(len(patches))], 0.0
    counts: dict[int, list[Confusion]] = {k: [] for k in classes}
    with torch.inference_mode():
        for begin in range(0, len(mine), preset.batch):
            part = mine[begin : begin + preset.batch]
            labels = torch.from_numpy(np.stack([p.labels for p in part])).long().to(here.device)
            with _precision(preset, here):
                logits = net(to_planes(np.stack([p.image for p in part])).to(here.device))
            total += float(loss_of(logits.float(), labels)) * len(part)
            p = (logits.sigmoid() if preset.outputs == 1 else logits.softmax(1)).float().cpu().numpy()
            for patch, probabilities in zip(part, p, strict=True):
                for k in classes:
                    counts[k].append(confusion(patch.labels, answer(probabilities, preset.threshold), k))
    local = [total, float(len(mine))]
    for k in classes:
        local += [float(x) for x in asdict(pooled(counts[k])).values()]
    total, images, *flat = here.sum(local)
    sums = [Confusion(*(int(x) for x in flat[4 * k : 4 * k + 4])) for k in range(len(classes))]
    rates = [c.rates() for c in sums if c.tp + c.fn + c.fp]
    iou, precision, recall = (_mean([r[name] for r in rates]) for name in ("TS", "PPV", "TPR"))
    return total / max(images, 1), iou, precision, recall


def _mean(values: list[float]) -> float:
    """Of those that are numbers; nothing found and nothing there is worth 0."""
    defined = [v for v in values if not math.isnan(v)]
    return sum(defined) / len(defined) if defined else 0.0


def _precision(preset: Preset, here: Ranks) -> torch.autocast:
    """Half precision where asked for: float16 with scaled gradients on a GPU, bfloat16 on a processor."""
    kind = torch.float16 if here.device.type == "cuda" else torch.bfloat16
    return torch.autocast(here.device.type, kind, enabled=preset.half_precision)
