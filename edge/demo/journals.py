"""What the station wrote during a run, read back for the summary: judged frames, tracks, safety messages.

The writer is `edge/vision/journal.py`. A last line cut off by a crash is left out; a damaged one is named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import azel_to_unit

Line = Mapping[str, Any]


class JournalUnreadable(Exception):
    """A journal has a damaged line; the message names file and line."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One object in one line of `tracks.jsonl`."""

    utc_ns: int
    id: str
    identity: str
    label: str
    senses: tuple[str, ...]
    unit_enu: NDArray[np.float64]  # (3,)
    range_m: float | None


@dataclass(frozen=True)
class Journals:
    """Lines as written; empty where a file is absent."""

    detections: Sequence[Line] = ()
    tracks: Sequence[Line] = ()
    safety: Sequence[Line] = ()

    def seen(self) -> list[Seen]:
        """All objects of all track lines, in order of time."""
        return [
            Seen(
                int(line["utc_ns"]),
                str(o["id"]),
                str(o["identity"]),
                str(o.get("label") or ""),
                tuple(o.get("senses", ())),
                azel_to_unit(o["azimuth_deg"], o["elevation_deg"]),
                o.get("range_m"),
            )
            for line in self.tracks
            for o in line["objects"] or ()
        ]


def read_journals(directory: Path) -> Journals:
    """Raises JournalUnreadable."""
    return Journals(*(_lines(directory / f"{name}.jsonl") for name in ("detections", "tracks", "safety")))


def _lines(path: Path) -> list[Line]:
    if not path.exists():
        return []
    data = path.read_text(encoding="utf-8")
    lines: list[Line] = []
    for number, text in enumerate(data[: data.rfind("\n") + 1].splitlines(), 1):
        try:
            line = json.loads(text)
            if not isinstance(line, dict):
                raise ValueError("not an object")
        except ValueError as err:
            raise JournalUnreadable(f"{path}: line {number}: {err}") from err
        lines.append(line)
    return lines
