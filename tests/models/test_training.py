"""What a scientist relies on: seeded, resumable, and the files it ends in are the network that was trained."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from models.architectures import FieldNet  # noqa: E402
from models.contract import CLASSES  # noqa: E402
from models.dataset import Sources, make_batch  # noqa: E402
from models.engine_onnx import OnnxEngine  # noqa: E402
from models.export import export  # noqa: E402
from models.losses import trail_logit, trail_loss  # noqa: E402
from models.quantize import lint_tensorrt, quantise_file  # noqa: E402
from models.synth import ANY_TRAIL, IGNORE  # noqa: E402
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
    (tmp_path / CHECKPOINT).write_bytes(b"torn")
    with pytest.raises(ValueError, match="no checkpoint"):
        load_net(tmp_path / CHECKPOINT)


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
