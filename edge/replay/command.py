"""`skyspotter replay`: the processes, the progress, the summary. What is judged stands in `driver`.

A run that was stopped goes on where it was: frames that have their line are not read again. Exit code 0 when every
frame has its line and every recording was read, unreadable frames included: they are named, and nothing else waits.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from camera.plate import load_plate
from edge.adsb.sources.iq import RecordingRefused
from edge.adsb.sources.rate import RATES_HZ, recorded_rate_hz
from edge.config import (
    CameraSection,
    Config,
    MqttSection,
    NetworkSection,
    PlateSection,
    RadioSection,
    SimulationSection,
    StationSection,
)
from edge.demo.broker import embedded_broker
from edge.replay.driver import NAMES
from edge.replay.plan import Plan, ReplayRefused, already_done, make_plan, sole_writer
from edge.runtime.place import passing_directory
from edge.runtime.stage import ask_to_stop_on_signals
from edge.runtime.supervisor import Supervisor, station_children

STATION = "replay"


def replay(
    paths: Sequence[Path],
    *,
    out: Path,
    broker: tuple[str, int] | None = None,
    site: tuple[float, float, float] | None = None,
    plate: Path | None = None,
    rate: float | None = None,
    iq_rate_hz: int | None = None,
    fresh: bool = False,
) -> int:
    """Returns the exit code. Raises ReplayRefused, PlateRefused, ModelRefused, BrokerRefused."""
    console = Console(stderr=True)
    plan = make_plan(paths)
    if plan.beast and plan.iq:
        raise ReplayRefused("Beast and IQ recordings together: replay them one after the other")
    iq_rate_hz = _iq_rate_hz(plan, iq_rate_hz)
    _prepare(out)
    with sole_writer(out, 20.0):  # the processes of a killed run end by themselves
        _clear(out, fresh=fresh)
        done = already_done(out / "detections.jsonl")
    left = tuple((name, path) for name, path in plan.frames if name not in done)
    if done and left:
        console.print(
            f"{out}: going on; {len(done)} of {len(plan.frames)} frames have their line (--fresh begins anew)"
        )
    if not left and not (plan.beast or plan.iq):
        console.print(f"{out}: every frame has its line already (--fresh begins anew)")
        _summary(console, out, plan, None)
        return 0
    stop = threading.Event()
    ask_to_stop_on_signals(stop)
    started_mono_s = time.monotonic()
    with ExitStack() as stack:
        work = passing_directory("replay")
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        host, port = broker if broker is not None else stack.enter_context(embedded_broker())
        config = _configuration(
            plan, left, out.resolve(), work, host, port, broker is None, site=site, plate=plate, rate=rate,
            iq_rate_hz=iq_rate_hz,
        )  # fmt: skip
        file = work / "replay.json"
        file.write_text(config.model_dump_json(exclude_none=True), encoding="utf-8")
        log = stack.enter_context((out / "replay.log").open("ab"))
        console.print(
            f"publishing on mqtt://{host}:{port} under {config.topic_root}/, log in {out / 'replay.log'}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        # A recording of the radio is read where it is needed, by the judgement: no process listens.
        children = [child for child in station_children(config, file) if child.name != "radio"]
        supervisor = Supervisor(children, runtime=work / "run", until="vision", budget=3, output=log)
        code = _watch(supervisor, stop, console, frames=len(left), recordings=len(plan.beast) + len(plan.iq))
    if stop.is_set() and code is None:
        console.print("stopped; the same command goes on from here")
        return 1
    if code != 0:
        console.print(supervisor.reason or f"failed; see {out / 'replay.log'}")
        return 2 if code == 2 else 1
    _summary(console, out, plan, time.monotonic() - started_mono_s)
    missing = {name for name, _ in plan.frames} - already_done(out / "detections.jsonl")
    if missing:
        console.print(f"{len(missing)} frames have no line, the first is {min(missing)}; see {out / 'replay.log'}")
    return 1 if missing else 0


def _iq_rate_hz(plan: Plan, declared_hz: int | None) -> int:
    """Of all recordings together, told by their messages where it is not declared."""
    try:
        rates_hz = {recorded_rate_hz(path, declared_hz) for path in plan.iq}
    except RecordingRefused as err:
        raise ReplayRefused(str(err).replace("--rate", "--iq-rate")) from err
    if len(rates_hz) > 1:
        raise ReplayRefused("IQ recordings of 2.4 and of 2.0 MS/s together: replay them one after the other")
    return rates_hz.pop() if rates_hz else RATES_HZ[0]


def _prepare(out: Path) -> None:
    """The output folder, writable."""
    try:
        (out / "pictures").mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ReplayRefused(f"{out}: cannot be made ({err.strerror}); choose another --out") from err
    if not os.access(out, os.W_OK):
        raise ReplayRefused(f"{out}: not writable; choose another --out")


def _clear(out: Path, *, fresh: bool) -> None:
    """Removes what an earlier replay left, and nothing else; the frames' lines only with `fresh`."""
    ours = ["aircraft", "tracks", "safety", "events", *(["detections"] if fresh else [])]
    for name in ours:  # what is published is of this run; only the frames' lines go on
        (out / f"{name}.jsonl").unlink(missing_ok=True)
    (out / "aircraft.json").unlink(missing_ok=True)


