"""The field network's kind: each is what its name says, trains, and becomes bytes without becoming another network."""

import itertools
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from models.architectures import NETWORKS  # noqa: E402
from models.average import settle  # noqa: E402
from models.cli import app  # noqa: E402
from models.contract import CLASSES, STRIDE  # noqa: E402
from models.dataset import Sources, make_batch  # noqa: E402
from models.engine_onnx import OnnxEngine  # noqa: E402
from models.export import export  # noqa: E402
from models.int8_plan import plan  # noqa: E402
from models.lint import lint_tensorrt  # noqa: E402
from models.networks.published import gmac, parameters  # noqa: E402
from models.quantize import calibrate, half_precision, quantise  # noqa: E402
from models.train import CHECKPOINT, Recipe, load_net, read_recipe, train  # noqa: E402

INVENTED = Sources([], [])


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in a folder with the network's name."""
    recipe = Recipe(network=request.param, steps=12, batch=2, size=64, warm_up_steps=2)
    return train(recipe, INVENTED, tmp_path_factory.mktemp("runs") / request.param)


@pytest.fixture(scope="module")
def exact(trained: Path) -> Path:
    path = trained.with_name(f"{trained.parent.name}.onnx")
    assert export(settle(load_net(trained), skies(4, 64)), path, skies(1, 64)) < 1e-3
    return path


def skies(count: int, size: int) -> list[np.ndarray]:
    return [make_batch(INVENTED, size=size, batch=1, seed=2, step=k)[0] for k in range(count)]


def conv(inputs: int, outputs: int, size: int = 3) -> int:
    """Weights of a convolution without bias and of the two of its normalisation."""
    return size**2 * inputs * outputs + 2 * outputs


def u_net(widths: list[int], first_inputs: int) -> int:
    count = 0
    for before, width in itertools.pairwise([first_inputs, *widths]):
        count += conv(before, width) + conv(width, width)
    for width, deeper in itertools.pairwise(widths):
        count += conv(deeper + width, width) + conv(width, width)
    return count


def test_weights_count_as_by_hand():
    by_hand = {
        "field": conv(4, 32, 4) + conv(32, 32) + u_net([32, 48, 64, 96, 128], 0) - conv(0, 32) - conv(32, 32)
        + 33 * 4 * 5,
        "c16d3b": u_net([16, 32, 64, 128], 4) + 17 * 5,
        "c32d3bs2": u_net([32, 64, 128, 256], 16) + 33 * 4 * 5,
        # segmentation_models_pytorch 0.3, three channels and one class; then the fourth channel, and four more classes
        "rn18b": 14_328_209 + 49 * 64 + 4 * (9 * 16 + 1),
    }  # fmt: skip
    with torch.device("meta"):
        assert {name: parameters(make()) for name, make in NETWORKS.items()} == by_hand


@pytest.mark.parametrize(  # measured for one class; the head's weights per plane pixel and class
    ("name", "figure", "head"), [("c16d3b", 67.0, 16), ("c32d3bs2", 68.0, 32), ("rn18b", 136.2, 9 * 16)]
)
def test_multiplications_of_a_whole_frame_are_those_that_were_timed(name, figure, head):
    with torch.device("meta"):
        counted = gmac(NETWORKS[name]().eval(), (1, 4, 1280, 1280))
    assert counted - (len(CLASSES) - 1) * head * 1280**2 / 1e9 == pytest.approx(figure, abs=0.1)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_answers_on_the_grid_of_the_planes_and_expects_background(name):
    torch.manual_seed(1)
    with torch.no_grad():
        logits = settle(NETWORKS[name](), skies(2, 64))(torch.from_numpy(skies(1, 64)[0])[:, :, :STRIDE])
    assert logits.shape == (1, len(CLASSES), STRIDE, 64)
    assert float((logits.argmax(1) == 0).float().mean()) > 0.7


def test_a_strided_convolution_is_one_of_folded_pixels():
    net = NETWORKS["c32d3bs2"]()
    first = net.encoder.levels[0][0][0]
    weights = first.weight.view(32, 4, 3, 2, 3, 2).permute(0, 1, 3, 5, 2, 4).reshape(32, 16, 3, 3)
    planes = torch.randn(1, 4, 32, 48)
    folded = torch.nn.functional.conv2d(torch.nn.functional.pixel_unshuffle(planes, 2), weights, padding=1)
    assert torch.allclose(first(planes), folded, atol=1e-5)


def test_it_trains_and_its_checkpoint_knows_which_it_is(trained: Path, tmp_path: Path):
    name = trained.parent.name
    assert read_recipe(trained).network == name
    assert parameters(load_net(trained)) == parameters(NETWORKS[name]())
    other = next(n for n in NETWORKS if n != name)
    with pytest.raises(ValueError, match=f"weights of '{name}', not of '{other}'"):
        train(Recipe(network=other), INVENTED, tmp_path, start_from=trained)


