"""`skyspotter calibrate`: frames of a clear night into the plate file that says where the camera looks.

Exit code 0 solved, 1 refused with the reason, 2 wrong usage. The frames' own times are believed unless told otherwise;
when they cannot be right, what would make them so is said and left to a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from camera.device import FileUnreadable, Frame, PlateRefused
from camera.files import list_frames, read_frame
from camera.geodesy import Site, separation_deg
from camera.plate import Plate, check_plate, load_plate
from camera.sectors import CENTRE_ENU
from camera.solve.solver import Solution, hour_that_fits, solve, solve_together
from edge.starchart import star_chart

SAID_YEARS = (1970, 2200)  # of --time: later ones leave the range of nanoseconds


class CalibrationRefused(Exception):
    """The command cannot begin: no frames, no time. One sentence that says what to do."""


def calibrate(
    paths: Sequence[Path], *, site: tuple[float, float, float], time: str | None = None,
    utc_offset: float | None = None, prior: Path | None = None, any_tilt: bool = False, out: Path = Path("plate.json"),
    picture: Path | None = None, as_json: bool = False,
) -> int:  # fmt: skip
    """Solves, reports, writes. Raises CalibrationRefused, PlateRefused for wrong usage."""
    for path in paths:
        if not path.exists():
            raise CalibrationRefused(f"{path}: no such file or folder")
    for option, file in (("--out", out), ("--picture", picture)):
        if file is not None and not file.resolve().parent.is_dir():
            raise CalibrationRefused(f"{option} {file}: there is no folder {file.resolve().parent}")
    files = list_frames(paths)
    if not files:
        raise CalibrationRefused(f"{', '.join(map(str, paths))}: holds no frame (FITS, PNG, JPEG, TIFF)")
    if time is not None and len(files) > 1:
        raise CalibrationRefused(f"--time is the time of one frame, {len(files)} were given")
    place = Site(*site)
    console = Console(stderr=as_json)
    attempts: list[tuple[Path, Frame, Solution]] = []
    unreadable: list[str] = []
    earlier = None if prior is None else load_plate(prior)
    newest = earlier
    for file in files:
        try:
            frame = _timed(read_frame(file), time, utc_offset)
            if earlier is not None:
                check_plate(earlier, frame)
            solution = solve(frame, place, prior=newest, any_tilt=any_tilt)
        except (FileUnreadable, PlateRefused, ValueError) as err:
            words = f"{file}: {err}" if isinstance(err, PlateRefused) else str(err)
            unreadable.append(words)
            console.print(words, markup=False, soft_wrap=True)
            continue
        newest = solution.plate or newest
        attempts.append((file, frame, solution))
        console.print(f"{file}: {_verdict(solution)}", markup=False, soft_wrap=True)
    best, reason = _joined([solution for _, _, solution in attempts], any_tilt=any_tilt)
    hint = None
    if attempts and not any(solution.solved for _, _, solution in attempts):
        richest = max((solution for _, _, solution in attempts), key=lambda one: len(one.field.xy_px))
        best, reason = richest, richest.outcome.reason
        console.print("not solved; trying other hours of the clock, which takes up to a minute")
        hint = hour_that_fits(richest.field, place, richest.utc_ns, any_tilt=any_tilt)
        if hint is not None:
            reason += (
                f"; a shift of {hint:+d} h would solve it: if the frame's time is local, say "
                f"`--utc-offset {(utc_offset or 0) - hint:g}`"
            )
    elif not attempts:
        reason = "; ".join(unreadable)
    if best is not None and best.plate is not None:
        try:
            best.plate.save(out)
        except OSError as err:
            raise CalibrationRefused(f"--out {out}: cannot be written: {err.strerror}") from err
    if picture is not None and best is not None:
        frame = next(frame for _, frame, solution in attempts if solution.field is best.field)
        if not _drawn(picture, star_chart(frame, best)):
            raise CalibrationRefused(f"--picture {picture}: cannot be written; name it .png or .jpg")
    if as_json:
        record = _record(best, reason, hint, out)
        record["turned_deg"] = _turned_deg(best, earlier)
        record["frames"] = [
            {"file": str(file), "solved": one.solved, "reason": one.outcome.reason} for file, _, one in attempts
        ] + [{"file": words.split(":")[0], "solved": False, "reason": words} for words in unreadable]
        print(json.dumps(record))  # noqa: T201 - the record is the product
    else:
        _show(console, best, reason, out)
        if (turned_deg := _turned_deg(best, earlier)) is not None:
            console.print(f"against {prior}: the sky stands turned by {turned_deg:.3f} degrees", markup=False)
    return int(best is None or best.plate is None)


def _drawn(picture: Path, image: NDArray[np.uint8]) -> bool:
    try:
        return cv2.imwrite(str(picture), image)
    except cv2.error:  # a name that says no kind of picture
        return False


def _timed(frame: Frame, time: str | None, utc_offset: float | None) -> Frame:
    """The frame with the time that people say. Raises CalibrationRefused without any."""
    start_utc_ns = frame.start_utc_ns
    if time is not None:
        try:
            said = datetime.fromisoformat(time)
        except ValueError as err:
            raise CalibrationRefused(f"--time {time!r} is no date and time like 2026-11-20T03:15:00") from err
        said = said if said.tzinfo else said.replace(tzinfo=UTC)
        if not SAID_YEARS[0] <= said.year <= SAID_YEARS[1]:
            raise CalibrationRefused(f"--time {time!r}: give a year from {SAID_YEARS[0]} to {SAID_YEARS[1]}")
        start_utc_ns = round(said.timestamp() * 1e9)
    if start_utc_ns <= 0:
        raise CalibrationRefused(f"{frame.file}: does not say when it was taken: give --time UTC")
    if utc_offset is not None:
        start_utc_ns -= round(utc_offset * 3600e9)
    return replace(frame, start_utc_ns=start_utc_ns)


def _joined(solutions: Sequence[Solution], *, any_tilt: bool) -> tuple[Solution | None, str]:
    solved = [solution for solution in solutions if solution.solved]
    if len(solved) < 2:
        return (solved[0], "") if solved else (None, "")
    same = [one for one in solved if one.plate and solved[0].plate and one.plate.region == solved[0].plate.region]
    if len(same) < len(solved):
        best = replace(solved[0], plate=None)
        return best, "the frames are of different regions of the sensor: give those of one"
    joint = solve_together(solved, any_tilt=any_tilt)
    return joint, joint.outcome.reason


def _turned_deg(best: Solution | None, earlier: Plate | None) -> float | None:
    """How far apart the two plates put the middle of the sky's sectors, median."""
    if best is None or best.plate is None or earlier is None:
        return None
    origin = earlier.region.origin_px
    now = earlier.pixel_to_unit(best.plate.unit_to_pixel(CENTRE_ENU, origin), origin)
    return round(float(np.nanmedian(separation_deg(now, CENTRE_ENU))), 4)


