"""`skyspotter models evaluate | study | report`: how good a network is, in tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.cli_shared import (
    SHIPPED,
    DataOption,
    OwnOption,
    ThreadsOption,
    ThresholdOption,
    err,
    out,
    progress,
    refusing,
    usable_folder,
)

if TYPE_CHECKING:
    from models.study import StudyFrame, Verdict

RECORDED = "dataset.txt"  # in a run folder of `fit`: where its patches came from
NetworkOption = Annotated[
    Path,
    typer.Option("--network", help="An .onnx file for the CPU, or a run of `fit`; the shipped network if not given."),
]

ReportOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder for report.md, report.json and pictures.")
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
    report: ReportOption = None,
    own: OwnOption = None,
) -> None:
    """Trails found and false trails per image: held-out photographs, all-sky frames, rendered nights, own nights held
    out (false there: what no transponder explains)."""
    from models.cutouts import Gallery
    from models.detectors import open_detector
    from models.evaluate import LOWEST, THRESHOLDS, photographs, skies
    from models.evaluate import evaluate as body
    from models.own import own_cases
    from models.rendered import rendered_nights

    if report is not None:
        with refusing():  # first of all, not after an hour
            from models.trail_reports import of_evaluation

            usable_folder(report)

    at = min(THRESHOLDS, key=lambda t: abs(t - threshold))
    with refusing(), open_detector(network, LOWEST, threads=threads) as detector, progress() as bar:
        sets = [("simulated nights", rendered_nights(list(range(1, nights + 1))))] if nights else []
        if (data / "streaks512").is_dir():
            sets += [("photographs, held-out sources", photographs(data / "streaks512"))]
            sets += [("all-sky frames, unseen cameras", skies(data / "sky" / "labels.json"))]
        else:
            err.print(f"{data}: no streaks512/ there, real pictures are left out; set SKYSPOTTER_DATA")
        sets += [(f"own nights held out, {folder}", own_cases(folder)) for folder in own or ()]
        if not sets:
            raise ValueError(f"nothing to score: no nights, and no pictures in {data}; give --nights, --data or --own")
        galleries = {title: Gallery() for title, _ in sets if report}
        tables = [
            body(title, bar.track(cases, None, description=title), detector, at=at, gallery=galleries.get(title))
            for title, cases in sets
        ]
    for table in tables:
        out.print(table.text(at), highlight=False, markup=False, soft_wrap=True)
    if report is not None:
        with refusing():
            out.print(f"{of_evaluation(report, tables, galleries, at=at)} written", soft_wrap=True)


def study(
    network: Annotated[
        list[Path] | None,
        typer.Option(help="Once per network, the one to be measured against last; the shipped one if not given."),
    ] = None,
    nights: Annotated[int, typer.Option(min=1, help="Nights of a busy region's traffic to render.")] = 20,
    first: Annotated[
        int | None, typer.Option(min=1, max=100, help="Seed of the first; 21: those before set the lamps.")
    ] = None,
    exposure: Annotated[float, typer.Option(metavar="S", min=0.5, max=30.0, help="The published one: 10.")] = 10.0,
    stacked: Annotated[
        int, typer.Option("--stack", min=1, max=15, help="Exposures laid on each other; the station does five of 2 s.")
    ] = 1,
    brightness: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=100.0, help="Of all aircraft's lamps; 0.75: the published method fares as published."
        ),
    ] = None,
    threshold: ThresholdOption = 0.5,
    threads: ThreadsOption = 1,
    report: ReportOption = None,
) -> None:
    """The published study's percentages, of several networks on the same rendered frames: ADS-B traces detected by
    elevation and by SNR, false detections, misses, and who was taken for whom."""
    from models.cutouts import Gallery
    from models.detectors import named_detectors
    from models.nights import AS_PUBLISHED, FIRST_JUDGED
    from models.study import FRAMES, grids, study_frames
    from models.study import study as body

    if report is not None:
        with refusing():
            from models.trail_reports import of_study, show_study

            usable_folder(report)

    brightness = AS_PUBLISHED if brightness is None else brightness
    first = FIRST_JUDGED if first is None else first
    with refusing(), named_detectors(network or [SHIPPED], threshold, threads=threads) as detectors, progress() as bar:
        seeds = range(first, first + nights)
        frames = study_frames(seeds, exposure_s=exposure, exposures=stacked, brightness=brightness)
        task = bar.add_task("frames", total=nights * FRAMES)
        galleries = {name: Gallery() for name in detectors if report}

        def each(seen: StudyFrame, verdicts: Mapping[str, Verdict]) -> None:
            bar.advance(task)
            for name, gallery in galleries.items():
                show_study(gallery, seen, verdicts[name])

        sums = body(frames, detectors, each)
    for grid in grids(sums):
        out.print(grid.text() + "\n", highlight=False, markup=False, soft_wrap=True)
    if report is not None:
        settings = {"nights": nights, "seed of the first": first, "exposure_s": exposure, "exposures stacked": stacked,
                    "brightness of the lamps": brightness, "threshold": threshold}  # fmt: skip
        with refusing():
            out.print(f"{of_study(report, sums, galleries, settings)} written", soft_wrap=True)


def report(
    run: Annotated[Path, typer.Argument(help="A run of `fit`; `evaluate` and `study` write their own by --report.")],
    dataset: Annotated[Path | None, typer.Option(help="Where the run's patches are, if they were moved.")] = None,
    part: Annotated[str, typer.Option(help="validation or test.")] = "validation",
) -> None:
    """Markdown, JSON and pictures of a training: curves, precision and recall, hits, misses and false alarms."""
    from models.importers.patches import load_part
    from models.reports import of_run

    with refusing():
        recorded = run / RECORDED
        if dataset is None and not recorded.is_file():
            raise ValueError(f"{run}: does not say where its patches are; give --dataset")
        if part not in ("validation", "test"):
            raise ValueError(f"--part {part}: validation or test")
        patches, classes = load_part(dataset or Path(recorded.read_text().strip()), part)  # type: ignore[arg-type]
        out.print(f"{of_run(run, patches, classes)} written", soft_wrap=True)
