"""The full confusion-matrix set, per class and per image, and its distribution over images. Torch-free and pure.

Definitions as in Fawcett 2006, Pattern Recognition Letters 27, 861 (table of section 2). Probabilities become masks by
a threshold *before* anything is counted: an overlap of unthresholded probabilities stays where it is while the mask
improves. A rate whose denominator is empty is NaN: not counted, never 0 or 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IGNORE = 255


@dataclass(frozen=True)
class Confusion:
    """Pixels of one class against all others."""

    tp: int
    fn: int
    fp: int
    tn: int

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.tp + other.tp, self.fn + other.fn, self.fp + other.fp, self.tn + other.tn)

    def rates(self) -> dict[str, float]:
        """Every figure by its customary short name."""
        tp, fn, fp, tn = self.tp, self.fn, self.fp, self.tn
        tpr, fpr = _share(tp, tp + fn), _share(fp, fp + tn)
        fnr, tnr = _share(fn, tp + fn), _share(tn, fp + tn)
        return {
            "TP": tp, "FN": fn, "FP": fp, "TN": tn, "P": tp + fn, "N": fp + tn, "PP": tp + fp, "PN": fn + tn,
            "TPR": tpr, "FNR": fnr, "FPR": fpr, "TNR": tnr,
            "PPV": _share(tp, tp + fp), "FDR": _share(fp, tp + fp),
            "FOR": _share(fn, fn + tn), "NPV": _share(tn, fn + tn),
            "LR+": _share(tpr, fpr), "LR-": _share(fnr, tnr),
            "prevalence": _share(tp + fn, tp + fn + fp + tn), "ACC": _share(tp + tn, tp + fn + fp + tn),
            "BA": (tpr + tnr) / 2, "TS": _share(tp, tp + fn + fp), "F1": _share(2 * tp, 2 * tp + fn + fp),
        }  # fmt: skip

    @property
    def iou(self) -> float:
        """Intersection over union: Jaccard index, threat score, all the same."""
        return _share(self.tp, self.tp + self.fn + self.fp)


def mask_of(probabilities: NDArray[np.floating], threshold: float = 0.5) -> NDArray[np.bool_]:
    """The mask that is counted. NaN is refused: compared with a threshold it would be an empty sky."""
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities that are no numbers cannot be counted")
    return np.asarray(probabilities >= threshold)


def confusion(truth: NDArray[np.integer], found: NDArray[np.integer | np.bool_], class_number: int = 1) -> Confusion:
    """Class numbers or masks of one shape; pixels of `truth` that are IGNORE are left out."""
    if truth.shape != found.shape:
        raise ValueError(f"truth {truth.shape} and answer {found.shape} differ in shape")
    if np.issubdtype(found.dtype, np.floating):
        raise ValueError("probabilities were given where a mask belongs: threshold them first (mask_of)")
    known = truth != IGNORE
    true, told = (truth == class_number) & known, (np.asarray(found) == class_number) & known
    tp, p, pp, every = (int(np.count_nonzero(x)) for x in (true & told, true, told, known))
    return Confusion(tp=tp, fn=p - tp, fp=pp - tp, tn=every - p - pp + tp)


def of_classes(truth: NDArray[np.integer], found: NDArray[np.integer], classes: Sequence[str]) -> dict[str, Confusion]:
    return {name: confusion(truth, found, number) for number, name in enumerate(classes)}


@dataclass(frozen=True)
class Spread:
    """How one figure is distributed over images; `images` counts those where it is defined."""

    images: int
    mean: float
    low: float  # 5 %
    median: float
    high: float  # 95 %


def per_image(images: Sequence[Confusion]) -> Mapping[str, Spread]:
    """The distribution of every rate over images."""
    rates = [image.rates() for image in images]
    spreads = {}
    for name in Confusion(0, 0, 0, 0).rates():
        values = np.array([rate[name] for rate in rates], float)
        values = values[np.isfinite(values)]
        low, median, high = np.percentile(values, [5, 50, 95]) if len(values) else (np.nan,) * 3
        mean = values.mean() if len(values) else np.nan
        spreads[name] = Spread(len(values), float(mean), float(low), float(median), float(high))
    return spreads


def pooled(images: Sequence[Confusion]) -> Confusion:
    return sum(images, Confusion(0, 0, 0, 0))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
