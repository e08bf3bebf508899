"""The right camera is found among those on the bus, wherever it stands, or it is said why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from camera.asi import AsiCamera
from camera.device import CameraLost, CameraRefused
from camera.zwo.bus import FoundCamera, found_cameras, usb_refusal
from tests.camera.zwo.noisy import SERIAL, Install, settings


def test_a_camera_that_was_unplugged_is_found_again_at_another_place(install: Install, tmp_path: Path):
    install(serials=(SERIAL, "51d0c0de00000002"), fault_file=tmp_path / "fault")
    camera = AsiCamera(settings(serial=SERIAL))
    camera.open()
    camera.read(2.0)
    (tmp_path / "fault").write_text("removed")
    with pytest.raises(CameraLost, match="removed"):
        camera.read(0.5)
    (tmp_path / "fault").unlink()
    assert found_cameras()[0].serial == "51d0c0de00000002"
    camera.open()
    assert camera.read(2.0).camera_serial == SERIAL
    camera.close()


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("no-camera", CameraLost, "no camera is connected"),
        ("permission", CameraLost, "does another program use it"),
        ("old-library", CameraRefused, "too old"),
    ],
)
def test_what_keeps_a_camera_from_opening_is_told(
    install: Install, camera: AsiCamera, tmp_path: Path, fault: str, error: type[Exception], says: str
):
    (tmp_path / "fault").write_text(fault)
    install(fault_file=tmp_path / "fault")
    with pytest.raises(error, match=says):
        camera.open()


def test_of_two_cameras_the_serial_chooses(install: Install):
    install(serials=(SERIAL, "51d0c0de00000002"))
    assert [found.serial for found in found_cameras()] == [SERIAL, "51d0c0de00000002"]
    with pytest.raises(CameraRefused, match=r"2 cameras are connected \(51d0c0de00000001, 51d0c0de00000002\)"):
        AsiCamera(settings()).open()
    with pytest.raises(CameraLost, match="camera 00ff is not connected"):
        AsiCamera(settings(serial="00ff")).open()
    camera = AsiCamera(settings(serial="51D0C0DE00000002"))
    camera.open()
    assert camera.read(2.0).camera_serial == "51d0c0de00000002"
    camera.close()


def test_a_camera_whose_usb_node_may_not_be_opened_is_named(tmp_path: Path):
    device, nodes = tmp_path / "devices" / "2-1", tmp_path / "nodes"
    device.mkdir(parents=True)
    for name, text in (("idVendor", "03c3\n"), ("busnum", "2\n"), ("devnum", "7\n")):
        (device / name).write_text(text)
    assert "002/007 (the camera) may not be opened" in usb_refusal(tmp_path / "devices", nodes)
    (nodes / "002").mkdir(parents=True)
    (nodes / "002" / "007").touch()
    assert usb_refusal(tmp_path / "devices", nodes) == ""
    assert os.access(nodes, os.R_OK)


def test_the_doctor_sees_a_camera_that_another_program_has(install: Install, tmp_path: Path):
    (tmp_path / "fault").write_text("permission")
    install(fault_file=tmp_path / "fault")
    assert found_cameras() == [FoundCamera("ZWO ASI294MC Pro(simulated)", "")]
