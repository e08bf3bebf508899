"""Where the processes of one box meet: a private directory on tmpfs.

$RUNTIME_DIRECTORY (set by systemd and by the small supervisor), else $XDG_RUNTIME_DIR/skyspotter, else
/dev/shm/skyspotter-<uid>. Nothing in it outlives a boot, so CLOCK_MONOTONIC may be stored there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


class StartRefused(Exception):
    """The run time cannot start here: one sentence that says what is wrong and what to do. Ends with exit code 2."""


def runtime_directory() -> Path:
    """The directory, made with mode 0700 where it is absent. Raises StartRefused when it is not ours to use."""
    if given := os.environ.get("RUNTIME_DIRECTORY"):
        directory = Path(given.split(":")[0])  # systemd lists several with colons; ours is the first
    elif session := os.environ.get("XDG_RUNTIME_DIR"):
        directory = Path(session) / "skyspotter"
    else:
        directory = Path(f"/dev/shm/skyspotter-{os.getuid()}")
    return make_private(directory)


def make_private(directory: Path) -> Path:
    """Makes `directory` (mode 0700) or accepts it. Raises StartRefused for a link, or another user's.

    In a directory that everybody can write to, a stranger may have been there first.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as err:
        raise StartRefused(
            f"{directory}: cannot be made: {err.strerror}; set RUNTIME_DIRECTORY to a place you may write to"
        ) from err
    if directory.is_symlink() or found.st_uid != os.getuid():
        raise StartRefused(f"{directory}: is a link or belongs to another user; remove it or set RUNTIME_DIRECTORY")
    return directory


def passing_directory(purpose: str) -> Path:
    """A fresh private directory on tmpfs for one run of `purpose`, with a path short enough for sockets.

    What a killed run of the same purpose left there (frames are memory) is removed first: the name says whose it was.
    """
    prefix = f"skyspotter-{purpose}-"
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if parent and os.access(parent, os.W_OK | os.X_OK):
            for left in Path(parent).glob(f"{prefix}*-*"):
                owner = left.name.removeprefix(prefix).split("-")[0]
                if owner.isdigit() and left.stat().st_uid == os.getuid() and not Path(f"/proc/{owner}").exists():
                    shutil.rmtree(left, ignore_errors=True)
            return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
    return Path(tempfile.mkdtemp(prefix=prefix))


def frames_directory() -> Path:
    """Where the frame ring lies."""
    return make_private(runtime_directory() / "frames")


def datagram_path() -> Path:
    """The socket at which the judgement listens to the radio and the camera."""
    return runtime_directory() / "judgement.sock"


def status_path() -> Path:
    """What the judgement writes for `skyspotter status`."""
    return runtime_directory() / "status.json"


def evidence_spool(directory: Path | None = None) -> Path:
    """Where anybody on the box leaves a request to keep the frames of some minutes."""
    return (directory or runtime_directory()) / "evidence"


def record_directory(configured: Path | None) -> Path | None:
    """Where recordings go: as configured, else systemd's state directory, else nowhere."""
    state = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return configured or (Path(state) if state else None)
