"""The one command: parses, calls, and refuses in one sentence with exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edge import cli_shared
from edge.cli import app
from edge.cli_shared import broker_of, site_of
from edge.runtime.lock import sole_instance

COMMANDS = {
    "demo", "run", "capture", "vision", "radio", "replay", "watch", "status", "hold", "release", "doctor", "config",
    "calibrate", "models",
}  # fmt: skip


def skyspotter(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(tmp_path / "run"), "NO_COLOR": "1"}
    command = [sys.executable, "-I", "-m", "edge", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def command_names() -> set[str]:
    command: Any = typer.main.get_command(app)
    return set(command.commands)


def test_all_commands_of_the_design_are_there() -> None:
    assert command_names() >= COMMANDS


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    script = "import sys, edge.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "numpy",
        "scipy",
        "pydantic",
        "cv2",
        "paho",
        "onnxruntime",
        "sep",
        "zwoasi",
        "rtlsdr",
        "torch",
        "edge.config",
    }
    assert not heavy & set(loaded)
    assert "--help" in skyspotter(tmp_path, "--help").stdout


def test_init_then_check_says_what_the_station_will_be(tmp_path: Path) -> None:
    file = str(tmp_path / "s.toml")
    assert skyspotter(tmp_path, "config", "init", file).returncode == 0
    checked = skyspotter(tmp_path, "config", "check", file)
    assert checked.returncode == 0, checked.stderr
    assert f"{file}: ok" in checked.stdout
    assert "topics: skyspotter/my-station/..." in checked.stdout
    again = skyspotter(tmp_path, "config", "init", file)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == f"{file}: exists already; give another path, or move it away first\n"


def test_a_wrong_configuration_is_refused_by_every_command_that_reads_one(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    assert skyspotter(tmp_path, "config", "init", str(file)).returncode == 0
    file.write_text(file.read_text().replace('id = "my-station"', 'id = "My Station"\ncolour = "red"'))
    for command in (["config", "check"], ["run", "-c"], ["capture", "-c"], ["radio", "-c"]):
        refused = skyspotter(tmp_path, *command, str(file))
        assert refused.returncode == 2, command
        assert f"{file}: station.colour: unknown key; remove it or correct its spelling" in refused.stderr
        assert f"{file}: station.id: " in refused.stderr
        assert "Traceback" not in refused.stdout + refused.stderr


def test_a_second_station_on_the_box_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(tmp_path / "s.toml")
    assert skyspotter(tmp_path, "config", "init", file).returncode == 0
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    with sole_instance("station"):
        refused = skyspotter(tmp_path, "run", "--config", file)
    assert refused.returncode == 2
    assert f"skyspotter station already runs on this box with pid {os.getpid()}; stop that one first" in refused.stderr


def test_wrong_usage_ends_with_2(tmp_path: Path) -> None:
    for arguments in (["run"], ["radio"], ["demo", "--minutes", "soon"], ["demo", "--broker", "a:b"], ["fly"],
                      ["replay", "x", "--iq-rate", "1000000"]):  # fmt: skip
        assert skyspotter(tmp_path, *arguments).returncode == 2, arguments


def test_status_of_a_box_where_nothing_runs_is_1_and_a_sentence(tmp_path: Path) -> None:
    nothing = skyspotter(tmp_path, "status", "--json")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr.startswith("not running")


def test_hold_and_release_are_said_by_files_that_only_the_box_can_write(tmp_path: Path) -> None:
    run = tmp_path / "run"
    held = skyspotter(tmp_path, "hold", "aircraft", "low", "in", "the", "west")
    assert (held.returncode, (run / "hold").read_text()) == (0, "aircraft low in the west")
    assert "skyspotter release local" in held.stdout
    assert skyspotter(tmp_path, "release", "local").stdout == "the local hold is over\n"
    assert not (run / "hold").exists()
    assert skyspotter(tmp_path, "release", "local").stdout == "nobody held at this box\n"
    assert skyspotter(tmp_path, "release", "remote-hold", "--by", "A. Weber").returncode == 0
    assert (run / "release-remote-hold").read_text() == "A. Weber"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["remote-hold"], "remote-hold: say who releases it: `skyspotter release remote-hold --by NAME`\n"),
        (["camera-dead", "--by", "me"], "camera-dead: is not latched; ended by itself; a person can release: local, "),
        (["../x", "--by", "me"], "../x: no such fault; "),
    ],
)
def test_what_nobody_can_release_is_refused(tmp_path: Path, arguments: list[str], why: str) -> None:
    refused = skyspotter(tmp_path, "release", *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(why)


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith("skyspotter ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("box", ("box", 1883)), ("box:8883", ("box", 8883)), ("10.0.0.1:1", ("10.0.0.1", 1)), ("::1", ("::1", 1883))],
)
def test_a_broker_is_a_host_and_perhaps_a_port(text: str, expected: tuple[str, int]) -> None:
    assert broker_of(text) == expected


@pytest.mark.parametrize("text", ["", ":1883", "box:", "box:0", "box:65536", "box:x"])
def test_what_is_no_broker_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        broker_of(text)


def test_every_option_of_replay_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    import edge.replay.command

    seen: dict[str, object] = {}
    monkeypatch.setattr(edge.replay.command, "replay", lambda paths, **given: seen.update(given, paths=paths) or 0)
    arguments = ["replay", "x.bin", "--out", "o", "--broker", "box", "--site", "1,2,3", "--plate", "p", "--rate", "2"]
    assert CliRunner().invoke(app, [*arguments, "--iq-rate", "2000000", "--fresh"]).exit_code == 0
    assert seen == {
        "paths": [Path("x.bin")], "out": Path("o"), "broker": ("box", 1883), "site": (1.0, 2.0, 3.0),
        "plate": Path("p"), "rate": 2.0, "iq_rate_hz": 2_000_000, "fresh": True,
    }  # fmt: skip


def test_a_site_is_three_numbers_on_earth() -> None:
    assert site_of("40.5247,-3.0883,980") == (40.5247, -3.0883, 980.0)
    for text in ("", "1,2", "91,0,0", "0,181,0", "0,0,1e9", "nan,0,0", "a,b,c"):
        with pytest.raises(typer.BadParameter):
            site_of(text)


def test_a_command_of_another_part_gets_its_own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def listen(host: str = "x", full: bool = False) -> None:
        seen.extend([host, str(full)])

    monkeypatch.setattr(cli_shared, "import_module", lambda _: type("M", (), {"watch_command": staticmethod(listen)}))
    assert CliRunner().invoke(app, ["watch", "--host", "box", "--full"]).exit_code == 0
    assert seen == ["box", "True"]
