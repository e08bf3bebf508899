"""What a scientist relies on: seeded, resumable, and the files it ends in are the network that was trained."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from models import synth  # noqa: E402
from models.architectures import FieldNet  # noqa: E402
from models.average import average  # noqa: E402
from models.contract import CLASSES  # noqa: E402
from models.dataset import Picture, Sources, make_batch  # noqa: E402
from models.engine_onnx import OnnxEngine  # noqa: E402
from models.export import export  # noqa: E402
from models.lint import lint_tensorrt  # noqa: E402
from models.losses import cloud_loss, field_loss, pixel_counts, trail_logit, trail_loss  # noqa: E402
from models.quantize import quantise_file  # noqa: E402
from models.synth import ANY_TRAIL, BACKGROUND, CLEAR, CLOUD, IGNORE, is_trail  # noqa: E402
from models.teacher import Teacher, taught_loss  # noqa: E402
from models.train import CHECKPOINT, Recipe, load_net, train  # noqa: E402

TINY = Recipe(steps=6, batch=2, size=64, channels=(8, 8, 8), checkpoint_every=3, warm_up_steps=2)
INVENTED = Sources([], [])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    train(TINY, INVENTED, run)
    return run


def test_the_same_step_of_the_same_seed_gives_the_same_patches():
    a = make_batch(INVENTED, size=64, batch=3, seed=1, step=5)
    b = make_batch(INVENTED, size=64, batch=3, seed=1, step=5)
    other = make_batch(INVENTED, size=64, batch=3, seed=1, step=6)
    assert (a[0] == b[0]).all()
    assert (a[1] == b[1]).all()
    assert (a[0] != other[0]).any()
    assert a[0].shape == (3, 4, 64, 64)
    assert a[0].dtype == np.float32
    assert set(np.unique(a[1])) <= {0, 1, 2, 3, 4, ANY_TRAIL, IGNORE}


def test_a_short_trail_is_shown_as_often_as_a_long_one():
    labels = np.zeros((200, 2000), np.uint8)
    labels[20:23, :1800] = synth.AIRCRAFT
    labels[180:183, 1900:1908] = synth.SATELLITE
    picture = Picture(np.zeros((4, 200, 2000), np.float16), labels, "night-1")
    shown = make_batch(Sources([], [], [picture]), size=64, batch=400, seed=3, step=0)[1]
    long, short = ((shown == kind).any(axis=(1, 2)).sum() for kind in (synth.AIRCRAFT, synth.SATELLITE))
    assert short > 0.2 * long


def test_a_killed_training_goes_on_as_if_it_had_not_been(trained: Path, tmp_path: Path):
    class Killed(Exception):
        pass

    def kill(progress: object) -> None:
        if progress.step == 4:
            raise Killed

    with pytest.raises(Killed):
        train(TINY, INVENTED, tmp_path, report=kill)
    resumed = load_net(train(TINY, INVENTED, tmp_path)).state_dict()
    for name, value in load_net(trained / CHECKPOINT).state_dict().items():
        assert torch.equal(value, resumed[name]), name


def test_a_checkpoint_of_another_recipe_or_of_nothing_is_refused(trained: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="another recipe"):
        train(replace(TINY, batch=3), INVENTED, trained)
    with pytest.raises(ValueError, match="holds weights of"):
        train(replace(TINY, channels=(8, 16)), INVENTED, tmp_path, start_from=trained / CHECKPOINT)
    for other in ([1, 2], {"net": 1}, {**torch.load(trained / CHECKPOINT, weights_only=True), "recipe": {"colour": 1}}):
        torch.save(other, tmp_path / CHECKPOINT)
        with pytest.raises(ValueError, match="no checkpoint"):
            load_net(tmp_path / CHECKPOINT)
    (tmp_path / CHECKPOINT).write_bytes(b"torn")
    with pytest.raises(ValueError, match="no checkpoint") as refused:
        load_net(tmp_path / CHECKPOINT)
    assert "\n" not in str(refused.value)


def test_the_network_answers_on_the_grid_it_was_asked_on():
    net = FieldNet((8, 8, 8)).eval()
    with torch.no_grad():
        assert net(torch.zeros(1, 4, 64, 96)).shape == (1, len(CLASSES), 64, 96)


def test_the_loss_falls_towards_the_truth_and_ignores_what_has_no_opinion():
    labels = torch.zeros(1, 16, 16, dtype=torch.uint8)
    labels[0, 8], labels[0, 9], labels[0, 10] = 1, IGNORE, ANY_TRAIL
    right = torch.full((1, len(CLASSES), 16, 16), -4.0)
    right[:, 0] = 4.0
    right[0, 0, [8, 10]], right[0, 1, [8, 10]] = -4.0, 4.0
    wrong = right.flip(2)
    assert trail_loss(right, labels) < 0.05 < trail_loss(wrong, labels)
    other = right.clone()
    other[0, 0, 9], other[0, 3, 9] = -9.0, 9.0
    assert trail_loss(other, labels) == pytest.approx(float(trail_loss(right, labels)))
    assert float(trail_logit(right)[0, 8, 0]) > 0


def labels_with_and_without_cloud() -> tuple[torch.Tensor, torch.Tensor]:
    """(2, 16, 16) twice, the same but for what is told of cloud."""
    told = torch.zeros(2, 16, 16, dtype=torch.uint8)
    told[:, :4], told[:, 4:12] = CLOUD, CLEAR
    for row, label in ((2, 1), (6, 2), (9, ANY_TRAIL), (10, IGNORE), (14, 3)):
        told[:, row] = label
    return told, torch.where((told == CLOUD) | (told == CLEAR), BACKGROUND, told)


def test_what_is_told_of_cloud_changes_nothing_for_trails():
    told, untold = labels_with_and_without_cloud()
    assert torch.equal(is_trail(told), torch.from_numpy(is_trail(told.numpy())))
    logits = torch.randn(2, len(CLASSES), 16, 16, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert torch.equal(trail_loss(logits, told), trail_loss(logits, untold))
    (a,), (b,) = (torch.autograd.grad(trail_loss(logits, x), logits) for x in (told, untold))
    assert torch.equal(a, b)
    assert torch.equal(pixel_counts(logits, told), pixel_counts(logits, untold))
    assert torch.equal(field_loss(logits, untold), trail_loss(logits, untold))
    assert field_loss(logits, told) > trail_loss(logits, told)


def test_cloud_is_pushed_up_where_it_is_told_down_where_the_sky_is_clear_and_left_alone_elsewhere():
    told, untold = labels_with_and_without_cloud()
    logits = torch.zeros(2, len(CLASSES), 16, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(cloud_loss(logits, told), logits)
    assert (slope[:, CLOUD][told == CLOUD] < 0).all()
    assert (slope[:, CLOUD][told == CLEAR] > 0).all()
    assert (slope[:, CLOUD][(told != CLOUD) & (told != CLEAR)] == 0).all()
    assert torch.equal(slope[:, BACKGROUND], -slope[:, CLOUD])
    assert (slope[:, 1:CLOUD] == 0).all()
    assert float(slope[:, CLOUD].sum()) == pytest.approx(0, abs=1e-6)  # as much clear as cloud, whatever their areas
    assert float(cloud_loss(logits, untold)) == 0


def test_both_eight_bit_files_follow_from_the_trained_weights(trained: Path, tmp_path: Path):
    samples = [make_batch(INVENTED, size=64, batch=1, seed=2, step=k)[0] for k in range(4)]
    net = load_net(trained / CHECKPOINT)
    exact = tmp_path / "tiny.float32.onnx"
    assert export(net, exact, samples) < 1e-3
    s8, u8 = quantise_file(exact, tmp_path, samples)
    assert (s8.name, u8.name) == ("tiny.s8.onnx", "tiny.u8.onnx")
    assert lint_tensorrt(onnx.load(s8)) == []
    assert lint_tensorrt(onnx.load(u8)) != []
    with OnnxEngine(exact, threads=1) as a, OnnxEngine(tmp_path / "tiny.f16.onnx", threads=1, optimise=False) as half:
        assert half.precision == "float16"
        assert np.abs(a.infer(samples[0]) - half.infer(samples[0])).max() < 0.05
    with OnnxEngine(exact, threads=1) as a, OnnxEngine(u8, threads=1) as b:
        exact_logits, eight_bit = a.infer(samples[0]), b.infer(samples[0])
    spread = float(exact_logits.max() - exact_logits.min())
    assert np.abs(exact_logits - eight_bit).mean() < 0.05 * spread


def test_lint_names_what_tensorrt_would_refuse(trained: Path, tmp_path: Path):
    samples = [make_batch(INVENTED, size=64, batch=1, seed=2, step=9)[0]]
    exact = tmp_path / "tiny.float32.onnx"
    export(load_net(trained / CHECKPOINT), exact, samples)
    assert any("not dequantised INT8" in fault for fault in lint_tensorrt(onnx.load(exact)))
    _, u8 = quantise_file(exact, tmp_path, samples)
    assert any("uint8" in fault for fault in lint_tensorrt(onnx.load(u8)))


def test_the_mean_of_a_run_with_itself_has_its_weights(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in {"BATCHES": 2, "BATCH": 2, "SIZE": 64}.items():
        monkeypatch.setattr(f"models.average.{name}", value)
    mean = load_net(average([trained, trained], INVENTED, tmp_path)).state_dict()
    for name, value in load_net(trained / CHECKPOINT).state_dict().items():
        if "running" not in name and "tracked" not in name:
            assert torch.allclose(mean[name], value), name


def test_a_mean_may_lean_towards_a_run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in {"BATCHES": 1, "BATCH": 2, "SIZE": 64}.items():
        monkeypatch.setattr(f"models.average.{name}", value)
    other = tmp_path / "other"
    train(replace(TINY, seed=5), INVENTED, other)
    leant = average([trained, other], INVENTED, tmp_path / "mean", weights=(3, 1))
    one, two, mean = (
        load_net(run).state_dict()["head.weight"] for run in (trained / CHECKPOINT, other / CHECKPOINT, leant)
    )
    assert torch.allclose(mean, 0.75 * one + 0.25 * two, atol=1e-6)
    with pytest.raises(ValueError, match="give each one"):
        average([trained, other], INVENTED, tmp_path / "refused", weights=(1,))


def test_the_mean_of_two_kinds_of_network_is_refused(trained: Path, tmp_path: Path):
    train(replace(TINY, channels=(8, 16, 8), steps=1), INVENTED, tmp_path / "other")
    with pytest.raises(ValueError, match="another network"):
        average([trained, tmp_path / "other"], INVENTED, tmp_path / "mean")


class Upwards(torch.nn.Module):
    """Sees a trail wherever the upper neighbour is brighter: right in one position of a picture, wrong in others."""

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        light = planes[:, 0]
        logits = torch.zeros(len(planes), len(CLASSES), *light.shape[1:])
        logits[:, 1, 1:] = 20 * (light[:, :-1] - light[:, 1:])
        return logits


def test_a_teacher_says_the_mean_of_opposite_positions_where_the_picture_was():
    planes = torch.rand(1, 4, 32, 32, generator=torch.Generator().manual_seed(1))
    rng, teacher = np.random.default_rng(3), Teacher(Upwards())
    said = torch.stack([teacher.probability(planes, rng) for _ in range(400)]).mean(0)
    plain = trail_logit(Upwards()(planes)).sigmoid()
    everywhere = []
    for turns in range(4):
        for mirrored in (False, True):
            turned = torch.rot90(planes.flip(3) if mirrored else planes, turns, (2, 3))
            back = torch.rot90(trail_logit(Upwards()(turned)).sigmoid(), -turns, (1, 2))
            everywhere.append(back.flip(2) if mirrored else back)
    mean = torch.stack(everywhere).mean(0)
    assert (said - mean).abs().mean() < 0.02
    assert (plain - mean).abs().mean() > 0.1


def test_what_a_teacher_says_is_learned_where_labels_say_nothing():
    said = torch.full((1, 8, 8), 0.9)
    logits = torch.zeros(1, len(CLASSES), 8, 8, requires_grad=True)
    (slope,) = torch.autograd.grad(taught_loss(logits, said), logits)
    assert (slope[:, 1] < 0).all()
    assert (slope[:, BACKGROUND] > 0).all()


def test_a_teacher_changes_what_is_learned_and_must_be_weighed(trained: Path, tmp_path: Path):
    checkpoint = trained / CHECKPOINT
    taught = train(replace(TINY, taught=2.0), INVENTED, tmp_path / "taught", teacher=checkpoint)
    alone, with_it = (load_net(run).state_dict() for run in (checkpoint, taught))
    assert any(not torch.equal(alone[name], with_it[name]) for name in alone)
    for recipe, teacher in ((TINY, checkpoint), (replace(TINY, taught=1.0), None)):
        with pytest.raises(ValueError, match="go together"):
            train(recipe, INVENTED, tmp_path / "refused", teacher=teacher)
