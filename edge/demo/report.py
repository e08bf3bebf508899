"""The summary as people read it at the end of the demo: what became of every aircraft, what was asked, the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edge.demo.items import Item, Summary


def report(summary: Summary) -> Iterator[RenderableType]:
    """Renderables in order, for `console.print`."""
    aircraft = Table(title="Every aircraft of the night", title_justify="left", box=box.SIMPLE_HEAD)
    for name, right in (("aircraft", False), ("top", True), ("heard", True), ("error", True), ("seen in", True)):
        aircraft.add_column(name, justify="right" if right else "left", no_wrap=True)
    aircraft.add_column("beam", justify="right", no_wrap=True)
    aircraft.add_column("called", overflow="fold")
    for row in summary.aircraft:
        aircraft.add_row(
            row.name,
            f"{row.highest_deg:.0f}°",
            f"{row.heard_s:.0f}/{row.heard_of_s:.0f} s" if row.transponder else "silent",
            "-" if row.error_deg is None else f"{row.error_deg:.2f}°",
            f"{row.seen_frames}/{row.seen_of_frames}" if row.seen_of_frames else "-",
            f"{row.nearest_deg:.1f}°",
            row.named,
        )
    yield aircraft
    items = Table(title="What was asked of the station", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("", "asked", "found"):
        items.add_column(name, overflow="fold")
    for item in summary.items:
        items.add_row(_mark(item), item.name, item.found if item.passed is not None else f"{item.found} (not asked)")
    yield items
    asked = sum(item.passed is not None for item in summary.items)
    if summary.passed:
        yield Text(f"PASSED: all {asked} asked", "bold green")
    else:
        yield Text(f"MISSED {len(summary.missed)} of {asked}: " + "; ".join(summary.missed), "bold red")


def _mark(item: Item) -> Text:
    if item.passed is None:
        return Text("·", "dim")
    return Text("✓", "bold green") if item.passed else Text("✗", "bold red")
