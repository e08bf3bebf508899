"""The doctor sees what is wrong on a machine made up of files, and breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge import doctor
from edge.example import write_example
from edge.runtime import usb
from tests.edge.test_config import a_config


def levels(findings: object) -> list[str]:
    return [finding.level for finding in findings]  # type: ignore[attr-defined]


def test_this_machine_has_the_packages() -> None:
    assert levels(doctor.python_and_packages(None)) == ["ok", "ok"]


def test_a_sense_that_is_not_fitted_needs_no_device() -> None:
    deaf = a_config(radio={"source": "none"})
    blind = a_config(camera={"source": "none"})
    assert levels(doctor.dongle(deaf)) == ["ok"]
    assert levels(doctor.camera(blind)) == ["ok"]
    assert levels(doctor.plate(blind)) == []
    assert levels(doctor.plate(deaf)) == ["warn"]


def test_a_dongle_is_found_by_its_usb_numbers_and_its_permission_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usb, "SYSFS", tmp_path / "devices")
    monkeypatch.setattr(usb, "NODES", tmp_path / "nodes")
    assert levels(doctor.dongle(None)) == ["fail"]
    folder = tmp_path / "devices" / "1-1"
    folder.mkdir(parents=True)
    facts = {"idVendor": "0bda", "idProduct": "2838", "busnum": "1", "devnum": "7", "serial": "00001090"}
    for name, value in facts.items():
        (folder / name).write_text(value + "\n")
    (refused,) = doctor.dongle(None)
    assert (refused.level, str(tmp_path / "nodes/001/007") in refused.words) == ("fail", True)
    (tmp_path / "nodes/001").mkdir(parents=True)
    (tmp_path / "nodes/001/007").touch()
    (fine,) = doctor.dongle(None)
    assert (fine.level, fine.words) == ("ok", "RTL-SDR, serial 00001090")
    assert levels(doctor.dongle(a_config(radio={"serial": "00001090"}))) == ["ok"]
    assert levels(doctor.dongle(a_config(radio={"serial": "another"}))) == ["ok", "fail"]


def test_a_wrong_configuration_or_network_is_a_finding_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    write_example(file)
    (tmp_path / "n.onnx").write_bytes(b"no network")
    file.write_text(
        file.read_text().replace('## file = "/var/lib/skyspotter/network.onnx"', f'file = "{tmp_path}/n.onnx"')
    )
    findings = {finding.what: finding for finding in doctor.examine(file)}
    assert findings["configuration"].level == "ok"
    assert findings["network"].level == "fail"
    assert "n.onnx" in findings["network"].words
    file.write_text("[station]\n")
    findings = {finding.what: finding for finding in doctor.examine(file)}
    assert findings["configuration"].level == "fail"
    assert "python" in findings


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> object:
        raise OSError("no such bus")

    monkeypatch.setattr(doctor, "CHECKS", (broken,))
    assert doctor.examine(None)[-1] == doctor.Finding("broken", "fail", "could not be examined: no such bus")
