"""`skyspotter darks`: one master for every kind of frame given, and a reason for what cannot be one."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camera.device import Frame
from camera.frames.masters import load_dark
from camera.store.fitsfile import encode
from camera.store.header import Origin
from edge.darks import darks


def capped(seed: int, exposure_s: float = 2.0) -> Frame:
    pixels = (np.random.default_rng(seed).normal(480, 2, (96, 128)).astype(np.uint16) * 4).astype(np.uint16)
    pixels[20, 30] = 30_000
    return Frame(
        seed, 1_781_473_500_000_000_000 + seed * 10**9, 0.0, exposure_s, 120, 0.25, (0, 0), "RGGB", 65532, -5.0, 40.0,
        pixels, "51d0c0de00000001",
    )  # fmt: skip


def write(folder: Path, frame: Frame) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{frame.seq}.fits").write_bytes(encode(frame, Origin(station="test-station")))


def test_one_dark_for_every_exposure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(6):
        write(tmp_path / "in", capped(seed))
        write(tmp_path / "in", replace(capped(10 + seed, 0.5), seq=10 + seed))
    assert darks([tmp_path / "in"], out=tmp_path / "masters") == 0
    made = {load_dark(path).exposure_s: path.name for path in (tmp_path / "masters").iterdir()}
    assert made == {
        2.0: "51d0c0de00000001-g120-2s--5C.dark.fits",
        0.5: "51d0c0de00000001-g120-0.5s--5C.dark.fits",
    }
    assert "6 frames, 1 hot photosites" in capsys.readouterr().out


def test_too_few_are_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "in", capped(1))
    assert darks([tmp_path / "in"], out=tmp_path / "masters") == 1
    assert "needs at least 5" in capsys.readouterr().out
    assert not (tmp_path / "masters").exists()
    (tmp_path / "empty").mkdir()
    assert darks([tmp_path / "empty"], out=tmp_path / "masters") == 1


def test_a_disk_that_refuses_is_said_and_keeps_no_half_dark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(6):
        write(tmp_path / "in", capped(seed))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    assert darks([tmp_path / "in"], out=tmp_path / "masters") == 1
    assert "cannot be written: No space left on device" in capsys.readouterr().out
    assert list((tmp_path / "masters").iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    assert darks([tmp_path / "in"], out=tmp_path / "file") == 1
    assert "cannot be written" in capsys.readouterr().out
