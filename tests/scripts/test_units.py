"""The systemd units: systemd accepts them, and what they start exists."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.runtime.supervisor import station_children
from edge.status import UNITS_PATH
from tests.edge.test_cli import command_names
from tests.edge.test_config import a_config

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))


def unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def test_there_is_a_unit_for_every_process_of_a_station() -> None:
    roles = {child.name for child in station_children(a_config(), Path("s.toml"))}
    assert {path.stem for path in SERVICES} == {f"skyspotter-{role}" for role in roles}
    assert unit(FOLDER / "skyspotter.target")["Unit"]["Wants"].split() == [
        f"skyspotter-{role}.service" for role in ("vision", "capture", "radio")
    ]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_unit_starts_what_the_supervisor_starts_and_never_gives_up(path: Path) -> None:
    service, role = unit(path)["Service"], path.stem.removeprefix("skyspotter-")
    words = service["ExecStart"].split()
    assert words[1:4] == ["-I", "-m", "edge"]
    assert words[4] == role
    assert role in command_names()
    assert words[5] == "--config"
    assert (service["Type"], service["Restart"], unit(path)["Unit"]["StartLimitIntervalSec"]) == (
        "notify",
        "always",
        "0",
    )
    assert int(service["WatchdogSec"]) > 0
    assert Path("/run") / service["RuntimeDirectory"] == UNITS_PATH.parent
    assert service["RuntimeDirectoryPreserve"] == "yes"
    assert ("LoadCredential" in service) == (role == "vision"), "only the judgement speaks to the broker"


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if (analyse := shutil.which("systemd-analyze")) is None:
        pytest.skip("no systemd-analyze on this machine")
    copies = []
    for path in (*SERVICES, FOLDER / "skyspotter.target"):
        copies.append(tmp_path / path.name)
        copies[-1].write_text(path.read_text().replace("/opt/skyspotter/venv/bin/python", sys.executable))
    done = subprocess.run(
        [analyse, "verify", "--man=no", *copies], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_user_and_the_credential_are_made_by_the_files_beside() -> None:
    user = unit(SERVICES[0])["Service"]["User"]
    assert f"u {user} " in (FOLDER / "skyspotter.sysusers").read_text()
    _, file = unit(FOLDER / "skyspotter-vision.service")["Service"]["LoadCredential"].split(":")
    assert f"f {file} 0600 root root" in (FOLDER / "skyspotter.tmpfiles").read_text()
    assert f'GROUP="{user}"' in (FOLDER / "60-skyspotter.rules").read_text()
