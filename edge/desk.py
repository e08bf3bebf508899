"""`skyspotter hold`, `release` and `keep`: what a person at the box tells the station, by files it looks for.

Nothing on the network reaches these functions.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from camera.store.evidence import Request, ask
from camera.whole import write_whole
from edge.guard.faults import BY_CODE
from edge.runtime.place import evidence_spool, runtime_directory, status_path
from edge.status import UNITS_PATH, read_status
from edge.vision.local import HOLD_FILE, RELEASE_FILE

LOCAL = "local"


class ReleaseRefused(Exception):
    """Nothing was said to the judgement; why, and what to do."""


def hold(words: str) -> str:
    """Holds every beam of this box until `release("local", ...)`; what to tell the person. Raises ReleaseRefused."""
    _write(HOLD_FILE, words)
    if isinstance(read_status(_directory() / status_path().name, time.monotonic()), str):
        return "no station runs here now; whichever starts will be held, until `skyspotter release local`"
    return "held; `skyspotter release local` ends it"


def release(code: str, who: str) -> str:
    """Ends the local hold, or asks for the release of one latched fault; what to tell the person.

    Raises ReleaseRefused for a code that nobody can release, without a name, or where one may not write.
    """
    if code == LOCAL:
        path = _directory() / HOLD_FILE
        try:
            path.unlink()
        except FileNotFoundError:
            return "nobody held at this box"
        except OSError as err:
            raise _not_ours(path, err) from err
        return "the local hold is over"
    fault = BY_CODE.get(code)
    if fault is None or not fault.latched:
        why = "no such fault" if fault is None else f"is not latched; ended by {fault.released_by}"
        codes = ", ".join([LOCAL, *(row.code for row in BY_CODE.values() if row.latched)])
        raise ReleaseRefused(f"{code}: {why}; a person can release: {codes}")
    if not who:
        raise ReleaseRefused(f"{code}: say who releases it: `skyspotter release {code} --by NAME`")
    _write(RELEASE_FILE + code, who)
    return f"asked to release {code}; `skyspotter status` shows what follows"


def keep(words: str, *, back_s: float, on_s: float) -> str:
    """Asks the recorder for the frames from `back_s` ago until `on_s` from now. Raises ReleaseRefused."""
    now_ns = time.time_ns()
    request = Request("asked", words, now_ns - round(back_s * 1e9), now_ns + round(on_s * 1e9))
    spool = evidence_spool(_directory())
    try:
        taken = ask(spool, request)
    except ValueError as err:
        raise ReleaseRefused(f"keep: {err}") from err
    except OSError as err:
        raise _not_ours(spool, err) from err
    if not taken:
        raise ReleaseRefused(f"{spool}: too many requests wait already; does the camera's process run and record?")
    return f"asked for evidence/{request.name}, complete half a minute after its end; needs [recorder] keep_frames"


def _directory() -> Path:
    """Where the station of this box looks: that of the units in systemd/ where they run, else ours."""
    units = "RUNTIME_DIRECTORY" not in os.environ and UNITS_PATH.exists()
    return UNITS_PATH.parent if units else runtime_directory()


def _write(name: str, words: str) -> None:
    path = _directory() / name
    try:
        write_whole(path, words.encode(), durable=False)
    except OSError as err:
        raise _not_ours(path, err) from err


def _not_ours(path: Path, err: OSError) -> ReleaseRefused:
    return ReleaseRefused(f"{path}: cannot be written ({err.strerror}); say it as the station's user, or as root")