def test_checkpoints_from_before_there_were_names_are_the_field_network(tmp_path: Path):
    recipe = Recipe(steps=2, batch=1, size=32, channels=(8, 8))
    state = {"net": recipe.fresh().state_dict(), "average": recipe.fresh().state_dict(), "step": 2, "optimiser": {}}
    torch.save({**state, "recipe": {k: v for k, v in asdict(recipe).items() if k != "network"}}, tmp_path / CHECKPOINT)
    assert read_recipe(tmp_path / CHECKPOINT) == recipe
    assert torch.equal(load_net(tmp_path / CHECKPOINT).state_dict()["head.weight"], state["average"]["head.weight"])


def test_a_network_nobody_knows_is_refused_by_name(tmp_path: Path):
    with pytest.raises(ValueError, match="'c16d4b' is not known; there are field, c16d3b"):
        Recipe(network="c16d4b")
    rest: dict[str, object] = {"net": {}, "average": {}, "step": 0, "optimiser": {}}
    torch.save({**rest, "recipe": asdict(Recipe()) | {"network": "c16d4b"}}, tmp_path / CHECKPOINT)
    with pytest.raises(ValueError, match=r"checkpoint\.pt: .*c16d4b"):
        load_net(tmp_path / CHECKPOINT)
    refused = CliRunner().invoke(app, ["train", "--run", str(tmp_path / "run"), "--network", "c16d4b"])
    assert refused.exit_code == 2
    assert "c16d4b" in refused.output
    assert not (tmp_path / "run").exists(), "before anything is prepared"


def test_both_eight_bit_files_are_the_network_in_every_runtime(exact: Path, tmp_path: Path):
    model, samples = onnx.load(exact), skies(4, 64)
    half_precision(model)
    ranges = calibrate(model, samples)
    with OnnxEngine(exact, threads=1) as engine:
        wanted = np.concatenate([engine.infer(sample) for sample in samples])
    spread = wanted.std(axis=(0, 2, 3)).mean()  # of all samples: together they set the ranges, hence the steps
    for kind in ("int8-s8", "int8-u8"):
        path, optimised_path = tmp_path / f"{kind}.onnx", tmp_path / f"{kind}.optimised.onnx"
        onnx.save(quantise(model, ranges, kind), path)
        with OnnxEngine(path, threads=1, optimise=False) as engine:
            literal = np.concatenate([engine.infer(sample) for sample in samples])
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath, options.log_severity_level = str(optimised_path), 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        (optimised,) = session.run(None, {"planes": samples[0]})
        assert np.abs(literal - wanted).mean() < 0.15 * spread
        np.testing.assert_array_equal(optimised, literal[:1])
    assert lint_tensorrt(onnx.load(tmp_path / "int8-s8.onnx")) == []
    kinds = {node.op_type for node in onnx.load(optimised_path).graph.node}
    assert "QLinearConv" in kinds
    assert not kinds & {"Conv", "FusedConv", "Add", "Relu", "Concat"}, "computed in float"
    openvino = pytest.importorskip("openvino")
    request = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
    moved = np.abs(request.infer([samples[0]])["logits"] - literal[:1])
    if any(node.op_type == "Add" for node in model.graph.node):
        assert moved.mean() < 0.1 * spread, "adds what a convolution gives before it is rounded"
    else:
        assert not moved.any()


def test_only_logits_and_summands_have_a_sign_and_one_summand_comes_straight_from_its_convolution(exact: Path):
    model = onnx.load(exact)
    planned, nodes = plan(model), model.graph.node
    sums = [node for node in nodes if node.op_type == "Add"]
    convolved = {node.output[0] for node in nodes if node.op_type == "Conv"}
    unfolded = {t for node in nodes if node.op_type == "DepthToSpace" for t in node.input}
    assert len(sums) == (8 if exact.stem == "rn18b" else 0)
    for node in sums:
        assert planned.fused.intersection(node.input) == {node.input[0]}
    assert planned.signed == {t for node in sums for t in node.input if t in convolved} | unfolded | {"logits"}
    for node in nodes:
        if node.op_type == "Concat":
            assert not planned.signed.intersection(node.input), "OpenVINO answers wrongly there"
    assert any("a sum of" in fault for fault in lint_tensorrt(model)) == bool(sums)


class Signed(torch.nn.Module):
    """Tensors with a sign through a concatenation and a sum: what no network here has."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = (torch.nn.Conv2d(4, 8, 3, padding=1) for _ in "lr")
        self.last = torch.nn.Conv2d(16, 5, 3, padding=1)
        self.beside = torch.nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.last(torch.cat([self.left(x).relu(), self.right(x)], 1)) + self.beside(x)


def test_tensors_with_a_sign_become_bytes_as_well(tmp_path: Path):
    torch.manual_seed(2)
    samples, exact = skies(3, 64), tmp_path / "signed.onnx"
    export(Signed().eval(), exact, samples[:1])
    model = onnx.load(exact)
    with OnnxEngine(exact, threads=1) as engine:
        wanted = engine.infer(samples[0])
    for kind in ("int8-s8", "int8-u8"):
        path = tmp_path / f"{kind}.onnx"
        onnx.save(quantise(model, calibrate(model, samples), kind), path)
        with OnnxEngine(path, threads=1, optimise=False) as engine:
            assert np.abs(engine.infer(samples[0]) - wanted).mean() < 0.05 * wanted.std()
