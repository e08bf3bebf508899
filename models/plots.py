"""The only home of matplotlib: the pictures of reports and sweeps, as PNG. Nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

mpl.rcParams.update({
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25,
    "figure.dpi": 110, "legend.frameon": False,
})  # fmt: skip
INK, LOSS, OTHER = "#2b2d42", "#c1121f", "#1d7874"
COLOURS = (INK, LOSS, OTHER, "#e09f3e", "#6d597a")


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, bbox_inches="tight")
    return path


def curves(
    path: Path, epochs: Sequence[int], losses: Mapping[str, Sequence[float]], shares: Mapping[str, Sequence[float]],
    best_epoch: int,
) -> Path:  # fmt: skip
    """Losses and validation shares by epoch, the kept epoch marked."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, lines, label in zip(figure.subplots(1, 2), (losses, shares), ("loss", "validation pixels"), strict=True):
        for (name, values), colour in zip(lines.items(), (INK, LOSS, OTHER), strict=False):
            axes.plot(epochs, values, label=name, color=colour, marker="." if len(epochs) < 30 else "")
        axes.axvline(best_epoch, color="0.6", linestyle=":", label=f"best: {best_epoch}")
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
    axes.set_ylim(0, 1)
    return _save(figure, path)


def precision_recall(path: Path, lines: Mapping[str, Sequence[tuple[float, float, float]]]) -> Path:
    """Per class (threshold, precision, recall), thresholds 0.1, 0.5 and 0.9 marked."""
    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.subplots()
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        threshold, precision, recall = np.array(points).T
        axes.plot(recall, precision, color=colour, label=name)
        for mark in (0.1, 0.5, 0.9):
            k = int(np.abs(threshold - mark).argmin())
            axes.plot(recall[k], precision[k], "o", color=colour, markersize=4)
            axes.annotate(f"{threshold[k]:.1f}", (recall[k], precision[k]), xytext=(4, 4), textcoords="offset points")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    return _save(figure, path)


def gallery(
    path: Path, rows: Mapping[str, Sequence[tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_], str]]]
) -> Path:
    """Per row of a name: (image, true mask, found mask, title); true outlined in green, found in red."""
    columns = max(1, *(len(row) for row in rows.values()))
    figure = Figure(figsize=(2.1 * columns, 2.3 * len(rows)), layout="constrained")
    grid = np.atleast_2d(figure.subplots(len(rows), columns, squeeze=False))
    for line, (name, row) in zip(grid, rows.items(), strict=True):
        for axes in line:
            axes.set_axis_off()
        if not row:
            line[0].text(0.5, 0.5, "none", ha="center", va="center", transform=line[0].transAxes)
        for axes, (image, true, found, title) in zip(line, row, strict=False):
            axes.imshow(image)
            for mask, colour in ((true, "#4cc9a0"), (found, "#ff4d4d")):
                if mask.any() and not mask.all():
                    axes.contour(mask, [0.5], colors=colour, linewidths=0.8)
            axes.set_title(title, fontsize=7)
        line[0].text(
            -0.06, 0.5, name, rotation=90, ha="right", va="center", transform=line[0].transAxes, fontweight="bold"
        )
    figure.suptitle("outlined: green drawn, red found", fontsize=8)
    return _save(figure, path)


