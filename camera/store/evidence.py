"""Frames around an event, kept when the ring has long forgotten their neighbours.

    ask()       anybody on the box: a request as a small file in a spool folder (whole or not at all)
    Evidence    the recorder: gives the frames of that time a second name in evidence/<time>-<kind>/, beside them
                manifest.json: what happened, from when to when, which frames, whether they are all there

*Why* a spool folder and hard links, both. A hard link costs no copy and no space, and the ring may expire its own name
whenever it likes. But only the recorder knows which frames exist and makes those that are still to come; were the
judgement to link, it would have to search folders of 20 000 files every second and wait for a disk that may hang, and
after a restart it would have forgotten what it still owed. A request in memory (tmpfs) costs the judgement nothing,
needs nobody at the other end, and outlives both processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from camera.store.disk import Disk
from camera.whole import second_name, write_whole

MANIFEST = "manifest.json"
KIND_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,23}")
LONGEST_S = 3600.0
_STAMP = re.compile(r"(\d{8}T\d{6})\.(\d{3})Z")
MOST_REQUESTS = 100  # waiting at once; more is an event that does not end
SURPLUS_S = 20.0  # of sky time after the end until no frame of before it can still come


@dataclass(frozen=True, slots=True)
class Request:
    """Keep what the camera saw from `begin_utc_ns` to `end_utc_ns`, sky time, neighbours included."""

    kind: str  # "hold", "unknown", "meteor", "asked", ...
    words: str
    begin_utc_ns: int
    end_utc_ns: int

    @property
    def name(self) -> str:
        return f"{stamp(self.begin_utc_ns)}-{self.kind}"

    def checked(self) -> Request:
        """Raises ValueError."""
        if not KIND_PATTERN.fullmatch(self.kind):
            raise ValueError(f"kind {self.kind!r} should be a short word of a-z, 0-9 and -")
        if not 0 < self.begin_utc_ns <= self.end_utc_ns <= self.begin_utc_ns + round(LONGEST_S * 1e9):
            raise ValueError(f"should begin before it ends, within {LONGEST_S:g} s")
        return self


def stamp(utc_ns: int) -> str:
    """A UTC time as names begin with it: their order is their age."""
    instant = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=utc_ns // 1000)
    return f"{instant:%Y%m%dT%H%M%S}.{instant.microsecond // 1000:03d}Z"


def stamped_utc_ns(name: str) -> int:
    """The time that a name begins with, to the millisecond; 0 where it tells none."""
    found = _STAMP.search(name)
    try:
        whole = datetime.strptime(found[1] if found else "", "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return (int(whole.timestamp()) * 1000 + int(found[2] if found else 0)) * 10**6


def ask(spool: Path, request: Request) -> bool:
    """Leaves a request for the recorder; False when too many wait already. Raises ValueError, OSError."""
    content = json.dumps(asdict(request.checked())).encode()
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sum(1 for _ in spool.iterdir()) >= MOST_REQUESTS:
        return False
    temporary = spool / f".{request.name}.{os.getpid()}"
    temporary.write_bytes(content)
    os.replace(temporary, spool / f"{request.name}.json")
    return True


class Evidence:
    """The recorder's side. `counters`: events begun, frames linked, requests that were nonsense, frames over quota."""

    def __init__(self, spool: Path, disk: Disk) -> None:
        self.counters: Counter[str] = Counter(events=0, evidence_frames=0, events_refused=0, evidence_over_quota=0)
        self._spool, self._disk = spool, disk

    def tend(self, newest_utc_ns: int) -> None:
        """Takes what was asked for and links what there is; call it every second or so.

        A request is done with when frames well after its end exist (`newest_utc_ns`: of the newest frame, 0: none).
        Raises OSError when the disk refuses; the request stays and is tried again.
        """
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(self._spool.glob("*.json")):
                try:
                    request = Request(**json.loads(path.read_bytes())).checked()
                except (ValueError, TypeError):
                    self.counters["events_refused"] += 1
                    path.unlink(missing_ok=True)
                    continue
                complete = newest_utc_ns > request.end_utc_ns + round(SURPLUS_S * 1e9)
                self._serve(request, complete)
                if complete:
                    path.unlink(missing_ok=True)

    def _serve(self, request: Request, complete: bool) -> None:
        shelf = self._disk.shelves["evidence"]
        frames = self._disk.shelves["frames"]
        folder = shelf.folder / request.name
        begun = (folder / MANIFEST).exists()
        have = {entry.name for entry in folder.iterdir()} if begun else set()
        linked = 0
        for name in reversed(frames.between(stamp(request.begin_utc_ns), stamp(request.end_utc_ns))):
            source = frames.folder / name
            if source.name in have:
                continue
            try:
                size = source.stat().st_size
                if not shelf.make_room(size, sparing=request.name):
                    self.counters["evidence_over_quota"] += complete  # once, and the rest of the event is not kept
                    break
                folder.mkdir(parents=True, exist_ok=True)
                second_name(source, folder / source.name)
            except FileNotFoundError:  # somebody else removed it
                continue
            shelf.add(request.name, size)
            linked += 1
        self.counters["evidence_frames"] += linked
        if linked or complete or not begun:
            self._note(folder, request, complete)
        self.counters["events"] += not begun

    def _note(self, folder: Path, request: Request, complete: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        frames = sorted(entry.name for entry in folder.iterdir() if entry.name != MANIFEST and entry.name[0] != ".")
        manifest = {
            "kind": request.kind,
            "words": request.words,
            "begin_utc": stamp(request.begin_utc_ns),
            "end_utc": stamp(request.end_utc_ns),
            "complete": complete,
            "frames": frames,
        }
        write_whole(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
