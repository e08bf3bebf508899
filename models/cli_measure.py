"""`skyspotter models evaluate | study | report`: how good a network is, in tables and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.cli_shared import SHIPPED, DataOption, ThreadsOption, ThresholdOption, err, out, progress, refusing

RECORDED = "dataset.txt"  # in a run folder of `fit`: where its patches came from
NetworkOption = Annotated[
    Path,
    typer.Option("--network", help="An .onnx file for the CPU, or a run of `fit`; the shipped network if not given."),
]


def register(app: typer.Typer) -> None:
    for command in (evaluate, study, report):
        app.command()(command)


def evaluate(
    network: NetworkOption = SHIPPED,
    data: DataOption = Path("../shared/data"),
    nights: Annotated[int, typer.Option(min=0, help="Simulated nights of the demo's kind to score.")] = 3,
    threshold: ThresholdOption = 0.5,
    threads: ThreadsOption = 1,
    report: Annotated[Path | None, typer.Option(help="Write the tables as JSON lines here.")] = None,
) -> None:
    """Trails found and false trails per image: held-out photographs, all-sky frames, rendered nights."""
    from models.detectors import open_detector
    from models.evaluate import LOWEST, THRESHOLDS, evaluate, photographs, skies
    from models.rendered import rendered_nights

    at = min(THRESHOLDS, key=lambda t: abs(t - threshold))
    with refusing(), open_detector(network, LOWEST, threads=threads) as detector:
        sets = [("simulated nights", rendered_nights(list(range(1, nights + 1))))] if nights else []
        if (data / "streaks512").is_dir():
            sets += [("photographs, held-out sources", photographs(data / "streaks512"))]
            sets += [("all-sky frames, unseen cameras", skies(data / "sky" / "labels.json"))]
        else:
            err.print(f"{data}: no streaks512/ there, real pictures are left out; set SKYSPOTTER_DATA")
        tables = [evaluate(title, cases, detector, at=at) for title, cases in sets]
    for table in tables:
        out.print(table.text(at), highlight=False, soft_wrap=True)
    if report is not None:
        report.write_text("".join(table.to_json(at) + "\n" for table in tables))


def study(
    network: Annotated[
        list[Path] | None,
        typer.Option(help="Once per network, the one to be measured against last; the shipped one if not given."),
    ] = None,
    nights: Annotated[int, typer.Option(min=1, help="Nights of a busy region's traffic to render.")] = 20,
    exposure: Annotated[float, typer.Option(metavar="S", min=0.5, max=30.0, help="The published one: 10.")] = 10.0,
    summed: Annotated[
        int, typer.Option("--sum", min=1, max=15, help="Exposures to add up; the station adds up five of 2 s.")
    ] = 1,
    brightness: Annotated[float, typer.Option(min=0.01, max=100.0, help="Of all aircraft's lamps.")] = 1.0,
    threshold: ThresholdOption = 0.5,
    threads: ThreadsOption = 1,
) -> None:
    """The published study's percentages, of several networks on the same rendered frames: ADS-B traces detected by
    elevation and by SNR, false detections, misses, and who was taken for whom."""
    from models.detectors import named_detectors
    from models.study import FRAMES, grids, study_frames
    from models.study import study as body

    with refusing(), named_detectors(network or [SHIPPED], threshold, threads=threads) as detectors, progress() as bar:
        frames = study_frames(range(1, nights + 1), exposure_s=exposure, exposures=summed, brightness=brightness)
        task = bar.add_task("nights", total=nights * FRAMES)
        sums = body(frames, detectors, lambda *_: bar.advance(task))
    for grid in grids(sums):
        out.print(grid.text() + "\n", highlight=False, markup=False, soft_wrap=True)


def report(
    what: Annotated[Path, typer.Argument(help="A run of `fit`, or the JSON lines of `evaluate --report`.")],
    dataset: Annotated[Path | None, typer.Option(help="Where the run's patches are, if they were moved.")] = None,
    into: Annotated[Path | None, typer.Option("--out", help="Folder for the report of an evaluation.")] = None,
    part: Annotated[str, typer.Option(help="validation or test.")] = "validation",
) -> None:
    """Markdown, JSON and pictures: curves, precision and recall, hits, misses and false alarms."""
    from models.importers.patches import load_part
    from models.reports import of_run, of_tables

    with refusing():
        if what.is_file():
            written = of_tables(what, into or what.with_suffix(""))
        else:
            recorded = what / RECORDED
            if dataset is None and not recorded.is_file():
                raise ValueError(f"{what}: does not say where its patches are; give --dataset")
            if part not in ("validation", "test"):
                raise ValueError(f"--part {part}: validation or test")
            patches, classes = load_part(dataset or Path(recorded.read_text().strip()), part)  # type: ignore[arg-type]
            written = of_run(what, patches, classes)
    out.print(f"{written} written")
