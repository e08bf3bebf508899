"""What the shipped network finds, misses and invents, each figure beside the one asked for: `make bench-models`, or
`python -m tests.bench.models_accuracy --float RUN/field.float32.onnx --published RUN_OF_FIT`.

Real photographs and all-sky frames need $SKYSPOTTER_DATA. The published network must have been trained on the same
rendered nights (`skyspotter models nights`, then `fit yebes`). On one core about a quarter of an hour with 30 nights,
`--quick` two minutes; the published network takes ten seconds more for each of 270 frames.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cv2

from models.cli_engines import FIRST_UNCHOSEN
from models.cli_shared import progress
from models.compare import Comparison, night_frames, on_nights, on_pictures
from models.detectors import named_detectors, open_detector
from models.engine_onnx import OnnxEngine
from models.evaluate import LOWEST, Table, evaluate, photographs, skies
from models.nights import AS_PUBLISHED, FIRST_JUDGED
from models.study import ABOVE_DEG, FRAMES, MASK_DEG, Study, grids, percent, study, study_frames
from models.tables import Grid
from models.zoo import zoo_path
from tests.bench.tables import machine

AT = 0.5  # as the station has it
MOST_FALSE = 0.10  # per crop of a photograph
MOST_FALSE_SKY = 0.05  # per all-sky frame
SETTINGS = ((10.0, 1), (2.0, 1), (2.0, 5))  # seconds, exposures; stacked, the last is what the station judges as well
NIGHTS, QUICK_NIGHTS = 30, 3

Row = tuple[str, str, str]  # what, measured, asked


def real(name: str, network: Path, data: Path) -> Iterator[Row]:
    """Photographs and all-sky frames that were never trained on."""
    with open_detector(network, LOWEST, threads=1) as detector:
        crops = evaluate(f"{name}: photographs, held-out sources", photographs(data / "streaks512"), detector, at=AT)
        frames = evaluate(
            f"{name}: all-sky frames, unseen cameras", skies(data / "sky" / "labels.json"), detector, at=AT
        )
    for table in (crops, frames):
        print(table.text(AT) + "\n", flush=True)
    enough = crops.least_false(MOST_FALSE)
    yield from (
        (f"{crops.title}: found, threshold {AT:.2f}", percent(crops.found[AT], crops.labelled), "-"),
        (f"{crops.title}: false per crop, threshold {AT:.2f}", _per_image(crops, AT), f"at most {MOST_FALSE:.2f}"),
    )
    if enough is not None:
        yield (
            f"{crops.title}: found at {MOST_FALSE:.2f} false per crop or fewer, threshold {enough:.2f}",
            percent(crops.found[enough], crops.labelled), "at least 90 %",
        )  # fmt: skip
    yield from (
        (f"{frames.title}: found, threshold {AT:.2f}", percent(frames.found[AT], frames.labelled), "all"),
        (
            f"{frames.title}: false per frame, threshold {AT:.2f}",
            _per_image(frames, AT),
            f"at most {MOST_FALSE_SKY:.2f}",
        ),
    )
    if (enough := frames.least_false(MOST_FALSE_SKY)) is not None:
        yield (
            f"{frames.title}: found at {MOST_FALSE_SKY:.2f} false per frame or fewer, threshold {enough:.2f}",
            percent(frames.found[enough], frames.labelled), "all",
        )  # fmt: skip


def eight_bits(exact: Path, network: Path, data: Path, nights: int) -> Iterator[Row]:
    with OnnxEngine(exact, threads=1) as one, OnnxEngine(network, threads=1) as other:
        rendered = on_nights(night_frames(range(FIRST_UNCHOSEN, FIRST_UNCHOSEN + nights)), (one, other), threshold=AT)
        print("INT8 (second) against float (first), simulated nights:", rendered.text(), flush=True)
        drawn = Comparison()
        if (data / "streaks512").is_dir():
            drawn = on_pictures(photographs(data / "streaks512"), (one, other), threshold=AT)
            print("INT8 (second) against float (first), photographs:", drawn.text(), flush=True)
    if not rendered.found[0]:
        raise SystemExit(f"{exact}: finds no trail: not the float file of a trained network")
    f1, iou = rendered.points_lost
    lost, found = rendered.lost + drawn.lost, rendered.found[0] + drawn.found[0]
    yield from (
        ("INT8 against float: points of F1 lost, pixels of trail", f"{f1:.2f}", "at most 0.5"),
        ("INT8 against float: points of IoU lost, pixels of trail", f"{iou:.2f}", "at most 0.5"),
        ("INT8 against float: trails lost of those found", f"{lost} of {found}", "at most 1 in 500"),
    )


def traffic(networks: list[Path], seeds: range, brightness: float, exposure_s: float, exposures: int) -> Iterator[Row]:
    """The published study; the last of two networks is the published one."""
    title = f"{exposures} x {exposure_s:g} s" if exposures > 1 else f"{exposure_s:g} s"
    with named_detectors(networks, AT, threads=1) as detectors, progress() as bar:
        frames = study_frames(seeds, exposure_s=exposure_s, exposures=exposures, brightness=brightness)
        task = bar.add_task(title, total=len(seeds) * FRAMES)
        sums = study(frames, detectors, lambda *_: bar.advance(task))
    print(f"\nThe published study, {title}:")
    for grid in grids(sums):
        print(grid.text() + "\n", flush=True)
    yield from _percentages(title, sums[0], ("at least 97 %", "at least 75 %", "under 5 %"))
    if len(sums) > 1:
        within = ("94 %, give or take 8", "40 %, give or take 8") if title == "10 s" else ("-", "-")
        yield from _percentages(title, sums[1], (*within, "-"))
        of = f"{sums[0].missed} of {sums[1].missed} = {sums[0].missed / max(sums[1].missed, 1):.2f}"
        yield (f"{title}: traces missed, of the published network's", of, "at most 0.5")


def _percentages(title: str, one: Study, asked: tuple[str, str, str]) -> Iterator[Row]:
    false = one.detections["false"], sum(one.detections.values())
    shares = (one.share(ABOVE_DEG, 90.0), one.share(MASK_DEG, ABOVE_DEG), false)
    words = ("ADS-B traces detected above 20 deg", "ADS-B traces detected, 10 to 20 deg", "false, of all detections")
    for what, counts, wanted in zip(words, shares, asked, strict=True):
        yield f"{title}, {one.title}: {what}", percent(*counts), wanted


def _per_image(table: Table, at: float) -> str:
    return f"{table.false[at] / max(table.images, 1):.3f} ({table.false[at]} in {table.images})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=Path, default=zoo_path(), help="the shipped one if not given")
    parser.add_argument("--float", type=Path, dest="exact", help="field.float32.onnx of the same run")
    parser.add_argument("--published", type=Path, help="a run of `skyspotter models fit yebes`")
    parser.add_argument("--nights", type=int, help=f"of traffic, {NIGHTS}; a quarter as many for INT8 against float")
    parser.add_argument("--first", type=int, default=FIRST_JUDGED, help="seed of the first night of traffic")
    parser.add_argument("--brightness", type=float, default=AS_PUBLISHED, help="of all aircraft's lamps")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_NIGHTS} nights")
    chosen = parser.parse_args()
    nights = chosen.nights or (QUICK_NIGHTS if chosen.quick else NIGHTS)
    data = Path(os.environ.get("SKYSPOTTER_DATA", "../shared/data"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    print(f"{chosen.network}, one core ({machine()})\n", flush=True)
    networks = [path for path in (chosen.network, chosen.published) if path is not None]
    parts: list[Iterator[Row]] = []
    if (data / "streaks512").is_dir():
        parts += [real(path.stem, path, data) for path in networks]
    else:
        print(f"{data}: no streaks512/ there, real pictures are left out; set SKYSPOTTER_DATA")
    if chosen.exact is not None:
        parts += [eight_bits(chosen.exact, chosen.network, data, max(1, nights // 4))]
    else:
        print("INT8 against float is left out: give --float RUN/field.float32.onnx, which "
              "`skyspotter models quantise --run RUN --into FOLDER` leaves beside the checkpoint")  # fmt: skip
    if chosen.published is None:
        print("the published network is left out: give --published RUN, trained by `skyspotter models fit yebes`")
    seeds = range(chosen.first, chosen.first + nights)
    parts += [traffic(networks, seeds, chosen.brightness, *setting) for setting in SETTINGS]
    begin = time.perf_counter()
    rows = list(chain.from_iterable(parts))
    print(Grid(f"{chosen.network}, {nights} nights", ("", "measured", "asked"), rows).text())
    print(f"\n{(time.perf_counter() - begin) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
