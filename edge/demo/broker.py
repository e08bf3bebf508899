"""The demo's own MQTT broker (amqtt), so that a newcomer needs none: anonymous, on loopback only, never in the field.

It runs as a process of its own, as a broker does in the field: its work never competes for the interpreter with the
terminal view, and it can be killed to see every permit expire. It ends when its standard input closes, so it cannot
outlive whoever started it. amqtt speaks MQTT 3.1.1 only: its clients are told so (`protocol = "3.1.1"`), knowingly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

HOST = "127.0.0.1"
START_LIMIT_S = 20.0  # a slow disk importing amqtt for the first time
STOP_LIMIT_S = 3.0
_READY = b"ready\n"


class BrokerRefused(Exception):
    """The embedded broker did not start; the message says why and what to use instead."""


@contextlib.contextmanager
def embedded_broker(start_limit_s: float = START_LIMIT_S) -> Iterator[tuple[str, int]]:
    """Run the broker for the length of the block; gives (host, port). Raises BrokerRefused."""
    port = _free_port()
    command = [sys.executable, "-m", "edge.demo.broker", str(port)]
    # A session of its own: Ctrl-C must reach the station first, so that its last HOLD is still delivered.
    with tempfile.TemporaryFile() as complaints:  # a file, not a pipe: nobody has to drain it
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, start_new_session=True
        )
        try:
            if why := _why_not_ready(child, start_limit_s, complaints):
                raise BrokerRefused(
                    f"the demo's MQTT broker (amqtt) did not start: {why}; use your own with --broker HOST"
                )
            yield HOST, port
        finally:
            _stop(child)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _why_not_ready(child: subprocess.Popen[bytes], limit_s: float, complaints: IO[bytes]) -> str:
    """An empty text once the broker listens, else what went wrong."""
    assert child.stdout is not None
    if not select.select([child.stdout], [], [], limit_s)[0]:
        return f"not ready within {limit_s:.0f} s"
    if child.stdout.readline() == _READY:
        return ""
    child.wait(STOP_LIMIT_S)
    complaints.seek(0)
    said = complaints.read().decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"it ended with code {child.returncode} and said nothing"


def _stop(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        child.stdin.close()
    try:
        child.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(STOP_LIMIT_S)
    if child.stdout is not None:
        child.stdout.close()


# -- in the child ------------------------------------------------------------------------------------------------------


async def _serve(port: int) -> None:
    from amqtt.broker import Broker

    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    closed = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), closed.set)
    sys.stdout.buffer.write(_READY)
    sys.stdout.buffer.flush()
    await closed.wait()
    # A client that hangs must not hold the end back: what is undelivered two seconds after the last word stays so.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), 2.0)


def main(port: int) -> int:
    """The child: serve until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.CRITICAL)
    try:
        asyncio.run(_serve(port))
    except Exception as err:  # whatever amqtt raises becomes one line for the parent
        sys.stderr.write(f"{type(err).__name__}: {err}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
