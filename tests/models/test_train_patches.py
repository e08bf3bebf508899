"""Recipes are what was published; a training is a pure function of its recipe, killed or not, alone or in company."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.importers.patches import Patch  # noqa: E402
from models.networks.published import NETWORKS  # noqa: E402
from models.patch_runs import BEST, HISTORY, LAST, load_best  # noqa: E402
from models.pixel_losses import parse_loss  # noqa: E402
from models.preset import Preset, load_preset, shipped  # noqa: E402
from models.ranks import Ranks, ranks  # noqa: E402
from models.train_patches import fit, predict  # noqa: E402
from tests.models.toy import RECIPE, TOY, register, toy_patches  # noqa: E402

HERE = Ranks(0, 1, torch.device("cpu"))
PRESET = Preset(**RECIPE)


@pytest.fixture(autouse=True)
def toy_network(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(NETWORKS, TOY, None)
    register(dropout=0.2)
    torch.set_num_threads(1)


def train(run: Path, preset: Preset = PRESET, **more):
    return fit(preset, toy_patches(), toy_patches(5, 2), run, here=HERE, **more)


def test_every_shipped_recipe_names_a_network_and_a_loss_there_are():
    assert {"yebes", "zahri", "creelman-unet", "creelman-unetpp", "azari"} <= set(shipped())
    for name in shipped():
        preset = load_preset(name)
        assert preset.network in NETWORKS
        parse_loss(preset.loss)


def test_the_recipe_of_the_all_sky_traces_is_the_published_one():
    yebes = load_preset("yebes")
    assert (yebes.network, yebes.loss, yebes.size, yebes.batch) == ("unet-resnet50", "jaccard", 256, 16)
    assert (yebes.epochs, yebes.steps_per_epoch, yebes.learning_rate) == (50, 33, 1e-4)
    assert yebes.data.view == "classical"
    assert yebes.data.shares == (0.75, 0.25)


@pytest.mark.parametrize(
    ("content", "at"),
    [("speed = 1", "speed"), ("batch = 0", "batch"), ("[data]\nview = 'red'", "data.view"),
     ("[data]\nshares = [0.9, 0.2]", "data.shares"), ("[augmentation]\nblur = 1", "augmentation.blur"),
     ("[augmentation]\nmatch_share = 2", "augmentation.match_share"), ("batch =", "no preset")],
)  # fmt: skip
def test_a_slip_in_a_recipe_is_refused_with_its_path(tmp_path: Path, content: str, at: str):
    (tmp_path / "mine.toml").write_text(f"network = 'unet'\nloss = 'bce'\n{content}\n")
    with pytest.raises(ValueError, match=rf"mine\.toml.*{at}"):
        load_preset(tmp_path / "mine.toml")
    with pytest.raises(ValueError, match="not shipped"):
        load_preset("mine")


def test_rates_fall_as_their_formulas_say():
    rate = lambda **how: [Preset(**{**RECIPE, "learning_rate": 1.0, **how}).rate(s, 100) for s in (0, 50, 100)]  # noqa: E731
    assert rate() == [1, 1, 1]
    assert rate(schedule="polynomial", decay_power=0.9) == pytest.approx([1, 0.5**0.9, 0])
    assert rate(schedule="cosine") == pytest.approx([1, 0.5, 0])
    assert rate(warm_up_steps=10) == pytest.approx([0.1, 1, 1])


def test_what_is_learned_can_be_seen(tmp_path: Path):
    register(dropout=0.0)
    history = train(tmp_path, PRESET.changed(epochs=16, loss="bce + dice"))
    assert history[-1].loss < 0.5 * history[0].loss
    net, preset, again = load_best(tmp_path)
    assert again == history
    assert max(e.iou for e in history) > 0.5
    assert preset.epochs == 16
    (p,) = predict(net, [toy_patches()[1].image])
    assert p.shape == (1, 32, 32)
    assert p[0][toy_patches()[1].labels == 1].mean() > 0.5 > p.mean()


class Killed(Exception):
    pass


@pytest.mark.parametrize("at_step", [2, 5, 12])
def test_a_killed_training_goes_on_to_the_same_curve_and_weights(tmp_path: Path, at_step: int):
    whole = train(tmp_path / "whole")

    def kill(step: int, steps: int, _: object) -> None:
        assert steps == 12
        if step == at_step:
            raise Killed

    with pytest.raises(Killed):
        train(tmp_path / "killed", report=kill)
    assert train(tmp_path / "killed") == whole
    assert (tmp_path / "killed" / HISTORY).read_text() == (tmp_path / "whole" / HISTORY).read_text()
    for name in (LAST, BEST):
        one, other = (torch.load(tmp_path / run / name, weights_only=True)["net"] for run in ("whole", "killed"))
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_it_stops_when_patience_is_over_and_keeps_the_best(tmp_path: Path):
    history = train(tmp_path, PRESET.changed(epochs=40, patience=2, monitor="loss", learning_rate=1e-9))
    best = min(history, key=lambda e: e.validation_loss)
    assert len(history) < 40
    assert len(history) - best.epoch == 2
    assert len(train(tmp_path, PRESET.changed(epochs=40, patience=2, monitor="loss", learning_rate=1e-9))) == len(
        history
    )


def test_several_classes_and_half_precision_train_too(tmp_path: Path):
    preset = PRESET.changed(outputs=3, loss="ce + dice", half_precision=True, epochs=2)
    history = fit(preset, toy_patches(classes=2), toy_patches(5, 2, classes=2), tmp_path, here=HERE)
    assert [e.epoch for e in history] == [1, 2]
    with pytest.raises(ValueError, match="holds? class 2"):
        fit(preset.changed(outputs=2), toy_patches(classes=2), toy_patches(5, 2), tmp_path / "b", here=HERE)


def test_what_cannot_be_trained_on_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    odd = Patch(np.zeros((32, 30, 3), np.uint8), np.zeros((32, 30), np.uint8), "x", "x.png")
    with pytest.raises(ValueError, match="no validation patches"):
        fit(PRESET, toy_patches(), [odd], tmp_path, here=HERE)
    train(tmp_path / "a", PRESET.changed(epochs=1))
    with pytest.raises(ValueError, match="another preset"):
        train(tmp_path / "a", PRESET.changed(batch=3))
    (tmp_path / "a" / LAST).write_bytes(b"torn")
    with pytest.raises(ValueError, match="no checkpoint"):
        train(tmp_path / "a")
    with pytest.raises(ValueError, match="auto, cpu or cuda"), ranks("tpu"):
        pass
    monkeypatch.setattr("models.train_patches.parse_loss", lambda _: lambda logits, _: logits.sum() * float("nan"))
    with pytest.raises(ValueError, match="became nan in step 0: lower the learning rate"):
        train(tmp_path / "b")


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path: Path):
    one = [sys.executable, "-m", "tests.models.toy", str(tmp_path / "one")]
    two = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m",
           "tests.models.toy", str(tmp_path / "two")]  # fmt: skip
    for command in (one, two):
        done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stderr
    alone, together = (load_history(tmp_path / run) for run in ("one", "two"))
    assert together == pytest.approx(alone, rel=1e-3, abs=1e-4)


def load_history(run: Path) -> list[float]:
    import json

    return [v for line in (run / HISTORY).read_text().splitlines() for k, v in json.loads(line).items() if "loss" in k]
