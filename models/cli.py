"""`skyspotter models train | average | quantise | fit-score | detect`. Parses and calls; torch is imported only where
something is trained.

Exit codes: 0 done, 1 failed, 2 refused (a file or an option that cannot be used; one sentence says which).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models import cli_engines, cli_measure, cli_published
from models.cli_measure import NetworkOption
from models.cli_shared import (
    SHIPPED,
    DataOption,
    OwnOption,
    ThreadsOption,
    ThresholdOption,
    out,
    progress,
    refusing,
    usable_folder,
)

if TYPE_CHECKING:
    from models.dataset import Sources

app = typer.Typer(help="Train, quantise, evaluate and run the network.", no_args_is_help=True)
cli_engines.register(app)
cli_measure.register(app)
cli_published.register(app)


@app.command()
def train(
    run: Annotated[
        Path, typer.Option(help="Folder of this run: checkpoint and caches. A killed run goes on from here.")
    ],
    data: DataOption = Path("../shared/data"),
    steps: Annotated[int, typer.Option(min=1)] = 2500,
    batch: Annotated[int, typer.Option(min=1)] = 16,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 2e-3,
    seed: int = 1,
    nights: Annotated[int, typer.Option(min=0, help="Crowded simulated nights to render, four frames of each.")] = 16,
    start_from: Annotated[
        Path | None, typer.Option(help="Checkpoint of another run to take the first weights from.")
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Checkpoint to learn from besides: what it says to mirrored and turned pictures."),
    ] = None,
    taught: Annotated[float | None, typer.Option(min=0.0, help="Weight of what it says; labels have 1.")] = None,
    threads: ThreadsOption = 1,
    network: Annotated[str, typer.Option(help="field, c16d3b, c32d3bs2 or rn18b.")] = "field",
    own: OwnOption = None,
) -> None:
    """Train the field network, or one of its kind."""
    from models.train import Progress as Step
    from models.train import Recipe
    from models.train import train as train_net

    with refusing(), progress() as bar:
        taught = (2.0 if teacher else 0.0) if taught is None else taught
        recipe = Recipe(
            steps=steps, batch=batch, learning_rate=learning_rate, seed=seed, network=network, taught=taught
        )  # fmt: skip
        preparing = bar.add_task("preparing", total=None)
        sources = _gathered(data, run, nights, own)
        bar.remove_task(preparing)
        task = bar.add_task("training", total=steps)

        def report(step: Step) -> None:
            bar.update(task, completed=step.step, description=f"loss {step.loss:.3f} pixel F1 {step.pixel_f1:.3f}")

        checkpoint = train_net(
            recipe, sources, run, start_from=start_from, teacher=teacher, report=report, threads=threads
        )
    out.print(f"{checkpoint}: {steps} steps done; next: skyspotter models quantise --run {run} --into FOLDER")


@app.command()
def quantise(
    run: Annotated[Path, typer.Option(help="A run of `train`.")],
    into: Annotated[Path, typer.Option(help="Folder for NETWORK.s8.onnx, .u8.onnx, .f16.onnx and SHA256SUMS.")],
    data: DataOption = Path("../shared/data"),
    nights: Annotated[int, typer.Option(min=0)] = 16,
    samples: Annotated[int, typer.Option(min=4, help="Training patches that set the ranges of the activations.")] = 64,
    own: OwnOption = None,
) -> None:
    """Export to ONNX and make both INT8 files from one calibration."""
    from tempfile import TemporaryDirectory

    import onnx

    from models.dataset import make_batch
    from models.engine_onnx import OnnxEngine
    from models.export import export
    from models.parity import compare
    from models.quantize import quantise_file, write_sums
    from models.train import CHECKPOINT, load_net, read_recipe

    with refusing(onnx.checker.ValidationError):
        sources = _gathered(data, run, nights, own)
        name = read_recipe(run / CHECKPOINT).network
        planes = [make_batch(sources, size=256, batch=1, seed=4711, step=k)[0] for k in range(2 * samples)]
        exact = run / f"{name}.float32.onnx"
        worst = export(load_net(run / CHECKPOINT), exact, planes[:4])
        into.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=into) as aside:  # what fails its checks replaces nothing
            s8, u8 = quantise_file(exact, Path(aside), planes[:samples])
            parity = compare(OnnxEngine(exact, threads=1), OnnxEngine(u8, threads=1), planes[samples:])
            for made in sorted(Path(aside).glob("*.onnx")):
                made.replace(into / made.name)
        write_sums(into, sorted(into.glob("*.onnx")))
    out.print(f"PyTorch to ONNX: largest logit difference {worst:.1e}")
    out.print(f"float to INT8 on {samples} other patches: {parity}")
    out.print(f"{into / s8.name} and {into / u8.name} written")


@app.command()
def average(
    runs: Annotated[list[Path], typer.Argument(help="Runs of `train` that began at the same weights.")],
    into: Annotated[Path, typer.Option("--run", help="Folder of the new run: checkpoint and caches.")],
    data: DataOption = Path("../shared/data"),
    weight: Annotated[
        list[float] | None, typer.Option(min=0.01, help="Once per run, in their order; all the same if not given.")
    ] = None,
    nights: Annotated[int, typer.Option(min=0)] = 16,
    own: OwnOption = None,
) -> None:
    """The mean of several trainings as one network, which often does better than each."""
    from models.average import average as mean_of

    with refusing():
        checkpoint = mean_of(runs, _gathered(data, into, nights, own), into, weights=weight or ())
    out.print(f"{checkpoint}: the mean of {len(runs)} runs; next: skyspotter models quantise --run {into}")


def _gathered(data: Path, run: Path, nights: int, own: list[Path] | None) -> Sources:
    """All pictures of training; what came of each station's nights is said."""
    from models.own import prepare_own
    from models.sources import gather

    stations = {folder: prepare_own(folder, run / "cache") for folder in own or ()}
    for folder, found in stations.items():
        out.print(f"{folder}: {found.summary}", highlight=False, markup=False, soft_wrap=True)
    sources = gather(data, run / "cache", nights=nights)
    return replace(sources, own=[picture for found in stations.values() for picture in found.pictures])


