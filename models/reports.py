"""The report of a training: its best network on the patches it was validated with, as Markdown and JSON side by side,
with pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import plots
from models.importers.patches import Patch
from models.metrics import IGNORE, Confusion, confusion, per_image, pooled
from models.patch_runs import load_best
from models.preset import Preset
from models.tables import write_report
from models.train_patches import answer, predict

THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(1, 20))
SHOWN = ("TPR", "PPV", "F1", "TS", "FPR", "ACC", "BA", "prevalence")  # in Markdown; JSON has them all
PICTURES = 5  # per row of the gallery


def of_run(run: Path, patches: Sequence[Patch], classes: Sequence[str]) -> Path:
    """Writes report.md, report.json and the pictures into `run`; returns report.md."""
    net, preset, history = load_best(run)
    probabilities = list(predict(net, [p.image for p in patches]))
    truths = [_truth(p, preset) for p in patches]
    answers = [answer(p, preset.threshold) for p in probabilities]
    names = ["labelled"] if preset.outputs == 1 else list(classes[1 : preset.outputs])
    counts = {
        name: [confusion(t, a, number) for t, a in zip(truths, answers, strict=True)]
        for number, name in enumerate(names, 1)
    }
    curve = {name: _curve(truths, probabilities, number) for number, name in enumerate(names, 1)}
    best = max(history, key=lambda e: -e.validation_loss if preset.monitor == "loss" else e.iou)
    plots.curves(
        run / "curves.png", [e.epoch for e in history],
        {"training": [e.loss for e in history], "validation": [e.validation_loss for e in history]},
        {"IoU": [e.iou for e in history], "precision": [e.precision for e in history],
         "recall": [e.recall for e in history]}, best.epoch,
    )  # fmt: skip
    plots.precision_recall(run / "precision_recall.png", curve)
    plots.gallery(run / "gallery.png", _gallery(patches, truths, answers))
    facts = {
        "preset": preset.model_dump(), "best": asdict(best), "patches": len(patches), "epochs": len(history),
        "classes": {name: {"pooled": pooled(c).rates(), "per_image": {k: asdict(v) for k, v in
                    per_image(c).items()}, "curve": curve[name]} for name, c in counts.items()},
    }  # fmt: skip
    lines = [
        f"# {preset.network}, {preset.loss}", "",
        f"{len(history)} epochs of {preset.epochs}, batch {preset.batch}, learning rate {preset.learning_rate:g}; best "
        f"epoch {best.epoch}. {len(patches)} validation patches of {preset.size} x {preset.size}, masks thresholded at "
        f"{preset.threshold} before counting.", "",
        "| class | pixels | " + " | ".join(SHOWN) + " |", "|---" * (len(SHOWN) + 2) + "|",
        *(line for name, c in counts.items() for line in _rows(name, c)), "",
        "Per image: median, and 5 to 95 % of the images where the figure is defined.", "",
        *(f"![{name}]({name}.png)" for name in ("curves", "precision_recall", "gallery")), "",
    ]  # fmt: skip
    return write_report(run, lines, facts)


def _truth(patch: Patch, preset: Preset) -> NDArray[np.uint8]:
    if preset.outputs > 1:
        return patch.labels
    return np.where(patch.labels == IGNORE, patch.labels, patch.labels > 0).astype(np.uint8)


def _curve(
    truths: Sequence[NDArray[np.uint8]], probabilities: Sequence[NDArray[np.float32]], number: int
) -> list[tuple[float, float, float]]:
    """(threshold, precision, recall) of one class; nothing found at all is a precision of 1."""
    points = []
    for threshold in THRESHOLDS:
        counts: list[Confusion] = []
        for truth, p in zip(truths, probabilities, strict=True):
            mine = p[0] if len(p) == 1 else p[number]
            true = np.where(truth == IGNORE, truth, truth == number).astype(np.uint8)
            counts.append(confusion(true, (mine >= threshold).astype(np.uint8)))
        rates = pooled(counts).rates()
        precision, recall = (rates[k] for k in ("PPV", "TPR"))
        points.append((threshold, 1.0 if math.isnan(precision) else precision, 0.0 if math.isnan(recall) else recall))
    return points


def _gallery(
    patches: Sequence[Patch], truths: Sequence[NDArray[np.uint8]], answers: Sequence[NDArray[np.uint8]]
) -> Mapping[str, list[tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_], str]]]:
    """The best hits, the most missed pixels, the most false ones."""
    all_of = []
    for patch, truth, found in zip(patches, truths, answers, strict=True):
        true, told = (truth > 0) & (truth != IGNORE), (found > 0) & (truth != IGNORE)
        c = confusion(true.astype(np.uint8), told.astype(np.uint8))
        all_of.append((c, (patch.image, true, told, patch.file)))
    hits = sorted((x for x in all_of if x[0].tp), key=lambda x: -x[0].iou)[:PICTURES]
    missed = sorted((x for x in all_of if x[0].fn), key=lambda x: -x[0].fn)[:PICTURES]
    false = sorted((x for x in all_of if x[0].fp), key=lambda x: -x[0].fp)[:PICTURES]
    return {
        "hits": [(*rest[:3], f"{rest[3]}\nIoU {c.iou:.2f}") for c, rest in hits],
        "misses": [(*rest[:3], f"{rest[3]}\n{c.fn} px missed") for c, rest in missed],
        "false alarms": [(*rest[:3], f"{rest[3]}\n{c.fp} px false") for c, rest in false],
    }


def _rows(name: str, counts: list[Confusion]) -> list[str]:
    whole, spread = pooled(counts).rates(), per_image(counts)
    number = lambda x: "-" if math.isnan(x) else f"{x:.3f}"  # noqa: E731
    images = [f"{number(s.median)} ({number(s.low)} to {number(s.high)})" for s in (spread[k] for k in SHOWN)]
    return [
        f"| {name} | all | " + " | ".join(number(whole[k]) for k in SHOWN) + " |",
        f"| {name} | per image | " + " | ".join(images) + " |",
    ]
