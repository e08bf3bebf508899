"""`skyspotter night`: the pictures of a whole night by hand; the recorder starts the same command at dawn."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from camera.plate import load_plate
from camera.store.nightbook import Wanted, build


class NightRefused(Exception):
    """No pictures; why, and what to do."""


def night(
    folder: Path, out: Path, *, keogram: bool, timelapse: bool, startrail: bool, enhanced: bool, plate: Path | None
) -> int:
    """Exit code: 0. Raises NightRefused, PlateRefused."""
    every = not (keogram or timelapse or startrail)
    if not folder.is_dir():
        raise NightRefused(f"{folder}: is no folder; give one that holds the frames of a night")
    try:
        lens = None if plate is None else load_plate(plate)
        wanted = Wanted(keogram or every, timelapse or every, startrail or every, enhanced)
        summary = build(folder, out, wanted, plate=lens)
    except (ValueError, OSError) as err:
        raise NightRefused(str(err)) from err
    unreadable = f", {summary.unreadable} unreadable" if summary.unreadable else ""
    if summary.frames:
        Console().print(f"{summary.frames} frames{unreadable}, {summary.first_utc or '?'} to {summary.last_utc or '?'}")
    for name in summary.made:
        Console().print(f"  {out / name}")
    return 0
