"""`skyspotter models build-engine | compare`: what runs on the box, and what it loses against what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.cli_shared import SHIPPED, DataOption, ThreadsOption, ThresholdOption, err, out, progress, refusing

FIRST_UNCHOSEN = 6  # of the demo's nights: those before chose the calibration


def register(app: typer.Typer) -> None:
    app.command("build-engine")(build_engine)
    app.command()(compare)


def build_engine(
    network: Annotated[Path | None, typer.Option(help="A .s8.onnx file; the shipped one if not given.")] = None,
    into: Annotated[
        Path | None, typer.Option(help="Folder of engines; on the box /var/lib/skyspotter/engines.")
    ] = None,
) -> None:
    """Build the TensorRT engine for this machine's GPU, once; takes minutes. The station then finds it by itself."""
    from models.engines import engine_cache, load_engine

    folder = into or engine_cache()
    with (
        refusing(),
        err.status("building"),
        load_engine("tensorrt", network, build=True, cache=folder) as engine,
    ):
        out.print(f"{folder}: {engine.path.name} in {engine.precision}, proven against ONNX Runtime")


def compare(
    first: Annotated[Path, typer.Argument(help="The float file of a run, as a rule: RUN/field.float32.onnx.")],
    second: Annotated[Path, typer.Argument(help="What shall replace it.")] = SHIPPED,
    data: DataOption = Path("../shared/data"),
    nights: Annotated[int, typer.Option(min=0, help="Simulated nights.")] = 5,
    seed: Annotated[
        int, typer.Option("--first", min=1, help="Seed of the first; those before 6 chose the calibration.")
    ] = FIRST_UNCHOSEN,
    threshold: ThresholdOption = 0.5,
    threads: ThreadsOption = 2,
) -> None:
    """What one network file loses against another: pixel F1 and IoU, and trails that only the first finds."""
    from models.compare import night_frames, on_nights, on_pictures
    from models.engine_onnx import OnnxEngine
    from models.evaluate import photographs

    with (
        refusing(),
        OnnxEngine(first, threads=threads) as one,
        OnnxEngine(second, threads=threads) as other,
        progress() as bar,
    ):
        if nights:
            frames = bar.track(night_frames(range(seed, seed + nights)), None, description="simulated nights")
            out.print("simulated nights:", on_nights(frames, (one, other), threshold=threshold).text())
        if (data / "streaks512").is_dir():
            pictures = bar.track(photographs(data / "streaks512"), None, description="photographs")
            out.print("photographs, held-out sources:", on_pictures(pictures, (one, other), threshold=threshold).text())
        else:
            err.print(f"{data}: no streaks512/ there, real pictures are left out; set SKYSPOTTER_DATA")
