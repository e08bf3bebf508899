"""The small supervisor, with tiny programs in place of the three processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.runtime import supervisor as module
from edge.runtime.supervisor import ChildSpec, Supervisor, station_children
from tests.edge.test_config import a_config

SAY = """
import os, socket, sys, time
def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s: s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
"""
BEATING = "say('READY=1')\nwhile True: say('WATCHDOG=1'); time.sleep(0.05)"


def program(name: str, body: str, watchdog_s: float = 10.0) -> ChildSpec:
    return ChildSpec(name, (sys.executable, "-I", "-S", "-c", SAY + body), watchdog_s=watchdog_s)


@contextlib.contextmanager
def supervised(tmp_path: Path, *specs: ChildSpec, **how: object) -> Iterator[Supervisor]:
    supervisor = Supervisor(specs, runtime=tmp_path, **how)  # type: ignore[arg-type]
    try:
        supervisor.start()
        yield supervisor
    finally:
        supervisor.stop()


def step_until(supervisor: Supervisor, done: Callable[[], bool]) -> int | None:
    limit_mono_s = time.monotonic() + 30
    while not done():
        assert time.monotonic() < limit_mono_s, supervisor.children()
        if (code := supervisor.step(0.05)) is not None:
            return code
    return None


def test_a_killed_process_is_started_again_and_says_so(tmp_path: Path) -> None:
    with supervised(tmp_path, program("radio", "say('STATUS=fine')\n" + BEATING)) as supervisor:
        step_until(supervisor, lambda: supervisor.children()["radio"].state == "running")
        before = supervisor.children()["radio"]
        assert (before.restarts, before.status) == (0, "fine")
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        step_until(supervisor, lambda: supervisor.children()["radio"].restarts == 1)
        step_until(supervisor, lambda: supervisor.children()["radio"].state == "running")
        after = supervisor.children()["radio"]
        assert after.pid != before.pid
        assert after.exit_code == -signal.SIGKILL


def test_a_process_whose_beat_is_late_is_aborted_then_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ABORT_GRACE_S", 0.2)
    stuck = "import signal; signal.signal(signal.SIGABRT, signal.SIG_IGN); say('READY=1'); time.sleep(600)"
    with supervised(tmp_path, program("vision", stuck, watchdog_s=0.3)) as supervisor:
        step_until(supervisor, lambda: supervisor.children()["vision"].restarts == 1)
        assert supervisor.children()["vision"].exit_code == -signal.SIGKILL


def test_a_hang_before_ready_is_a_hang_too(tmp_path: Path) -> None:
    never_ready = ChildSpec("vision", (sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"), start_s=0.3)
    with supervised(tmp_path, never_ready) as supervisor:
        step_until(supervisor, lambda: supervisor.children()["vision"].restarts == 1)
        assert supervisor.children()["vision"].exit_code == -signal.SIGABRT


def test_back_off_doubles_and_the_budget_ends_it(tmp_path: Path) -> None:
    with supervised(tmp_path, program("capture", "sys.exit(1)"), budget=2) as supervisor:
        assert step_until(supervisor, lambda: False) == 1
        assert supervisor.children()["capture"].restarts == 2
        assert supervisor.reason == "capture failed 3 times in a row, the last time with exit code 1"


def test_a_refusal_stops_everything_with_its_sentence(tmp_path: Path) -> None:
    refused = program("capture", "say('STATUS=camera.serial: no such camera'); sys.exit(2)")
    with supervised(tmp_path, refused, program("vision", BEATING)) as supervisor:
        assert step_until(supervisor, lambda: False) == 2
        assert supervisor.reason == "camera.serial: no such camera"


def test_a_replay_is_over_when_the_judgement_ends_well(tmp_path: Path) -> None:
    files = program("capture", "say('READY=1'); sys.exit(0)")
    judge = program("vision", "say('READY=1'); time.sleep(0.5); sys.exit(0)")
    with supervised(tmp_path, files, judge, until="vision") as supervisor:
        assert step_until(supervisor, lambda: False) == 0
        assert supervisor.children()["capture"].restarts == 0


def test_the_last_is_stopped_last_so_that_it_can_publish_hold(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    body = f"""
import signal
def ask(*_):
    with open({str(trace)!r}, "a") as f: f.write(sys.argv[-1] + " "); time.sleep(0.1); f.write(sys.argv[-1] + "-end ")
    sys.exit(0)
signal.signal(signal.SIGTERM, ask)
"""
    specs = [ChildSpec(name, (*program(name, body + BEATING).command, name)) for name in ("capture", "radio", "vision")]
    with supervised(tmp_path, *specs) as supervisor:
        step_until(supervisor, lambda: all(c.state == "running" for c in supervisor.children().values()))
        supervisor.stop()
    words = trace.read_text().split()
    assert words[-2:] == ["vision", "vision-end"]
    assert sorted(words[:-2]) == ["capture", "capture-end", "radio", "radio-end"]


def test_the_processes_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import time\nfrom edge.runtime.stage import run_stage\nfrom edge.runtime.notify import Notifier\n"
        "def body(stop):\n    Notifier().ready()\n    stop.wait(600)\n"
        "raise SystemExit(run_stage('vision', body))\n"
    )
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import sys, threading\nfrom pathlib import Path\nfrom edge.runtime.supervisor import ChildSpec, Supervisor\n"
        f"s = Supervisor([ChildSpec('vision', (sys.executable, {str(child)!r}))], runtime=Path({str(tmp_path)!r}))\n"
        "s.start()\n"
        "while s.children()['vision'].state != 'running': s.step()\n"
        "print(s.children()['vision'].pid, flush=True)\n"
        "while True: s.step()\n"
    )
    with subprocess.Popen([sys.executable, str(parent)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        while line.startswith("level="):
            line = process.stdout.readline()
        process.kill()
    pid, limit_mono_s = int(line), time.monotonic() + 10
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < limit_mono_s, "an orphan stayed"
        time.sleep(0.05)


def test_only_the_senses_that_are_fitted_have_a_process(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    both = station_children(a_config(), file)
    assert [child.name for child in both] == ["capture", "radio", "vision"]
    assert both[0].command == (sys.executable, "-I", "-m", "edge", "capture", "--config", str(file))
    assert [c.name for c in station_children(a_config(camera={"source": "none"}), file)] == ["radio", "vision"]
    assert [c.name for c in station_children(a_config(radio={"source": "none"}), file)] == ["capture", "vision"]
