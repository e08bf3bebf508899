"""The doctor sees what is wrong on a machine made up of files, and breaks nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from camera.frames.dark import Dark
from camera.frames.masters import save_dark
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
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


def test_darks_of_another_camera_and_a_damaged_flat_are_findings(tmp_path: Path) -> None:
    plate = simulated_plate(night(1), scale=0.25)
    plate.save(tmp_path / "plate.json")
    for folder, serial in (("own", plate.camera_serial), ("other", "other")):
        (tmp_path / folder).mkdir()
        pixels = np.full((8, 8), 1920, np.uint16)
        save_dark(
            tmp_path / folder / "a.dark.fits", Dark(pixels, serial, (0, 0), 120, 2.0, -5.0, 9, "2026-06-14T22:00:00")
        )
    (tmp_path / "flat.json").write_text("{}")

    def found(**camera: object) -> list[tuple[str, str]]:
        config = a_config(camera=camera, plate={"file": str(tmp_path / "plate.json")})
        return [(finding.level, finding.words) for finding in doctor.masters(config)]

    assert [level for level, _ in found(darks_directory=str(tmp_path / "own"))] == ["ok"]
    ((level, words),) = found(darks_directory=str(tmp_path / "other"))
    assert (level, "of camera 'other'" in words) == ("fail", True)
    ((level, words),) = found(flat_file=str(tmp_path / "flat.json"))
    assert (level, "make it again" in words, "goes on without" in words) == ("fail", True, True)
    assert found() == []


def test_a_disk_that_keeps_nothing_is_a_finding(tmp_path: Path) -> None:
    def level(**recorder: object) -> list[str]:
        return levels(doctor.recordings(a_config(recorder=recorder)))

    assert level(directory=str(tmp_path / "not" / "yet"), keep_free_gb=0.0) == ["ok"]
    assert level(directory=str(tmp_path), keep_free_gb=1e6) == ["fail"]
    (tmp_path / "file").touch()
    assert level(directory=str(tmp_path / "file" / "below"), keep_free_gb=0.0) == ["fail"]
    assert level() == []
