"""What somebody at the box says to the judgement, and what must survive its restart: small files in private places.

    hold                 an operator's hold, its words inside; present = held
    release-<code>       the laser safety officer releases one latched fault, who did it inside; taken once
    latched.json         what is latched, beam -> code -> words; in $STATE_DIRECTORY, which outlives a boot

Why files: only who may write to the box's private directory can leave one there; nothing on the network can.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from camera.whole import write_whole
from edge.runtime.place import record_directory, runtime_directory

log = logging.getLogger(__name__)

HOLD_FILE, RELEASE_FILE = "hold", "release-"
AGAIN_S = 1.0  # a disk that refused


def local_hold() -> str:
    """Why somebody at the box holds; "" when nobody does."""
    path = runtime_directory() / HOLD_FILE
    try:
        words = path.read_text(encoding="utf-8", errors="replace").strip()
        return f"held at the box: {words}" if words else "held at the box"
    except FileNotFoundError:
        return ""
    except OSError as err:
        return f"{path}: cannot be read ({err.strerror}); taken for a hold"


def take_releases() -> list[tuple[str, str]]:
    """(code, who) of every release asked for since the last call."""
    found = []
    for path in sorted(runtime_directory().glob(f"{RELEASE_FILE}*")):
        try:
            who = path.read_text(encoding="utf-8", errors="replace")
            path.unlink()  # first: what stays would release every later latch as well
            found.append((path.name.removeprefix(RELEASE_FILE), who))
        except OSError as err:
            log.warning("release file=%s unreadable reason=%s", path, err)
    return found


def latched_path() -> Path:
    return (record_directory(None) or runtime_directory()) / "latched.json"


def read_latched() -> dict[str, dict[str, str]]:
    """What an earlier process left latched. A damaged file is itself a reason to latch: somebody must look."""
    path = latched_path()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(beam): {str(c): str(w) for c, w in codes.items()} for beam, codes in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as err:
        log.warning("latched file=%s unreadable reason=%s", path, err)
        return {"*": {"evidence-broken": f"{path}: the list of latched faults cannot be read ({err})"}}


def write_latched(latched: Mapping[str, Mapping[str, str]]) -> str:
    """Why it could not be written; "" when it was. The caller stays alive and tries again: as long as it lives it
    knows the latch, and whoever is started in its place would not."""
    path = latched_path()
    try:
        write_whole(path, json.dumps(latched, indent=1).encode())
    except OSError as err:
        return f"{path}: what is latched cannot be kept over a restart: {err.strerror}"
    return ""


class LatchedFile:
    """Written as soon as what is latched changes; a disk that refuses is asked again every second."""

    def __init__(self, written: Mapping[str, Mapping[str, str]]) -> None:
        self._written, self._again_mono_s = written, float("-inf")
        self.trouble = ""  # why the newest is not on disk

    def keep(self, latched: Mapping[str, Mapping[str, str]], now_mono_s: float) -> None:
        if latched == self._written:
            self.trouble = ""
            return
        if now_mono_s < self._again_mono_s:
            return
        trouble = write_latched(latched)
        if trouble:
            if trouble != self.trouble:
                log.error("latched kept=no reason=%s", trouble)
            self._again_mono_s = now_mono_s + AGAIN_S
        else:
            self._written = latched
        self.trouble = trouble
