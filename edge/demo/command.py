"""`skyspotter demo`: the whole station on a simulated night, watched, ended in order, and held to the truth.

The same three processes, the same configuration file and the same messages as in the field; simulated are the light
that falls on the sensor, the radio waves at the antenna, the telescope and the broker.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

import cv2
from rich.console import Console
from rich.live import Live
from rich.progress import track

from camera.sim.laser import LASER_FILE, Intervals
from edge.demo.broker import embedded_broker
from edge.demo.items import Summary
from edge.demo.journals import Journals, read_journals
from edge.demo.poster import make_poster
from edge.demo.report import report
from edge.demo.runfolder import BEAM, RunFolder, make_run_folder
from edge.demo.story import Moment, story, told_at
from edge.demo.summary import summarise
from edge.demo.telescope import Telescope, TelescopeThread
from edge.demo.truth import sky_truth
from edge.demo.view import Lines, Screen, render
from edge.demo.witness import FRAMES, witnessed
from edge.guard.payload import rfc3339
from edge.runtime.place import passing_directory
from edge.runtime.stage import ask_to_stop_on_signals
from edge.runtime.supervisor import Supervisor, station_children

INTERRUPTED = 130  # as a shell says it of Ctrl-C
REDRAW_S = 0.25
LAST_WORDS_S = 1.0  # for the final HOLD to arrive
SKIPPED_SHARE = 0.05  # of the frames: more is worth a word


def demo(
    *, seed: int, minutes: float, fast: float = 1.0, broker: tuple[str, int] | None = None, keep: Path | None = None
) -> int:
    """Runs it; returns the exit code: 0 all seen, 1 something missed or failed, 2 refused, 130 interrupted.

    Args: fast: how many times faster than life the sky moves; leases and watchdogs stay on real time.
          broker: (host, port); None: one of our own.
    Raises BrokerRefused, DemoRefused, StartRefused with one sentence.
    """
    console = Console()
    stop = threading.Event()
    ask_to_stop_on_signals(stop)
    with _broker(broker) as (address, protocol):
        run = make_run_folder(seed=seed, minutes=minutes, fast=fast, address=address, protocol=protocol, keep=keep)
        runtime = passing_directory("demo")
        # The screen belongs to the view: what this process has to log goes where the others' words go.
        logging.basicConfig(filename=run.log, level=logging.INFO, format="level=%(levelname)s at=%(name)s %(message)s")
        try:
            outcome = _live(run, runtime, console, stop)
        finally:
            shutil.rmtree(runtime, ignore_errors=True)
    if outcome.code:
        console.print(f"{outcome.reason}\nlog: {run.log}", style="bold red", highlight=False, soft_wrap=True)
        return outcome.code
    summary = _judge(run, outcome, console)
    return 0 if summary.passed else 1


@contextlib.contextmanager
def _broker(given: tuple[str, int] | None) -> Iterator[tuple[tuple[str, int], str]]:
    if given is not None:
        yield given, "5"  # a broker that knows only 3.1.1 is met halfway by the link itself
        return
    with embedded_broker() as address:
        yield address, "3.1.1"


# -- while it runs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outcome:
    """`code` 0: the night came to its end. `reason` is the sentence otherwise."""

    code: int
    reason: str
    fired: Intervals
    heard: int  # safety messages that came over MQTT


def _live(run: RunFolder, runtime: Path, console: Console, stop: threading.Event) -> _Outcome:
    telescope = Telescope(run.scenario, run.clock, runtime / LASER_FILE)
    thread = TelescopeThread(telescope, run.config.mqtt, run.config.topic_root, BEAM)
    environment = {"STATE_DIRECTORY": str(runtime)}  # nothing of another run, or of a real station, is remembered
    with run.log.open("ab") as log:
        supervisor = Supervisor(
            station_children(run.config, run.config_file), runtime=runtime, output=log, environment=environment
        )
        display = _Display(run, thread, supervisor, console)
        code: int | None = None
        try:
            thread.start()
            supervisor.start()
            with display:
                while code is None and not stop.is_set() and display.t_s() < run.scenario.duration_s:
                    code = supervisor.step(0.1)
                    display.refresh()
                thread.stop()  # the laser first
                supervisor.stop()
                time.sleep(LAST_WORDS_S if code is None else 0.0)
                thread.close()
                display.refresh(last=True)
        finally:
            thread.stop()
            supervisor.stop()
            thread.close()
    if code is not None:
        code, reason = code or 1, supervisor.reason or "the station ended early"
    elif stop.is_set():
        code, reason = INTERRUPTED, "stopped before the end of the night: no verdict"
    else:
        code, reason = 0, ""
    return _Outcome(code, reason, telescope.fired, display.heard)


class _Display:
    """The terminal: a live screen where there is one, else lines."""

    def __init__(self, run: RunFolder, thread: TelescopeThread, supervisor: Supervisor, console: Console) -> None:
        self._run, self._thread, self._supervisor, self._console = run, thread, supervisor, console
        self._moments: tuple[Moment, ...] = story(run.scenario, run.config.guard.beams[0].cone_deg)
        self._screen = Screen(
            title=f"Skyspotter demo, night {run.scenario.seed}",
            end_s=run.scenario.duration_s,
            rate=run.clock.rate,
            cone_deg=run.config.guard.beams[0].cone_deg,
        )
        self._lines = Lines()
        self._live = Live(console=console, screen=True, auto_refresh=False) if console.is_terminal else None
        self._next_mono_s = 0.0

    def __enter__(self) -> _Display:
        if self._live is not None:
            self._live.start()
        else:
            config = self._run.config
            self._console.print(
                f"demo night {self._run.scenario.seed} at {config.mqtt.host}:{config.mqtt.port}, "
                f"topics {config.topic_root}/#, log {self._run.log}", soft_wrap=True, highlight=False,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def heard(self) -> int:
        return self._screen.safety_heard

    def t_s(self) -> float:
        """Seconds of sky since the scenario began."""
        return self._run.scenario.t_s(self._run.clock.utc_ns())

    def refresh(self, *, last: bool = False) -> None:
        """Takes what was heard; redraws when it is time."""
        screen, telescope = self._screen, self._thread.telescope
        with contextlib.suppress(Empty):
            while True:
                message = self._thread.heard.get_nowait()
                screen.take(message.topic, message.payload, message.arrived_mono_s)
        now = time.monotonic()
        if now < self._next_mono_s and not last:
            return
        self._next_mono_s = now + REDRAW_S
        screen.t_s = self.t_s()
        screen.sky_utc = rfc3339(self._run.clock.utc_ns())
        screen.story = told_at(self._moments, max(screen.t_s, 0.0)) or screen.story
        screen.lease_left_s = telescope.lease_left_s
        screen.laser_on, screen.laser_wanted = telescope.laser_on, telescope.laser_wanted
        screen.beam_azel_deg = telescope.azel_deg
        screen.note = self._note()
        if self._live is not None:
            width, height = self._console.size
            self._live.update(render(screen, now, width, height), refresh=True)
        else:
            for line in self._lines.changes(screen, now):
                self._console.print(line, soft_wrap=True, highlight=False, markup=False)
            sys.stdout.flush()

    def _note(self) -> str:
        troubled = [
            f"{child.name} restarted {child.restarts} times" if child.restarts else f"{child.name} is starting"
            for child in self._supervisor.children().values()
            if child.restarts or child.state == "starting"
        ]
        if not self._thread.link_state.startswith("connected"):
            troubled.append(self._thread.link_state)
        return "; ".join(troubled)


# -- afterwards --------------------------------------------------------------------------------------------------------


def _judge(run: RunFolder, outcome: _Outcome, console: Console) -> Summary:
    """Truth against journals, the table, the picture."""
    journals, fired = read_journals(run.output), outcome.fired
    truth = sky_truth(run.scenario)
    asked = min(FRAMES, len(journals.detections))
    frames = list(
        track(
            witnessed(run, truth, journals, fired), total=asked, description="comparing with the truth",
            console=console, transient=True,
        )
    )  # fmt: skip
    summary = summarise(truth, frames, journals, fired, run.plate, heard=outcome.heard, rate=run.clock.rate)
    (run.directory / "summary.json").write_text(json.dumps(summary.record(), indent=1) + "\n", encoding="utf-8")
    for part in report(summary):
        console.print(part)
    if pace := _pace(run, journals):
        console.print(pace, style="yellow", soft_wrap=True, highlight=False)
    picture = _picture(run, journals, fired, summary)
    console.print(
        f"picture: {picture}" if picture else "no picture: no frame was judged", soft_wrap=True, highlight=False
    )
    console.print(f"journals, configuration and log: {run.directory}", soft_wrap=True, highlight=False)
    return summary


def _pace(run: RunFolder, journals: Journals) -> str:
    """A word on frames that this machine could not afford; empty when it could."""
    due = run.scenario.duration_s / run.config.camera.exposure_s
    judged = len(journals.detections)
    late = sum(any(reason["code"] == "camera-stale" for reason in line["reasons"]) for line in journals.safety)
    if judged >= (1 - SKIPPED_SHARE) * due and not late:
        return ""
    word = f"{judged} of {due:.0f} frames were made and judged"
    word += f", FAULT for late ones {late / len(journals.safety):.0%} of the time" if late else ""
    word += f": {os.cpu_count()} processors are short of time"
    return word + (f"; try --fast {run.clock.rate / 2:g}" if run.clock.rate > 1 else "")


def _picture(run: RunFolder, journals: Journals, fired: Intervals, summary: Summary) -> Path | None:
    stack = cv2.imread(str(run.output / "stack.png")) if (run.output / "stack.png").exists() else None
    if stack is None:
        return None
    path = run.directory / "sky.png"
    cv2.imwrite(str(path), make_poster(stack.astype("uint8"), run, journals, fired, summary))
    return path
