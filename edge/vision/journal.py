"""What a replay or a demo leaves on disk, one JSON object a line.

Lines are appended whole and flushed, so a crash costs at most an unfinished last line, which the next run removes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from camera.device import Frame
from models.contract import Trail


class Journal:
    """Append-only `<name>.jsonl` files in one folder. One writer per file; call from one thread, or lock outside."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, IO[str]] = {}

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = (self.directory / f"{name}.jsonl").open("a", encoding="utf-8")
        file.write(json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n")
        file.flush()

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


def detection_record(frame: Frame, name: str, trails: Sequence[Trail]) -> dict[str, Any]:
    """The line of `detections.jsonl`: 0-based x, y of the stored image (design: Interfaces)."""
    return {
        "file": name,
        "width": frame.width,
        "height": frame.height,
        "trails": [
            {
                "class": trail.trail_class,
                "score": round(float(trail.score), 4),
                "polyline_px": np.round(trail.polyline_px, 2).tolist(),
            }
            for trail in trails
        ],
    }
