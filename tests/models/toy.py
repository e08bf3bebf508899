"""A network and patches so small that a training takes a second; `python -m tests.models.toy RUN` trains them, alone
or under torchrun."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from models.importers.patches import Patch

TOY = "toy"
RECIPE = {
    "network": TOY, "loss": "bce", "size": 32, "batch": 4, "epochs": 4, "learning_rate": 1e-2,
    "augmentation": {"flip_horizontal": True, "gamma": 0.2, "noise": 0.02},
}  # fmt: skip


def toy_patches(count: int = 12, seed: int = 1, classes: int = 1) -> list[Patch]:
    """Bright lines on a dark noisy ground, every third patch without any."""
    rng = np.random.default_rng(seed)
    patches = []
    for k in range(count):
        image = rng.normal(40, 6, (32, 32, 3)).clip(0, 255).astype(np.uint8)
        labels = np.zeros((32, 32), np.uint8)
        if k % 3:
            ends = [tuple(int(v) for v in rng.integers(2, 30, 2)) for _ in range(2)]
            cv2.line(image, *ends, (220, 220, 200), 3)
            cv2.line(labels, *ends, 1 + k % classes, 3)
        patches.append(Patch(image, labels, str(k // 3), f"{k}.png"))
    return patches


def register(dropout: float = 0.0) -> None:
    from models.networks import published

    published.NETWORKS[TOY] = partial(published._plain, 4, 2, dropout)


def main() -> None:
    from models.preset import Preset
    from models.ranks import ranks
    from models.train_patches import fit

    register()
    with ranks("cpu") as here:
        fit(Preset(**RECIPE), toy_patches(), toy_patches(5, 2), Path(sys.argv[1]), here=here)


if __name__ == "__main__":
    main()
