"""The frame around the body of a process: signals, log, exit code, and the only broad `except` of the appliance.

Exit codes: 0 stopped as asked or finished, 1 a bug or a lost device (start me again), 2 refused (do not: it would only
be refused again).
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from edge.runtime.lock import sole_instance
from edge.runtime.notify import Notifier

log = logging.getLogger(__name__)

PARENT_VARIABLE = "SKYSPOTTER_SUPERVISOR"  # pid of the small supervisor, when it is our parent
ORPHAN_GRACE_S = 10.0

Body = Callable[[threading.Event], None]


def is_refusal(err: BaseException) -> bool:
    """By the rule of the house a class named `...Refused` says: a person must change something, then start again."""
    return any(cls.__name__.endswith("Refused") for cls in type(err).__mro__)


def run_stage(name: str, body: Body) -> int:
    """Runs `body(stop)` as the sole `name` of this box and returns the exit code.

    SIGTERM and SIGINT set `stop`; a second one kills. A refusal becomes its sentence on stderr and in the status.
    """
    faulthandler.enable()  # SIGABRT of a watchdog prints where every thread stood
    set_up_log()
    stop = threading.Event()
    ask_to_stop_on_signals(stop)
    _end_with_supervisor()
    try:
        with sole_instance(name):
            log.info("event=start stage=%s pid=%d", name, os.getpid())
            body(stop)
    except Exception as err:
        Notifier().status(str(err))
        if is_refusal(err):
            print(err, file=sys.stderr, flush=True)  # noqa: T201 - the sentence is the product
            return 2
        log.exception("event=crash stage=%s", name)
        return 1
    log.info("event=end stage=%s asked=%s", name, stop.is_set())
    return 0


def set_up_log(level: int = logging.INFO) -> None:
    """`key=value` lines on stdout; the time is the journal's."""
    logging.basicConfig(
        stream=sys.stdout, level=level, format="level=%(levelname)s at=%(name)s %(message)s", force=True
    )


def ask_to_stop_on_signals(stop: threading.Event) -> None:
    """The first SIGTERM or SIGINT asks, the next one does what it does by default."""

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def _end_with_supervisor() -> None:
    """Ends this process when the small supervisor died without a word: asked first, killed later.

    Why not PR_SET_PDEATHSIG: it fires when the *thread* that started us ends, and gives one signal only, which a body
    stuck in a driver would never see.
    """
    parent = int(os.environ.get(PARENT_VARIABLE, "0"))
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.25)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()