def _configuration(
    plan: Plan, left: Sequence[tuple[str, Path]], out: Path, work: Path, host: str, port: int, embedded: bool, *,
    site: tuple[float, float, float] | None, plate: Path | None, rate: float | None, iq_rate_hz: int,
) -> Config:  # fmt: skip
    if site is None and plate is not None:
        place = load_plate(plate).site
        site = (place.latitude_deg, place.longitude_deg, place.height_m)
    latitude_deg, longitude_deg, height_m = site or (0.0, 0.0, 0.0)
    names = {str(path.resolve()): name for name, path in left}
    (work / "frames.txt").write_text("".join(f"{path}\n" for path in names), encoding="utf-8")
    (work / NAMES).write_text(json.dumps(names), encoding="utf-8")
    sources = plan.beast or plan.iq
    return Config(
        station=StationSection(id=STATION, latitude_deg=latitude_deg, longitude_deg=longitude_deg, height_m=height_m),
        camera=CameraSection(source="replay" if left else "none"),
        plate=PlateSection(file=plate.resolve() if plate else None),
        radio=RadioSection(
            source="none" if not sources else "beast" if plan.beast else "iq",
            files=tuple(path.resolve() for path in sources),
            sample_rate_hz=2_000_000 if iq_rate_hz == 2_000_000 else 2_400_000,
        ),
        network=NetworkSection(),
        mqtt=MqttSection(host=host, port=port, protocol="3.1.1" if embedded else "5"),
        simulation=SimulationSection(
            epoch_utc_ns=time.time_ns(),
            mono_zero_s=time.monotonic(),
            rate=rate or 1.0,
            paced=rate is not None,
            file_list=work / "frames.txt",
            output=out,
        ),
    )


def _watch(
    supervisor: Supervisor, stop: threading.Event, console: Console, *, frames: int, recordings: int
) -> int | None:
    """Runs the processes under a progress bar; the supervisor's exit code, None when asked to stop."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        seen = progress.add_task("frames", total=frames) if frames else None
        heard = progress.add_task("aircraft heard", total=None) if recordings else None
        try:
            supervisor.start()
            while not stop.is_set():
                code = supervisor.step(0.2)
                facts = _facts(supervisor.children()["vision"].status)
                if seen is not None:
                    progress.update(seen, completed=facts.get("frames", 0))
                if heard is not None:
                    progress.update(heard, completed=facts.get("aircraft", 0))
                if code is not None:
                    return code
            return None
        finally:
            supervisor.stop()


def _facts(status: str) -> dict[str, int]:
    """`frames=12 aircraft=3` as numbers; anything else is no fact."""
    pairs = (word.partition("=") for word in status.split())
    return {key: int(value) for key, _, value in pairs if value.isdigit()}


def _summary(console: Console, out: Path, plan: Plan, took_s: float | None) -> None:
    """Tables on the terminal, the same as summary.json."""
    lines = []
    if (out / "detections.jsonl").exists():
        wanted = {name for name, _ in plan.frames}
        with (out / "detections.jsonl").open(encoding="utf-8") as file:
            lines = [line for line in map(json.loads, file) if line["file"] in wanted]
    classes = Counter(trail["class"] for line in lines for trail in line.get("trails", ()))
    errors = [line for line in lines if "error" in line]
    if plan.frames:
        table = Table(title="seen")
        for title in ("frames", "unreadable", "with trails", *classes):
            table.add_column(title, justify="right")
        with_trails = sum(bool(line.get("trails")) for line in lines)
        table.add_row(str(len(lines)), str(len(errors)), str(with_trails), *(str(n) for n in classes.values()))
        console.print(table)
    for line in errors[:20]:  # which names its file
        console.print(f"  {line['error']}", highlight=False, markup=False, soft_wrap=True)
    if len(errors) > 20:
        console.print(f"  and {len(errors) - 20} more, in detections.jsonl")
    aircraft = json.loads((out / "aircraft.json").read_text()) if (out / "aircraft.json").exists() else []
    if plan.beast or plan.iq:
        table = Table(title=f"heard: {len(aircraft)} aircraft")
        for title in ("ICAO address", "callsign", "messages", "positions", "first", "last"):
            table.add_column(title, justify="left" if title in ("ICAO address", "callsign") else "right")
        for one in aircraft:
            table.add_row(
                one["icao"], one["callsign"], str(one["messages"]), str(one["positions"]),
                f"{one['first_s']:.1f} s", f"{one['last_s']:.1f} s",
            )  # fmt: skip
        console.print(table)
    record = {
        "frames": len(lines),
        "unreadable": [line["file"] for line in errors],
        "trails": dict(classes),
        "aircraft": [one["icao"] for one in aircraft],
    }
    (out / "summary.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    took = "" if took_s is None else f" in {took_s:.0f} s"
    what = [*(["detections.jsonl, pictures/"] if plan.frames else []), *(["aircraft.json"] if aircraft else [])]
    console.print(f"{out}: {', '.join([*what, 'summary.json'])}{took}", highlight=False)
    sys.stderr.flush()
