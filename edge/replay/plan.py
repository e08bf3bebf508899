"""What a replay has to read: which files are frames, which are radio recordings, and what an earlier run already did.

Names: a frame below a folder that was given is named by its path below that folder (so that it matches label files kept
beside the images); where two would share a name, the folder's own name goes in front.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from camera.files import is_frame, list_frames

BEAST_ESCAPE = 0x1A
BEAST_TYPES = frozenset(b"1234")
IQ_SUFFIXES = frozenset({".cu8", ".iq", ".bin", ".uc8"})
BEAST_SUFFIXES = frozenset({".beast", ".log"})
KNOWN = "an image (FITS, PNG, JPEG, TIFF) nor a radio recording (Beast, or IQ as .cu8, .iq, .bin)"


class ReplayRefused(Exception):
    """The paths name nothing that can be read; the message says which and what would be."""


@dataclass(frozen=True)
class Plan:
    """Frames in order as (name, path), and the radio recordings."""

    frames: tuple[tuple[str, Path], ...]
    beast: tuple[Path, ...]
    iq: tuple[Path, ...]


def is_beast(path: Path) -> bool:
    """Whether a file begins like a Beast stream: escape, then a message type (Mode-S Beast, data output formats)."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    starts = [i for i in range(len(head) - 1) if head[i] == BEAST_ESCAPE and head[i + 1] in BEAST_TYPES]
    return bool(starts) and starts[0] < 64 and len(starts) >= min(3, len(head) // 64)


def make_plan(paths: Sequence[Path]) -> Plan:
    """Sort what the paths name. Raises ReplayRefused with the path that is missing, or when nothing is left."""
    frames: list[tuple[Path, Path]] = []  # (given root, file)
    beast: list[Path] = []
    iq: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ReplayRefused(f"{path}: no such file or folder")
        if path.is_dir():
            frames += [(path, file) for file in list_frames([path])]
            candidates: Iterable[Path] = (
                f for f in sorted(path.rglob("*")) if f.suffix.lower() in IQ_SUFFIXES | BEAST_SUFFIXES and f.is_file()
            )
        elif is_frame(path):
            frames.append((path.parent, path))
            continue
        else:
            candidates = [path]
        for file in candidates:
            if is_beast(file):
                beast.append(file)
            elif file.suffix.lower() in IQ_SUFFIXES:
                iq.append(file)
            elif not path.is_dir():
                raise ReplayRefused(f"{file}: neither {KNOWN}")
    if not (frames or beast or iq):
        raise ReplayRefused(f"{', '.join(map(str, paths))}: nothing to read there, neither {KNOWN}")
    return Plan(_named(frames), tuple(beast), tuple(iq))


def _named(frames: Sequence[tuple[Path, Path]]) -> tuple[tuple[str, Path], ...]:
    unique = list(dict.fromkeys((root, file) for root, file in frames))
    count = Counter(file.relative_to(root).as_posix() for root, file in unique)
    named: list[tuple[str, Path]] = []
    taken: set[str] = set()
    for root, file in unique:
        name = file.relative_to(root).as_posix()
        if count[name] > 1:
            name = f"{root.resolve().name}/{name}"
        if name in taken:
            name = file.resolve().as_posix()
        taken.add(name)
        named.append((name, file))
    return tuple(named)


def already_done(detections: Path) -> set[str]:
    """Names of the frames that an earlier run finished; a last line cut off by a crash is removed from the file.

    Raises ReplayRefused when the file is not a list of detections: it is somebody's, and is not overwritten.
    """
    if not detections.exists():
        return set()
    data = detections.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    done = set()
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            done.add(json.loads(line)["file"])
        except (ValueError, KeyError, TypeError) as err:
            raise ReplayRefused(
                f"{detections}: line {number} is not a detection; choose another --out or use --fresh"
            ) from err
    if len(whole) != len(data):
        with detections.open("r+b") as file:
            file.truncate(len(whole))
    return done


@contextmanager
def sole_writer(out: Path, timeout_s: float) -> Iterator[None]:
    """Holds the output folder against other replays, also those whose command was killed and that are still ending.

    Raises ReplayRefused when another one still writes there after `timeout_s`.
    """
    with (out / ".lock").open("w") as file:
        deadline_mono_s = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline_mono_s:
                    raise ReplayRefused(
                        f"{out}: another replay is writing there; wait, or choose another --out"
                    ) from None
                time.sleep(0.1)
        yield