def _verdict(solution: Solution) -> str:
    evidence = solution.outcome.evidence
    if not solution.solved or evidence is None:
        return f"refused: {solution.outcome.reason}"
    return f"{evidence.stars} stars, {evidence.rms_px:.2f} px rms, leans {evidence.tilt_deg:.1f} degrees"


def _record(best: Solution | None, reason: str, hint: int | None, out: Path) -> dict[str, Any]:
    evidence = best.outcome.evidence if best is not None else None
    plate = best.plate if best is not None else None
    return {
        "solved": plate is not None,
        "reason": reason,
        "hint_hours": hint,
        "stars": evidence.stars if evidence else 0,
        "rms_px": evidence.rms_px if evidence else None,
        "tilt_deg": evidence.tilt_deg if evidence else None,
        "uncertain_deg": evidence.uncertain_deg if evidence else None,
        "score": evidence.score if evidence else None,
        "runner_up": evidence.runner_up if evidence else None,
        "turned": evidence.turned if evidence else None,
        "octants": evidence.octants if evidence else 0,
        "rings": [asdict(ring) for ring in evidence.rings] if evidence else [],
        "plate": plate.model_dump(mode="json") if plate else None,
        "plate_file": str(out) if plate else None,
    }


def _show(console: Console, best: Solution | None, reason: str, out: Path) -> None:
    evidence = best.outcome.evidence if best is not None else None
    if best is None or best.plate is None or evidence is None:
        console.print(f"not solved: {reason}", markup=False, soft_wrap=True)
        return
    table = Table("elevation", "stars", "rms px", "median arcmin", "outwards px")
    for ring in evidence.rings:
        figures = [ring.rms_px, ring.median_arcmin, ring.radial_px]
        cells = ["-" if value is None else f"{value:.2f}" for value in figures]
        table.add_row(f"{ring.from_deg:.0f} to {ring.to_deg:.0f}", str(ring.stars), *cells)
    console.print(table)
    lens = best.plate.parameters
    console.print(
        f"{evidence.stars} stars in {evidence.octants} of 8 directions, {evidence.rms_px:.2f} px rms; score "
        f"{evidence.score:.0f}, chance {max(evidence.runner_up, evidence.turned):.0f}; centre {lens.cx:.1f}, "
        f"{lens.cy:.1f} px, focal length {lens.f:.1f} px, leans {evidence.tilt_deg:.1f} degrees, uncertain by "
        f"{60 * evidence.uncertain_deg:.1f} arcmin at most above 20 degrees",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    if not best.plate.camera_serial:
        words = "the frames name no camera: a station takes this plate only for frames that name none either"
        console.print(words, markup=False, soft_wrap=True)
    file = json.dumps(str(out.resolve()))
    words = f"{out}: written; in the station's configuration: [plate] file = {file}"
    console.print(words, markup=False, soft_wrap=True)
