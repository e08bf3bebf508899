"""`skyspotter watch` as a program: one line a change, JSON, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.e2e.test_lease import publisher
from tests.edge.publish.brokers import free_port, mosquitto, needs_mosquitto

WATCH = "import typer; from edge.watch.command import watch_command; typer.run(watch_command)"


def watch(*words):
    return subprocess.run(
        [sys.executable, "-c", WATCH, "--station", "yebes", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_mosquitto
def test_asked_once_it_answers_by_exit_code(tmp_path):
    with mosquitto(tmp_path) as broker:
        where = f"127.0.0.1:{broker.port}"
        with publisher(broker.port):
            answer = watch("--broker", where, "--once", "--json")
            assert answer.returncode == 0, answer.stdout + answer.stderr
            assert json.loads(answer.stdout)["may_lase"] is True
            not_the_sky = watch("--broker", where, "--once", "--simulation")
            assert not_the_sky.returncode == 1
            assert "SIMULATION" in not_the_sky.stdout


def test_without_a_broker_it_says_so_in_one_line():
    answer = watch("--broker", f"127.0.0.1:{free_port()}", "--once")
    assert answer.returncode == 1
    assert answer.stdout.count("\n") == 1
    assert "DO NOT LASE" in answer.stdout
    assert "no broker listens" in answer.stdout


def test_a_wrong_address_is_a_wrong_usage():
    answer = watch("--broker", "box:port", "--once")
    assert answer.returncode == 2
    assert "HOST[:PORT]" in answer.stderr
