"""A station's own nights: what is taught, what is held out, and what damaged files cost."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from models import synth
from models.cli import app
from models.dataset import Picture, Sources, make_batch
from models.own import held_out, night_folders, own_cases, prepare_own

NIGHT, HELD_OUT = "2026-06-14", "2026-06-16"
LINE = ((60, 90), (140, 110))  # stored pixels of a mono picture, which are those of its planes


def box(begin: tuple[float, float], end: tuple[float, float], half: float = 10.0) -> list[list[float]]:
    ends = np.array([begin, end], float)
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    ends += np.array([[-half], [half]]) * along
    aside = half * np.array([-along[1], along[0]])
    return [*(ends + aside).tolist(), *(ends - aside)[::-1].tolist()]


def picture(folder: Path, name: str, *shapes: tuple[str, list[list[float]]], seed: int = 1) -> Path:
    """A night sky with one trail, and a label file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    light = np.zeros((200, 260), np.float32)
    cv2.line(light, *LINE, 1.0, 1)
    sky = np.random.default_rng(seed).normal(3000, 40, light.shape) + 1000 * cv2.GaussianBlur(light, (0, 0), 0.9)
    cv2.imwrite(str(folder / f"{name}.png"), sky.astype(np.uint16))
    content = {"shapes": [{"label": label, "points": p} for label, p in shapes], "imagePath": f"{name}.png"}
    (folder / f"{name}.json").write_text(json.dumps(content))
    return folder / f"{name}.png"


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    for night in (NIGHT, HELD_OUT):
        shapes = [
            ("aircraft", box(*LINE)), ("aircraft", box((150, 40), (220, 40))), ("doubtful", box((30, 160), (90, 170))),
            ("unannounced", box((150, 150), (200, 180))),
        ]  # fmt: skip
        picture(tmp_path / "own" / night, "a", *shapes)
        picture(tmp_path / "own" / night, "b", seed=2)
    return tmp_path / "own"


def test_light_is_taught_where_it_was_announced_and_everything_else_in_polygons_is_without_an_opinion(nights, tmp_path):
    own = prepare_own(nights, tmp_path / "cache")
    assert (own.taught, own.unlit, own.held_out) == (1, 1, 1)
    labels = next(p.labels for p in own.pictures if p.labels.any())
    assert labels[100, 100] == synth.AIRCRAFT
    assert labels[40, 180] == labels[165, 60] == labels[165, 175] == synth.IGNORE
    assert labels[10, 10] == 0
    assert {p.group for p in own.pictures} == {NIGHT}


def test_what_was_prepared_is_mapped_from_disk_and_made_anew_when_a_person_corrects_a_label(nights, tmp_path):
    first = prepare_own(nights, tmp_path / "cache").pictures
    assert all(isinstance(p.planes_sigma, np.memmap) for p in first)
    files = set((tmp_path / "cache").iterdir())
    prepare_own(nights, tmp_path / "cache")
    assert set((tmp_path / "cache").iterdir()) == files
    picture(nights / NIGHT, "a", ("satellite", box(*LINE)))
    corrected = next(p.labels for p in prepare_own(nights, tmp_path / "cache").pictures if p.labels.any())
    assert corrected[100, 100] == synth.SATELLITE


def test_a_night_is_held_out_by_its_date_alone_and_one_in_five_is(nights, tmp_path):
    dates = [f"20{year}-{month:02d}-{day:02d}" for year in range(26, 30) for month in range(1, 13) for day in range(28)]
    assert 0.17 < np.mean([held_out(date) for date in dates]) < 0.23
    with pytest.raises(ValueError, match="held out"):
        prepare_own(nights / HELD_OUT, tmp_path)
    with pytest.raises(ValueError, match="none of its 1 nights is held out"):
        own_cases(nights / NIGHT)


def test_held_out_nights_are_scored_on_the_light_that_was_announced(nights):
    cases = {case.name: case for case in own_cases(nights)}
    assert set(cases) == {f"{HELD_OUT} a.png", f"{HELD_OUT} b.png"}
    case = cases[f"{HELD_OUT} a.png"]
    (line,) = case.trails
    slope = np.polyfit(line[:, 0], line[:, 1], 1)
    assert np.polyval(slope, [60, 140]) == pytest.approx([90, 110], abs=1.0)
    assert case.classes == ("aircraft",)
    assert len(case.faint) == 2  # the unlit and the doubtful; what only the network saw may be false
    assert case.frame().width == 260


def test_damaged_files_are_named_and_the_rest_goes_on(nights, tmp_path):
    picture(nights / NIGHT, "c", ("aircraft", box(*LINE)))
    picture(nights / NIGHT, "d", ("aircraft", box(*LINE)), seed=3).write_bytes(b"\x89PNG torn")
    (nights / NIGHT / "e.json").write_text("{")
    own = prepare_own(nights, tmp_path / "cache")
    assert (len(own.pictures), own.taught) == (3, 2)
    assert sorted(Path(fault.file).name for fault in own.faults) == ["d.png", "e.json"]
    assert not list((tmp_path / "cache").glob("*.partial*"))


def test_a_held_out_picture_that_cannot_be_read_says_so_when_it_is_scored(nights):
    (nights / HELD_OUT / "a.png").write_bytes(b"\x89PNG torn")
    case = next(case for case in own_cases(nights) if "a.png" in case.name)
    assert case.trails == ()
    with pytest.raises(Exception, match=r"a\.png"):
        case.frame()


def test_a_folder_without_nights_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="skyspotter labels"):
        night_folders(tmp_path)


def test_own_nights_enter_the_batches_and_without_them_a_batch_is_what_it_was(nights, tmp_path):
    own = prepare_own(nights, tmp_path / "cache").pictures
    sky = [Picture(np.zeros((1, 200, 200), np.float16), np.zeros((200, 200), np.uint8), "sky")]
    with_own, without, empty = Sources(sky, sky, (), own), Sources(sky, sky), Sources(sky, sky, (), ())
    batches = [make_batch(sources, size=64, batch=24, seed=1, step=1) for sources in (with_own, without, empty)]
    assert (batches[0][1] == synth.IGNORE).any()
    assert (batches[1][0] == batches[2][0]).all()
    assert not (batches[0][0] == batches[1][0]).all()


def test_train_and_quantise_take_own_nights_and_say_what_they_gave(nights, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "data" / "sky").mkdir(parents=True)
    (tmp_path / "data" / "sky" / "labels.json").write_text('{"images": []}')
    options = ["--run", str(tmp_path / "run"), "--data", str(tmp_path / "data"), "--nights", "0", "--steps", "1"]
    done = CliRunner().invoke(app, ["train", *options, "--batch", "1", "--network", "c16d3b", "--own", str(nights)])
    eight = ["--run", str(tmp_path / "run"), "--data", str(tmp_path / "data"), "--nights", "0", "--samples", "4"]
    bytes_too = CliRunner().invoke(app, ["quantise", *eight, "--into", str(tmp_path / "zoo"), "--own", str(nights)])
    for one in (done, bytes_too):
        assert one.exit_code == 0, one.output
        assert "2 frames of 1 nights, 1 trails taught, 1 polygons without light, 1 nights held out" in one.output
    assert {"c16d3b.s8.onnx", "c16d3b.u8.onnx", "SHA256SUMS"} <= {file.name for file in (tmp_path / "zoo").iterdir()}
    refused = CliRunner().invoke(app, ["train", *options, "--own", str(tmp_path / "data")])
    assert refused.exit_code == 2
    assert "no nights there" in refused.output