@app.command("fit-score")
def fit_score(
    network: NetworkOption = SHIPPED,
    data: DataOption = Path("../shared/data"),
    nights: Annotated[int, typer.Option(min=0, help="Simulated nights of training.")] = 4,
    threads: ThreadsOption = 1,
) -> None:
    """The constants that make a trail's score the odds that it is real, observed on pictures of training."""
    from models.detect import Detector
    from models.engine_onnx import OnnxEngine
    from models.score_fit import LOWEST, fit, observed, training_cases

    with refusing(), OnnxEngine(network, threads=threads) as engine, progress() as bar:
        cases = bar.track(training_cases(data, nights), None, description="looking")
        found = fit(*observed(cases, Detector(engine, LOWEST)))
    out.print(f"{found.real} real and {found.false} false detections")
    out.print(f"models/postprocess.py: SCORE_OFFSET {found.offset:.2f}, SCORE_SLOPE {found.slope:.2f}")


@app.command()
def detect(
    images: Annotated[list[Path], typer.Argument(help="Pictures or folders: FITS, PNG, JPEG, TIFF.")],
    into: Annotated[Path, typer.Option("--out", help="Folder for detections.jsonl.")],
    network: NetworkOption = SHIPPED,
    threshold: ThresholdOption = 0.5,
    threads: ThreadsOption = 2,
) -> None:
    """Find trails in any pictures: one line each in detections.jsonl, unreadable ones as {file, error}."""
    import json

    from camera.device import FileUnreadable
    from camera.files import list_frames, read_frame
    from models.detectors import open_detector
    from models.evaluate import trails_as_json

    found = unreadable = 0
    with refusing():
        if gone := [path for path in images if not path.exists()]:
            raise ValueError(f"{gone[0]}: no such file or folder; give pictures, or folders of them")
        files = list_frames(images)
        if not files:
            raise ValueError(f"{', '.join(str(p) for p in images)}: no pictures there")
        usable_folder(into)
        into.mkdir(parents=True, exist_ok=True)
        target = into / "detections.jsonl"
        partial = target.with_suffix(".partial")
        with (
            open_detector(network, threshold, threads=threads) as detector,
            partial.open("w") as lines,
            progress() as bar,
        ):
            for file in bar.track(files, description="detecting"):
                try:
                    frame = read_frame(file)
                except FileUnreadable as why:
                    unreadable += 1
                    lines.write(json.dumps({"file": str(file), "error": str(why)}) + "\n")
                    continue
                trails = detector.detect(frame).trails
                found += len(trails)
                lines.write(trails_as_json(str(file), frame, trails) + "\n")
        partial.replace(target)
    out.print(f"{target}: {len(files)} pictures, {found} trails, {unreadable} unreadable")
