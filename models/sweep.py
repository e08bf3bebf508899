"""Learning rate against batch size, every pair trained by the same recipe: {1e-5, 1e-4, 1e-3} x {16, 32, 64} in Yebes
IT-CDT 2023-08. A killed sweep goes on where it was; a training that fails is a result."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models import plots
from models.importers.patches import Patch
from models.preset import Preset
from models.ranks import Ranks
from models.train_patches import Epoch, fit

log = logging.getLogger(__name__)
RATES, BATCHES = (1e-5, 1e-4, 1e-3), (16, 32, 64)


def sweep(
    preset: Preset, train: Sequence[Patch], validation: Sequence[Patch], folder: Path, *, here: Ranks,
    rates: Sequence[float] = RATES, batches: Sequence[int] = BATCHES,
    report: Callable[[str, list[Epoch]], None] = lambda *_: None,
) -> Path:  # fmt: skip
    """Writes sweep.json and sweep.png into `folder`, one run folder per pair below it; returns sweep.png."""
    best = np.full((len(rates), len(batches)), np.nan)
    results = []
    for row, rate in enumerate(rates):
        for column, batch in enumerate(batches):
            name = f"rate{rate:g}-batch{batch}"
            try:
                chosen = preset.changed(learning_rate=rate, batch=batch)
                history = fit(chosen, train, validation, folder / name, here=here)
            except ValueError as why:
                log.warning("sweep pair=%s failed=%s", name, why)
                results.append({"learning_rate": rate, "batch": batch, "failed": str(why)})
                continue
            top = max(history, key=lambda e: e.iou)
            best[row, column] = top.iou
            results.append({"learning_rate": rate, "batch": batch, "best": asdict(top), "epochs": len(history)})
            report(name, history)
    title = f"{preset.network}: best validation IoU of {preset.epochs} epochs"
    if here.first:
        (folder / "sweep.json").write_text(json.dumps({"preset": preset.model_dump(), "pairs": results}, indent=1))
        plots.sweep(folder / "sweep.png", rates, batches, best, title)
    return folder / "sweep.png"
