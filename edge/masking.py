"""`skyspotter mask learn` and `skyspotter mask draw`: frames or a drawing into the file of what hides the sky for good.

A drawing is a picture as large as the camera's frames, black where the sky is hidden and white elsewhere, or a text
file in JSON: a list of outlines, each a list of corners [azimuth, elevation] in degrees.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError
from rich.console import Console

from camera.device import FileUnreadable, Frame, PlateRefused
from camera.files import list_frames, read_frame
from camera.geodesy import azel_to_unit
from camera.mask import CELL_PX, Mask, mask_of
from camera.masklearn import MaskLearner, MaskUnlearnable
from camera.plate import Plate, check_plate, load_plate
from camera.starcheck import check_stars
from edge.picture import draw_sky
from edge.starchart import MATCHED, MISSED, REJECTED, SIDE_PX, grey_picture

BLACK = 128  # of 255: darker is hidden
_Azimuth = Annotated[float, Field(ge=-360, le=720, allow_inf_nan=False)]  # an outline over north may go on past 360
_Elevation = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
_Outlines = TypeAdapter(list[Annotated[list[tuple[_Azimuth, _Elevation]], Field(min_length=3)]])


class MaskCommandRefused(Exception):
    """The command cannot begin. One sentence that says what to do."""


def learn(paths: Sequence[Path], *, plate: Path, out: Path, picture: Path | None = None) -> int:
    """Exit code: 1 when the frames do not tell. Raises MaskCommandRefused, PlateRefused."""
    believed = load_plate(plate)
    files = list_frames([path for path in paths if path.exists()])
    if not files:
        raise MaskCommandRefused(f"{', '.join(map(str, paths))}: holds no frame (FITS, PNG, JPEG, TIFF)")
    console = Console()
    learner, shown = MaskLearner(believed), None
    for file in files:
        try:
            frame = read_frame(file)
            check_plate(believed, frame)
        except (FileUnreadable, PlateRefused) as err:
            console.print(f"{file}: left out: {err}", markup=False, soft_wrap=True)
            continue
        used = frame.start_utc_ns > 0 and learner.add(frame)
        shown = frame if used else shown
        console.print(f"{file}: {'clear' if used else 'clouded or without a date, left out'}", markup=False)
    try:
        mask = learner.mask()
    except MaskUnlearnable as err:
        console.print(f"no mask: {err}", markup=False, soft_wrap=True)
        return 1
    return _kept(mask, believed, out, picture, shown, console)


def draw(drawing: Path, *, plate: Path, out: Path) -> int:
    """Exit code. Raises MaskCommandRefused, PlateRefused."""
    believed = load_plate(plate)
    try:
        content = drawing.read_bytes()
    except OSError as err:
        raise MaskCommandRefused(f"{drawing}: cannot be read: {err.strerror}") from err
    read = _outlined if content.lstrip()[:1] == b"[" else _painted
    hidden = read(drawing, content, believed)
    if not hidden.any():
        raise MaskCommandRefused(f"{drawing}: hides nothing of the picture: remove plate.mask_file if that is meant")
    mask = mask_of(hidden, believed, date=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", frames=0)
    return _kept(mask, believed, out, None, None, Console())


def _painted(drawing: Path, content: bytes, plate: Plate) -> NDArray[np.bool_]:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise MaskCommandRefused(f"{drawing}: is neither a picture (PNG) nor a JSON list of outlines")
    width, height = plate.region.size_px
    if image.shape != (height, width):
        raise MaskCommandRefused(
            f"{drawing}: is {image.shape[1]} x {image.shape[0]}, the plate's frames are {width} x {height}: draw on one"
        )
    return np.asarray(image < BLACK)


def _outlined(drawing: Path, content: bytes, plate: Plate) -> NDArray[np.bool_]:
    try:
        outlines = _Outlines.validate_json(content)
    except ValidationError as err:
        first = err.errors()[0]
        at = "".join(f"[{place}]" for place in first["loc"])
        raise MaskCommandRefused(
            f"{drawing}: is no JSON list of outlines [[azimuth, elevation], ...] in degrees ({at} {first['msg']})"
        ) from err
    width, height = plate.region.size_px
    hidden = np.zeros((height, width), np.uint8)
    for outline in outlines:
        corners_px = plate.unit_to_pixel(_along(np.array(outline)), plate.region.origin_px)
        corners_px = corners_px[np.isfinite(corners_px).all(axis=1)]
        if len(corners_px) > 2:
            cv2.fillPoly(hidden, [np.round(corners_px).astype(np.int32)], 1)
    return np.asarray(hidden > 0)


def _along(corners_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 3) unit vectors along the outline, each side in 32 steps, straight in azimuth and elevation."""
    azimuth = np.unwrap(np.append(corners_deg[:, 0], corners_deg[0, 0]), period=360.0)
    elevation = np.append(corners_deg[:, 1], corners_deg[0, 1])
    at = np.linspace(0, len(corners_deg), 32 * len(corners_deg), endpoint=False)
    corner = np.arange(len(corners_deg) + 1)
    return azel_to_unit(np.interp(at, corner, azimuth), np.clip(np.interp(at, corner, elevation), -5.0, 90.0))


def _kept(mask: Mask, plate: Plate, out: Path, picture: Path | None, shown: Frame | None, console: Console) -> int:
    if not out.resolve().parent.is_dir():
        raise MaskCommandRefused(f"--out {out}: there is no folder {out.resolve().parent}")
    try:
        mask.save(out)
    except OSError as err:
        raise MaskCommandRefused(f"--out {out}: cannot be written: {err.strerror}") from err
    cells = mask.cells
    y, x = (index * CELL_PX + (CELL_PX - 1) / 2 for index in np.indices(cells.shape))
    elevation_deg = plate.pixel_to_azel(np.stack((x, y), axis=-1), plate.region.origin_px)[..., 1]
    high = np.nan_to_num(elevation_deg, nan=-90.0) > 10.0
    console.print(
        f"{out}: written; it hides {cells[high].mean():.1%} of the picture above 10 degrees in {len(mask.polygons_px)} "
        f"areas; in the station's configuration: [plate] mask_file = {json.dumps(str(out.resolve()))}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    if picture is not None and shown is not None and not cv2.imwrite(str(picture), mask_picture(shown, mask, plate)):
        raise MaskCommandRefused(f"--picture {picture}: cannot be written")
    return 0


def mask_picture(frame: Frame, mask: Mask, plate: Plate) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR: the frame, what is masked in red, and beside it the stars that show and those that miss."""
    grey = grey_picture(frame)
    hidden = cv2.resize(mask.cells.astype(np.uint8), grey.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    image = draw_sky(grey, plate, origin_px=frame.origin_px)
    image[hidden] = (0.65 * image[hidden] + 0.35 * np.array(REJECTED)).astype(np.uint8)
    check = check_stars(frame, plate, mask=mask)
    for (x, y), seen in zip(check.predicted_px[check.expected], check.seen[check.expected], strict=True):
        at = (round(float(x)), round(float(y)))
        if seen:
            cv2.circle(image, at, 7, MATCHED, 1, cv2.LINE_AA)
        else:
            cv2.drawMarker(image, at, MISSED, cv2.MARKER_CROSS, 8, 1, cv2.LINE_AA)
    shrink = min(1.0, SIDE_PX / max(image.shape))
    return np.asarray(cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), dtype=np.uint8)
