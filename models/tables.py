"""One table: columns of text for a terminal, or Markdown for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
