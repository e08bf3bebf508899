"""Reports and sweeps say what happened, in words, numbers and pictures, from the commands people use."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from models.cli import app  # noqa: E402
from models.importers.patches import Dataset, load_part  # noqa: E402
from models.metrics import Confusion  # noqa: E402
from models.networks.published import NETWORKS  # noqa: E402
from tests.models.toy import RECIPE, TOY, register, toy_patches  # noqa: E402

run = CliRunner().invoke
PRESET = "\n".join(
    f"{key} = {json.dumps(value)}" for key, value in {**RECIPE, "epochs": 3}.items() if key != "augmentation"
)


@pytest.fixture(autouse=True)
def toy_network(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(NETWORKS, TOY, None)
    register()


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """preset.toml and dataset/."""
    (tmp_path / "preset.toml").write_text(PRESET)
    data = Dataset(("background", "aircraft"), "stored", "source", 32)
    data.parts["train"], data.parts["validation"] = toy_patches(), toy_patches(6, 2)
    data.save(tmp_path / "dataset")
    return tmp_path


def picture(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


def test_a_training_is_reported_in_full(prepared: Path):
    folder = prepared / "run"
    common = [str(prepared / "preset.toml"), "--dataset", str(prepared / "dataset")]
    done = run(app, ["fit", *common, "--run", str(folder), "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert list((folder / "tensorboard").iterdir())
    done = run(app, ["report", str(folder)])
    assert done.exit_code == 0, done.output
    picture_in = prepared / "night.png"
    Image.fromarray(toy_patches()[1].image.repeat(4, 0).repeat(4, 1)).save(picture_in)
    done = run(app, ["detect", str(picture_in), "--network", str(folder), "--out", str(prepared / "found")])
    assert done.exit_code == 0, done.output
    assert json.loads((prepared / "found" / "detections.jsonl").read_text())["width"] == 128
    facts = json.loads((folder / "report.json").read_text())
    rates = facts["classes"]["labelled"]["pooled"]
    assert set(rates) == set(Confusion(0, 0, 0, 0).rates())
    assert rates["P"] + rates["N"] == 6 * 32 * 32
    assert rates["TS"] == pytest.approx(facts["best"]["iou"])
    recalls = [recall for _, _, recall in facts["classes"]["labelled"]["curve"]]
    assert recalls == sorted(recalls, reverse=True)
    text = (folder / "report.md").read_text()
    for name in ("curves", "precision_recall", "gallery"):
        assert f"({name}.png)" in text
        assert picture(folder / f"{name}.png").std() > 10
    done = run(app, ["fit", *common, "--run", str(folder), "--batch", "5"])
    assert done.exit_code == 2
    assert "another preset" in done.output


def test_a_sweep_is_one_picture_and_a_failed_pair_is_part_of_it(prepared: Path):
    pairs = ["--rate", "1e-2", "--rate", "20", "--batch", "4", "--batch", "6"]
    where = ["--dataset", str(prepared / "dataset"), "--out", str(prepared / "sweep")]
    command = ["sweep", str(prepared / "preset.toml"), *where, *pairs, "--epochs", "1", "--threads", "1"]
    done = run(app, command)
    assert done.exit_code == 0, done.output
    pairs = json.loads((prepared / "sweep" / "sweep.json").read_text())["pairs"]
    assert [(p["learning_rate"], p["batch"]) for p in pairs] == [(0.01, 4), (0.01, 6), (20, 4), (20, 6)]
    assert ["failed" in p for p in pairs] == [False, False, True, True]
    assert "learning_rate" in pairs[3]["failed"]
    assert picture(prepared / "sweep" / "sweep.png").std() > 10


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["fit", "nobody", "--dataset", "x", "--run", "r"], "not shipped"),
        (["fit", "azari", "--dataset", "x", "--run", "r"], "models import"),
        (["fit", "azari", "--dataset", "x", "--run", "r", "--device", "tpu"], "auto, cpu or cuda"),
        (["report", "nowhere"], "--dataset"),
        (["detect", "a.png", "--network", ".", "--out", "o"], "no checkpoint"),
        (["detect", "gone.png", "--out", "o"], "gone.png: no such file or folder"),
        (["detect", "a.png", "--out", "a.png"], "a.png: is a file; give the name of a folder"),
        (["evaluate", "--nights", "0", "--data", "gone"], "nothing to score"),
        (["evaluate", "--nights", "0", "--report", "a.png"], "a.png: is a file"),
        (["study", "--nights", "1", "--report", "a.png"], "a.png: is a file"),
        (["nights", "--out", "a.png"], "a.png: is a file"),
        (["import", ".", "--out", "a.png"], "a.png: is a file"),
        (["import", "gone", "--format", "masks", "--out", "o"], "gone: No such file or directory; give another path"),
        (["import", "nowhere.json", "--format", "via", "--out", "o"], "nowhere.json"),
        (["import", ".", "--out", "o", "--view", "red"], "view"),
        (["import", ".", "--out", "o", "--format", "masks", "--colour", "red=aircraft"], "hexadecimal"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").touch()
    done = run(app, command)
    assert done.exit_code == 2, done.output
    assert says in done.output
    lines = [line for line in done.output.splitlines() if line.strip()]
    assert len(lines) <= 2  # what is left out may be said before
    assert not list(tmp_path.glob("o/*"))


def test_photographs_that_are_scored_can_be_kept_out_of_training(tmp_path: Path):
    for name in ("3-0", "4-0", "5-1"):
        Image.fromarray(np.full((32, 32, 3), 60, np.uint8)).save(tmp_path / f"{name}.png")
        shape = {"label": "aircraft", "shape_type": "line", "points": [[2, 2], [30, 20]]}
        (tmp_path / f"{name}.json").write_text(json.dumps({"shapes": [shape], "imagePath": f"{name}.png"}))
    done = run(app, ["import", str(tmp_path), "--size", "32", "--out", str(tmp_path / "set"), "--keep-for-evaluate"])
    assert done.exit_code == 0, done.output
    groups = {p.group for part in ("train", "validation") for p in load_part(tmp_path / "set", part)[0]}
    assert groups == {"4", "5"}


def test_labels_come_in_by_command(tmp_path: Path):
    Image.fromarray(np.full((64, 64, 3), 60, np.uint8)).save(tmp_path / "a.png")
    shape = {"name": "polyline", "all_points_x": [5, 60], "all_points_y": [5, 50]}
    regions = [{"shape_attributes": shape, "region_attributes": {"kind": "satellite"}}]
    (tmp_path / "via.json").write_text(json.dumps({"a": {"filename": "a.png", "regions": regions}}))
    how = ["--format", "via", "--class", "aircraft", "--class", "satellite", "--size", "32"]
    done = run(app, ["import", str(tmp_path / "via.json"), *how, "--out", str(tmp_path / "set")])
    assert done.exit_code == 0, done.output
    assert "satellite pixels" in done.output
    assert (tmp_path / "set" / "card.md").is_file()
