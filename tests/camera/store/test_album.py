"""Pictures while the night goes on, and after it: always a whole newest one, the night's own once, failures counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.geodesy import Site
from camera.store.album import COLUMNS, Album
from camera.store.disk import Disk, Quotas
from camera.store.fitsfile import encode
from camera.store.header import Origin
from camera.store.keogram import read_records
from camera.store.movie import Movie
from camera.store.nightbook import Wanted, build
from tests.camera.store.frames import NIGHT, START_UTC_NS, eventually, frame

ORIGIN = Origin(station="test", site=Site(40.5, -3.1, 900.0))
DAY_S = 86_400
DONE_BY = "import sys,pathlib; (pathlib.Path(sys.argv[1]) / 'night.json').write_text('{}')"


def album_in(folder: Path, *command: str) -> tuple[Album, Disk]:
    disk = Disk(folder, Quotas())
    disk.take_stock()
    return Album(disk, 10.0, command), disk


def later(seq: int, seconds: float):
    return frame(seq, start_utc_ns=START_UTC_NS + round(seconds * 1e9))


def size_of(path: Path) -> tuple[int, ...]:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture.shape


def test_the_newest_picture_is_at_its_place_and_kept_under_its_time(tmp_path: Path):
    album, _ = album_in(tmp_path)
    album.take(frame(0), ORIGIN, preview=True)
    album.take(later(1, 10.0), ORIGIN, preview=True)
    newest, kept = tmp_path / "pictures" / "newest.jpg", sorted((tmp_path / "pictures" / NIGHT).glob("*.jpg"))
    assert [path.name for path in kept] == ["20260614T214500.250Z.jpg", "20260614T214510.250Z.jpg"]
    assert newest.read_bytes() == kept[1].read_bytes()
    assert size_of(newest) == (20, 30, 3)
    assert newest.stat().st_mode & 0o777 == 0o644  # a web server may read it
    assert not list(tmp_path.rglob("*.part"))


def test_a_picture_is_due_every_so_often_not_with_every_frame(tmp_path: Path):
    album, _ = album_in(tmp_path)
    due = []
    for seq in range(15):
        due.append(album.due(frame(seq)))
        album.take(frame(seq), ORIGIN, preview=due[-1])
    assert [seq for seq in range(15) if due[seq]] == [0, 5, 10]
    assert len(read_records(tmp_path / "pictures" / NIGHT / COLUMNS)) == 15


def test_by_day_there_is_a_newest_picture_and_nothing_is_kept(tmp_path: Path):
    album, _ = album_in(tmp_path)
    album.take(later(1, 14 * 3600), ORIGIN, preview=True)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["newest.jpg"]


def test_the_books_of_the_disk_know_every_byte(tmp_path: Path):
    album, disk = album_in(tmp_path)
    for seq in range(7):
        album.take(later(seq, 10.0 * seq), ORIGIN, preview=True)
    pictures = tmp_path / "pictures"
    assert disk.shelves["pictures"].bytes == sum(path.stat().st_size for path in (pictures / NIGHT).iterdir())


def test_after_dawn_the_night_gets_its_pictures_once_and_not_before(tmp_path: Path):
    album, _ = album_in(tmp_path, sys.executable, "-c", DONE_BY)
    done = tmp_path / "pictures" / NIGHT / "night.json"
    album.take(frame(0), ORIGIN, preview=True)
    album.tend()
    album.close()
    assert not done.exists()
    album.take(later(1, 14 * 3600), ORIGIN, preview=True)
    eventually(lambda: album.tend() or album.counters["nights_built"] == 1)
    assert done.exists()
    done.write_text("as it was")
    album.tend()
    album.close()
    assert done.read_text() == "as it was"


def test_a_night_cut_short_by_a_crash_gets_its_pictures_from_the_next_process(tmp_path: Path):
    before, _ = album_in(tmp_path)
    before.take(frame(0), ORIGIN, preview=True)
    album, _ = album_in(tmp_path, sys.executable, "-c", DONE_BY)
    album.tend()  # before the first frame nobody knows which night it is
    assert not (tmp_path / "pictures" / NIGHT / "night.json").exists()
    album.take(later(1, DAY_S), ORIGIN, preview=True)
    eventually(lambda: album.tend() or album.counters["nights_built"] == 1)
    assert (tmp_path / "pictures" / NIGHT / "night.json").exists()
    assert not (tmp_path / "pictures" / "2026-06-15" / "night.json").exists()


@pytest.mark.parametrize("command", [(sys.executable, "-c", "raise SystemExit(3)"), ("/no/such/program",)])
def test_pictures_that_cannot_be_made_are_counted_and_tried_once(tmp_path: Path, command: tuple[str, ...]):
    album, _ = album_in(tmp_path, *command)
    album.take(frame(0), ORIGIN, preview=True)
    album.take(later(1, 14 * 3600), ORIGIN, preview=True)
    eventually(lambda: album.tend() or album.counters["nights_failed"] == 1)
    for _ in range(3):
        album.tend()
    assert album.counters["nights_failed"] == 1


# -- the pictures of a night -------------------------------------------------------------------------------------------


def test_a_time_lapse_is_h264_that_plays_while_it_loads(tmp_path: Path):
    path = tmp_path / "t.mp4"
    with Movie(path) as movie:
        for level in range(30):
            movie.add(np.full((65, 91, 3), 8 * level, np.uint8))  # odd sizes: colours are stored at half resolution
    content = path.read_bytes()
    assert b"avc1" in content
    assert content.index(b"moov") < content.index(b"mdat")
    video = cv2.VideoCapture(str(path))
    levels = []
    while (read := video.read())[0]:
        levels.append(float(read[1].mean()))
    assert np.allclose(levels, 8.0 * np.arange(30), atol=6)
    assert list(tmp_path.iterdir()) == [path]


def test_a_time_lapse_that_fails_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "t.mp4"
    path.write_bytes(b"of yesterday")
    with pytest.raises(IndexError), Movie(path) as movie:
        movie.add(np.zeros((64, 64, 3), np.uint8)[:, :, :, 0])
    assert path.read_bytes() == b"of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_recorder_kept_becomes_a_night(tmp_path: Path):
    album, _ = album_in(tmp_path)
    for seq in range(12):
        album.take(later(seq, 10.0 * seq), ORIGIN, preview=True)
    folder = tmp_path / "pictures" / NIGHT
    summary = build(folder, folder, Wanted())
    assert (summary.frames, summary.unreadable) == (12, 0)
    assert (summary.first_utc, summary.last_utc) == ("2026-06-14T21:45:00Z", "2026-06-14T21:46:50Z")
    assert size_of(folder / "startrail.jpg") == (20, 30, 3)
    assert size_of(folder / "keogram.jpg")[0] > 480
    assert build(folder, folder, Wanted()).frames == 12  # its own pictures are no frames
    assert json.loads((folder / "night.json").read_text())["made"] == ["timelapse.mp4", "startrail.jpg", "keogram.jpg"]


def test_raw_frames_become_a_night_and_what_is_damaged_is_counted(tmp_path: Path):
    for seq in range(5):
        (tmp_path / f"{seq}.fits.fz").write_bytes(encode(frame(seq), ORIGIN))
    (tmp_path / "9.fits").write_bytes(b"SIMPLE  = nonsense")
    summary = build(tmp_path, tmp_path / "out", Wanted(timelapse=False))
    assert (summary.frames, summary.unreadable) == (5, 1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["keogram.jpg", "startrail.jpg"]


def test_a_keogram_alone_needs_no_frame_but_its_columns_and_leaves_the_night_unfinished(tmp_path: Path):
    album, _ = album_in(tmp_path)
    for seq in range(5):
        album.take(frame(seq), ORIGIN, preview=False)
    folder = tmp_path / "pictures" / NIGHT
    assert build(folder, folder, Wanted(timelapse=False, startrail=False)).made == ("keogram.jpg",)
    assert sorted(path.name for path in folder.iterdir()) == [COLUMNS, "keogram.jpg"]


def test_the_enhanced_view_takes_the_sky_away(tmp_path: Path):
    slope = np.linspace(2000, 9000, 320)[None, :] * np.ones((320, 1))
    sky = (slope + np.random.default_rng(1).normal(0, 20, slope.shape)).astype(np.uint16)
    (tmp_path / "0.fits.fz").write_bytes(encode(frame(0, sky, mosaic="mono"), ORIGIN))
    step = {}
    for enhanced in (False, True):
        build(tmp_path, tmp_path, Wanted(keogram=False, timelapse=False, enhanced=enhanced))
        columns = cv2.imread(str(tmp_path / "startrail.jpg"))[:250].mean(axis=(0, 2))
        step[enhanced] = columns[-40:].mean() - columns[:40].mean()
    assert step[True] < 0.2 * step[False]


def test_while_the_night_goes_on_its_keogram_is_made_again_and_again(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("camera.store.album.KEOGRAM_EVERY_S", 0.0)
    script = (
        "import sys,pathlib; assert sys.argv[1] == '--keogram'; (pathlib.Path(sys.argv[2]) / 'keogram.jpg').touch()"
    )
    album, _ = album_in(tmp_path, sys.executable, "-c", script)
    album.take(frame(0), ORIGIN, preview=True)
    eventually(lambda: album.tend() or (tmp_path / "pictures" / NIGHT / "keogram.jpg").exists())
    album.close()
    assert (album.counters["nights_built"], album.counters["nights_failed"]) == (0, 0)


def test_star_trails_show_what_moves_and_not_the_twilight(tmp_path: Path):
    for seq in range(8):
        sky = np.full((160, 160), 200 if seq else 40_000, np.uint16)  # the first one is of a bright sky
        sky[80:84, 20 * seq : 20 * seq + 4] += 20_000
        sky += np.random.default_rng(seq).integers(0, 60, sky.shape, dtype=np.uint16)
        (tmp_path / f"{seq}.fits.fz").write_bytes(encode(frame(seq, sky, mosaic="mono"), ORIGIN))
    build(tmp_path, tmp_path, Wanted(keogram=False, timelapse=False))
    trail = cv2.imread(str(tmp_path / "startrail.jpg")).mean(axis=2)
    stars = [trail[80:84, 20 * seq : 20 * seq + 4].mean() for seq in range(1, 8)]
    assert min(stars) > np.median(trail) + 60


def test_a_folder_without_frames_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no frames"):
        build(tmp_path, tmp_path, Wanted())
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".mp4"]
