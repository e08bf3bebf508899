"""What the station wrote during a run, read back for the summary: judged frames, tracks, safety messages.

The writer is `edge/vision/journal.py`. A last line cut off by a crash is left out; a damaged one is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
class Sightings:
    """All objects of all lines of `tracks.jsonl`, in order of time: N rows."""

    utc_ns: NDArray[np.int64]  # (N,) sky time of the line
    unit_enu: NDArray[np.float64]  # (N, 3)
    by_camera: NDArray[np.bool_]  # (N,)
    by_radio: NDArray[np.bool_]  # (N,)
    id: tuple[str, ...]
    identity: tuple[str, ...]
    label: tuple[str, ...]
    range_m: NDArray[np.float64]  # (N,) not-a-number where nobody knows

    def where(self, test: Callable[[int], bool]) -> NDArray[np.bool_]:
        """(N,) rows for which the test of their number holds."""
        return np.fromiter((test(row) for row in range(len(self.id))), bool, len(self.id))


@dataclass(frozen=True)
class Journals:
    """Lines as written; empty where a file is absent. `sky_utc_ns` of each is when it was published."""

    detections: Sequence[Line] = ()
    tracks: Sequence[Line] = ()
    safety: Sequence[Line] = ()
    sky: Sequence[Line] = ()

    def sightings(self) -> Sightings:
        rows = [(int(line["sky_utc_ns"]), o) for line in self.tracks for o in line["tracks"] or ()]
        azel = np.array([(o["azimuth_deg"], o["elevation_deg"]) for _, o in rows], dtype=float).reshape(-1, 2)
        return Sightings(
            np.array([utc_ns for utc_ns, _ in rows], dtype=np.int64),
            azel_to_unit(azel[:, 0], azel[:, 1]),
            np.array(["camera" in o["senses"] for _, o in rows], dtype=bool),
            np.array(["radio" in o["senses"] for _, o in rows], dtype=bool),
            tuple(str(o["id"]) for _, o in rows),
            tuple(str(o["identity"]) for _, o in rows),
            tuple(str(o["label"]) for _, o in rows),
            np.array([o["range_m"] if o["range_m"] is not None else np.nan for _, o in rows], dtype=float),
        )


def read_journals(directory: Path) -> Journals:
    """Raises JournalUnreadable."""
    return Journals(*(_lines(directory / f"{name}.jsonl") for name in ("detections", "tracks", "safety", "sky")))


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
