"""What the simulated laser really did, passed from the interlock to the renderer through a small file.

The scenario says when the operators want to lase; the interlock fires only while its permit lives. So that pictures
show the beam that was fired, the interlock keeps a file of intervals in the scenario's seconds, and the camera's
simulator reads it: one `on off` pair a line, `off` infinite while the laser is on. No file: it has not fired yet.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

Intervals = tuple[tuple[float, float], ...]
LASER_FILE = "sim-laser"  # in the directory where the processes of one station meet


def write_intervals(path: Path, intervals: Sequence[tuple[float, float]]) -> None:
    """Replace the file in one step; an interval that lasts ends at infinity."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text("".join(f"{on:.3f} {off:.3f}\n" for on, off in intervals), encoding="ascii")
    part.replace(path)


def read_intervals(path: Path) -> Intervals:
    """The intervals so far, seconds after the scenario's epoch. Raises ValueError naming the file."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return ()
    try:
        return tuple((float(on), float(off)) for on, off in (line.split() for line in lines))
    except ValueError as err:
        raise ValueError(f"{path}: not a list of laser intervals: {err}") from err
