"""The pictures of a whole night from any folder of frames: keogram, time-lapse, star trails.

Works on what the recorder kept (previews and `keogram.columns`), on raw frames, and on anybody's archive of FITS or
JPEG. One frame in memory at a time; what cannot be read is counted and left out.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import background
from camera.device import FileUnreadable, Frame, PlateRefused
from camera.files import list_frames, read_frame
from camera.plate import Plate
from camera.store.album import COLUMNS, DONE, preview_of, with_words, without_time
from camera.store.evidence import stamped_utc_ns
from camera.store.fitsfile import read_plate
from camera.store.keogram import Line, keogram, line_of, read_records, record_of
from camera.store.movie import Movie
from camera.store.startrail import StarTrail
from camera.whole import write_whole

KEOGRAM, STARTRAIL, TIMELAPSE = "keogram.jpg", "startrail.jpg", "timelapse.mp4"
MADE_HERE = {KEOGRAM, STARTRAIL, TIMELAPSE, "newest.jpg"}
UNDATED_S = 60.0  # between frames that do not say when they were taken
JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Wanted:
    keogram: bool = True
    timelapse: bool = True
    startrail: bool = True
    enhanced: bool = False  # the sky's level subtracted: of raw frames, previews are stretched already


@dataclass(slots=True)
class Summary:
    """What was made of what; as night.json it says that the night is done."""

    frames: int = 0
    unreadable: int = 0
    first_utc: str = ""
    last_utc: str = ""
    made: tuple[str, ...] = ()


def build(folder: Path, out: Path, wanted: Wanted, *, plate: Plate | None = None) -> Summary:
    """Makes what is wanted of all frames below `folder`. Raises OSError, ValueError("... no frames")."""
    out.mkdir(parents=True, exist_ok=True)
    summary, columns = Summary(), folder / COLUMNS
    stored = read_records(columns) if wanted.keogram and columns.exists() else None
    meridian = None if stored is not None or not wanted.keogram else _Meridian(plate)
    trail = StarTrail() if wanted.startrail else None
    if wanted.timelapse or trail or meridian:
        paths = [path for path in list_frames([folder]) if path.name not in MADE_HERE]
        with Movie(out / TIMELAPSE) if wanted.timelapse else contextlib.nullcontext() as movie:
            for frame in _frames(paths, summary):
                preview = _preview(frame, wanted.enhanced)
                if movie is not None:
                    movie.add(_dated(preview, frame))
                if trail is not None:
                    trail.add(without_time(preview) if preview is frame.pixels else preview)
                if meridian is not None:
                    meridian.add(frame)
        if not summary.frames:
            raise ValueError(f"{folder}: no frames that can be read")
    made = [TIMELAPSE] if wanted.timelapse else []
    if trail is not None:
        span = f"{summary.first_utc} to {summary.last_utc}" if summary.first_utc else ""
        made.append(_save(out / STARTRAIL, with_words(trail.picture(), ("", span))))
    records = stored if meridian is None else np.array(meridian.records)
    if records is not None:
        made.append(_save(out / KEOGRAM, keogram(records)))
    summary.made = tuple(made)
    if wanted.keogram and wanted.timelapse and wanted.startrail:
        write_whole(out / DONE, json.dumps(asdict(summary), indent=1).encode())
    return summary


class _Meridian:
    """The columns of frames that come without them."""

    def __init__(self, plate: Plate | None) -> None:
        self.records: list[NDArray[np.void]] = []
        self._plate = plate
        self._line: tuple[tuple[int, ...], Line] | None = None  # of frames with that shape and origin

    def add(self, frame: Frame) -> None:
        shape = (*frame.pixels.shape, *frame.origin_px)
        if self._line is None or self._line[0] != shape:
            self._line = (shape, line_of(frame, self._plate or _plate_inside(frame)))
        self.records.append(record_of(frame, self._line[1]))


def _frames(paths: Iterable[Path], summary: Summary) -> Iterable[Frame]:
    """In order; every one with a time, if only an even one."""
    for number, path in enumerate(paths):
        try:
            frame = read_frame(path, seq=number)
        except FileUnreadable:
            summary.unreadable += 1
            continue
        if frame.start_utc_ns <= 0:
            frame = replace(frame, start_utc_ns=stamped_utc_ns(path.name) or round(number * UNDATED_S * 1e9) + 1)
        if frame.start_utc_ns > 86_400 * 10**9:
            instant = f"{datetime.fromtimestamp(frame.start_utc_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"
            summary.first_utc, summary.last_utc = summary.first_utc or instant, instant
        summary.frames += 1
        yield frame


def _preview(frame: Frame, enhanced: bool) -> NDArray[np.uint8]:
    """A picture that was stretched already stays as it is."""
    if frame.pixels.dtype == np.uint8 and frame.mosaic != "RGGB":
        return np.asarray(frame.pixels if frame.pixels.ndim == 3 else np.dstack([frame.pixels] * 3), dtype=np.uint8)
    return preview_of(frame, background(frame) if enhanced else None)


def _dated(preview: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """With its time, unless it is one of our previews, which bear it."""
    if frame.pixels.dtype == np.uint8 or frame.start_utc_ns < 86_400 * 10**9:
        return preview
    return with_words(
        preview.copy(), ("", f"{datetime.fromtimestamp(frame.start_utc_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC")
    )


def _plate_inside(frame: Frame) -> Plate | None:
    try:
        return read_plate(Path(frame.file))
    except (PlateRefused, FileUnreadable):
        return None


def _save(path: Path, picture: NDArray[np.uint8]) -> str:
    done, content = cv2.imencode(path.suffix, picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise OSError(f"{path}: the picture could not be encoded")
    write_whole(path, content.tobytes())
    return path.name
