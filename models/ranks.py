"""One process, or several started by `torchrun`: who am I, and what do all of us together count.

Gradients are averaged by DistributedDataParallel (NCCL on GPUs, gloo on processors); counts are summed here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed

PATIENCE = timedelta(minutes=10)  # a rank that is this late is gone


@dataclass(frozen=True)
class Ranks:
    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        return self.rank == 0

    def sum(self, values: list[float]) -> list[float]:
        """The sums over all ranks, in double precision."""
        if self.world == 1:
            return values
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        tensor = torch.tensor(values, dtype=kind, device=self.device)
        distributed.all_reduce(tensor)
        return [float(value) for value in tensor]

    def share(self, count: int) -> slice:
        """The part of `count` things that is this rank's, all parts together being all of them."""
        return slice(self.rank * count // self.world, (self.rank + 1) * count // self.world)

    def same(self, net: torch.nn.Module) -> None:
        """Every rank's running means of normalisation become the first one's, which are the ones that are kept."""
        if self.world > 1:
            for buffer in net.buffers():
                distributed.broadcast(buffer, 0)

    def wrap(self, net: torch.nn.Module) -> torch.nn.Module:
        if self.world == 1:
            return net
        here = [self.device.index] if self.device.type == "cuda" else None
        return torch.nn.parallel.DistributedDataParallel(net, device_ids=here)


@contextmanager
def ranks(device: str = "auto") -> Iterator[Ranks]:
    """As `torchrun` set the environment; without it, one process. ValueError for a device that is not there."""
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device {device!r}: auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda: no GPU that this PyTorch can use; use --device cpu")
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    gpu = device != "cpu" and torch.cuda.is_available()
    where = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(where)
    if world == 1:
        yield Ranks(0, 1, where)
        return
    distributed.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    try:
        yield Ranks(rank, world, where)
    finally:
        distributed.destroy_process_group()
