"""What a service says to its supervisor, word for word as sd_notify(3) has it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from edge.runtime.notify import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_the_supervisor_hears_every_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"@skyspotter-test-{os.getpid()}" if abstract else str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name.replace("@", "\0"))
        supervisor.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        notifier = Notifier()
        assert notifier.watchdog_s == 10.0
        notifier.beat()
        assert supervisor.recv(100) == b"WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000", "not ready, but no hang"
        notifier.ready()
        notifier.beat()
        notifier.status("first line\nsecond")
        notifier.stopping()
        heard = [supervisor.recv(100) for _ in range(4)]
    assert heard == [b"READY=1", b"WATCHDOG=1", b"STATUS=first line second", b"STOPPING=1"]
    notifier.beat()  # nobody there any more: no error


def test_without_a_supervisor_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notifier = Notifier()
    notifier.ready()
    assert notifier.watchdog_s is None
