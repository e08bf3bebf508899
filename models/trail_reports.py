"""The reports of `evaluate` and `study`: trails found, missed and invented, as Markdown, JSON and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from models import plots
from models.contract import CLASSES
from models.cutouts import Gallery
from models.evaluate import TOLD, Table, wilson
from models.study import EDGES, ELEVATION, NAMES, PEAK, STEADY, TRUTHS, Study, StudyFrame, Verdict, grids, span
from models.tables import Grid, write_report

PICTURES = {ELEVATION: "elevation.png", STEADY: "steady_snr.png", PEAK: "peak_snr.png"}


def of_study(
    into: Path, studies: Sequence[Study], galleries: Mapping[str, Gallery], settings: Mapping[str, Any]
) -> Path:
    """Returns report.md."""
    into.mkdir(parents=True, exist_ok=True)
    for group, file in PICTURES.items():
        bins = list(pairwise(EDGES[group]))
        cells = {s.title: [_with_interval(*s.share(low, high, group)) for low, high in bins] for s in studies}
        plots.shares(into / file, [span(low, high) for low, high in bins], cells, group)
    counts = {s.title: np.array([[s.confusion[t, n] for n in NAMES] for t in TRUTHS], np.int64) for s in studies}
    plots.matrices(into / "confusion.png", {title: (TRUTHS, NAMES, matrix) for title, matrix in counts.items()})
    lines = ["# The published study's percentages on rendered traffic", "", _listed(settings), ""]
    for grid in grids(studies):
        lines += grid.markdown()
    lines += [f"![]({file})" for file in (*PICTURES.values(), "confusion.png")] + [""]
    lines += _galleries(into, galleries)
    return write_report(into, lines, {"settings": settings, "networks": [s.facts() for s in studies]})


def show_study(gallery: Gallery, seen: StudyFrame, verdict: Verdict) -> None:
    """Offers every counted trace, and every false detection."""
    true, found = [trail.polyline_px for trail in seen.truth], [trail.polyline_px for trail in verdict.kept]
    for trail, high_deg, counted, named in zip(
        seen.truth, seen.elevation_deg, seen.counted, verdict.named, strict=True
    ):
        if counted:
            words = f"{seen.name}\n{high_deg:.0f} deg, SNR {trail.line_snr:.1f}, peak {trail.peak_snr:.0f}"
            gallery.offer("misses" if named == "missed" else "hits", seen.frame, trail.polyline_px, true, found, words)
    for detection, kind in zip(verdict.kept, verdict.kinds, strict=True):
        if kind == "false":
            words = f"{seen.name}\n{detection.trail_class} {detection.score:.2f}"
            gallery.offer("false alarms", seen.frame, detection.polyline_px, true, found, words)


def of_evaluation(into: Path, tables: Sequence[Table], galleries: Mapping[str, Gallery], *, at: float) -> Path:
    """Returns report.md."""
    into.mkdir(parents=True, exist_ok=True)
    plots.found_against_false(into / "found_against_false.png", {t.title: t.points() for t in tables})
    rows = [
        [t.title, str(t.images), str(t.labelled), f"{found:.3f}", f"{false:.3f}"]
        for t in tables
        for threshold, found, false in t.points()
        if threshold == at
    ]
    heads = ["pictures", "images", "labelled", "found", "false per image"]
    lines = ["# Trails found, trails invented", "", *Grid(f"At threshold {at:.2f}", heads, rows).markdown()]
    lines += ["![found](found_against_false.png)", ""]
    groups = {f"{t.title}: {name}": counts for t in tables for name, counts in sorted(t.by_stratum.items())}
    if groups:
        plots.strata(into / "strata.png", {name: (of, found) for name, (of, found) in groups.items()})
        lines += ["![groups](strata.png)", ""]
    if pixels := {f"{t.title}: pixels": (TOLD, CLASSES, t.pixels) for t in tables if t.pixels.any()}:
        plots.matrices(into / "pixels.png", pixels)
        lines += ["![pixels](pixels.png)", ""]
    for t in tables:
        lines += [f"- {t.title}: {name}: {n}" for name, n in sorted(t.named.items())]
        lines += [f"- {t.title}: missed in {name}: {n}" for name, n in t.missed_in.items()]
        lines += [f"- {t.title}: false in {name}: {n}" for name, n in t.false_in.items()]
        lines += [f"- {t.title}: unreadable: {name}" for name in t.unreadable]
    return write_report(into, [*lines, "", *_galleries(into, galleries)], {"tables": [t.facts(at) for t in tables]})


def _galleries(into: Path, galleries: Mapping[str, Gallery]) -> list[str]:
    lines = []
    for number, (title, gallery) in enumerate(galleries.items(), 1):
        file = f"gallery-{number}.png"
        plots.gallery(into / file, gallery.rows)
        counts = ", ".join(f"{gallery.offered.get(row, 0)} {row}" for row in gallery.rows)
        lines += [f"## {title}: {counts}; some of each", "", f"![{title}]({file})", ""]
    return lines


def _with_interval(found: int, of: int) -> tuple[int, int, float, float]:
    return found, of, *wilson(found, of)


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) + "."