def sweep(path: Path, rates: Sequence[float], batches: Sequence[int], best: NDArray[np.float64], title: str) -> Path:
    """(rates, batches) best validation IoU, NaN where a training failed."""
    figure = Figure(figsize=(1.6 + 1.1 * len(batches), 1.2 + 0.7 * len(rates)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(best, cmap="viridis", vmin=0, vmax=max(1e-6, float(np.nanmax(np.nan_to_num(best)))), aspect="auto")
    axes.set_xticks(range(len(batches)), [str(b) for b in batches])
    axes.set_yticks(range(len(rates)), [f"{r:g}" for r in rates])
    axes.set(xlabel="batch", ylabel="learning rate", title=title)
    axes.grid(visible=False)
    for (row, column), value in np.ndenumerate(best):
        text = "failed" if np.isnan(value) else f"{value:.3f}"
        axes.text(column, row, text, ha="center", va="center", color="white",
                  bbox={"facecolor": "black", "alpha": 0.35, "linewidth": 0, "pad": 2})  # fmt: skip
    return _save(figure, path)


def found_against_false(path: Path, tables: Mapping[str, Sequence[tuple[float, float, float]]]) -> Path:
    """Per table (threshold, recall, false trails per image)."""
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    axes = figure.subplots()
    for (name, points), colour in zip(tables.items(), COLOURS, strict=False):
        threshold, recall, false = np.array(points).T
        axes.plot(false, recall, ".-", color=colour, label=name)
        k = int(np.abs(threshold - 0.5).argmin())
        axes.plot(false[k], recall[k], "o", color=colour, markersize=7, fillstyle="none")
    axes.set(xlabel="false trails per image", ylabel="trails found", ylim=(0, 1.02))
    axes.set_xlim(left=0)
    axes.legend(title="circle: threshold 0.5")
    return _save(figure, path)


def shares(
    path: Path, groups: Sequence[str], lines: Mapping[str, Sequence[tuple[int, int, float, float]]], label: str
) -> Path:
    """Per line and group (found, of, and the interval's ends): bars side by side, the interval as a whisker."""
    figure = Figure(figsize=(max(4.0, 1.1 + 0.5 * len(groups) * len(lines)), 3.2), layout="constrained")
    axes, width = figure.subplots(), 0.8 / len(lines)
    for k, ((name, cells), colour) in enumerate(zip(lines.items(), COLOURS, strict=False)):
        found, of, low, high = np.array(cells, float).T
        share, known = found / np.maximum(of, 1), of > 0
        at = np.arange(len(groups)) + (k - (len(lines) - 1) / 2) * width
        axes.bar(at, share, width * 0.92, color=colour, label=name)
        reach = np.clip([share - low, high - share], 0, 1)[:, known]
        axes.errorbar(at[known], share[known], yerr=reach, fmt="none", ecolor="0.55", elinewidth=1, capsize=2)
        for x, n, height in zip(at, of, share, strict=True):
            axes.text(x, 0.01, f"{n:.0f}", ha="center", va="bottom", color="white" if height > 0.1 else INK, fontsize=6)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set(xlabel=label, ylabel="traces detected", ylim=(0, 1.02))
    axes.grid(visible=False, axis="x")
    figure.legend(loc="outside upper left", ncols=3, title="number within a bar: traces; whisker: 95 %")
    return _save(figure, path)


def matrices(path: Path, tables: Mapping[str, tuple[Sequence[str], Sequence[str], NDArray[np.int64]]]) -> Path:
    """Per title (names of rows, names of columns, counts): coloured by the share of the row, with the counts."""
    widest = max(len(columns) for _, columns, _ in tables.values())
    figure = Figure(figsize=((1.6 + 0.75 * widest) * len(tables), 3.0), layout="constrained")
    for axes, (title, (rows, columns, counts)) in zip(
        figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True
    ):
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(columns)), list(columns), rotation=30, ha="right")
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_title(title, fontsize=9)
        axes.grid(visible=False)
        for (row, column), value in np.ndenumerate(counts):
            colour = "white" if share[row, column] > 0.5 else INK
            text = f"{value}\n{share[row, column]:.0%}" if value else "0"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
    return _save(figure, path)


def strata(path: Path, shares: Mapping[str, tuple[int, int]]) -> Path:
    """Per group (labelled, found): how much of it was found."""
    figure = Figure(figsize=(6, 0.6 + 0.3 * len(shares)), layout="constrained")
    axes = figure.subplots()
    names = list(shares)
    axes.barh(names, [found / max(of, 1) for of, found in shares.values()], color=OTHER)
    for k, (of, found) in enumerate(shares.values()):
        axes.text(0.01, k, f"{found} of {of}", va="center", color="white" if found > 0.25 * of else INK, fontsize=8)
    axes.set(xlabel="found", xlim=(0, 1))
    axes.invert_yaxis()
    return _save(figure, path)
