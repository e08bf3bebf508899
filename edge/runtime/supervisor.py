"""The small supervisor of `demo`, `run` and `replay`: starts the three processes, restarts them, stops them in order.

It does what systemd does in the field, in the same words (READY=1, WATCHDOG=1, STATUS=), so the processes cannot tell.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, Literal

from edge.config import Config
from edge.runtime.place import make_private
from edge.runtime.stage import PARENT_VARIABLE

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 5.0
HEALTHY_AFTER_S = 10.0  # ready for so long: the next failure is a new story
ABORT_GRACE_S = 2.0  # from SIGABRT (which prints the stacks) to SIGKILL
STOP_GRACE_S = 5.0  # from SIGTERM to SIGKILL

State = Literal["starting", "running", "waiting", "ended"]


@dataclass(frozen=True)
class ChildSpec:
    """What to start. A beat later than `watchdog_s` is a hang; before READY, later than `start_s`."""

    name: str
    command: tuple[str, ...]
    watchdog_s: float = 10.0
    start_s: float = 60.0


@dataclass(frozen=True)
class ChildState:
    """What there is to say of one process. `state`: "waiting" stands for the next start, "ended" is for good."""

    name: str
    state: State
    pid: int | None
    restarts: int
    status: str  # its own words
    exit_code: int | None  # of its last run


class _Child:
    """One process and the socket it speaks to."""

    def __init__(self, spec: ChildSpec, runtime: Path) -> None:
        self.spec = spec
        self.address = runtime / f"notify-{spec.name}.sock"
        self.address.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.setblocking(False)
        self.socket.bind(str(self.address))
        self.process: subprocess.Popen[bytes] | None = None
        self.state: State = "waiting"
        self.status = ""
        self.starts = 0
        self.failures = 0  # in a row
        self.exit_code: int | None = None
        self.next_start_mono_s = 0.0
        self.ready_mono_s: float | None = None
        self.late_mono_s = float("inf")  # when silence becomes a hang
        self.kill_mono_s = float("inf")

    def start(self, environment: Mapping[str, str], output: IO[bytes] | None) -> None:
        now = time.monotonic()
        environment = {
            **environment,
            "NOTIFY_SOCKET": str(self.address),
            "WATCHDOG_USEC": str(round(self.spec.watchdog_s * 1e6)),
            PARENT_VARIABLE: str(os.getpid()),
        }
        # A session of its own: Ctrl-C reaches the supervisor alone, which then stops the others in order.
        self.process = subprocess.Popen(
            self.spec.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        self.starts += 1
        self.state, self.ready_mono_s = "starting", None
        self.late_mono_s, self.kill_mono_s = now + self.spec.start_s, float("inf")

    def listen(self) -> None:
        """Takes what the process said since the last time."""
        while True:
            try:
                text = self.socket.recv(4096).decode(errors="replace")
            except BlockingIOError:
                return
            for line in text.splitlines():
                key, _, value = line.partition("=")
                if key == "STATUS":
                    self.status = value
                elif key == "READY" and self.ready_mono_s is None:
                    self.state, self.ready_mono_s = "running", time.monotonic()
                if key in ("READY", "WATCHDOG"):
                    limit_s = self.spec.start_s if self.ready_mono_s is None else self.spec.watchdog_s
                    self.late_mono_s = time.monotonic() + limit_s

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if number == signal.SIGKILL:
                    os.killpg(self.process.pid, number)  # with whatever it started itself
                else:
                    self.process.send_signal(number)


class Supervisor:
    """Owns its processes; use it from one thread: `start`, then `step` again and again, then `stop`.

    Args: children: started together; the last is stopped last (vision, so that it can publish HOLD).
          runtime: where they meet, given to them as RUNTIME_DIRECTORY.
          until: a replay is over, successfully, when the child of this name ends with 0; a child that ends with 0 is
          then not restarted. None: whatever ends is started again.
          budget: failures in a row of one child after which all is given up; None: never.
          output: where the children's stdout and stderr go; None: where ours go.
    """

    def __init__(
        self,
        children: Sequence[ChildSpec],
        *,
        runtime: Path,
        until: str | None = None,
        budget: int | None = None,
        output: IO[bytes] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.reason = ""  # why all was given up: a sentence
        self._stopped = False
        self._until, self._budget, self._output = until, budget, output
        make_private(runtime)
        self._environment = {**os.environ, **(environment or {}), "RUNTIME_DIRECTORY": str(runtime)}
        self._children = [_Child(spec, runtime) for spec in children]
        self._spoken = select.poll()
        for child in self._children:
            self._spoken.register(child.socket, select.POLLIN)

    def children(self) -> dict[str, ChildState]:
        """The state of every process, for people."""
        return {
            child.spec.name: ChildState(
                name=child.spec.name,
                state=child.state,
                pid=child.process.pid if child.process and child.process.returncode is None else None,
                restarts=max(0, child.starts - 1),
                status=child.status,
                exit_code=child.exit_code,
            )
            for child in self._children
        }

    def start(self) -> None:
        for child in self._children:
            child.start(self._environment, self._output)

    def step(self, timeout_s: float = 0.1) -> int | None:
        """Looks after everybody, for at most `timeout_s`. The exit code when it is over (then call `stop`), else None.

        0: the child named `until` finished. 1: given up. 2: a child was refused; `reason` holds its sentence.
        """
        self._spoken.poll(1e3 * timeout_s)
        for child in self._children:
            child.listen()
            if child.state in ("starting", "running"):
                if (code := self._look_at(child)) is not None:
                    return code
            elif child.state == "waiting" and time.monotonic() >= child.next_start_mono_s:
                child.start(self._environment, self._output)
        return None

    def run(self, stop: Event) -> int:
        """Until `stop` is set or it is over; stops everybody in order. Returns the exit code."""
        try:
            self.start()
            while not stop.is_set():
                if (code := self.step()) is not None:
                    return code
            return 0
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends all but the last together, then the last. Safe to call twice, and after any error."""
        if self._stopped:
            return
        self._stopped = True
        for group in (self._children[:-1], self._children[-1:]):
            for child in group:
                child.send(signal.SIGTERM)
            deadline_mono_s = time.monotonic() + STOP_GRACE_S
            for child in group:
                if child.process is None:
                    continue
                try:
                    child.process.wait(max(0.0, deadline_mono_s - time.monotonic()))
                except subprocess.TimeoutExpired:
                    log.warning("event=killed child=%s why=did-not-stop after_s=%.0f", child.spec.name, STOP_GRACE_S)
                    child.send(signal.SIGKILL)
                    child.process.wait()
                child.state, child.exit_code = "ended", child.process.returncode
        for child in self._children:
            child.listen()
            child.socket.close()
            child.address.unlink(missing_ok=True)

    def _look_at(self, child: _Child) -> int | None:
        """One process that should be running. The exit code of everything when that decides it."""
        assert child.process is not None
        name, now = child.spec.name, time.monotonic()
        code = child.process.poll()
        if code is None:
            if now >= child.kill_mono_s:
                child.send(signal.SIGKILL)
            elif now >= child.late_mono_s:
                log.error("event=hang child=%s state=%s status=%r", name, child.state, child.status)
                child.send(signal.SIGABRT)
                child.late_mono_s, child.kill_mono_s = float("inf"), now + ABORT_GRACE_S
            return None
        child.listen()  # its last words
        child.exit_code = code
        if code == 0 and self._until is not None:
            child.state = "ended"
            return 0 if name == self._until else None
        if code == 2:
            child.state = "ended"
            self.reason = child.status or f"{name} was refused (exit code 2)"
            return 2
        healthy = child.ready_mono_s is not None and now - child.ready_mono_s >= HEALTHY_AFTER_S
        child.failures = 1 if healthy else child.failures + 1
        if self._budget is not None and child.failures > self._budget:
            child.state = "ended"
            self.reason = f"{name} failed {child.failures} times in a row, the last time with exit code {code}"
            return 1
        backoff_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (child.failures - 1))
        child.state, child.next_start_mono_s = "waiting", now + backoff_s
        log.warning("event=restart child=%s exit_code=%d again_in_s=%.1f", name, code, backoff_s)
        return None


def station_children(config: Config, file: Path) -> tuple[ChildSpec, ...]:
    """The processes of a station, judgement last; a sense that is not fitted has none."""
    roles = [
        *(["capture"] if config.camera.source != "none" else []),
        *(["radio"] if config.radio.source != "none" else []),
        "vision",
    ]
    # -I: neither the working directory nor PYTHON* variables decide what code a safety process runs.
    start = (sys.executable, "-I", "-m", "edge")
    return tuple(ChildSpec(role, (*start, role, "--config", str(file.resolve()))) for role in roles)
