"""Tables as columns of text for a terminal or as Markdown, and the two files of a report."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Grid:
    """The first column holds what a row is about."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        every = [self.heads, *self.rows]
        widths = [max(len(row[k]) for row in every) for k in range(len(self.heads))]
        lines = [
            "  ".join(cell.ljust(width) if k == 0 else cell.rjust(width) for k, (cell, width) in enumerate(cells))
            for cells in (list(zip(row, widths, strict=True)) for row in every)
        ]
        return "\n".join([self.title, *(f"  {line}".rstrip() for line in lines)])

    def markdown(self) -> list[str]:
        rule = "|---" * len(self.heads) + "|"
        return [
            f"## {self.title}", "", _row(self.heads), rule, *(_row(row) for row in self.rows), "",
        ]  # fmt: skip


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write_report(folder: Path, lines: Sequence[str], facts: Mapping[str, Any]) -> Path:
    """report.json and report.md, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(plain(facts), indent=1))
    (folder / "report.md").write_text("\n".join(lines).rstrip() + "\n")
    return folder / "report.md"


def plain(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
