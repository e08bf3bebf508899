"""`skyspotter status`: what the station on this box is doing, from the file that the judgement writes once a second.

A file on tmpfs and not a socket: reading it can never disturb the judgement.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pydantic import Field, ValidationError

from camera.whole import write_whole
from edge.guard.payload import SafetyMessage, Sensor
from edge.records import Record
from edge.runtime.place import status_path

STALE_AFTER_S = 5.0
UNITS_PATH = Path("/run/skyspotter/status.json")  # RuntimeDirectory= of the units in systemd/


class StatusFile(Record):
    """Written whole by the judging process, once a second."""

    version: int = 1
    pid: int
    written_mono_s: float  # CLOCK_MONOTONIC, the same for all processes of one boot
    station: str
    topic_root: str
    safety: dict[str, SafetyMessage]  # by beam: the very message that was published last
    sensors: dict[str, Sensor]
    counters: dict[str, dict[str, float | int | str | None]] = Field(default_factory=dict)  # by part
    versions: dict[str, str] = Field(default_factory=dict)
    children: dict[str, str] = Field(default_factory=dict)  # other processes of the box, as far as they were heard


def write_status(status: StatusFile, path: Path | None = None) -> None:
    write_whole(path or status_path(), status.model_dump_json(by_alias=True).encode(), durable=False)


def read_status(path: Path, now_mono_s: float) -> StatusFile | str:
    """The status, or the sentence why there is none."""
    try:
        status = StatusFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return f"not running: nothing at {path}"
    except (OSError, ValidationError) as err:
        return f"{path}: cannot be read ({str(err).splitlines()[0]}); is another version running?"
    age_s = now_mono_s - status.written_mono_s
    if not 0 <= age_s <= STALE_AFTER_S:  # below zero: written before the last boot
        return f"not running: pid {status.pid} last wrote {path} {abs(age_s):.0f} s ago"
    return status


def show_status(*, as_json: bool) -> int:
    """Prints it; returns the exit code: 1 when the station is not running."""
    now_mono_s = time.monotonic()
    status = read_status(status_path(), now_mono_s)
    if isinstance(status, str) and isinstance(units := read_status(UNITS_PATH, now_mono_s), StatusFile):
        status = units
    if isinstance(status, str):
        print(status, file=sys.stderr)  # noqa: T201
        return 1
    if as_json:
        print(status.model_dump_json(by_alias=True, indent=2))  # noqa: T201
    else:
        _print_tables(status)
    return 0


def _print_tables(status: StatusFile) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{status.station}  pid {status.pid}  topics {status.topic_root}/...", highlight=False)
    beams = Table("beam", "state", "permit", "mode", "basis", "why")
    for name, safety in status.safety.items():
        permit = "yes" if safety.permit else "no (would)" if safety.would_permit else "no"
        why = "; ".join(reason.words for reason in safety.reasons)
        beams.add_row(name, safety.state, permit, safety.mode, safety.basis, why)
    sensors = Table("sensor", "state", "age", "why")
    for name, sensor in status.sensors.items():
        sensors.add_row(name, sensor.state, "" if sensor.age_s is None else f"{sensor.age_s:.1f} s", sensor.reason)
    console.print(beams, sensors)
    facts = {
        f"{part}.{key}": value
        for part, counters in status.counters.items()
        for key, value in counters.items()
        if value not in (None, "") and key not in ("state", "reason", "mono_s")  # stand in the table of the sensors
    }
    for title, values in (("processes", status.children), ("counters", facts), ("versions", status.versions)):
        if values:
            console.print(f"{title}: " + "  ".join(f"{key}={value}" for key, value in values.items()), highlight=False)
