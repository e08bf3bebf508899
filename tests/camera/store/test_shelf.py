"""A shelf keeps its books: never over its quota, the oldest first, and the sums are those of the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.store.shelf import Shelf


def put(shelf: Shelf, name: str, size: int) -> None:
    assert shelf.make_room(size)
    path = shelf.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    shelf.add(name, size)


def on_disk(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), max_size=30),
    quota=st.integers(60, 200),
    restart_after=st.integers(0, 30),
    folders=st.booleans(),
)
def test_the_newest_that_fit_are_kept_over_any_restart(tmp_path_factory, sizes, quota, restart_after, folders):
    folder = tmp_path_factory.mktemp("shelf")
    shelf = Shelf(folder, quota)
    shelf.take_stock()
    for number, size in enumerate(sizes):
        if number == restart_after:
            shelf = Shelf(folder, quota)
            shelf.take_stock()
        put(shelf, f"{number // 5:02d}/{number:04d}" if folders else f"{number:04d}", size)
    kept, total = {}, 0
    for number, size in reversed(list(enumerate(sizes))):
        if total + size > quota:
            break
        kept[number], total = size, total + size
    assert {int(name[-4:]): size for name, size in on_disk(folder).items()} == kept
    assert shelf.bytes == total
    assert len(shelf) == len(kept)
    assert len(list(folder.iterdir())) <= len(kept)  # no empty folder stays


def test_half_and_empty_files_of_a_power_cut_are_removed(tmp_path: Path):
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / ".a.fits.fz.part").write_bytes(b"half")
    (tmp_path / "night" / "b.fits.fz").touch()
    (tmp_path / "night" / "c.fits.fz").write_bytes(b"whole")
    shelf = Shelf(tmp_path, 100)
    shelf.take_stock()
    assert on_disk(tmp_path) == {"night/c.fits.fz": 5}
    assert (len(shelf), shelf.bytes, shelf.swept) == (1, 5, 2)


def test_what_is_larger_than_the_quota_is_refused_and_costs_nothing_else_than_room(tmp_path: Path):
    shelf = Shelf(tmp_path, 10)
    shelf.take_stock()
    assert not shelf.make_room(11)
    assert shelf.make_room(10)


def test_a_file_with_another_name_gives_nothing_back(tmp_path: Path):
    shelf = Shelf(tmp_path / "frames", 100)
    shelf.take_stock()
    put(shelf, "a", 7)
    put(shelf, "b", 9)
    os.link(tmp_path / "frames" / "a", tmp_path / "second")
    assert [shelf.expire(), shelf.expire()] == [0, 9]
    assert (tmp_path / "second").read_bytes() == b"x" * 7


def test_folders_go_as_a_whole_and_the_one_that_grows_is_spared(tmp_path: Path):
    shelf = Shelf(tmp_path, 30, folders=True)
    shelf.take_stock()
    for event in ("20260614-a", "20260615-b"):
        for number in range(2):
            path = tmp_path / event / str(number)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * 5)
            shelf.add(event, 5)
    assert not shelf.make_room(30, sparing="20260615-b")
    assert [path.name for path in tmp_path.iterdir()] == ["20260615-b"]
    assert (shelf.bytes, shelf.expired) == (10, 1)


def test_what_still_grows_goes_last(tmp_path: Path):
    shelf = Shelf(tmp_path, 10)
    shelf.take_stock()
    put(shelf, "night/columns", 3)
    put(shelf, "night/a", 3)
    (tmp_path / "night" / "columns").write_bytes(b"x" * 5)
    shelf.add("night/columns", 2)
    put(shelf, "night/b", 4)
    assert on_disk(tmp_path) == {"night/columns": 5, "night/b": 4}
    assert shelf.bytes == 9


def test_a_file_that_somebody_else_removed_is_no_trouble(tmp_path: Path):
    shelf = Shelf(tmp_path, 10)
    shelf.take_stock()
    put(shelf, "night/a", 5)
    (tmp_path / "night" / "a").unlink()
    assert shelf.expire() == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("first", "last", "found"), [("2", "3", ["3", "2"]), ("0", "9", ["5", "3", "2", "1"]), ("6", "9", [])]
)
def test_a_time_range_finds_its_files_newest_first(tmp_path: Path, first: str, last: str, found: list[str]):
    shelf = Shelf(tmp_path, 100)
    shelf.take_stock()
    for time in "1235":
        put(shelf, f"n/{time}-7.fits", 1)
    assert [name[2] for name in shelf.between(first, last)] == found


@pytest.mark.parametrize("ahead", ["2116-02-20/21160220T235338.427Z-25.fits", "21160220T235338.427Z-hold"])
def test_what_a_clock_that_ran_ahead_has_named_goes_first_after_a_restart(tmp_path: Path, ahead: str):
    for name in ("2026-06-14/20260614T210000.000Z-1.fits", "2026-06-15/20260615T210000.000Z-2.fits", ahead):
        put(shelf := Shelf(tmp_path, 1000), name, 40)
    put(shelf, "newest.jpg", 10)
    shelf = Shelf(tmp_path, 130)
    shelf.take_stock()
    put(shelf, "2026-06-16/20260616T210000.000Z-3.fits", 40)
    assert sorted(name[:10] for name in on_disk(tmp_path)) == ["2026-06-14", "2026-06-15", "2026-06-16", "newest.jpg"]
