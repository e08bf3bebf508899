"""A vendor's library that cannot be used is refused with what to do; its errors become ours."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from camera.asi import AsiCamera
from camera.device import CameraRefused, FrameTimeout
from camera.zwo.bus import found_cameras
from camera.zwo.library import import_zwoasi, load_sdk
from tests.camera.zwo.noisy import Install


def test_repeated_errors_keep_no_tracebacks(install: Install, camera: AsiCamera):
    install()
    camera.open()
    for _ in range(3):
        with pytest.raises(FrameTimeout):
            camera.read(0.001)
    assert import_zwoasi().zwo_errors[11].__traceback__ is None


def test_a_library_that_is_something_else_is_refused_with_what_to_do():
    with pytest.raises(CameraRefused, match=r"libASICamera2\.so .* put it into"):
        load_sdk(Path("libc.so.6"))
    with pytest.raises(CameraRefused, match="cannot be loaded"):
        load_sdk(Path("/nowhere/libASICamera2.so"))
    assert import_zwoasi().zwolib is None


def test_a_library_of_another_machine_is_named_as_such(tmp_path: Path):
    number, name = (183, "aarch64") if platform.machine() == "x86_64" else (62, "x86_64")
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, number, 1) + bytes(200)
    (tmp_path / "libASICamera2.so").write_bytes(header)
    with pytest.raises(CameraRefused, match=f"made for {name}, this is {platform.machine()}.*get libASICamera2"):
        load_sdk(tmp_path / "libASICamera2.so")


def test_a_missing_library_is_refused_with_where_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("camera.zwo.library.USUAL_PLACES", ())
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(CameraRefused, match="was not found: get libASICamera2"):
        found_cameras()


def test_importing_the_package_says_nothing_and_leaves_the_logging_alone():
    code = (
        "import logging; from camera.zwo.library import import_zwoasi; zwoasi = import_zwoasi(); "
        "assert zwoasi.zwolib is None and not logging.getLogger().handlers and not logging.getLogger().manager.disable"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
