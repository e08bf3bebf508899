"""What became labels, and what did not and why: the card that lies beside a night's labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from edge.weaklabels.sort import Shape, Sorted

_NAMED = 50  # files; more are counted
_MEANING = """\
ADS-B says where light of an aircraft may be, not that there is any. `aircraft` is taught only where light is
found; `doubtful` (an aircraft, but not to be trusted) and `unannounced` (the network saw something) never. A person may
correct them in AnyLabeling or LabelMe; `satellite` and `meteor` are understood as well. These labels are for
`skyspotter models train --own` and `evaluate --own`: other readers would take the whole polygons for trails."""


@dataclass(slots=True)
class Card:
    night: str = ""
    frames: int = 0  # labelled
    empty: int = 0  # of them, without any polygon
    left_out: Counter[str] = field(default_factory=Counter)  # frames, by reason
    shapes: Counter[str] = field(default_factory=Counter)  # by label
    doubtful: Counter[str] = field(default_factory=Counter)  # aircraft and frames, by reason
    silent: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)  # frames, with what is wrong

    def took(self, result: Sorted) -> None:
        shapes: Iterable[Shape] = result.shapes
        self.frames, self.empty = self.frames + 1, self.empty + (not result.shapes)
        self.shapes.update(shape.label for shape in shapes)
        self.doubtful.update(result.doubtful)
        self.silent.update(result.silent)

    def text(self, damaged: Iterable[Path], unusable: int, settings: str) -> str:
        """As Markdown. Args: damaged: files of the recording that were passed over; unusable: positions."""
        damaged = sorted(damaged)
        lines = [
            f"# Weak labels of the night {self.night}", "",
            _MEANING, "",
            settings, "",
            f"{self.frames} frames labelled, {self.empty} of them without any polygon; polygons: "
            + (", ".join(f"{count} {label}" for label, count in self.shapes.most_common()) or "none") + ".", "",
        ]  # fmt: skip
        for title, counts in (
            ("Frames left out", self.left_out),
            ("Polygons that are doubtful", self.doubtful),
            ("Aircraft without a polygon, once for every frame", self.silent),
        ):
            lines += [f"| {title} | {counts.total()} |", "|---|---|"]
            lines += [f"| {why} | {count} |" for why, count in counts.most_common()] + [""]
        lines += [f"{len(damaged)} damaged files of the recording, {unusable} positions that mean nothing."]
        lines += _named([str(path) for path in damaged])
        lines += ["", f"{len(self.unreadable)} unreadable frames.", *_named(self.unreadable)]
        return "\n".join(lines) + "\n"


def _named(files: list[str]) -> list[str]:
    more = [f"- and {len(files) - _NAMED} more"] if len(files) > _NAMED else []
    return [f"- {name}" for name in files[:_NAMED]] + more
