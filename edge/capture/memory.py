"""The climb on file: a fresh process goes on where the one before it ended, counters included.

In the runtime directory, which no boot outlives, so that CLOCK_MONOTONIC still means the same. A file that is damaged
or from the future is no memory: the climb then begins at the foot.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from camera.whole import write_whole
from edge.capture.ladder import Climb


@dataclass(frozen=True)
class Memory:
    """What outlives the process."""

    climb: Climb = Climb()
    counters: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    last_frame_mono_s: float | None = None  # end of the last good exposure


_MEMORY = TypeAdapter(Memory)


def recall(path: Path) -> Memory:
    try:
        memory = _MEMORY.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Memory()
    now_mono_s = time.monotonic()
    # A step may be planned for a moment after now, never for one further ahead than an hour.
    # NaN compares false to anything.
    told = [*(mono_s for _, mono_s in memory.climb.used), memory.climb.well_since_mono_s, memory.last_frame_mono_s]
    if any(mono_s is not None and not abs(mono_s) <= now_mono_s + 3600 for mono_s in told):
        return Memory()
    return memory


def remember(path: Path, climb: Climb, counters: Counter[str], last_frame_mono_s: float | None = None) -> None:
    """Raises OSError when the runtime directory is full or gone."""
    write_whole(path, _MEMORY.dump_json(Memory(climb, dict(counters), last_frame_mono_s)), durable=False)
