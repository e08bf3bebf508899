"""Disks that are low or full: what goes, in which order, what never does, and no half file ever."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import camera.store.disk
from camera.store.disk import Disk, DiskLow, Quotas

MUCH = 10**9


class SmallDisk:
    """What statvfs would say of a disk of `size` bytes that holds these files and `others` bytes of somebody else's."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size, self.others = folder, size, 0

    def used(self) -> int:
        files = {path.stat().st_ino: path.stat().st_size for path in self.folder.rglob("*") if path.is_file()}
        return sum(files.values()) + self.others

    def statvfs(self, path: object) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=max(self.size - self.used(), 0), f_frsize=1)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    disk = SmallDisk(tmp_path, 10_000)
    monkeypatch.setattr(os, "statvfs", disk.statvfs)
    write = camera.store.disk.write_whole

    def full_or_not(path: Path, content: bytes) -> None:
        if disk.used() + len(content) > disk.size:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(camera.store.disk, "write_whole", full_or_not)
    return disk


def opened(folder: Path, **quotas: int) -> Disk:
    disk = Disk(folder, Quotas(**({"frames": MUCH, "pictures": MUCH, "evidence": MUCH} | quotas)))
    disk.take_stock()
    return disk


def counts(disk: Disk) -> list[int]:
    return [len(disk.shelves[kind]) for kind in ("frames", "pictures", "evidence")]


def fill(disk: Disk, frames: int = 3, pictures: int = 2, evidence: int = 1) -> None:
    for number in range(evidence):
        folder = disk.shelves["evidence"].folder / f"2026061{number}T0-hold"
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(bytes(1000))
        disk.shelves["evidence"].add(folder.name, 1000)
    for number in range(pictures):
        disk.keep("pictures", f"n/{number}.jpg", bytes(1000))
    for number in range(frames):
        disk.keep("frames", f"n/{number}.fits.fz", bytes(1000))


def test_each_class_has_a_quota_of_its_own(tmp_path: Path):
    disk = opened(tmp_path, frames=2000, pictures=5000)
    fill(disk, frames=6, pictures=4)
    assert counts(disk) == [2, 4, 1]
    assert disk.shelves["frames"].expired == 4


def test_below_the_low_water_mark_frames_go_first_then_pictures_and_evidence_never(small: SmallDisk, tmp_path: Path):
    disk = opened(tmp_path, keep_free=2000)
    fill(disk)
    seen = []
    for others in range(1000, 8000, 1000):
        small.others = others
        try:
            disk.keep("frames", f"n/9{others}.fits.fz", bytes(1000))
        except DiskLow:
            seen.append("low")
        else:
            seen.append(counts(disk))
    # 10 000 in all: one of evidence, two pictures, three frames; 2000 stay free.
    assert seen == [[4, 2, 1], [3, 2, 1], [2, 2, 1], [1, 2, 1], [1, 1, 1], [1, 0, 1], "low"]
    assert counts(disk)[2] == 1
    assert disk.free_bytes() >= 2000


def test_what_others_took_and_gave_back_is_used_again(small: SmallDisk, tmp_path: Path):
    disk = opened(tmp_path, keep_free=1000)
    fill(disk, evidence=0, pictures=0)
    small.others = 9500
    with pytest.raises(OSError, match=r"No space|keep_free_gb"):
        disk.keep("frames", "n/a.fits.fz", bytes(1000))
    small.others = 0
    disk.keep("frames", "n/b.fits.fz", bytes(1000))
    assert counts(disk)[0] == 1


def test_a_full_disk_gets_room_before_anything_is_written(small: SmallDisk, tmp_path: Path):
    disk = opened(tmp_path)
    fill(disk, frames=8, pictures=1, evidence=1)
    assert small.used() == small.size
    disk.keep("frames", "n/9.fits.fz", bytes(2500))
    assert counts(disk)[0] == 6
    assert not list(tmp_path.rglob("*.part"))


def test_a_disk_that_others_filled_wholly_loses_at_most_a_few_rounds_and_no_evidence(small: SmallDisk, tmp_path: Path):
    disk = opened(tmp_path)
    fill(disk, frames=4, pictures=0)
    small.size = 0  # nothing we delete helps
    with pytest.raises(OSError, match="No space"):
        disk.keep("frames", "n/9.fits.fz", bytes(1000))
    assert counts(disk)[2] == 1
    assert not list(tmp_path.rglob("*.part"))


def test_another_error_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    disk = opened(tmp_path)
    fill(disk)

    def broken(path: Path, content: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(camera.store.disk, "write_whole", broken)
    with pytest.raises(OSError, match="Input/output"):
        disk.keep("frames", "n/9.fits.fz", bytes(1000))
    assert counts(disk) == [3, 2, 1]


def test_a_quota_made_smaller_holds_from_the_next_start(tmp_path: Path):
    fill(opened(tmp_path), frames=5)
    assert counts(opened(tmp_path, frames=2000)) == [2, 2, 1]


@pytest.fixture
def real_small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "mount"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(mount)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting is not permitted here")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.root
def test_on_a_really_full_file_system_recording_goes_on(real_small_disk: Path):
    disk = opened(real_small_disk / "record")
    for number in range(40):
        disk.keep("frames", f"n/{number:03d}.fits.fz", os.urandom(60_000))
    assert disk.shelves["frames"].expired > 20
    stored = sorted(path.name for path in (real_small_disk / "record").rglob("*") if path.is_file())
    assert stored[-1] == "039.fits.fz"
    assert not [name for name in stored if name.endswith(".part")]
    assert all(path.stat().st_size == 60_000 for path in (real_small_disk / "record").rglob("*.fz"))
    hog = real_small_disk / "hog"
    hog.write_bytes(bytes(disk.free_bytes()))
    disk.keep("frames", "n/040.fits.fz", os.urandom(60_000))
    disk.shelves["frames"].make_room(MUCH)  # everything of ours is gone
    hog.unlink()
    hog.write_bytes(bytes(disk.free_bytes()))
    with pytest.raises(OSError, match="No space"):
        disk.keep("frames", "n/041.fits.fz", os.urandom(60_000))
    assert not list((real_small_disk / "record").rglob("*.part"))
    hog.unlink()
    disk.keep("frames", "n/042.fits.fz", os.urandom(60_000))
    assert shutil.disk_usage(real_small_disk).used < 200_000
