"""The pictures of a whole night from any folder of frames: keogram, time-lapse, star trails.

Works on what the recorder kept (previews and `keogram.columns`), on raw frames, and on anybody's archive of FITS or
JPEG. One frame in memory at a time; what cannot be read is counted and left out.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import FileUnreadable, Frame, PlateRefused
from camera.files import list_frames, read_frame
from camera.plate import Plate
from camera.store.album import COLUMNS, DONE, preview_of, with_words, without_time
from camera.store.disk import write_whole
from camera.store.fitsfile import read_plate
from camera.store.header import Origin
from camera.store.keogram import Line, keogram, line_of, read_records, record_of
from camera.store.movie import Movie

KEOGRAM, STARTRAIL, TIMELAPSE = "keogram.jpg", "startrail.jpg", "timelapse.mp4"
MADE_HERE = {KEOGRAM, STARTRAIL, TIMELAPSE, "newest.jpg"}
UNDATED_S = 60.0  # between frames that do not say when they were taken
JPEG_QUALITY = 88
_STAMP = re.compile(r"(\d{8}T\d{6})\.(\d{3})Z")


@dataclass(frozen=True, slots=True)
class Wanted:
    keogram: bool = True
    timelapse: bool = True
    startrail: bool = True


@dataclass(slots=True)
class Summary:
    """What was made of what; written as night.json, whose presence says that the night is done."""

    frames: int = 0
    unreadable: int = 0
    first_utc: str = ""
    last_utc: str = ""
    made: tuple[str, ...] = ()


def build(
    folder: Path, out: Path, wanted: Wanted, *, plate: Plate | None = None, origin: Origin | None = None
) -> Summary:
    """Makes what is wanted of all frames below `folder`. Raises OSError, ValueError("... no frames")."""
    paths = [path for path in list_frames([folder]) if path.name not in MADE_HERE]
    out.mkdir(parents=True, exist_ok=True)
    summary = Summary()
    made: list[str] = []
    columns = folder / COLUMNS
    stored = read_records(columns) if columns.exists() else None
    records: list[NDArray[np.void]] = []
    trails = _Trails()
    line: tuple[tuple[int, ...], Line] | None = None
    with contextlib.ExitStack() as open_files:
        movie = open_files.enter_context(Movie(out / TIMELAPSE)) if wanted.timelapse else None
        for frame in _frames(paths, summary):
            preview = _preview(frame)
            if movie is not None:
                movie.add(_dated(preview, frame))
            if wanted.startrail:
                trails.add(without_time(preview) if preview is frame.pixels else preview)
            if wanted.keogram and stored is None:
                shape = (*frame.pixels.shape, *frame.origin_px)
                if line is None or line[0] != shape:
                    line = (shape, line_of(frame, plate or _plate_inside(frame)))
                records.append(record_of(frame, line[1]))
    if not summary.frames:
        raise ValueError(f"{folder}: no frames that can be read")
    if movie is not None:
        made.append(TIMELAPSE)
    if wanted.startrail:
        span = f"{summary.first_utc} to {summary.last_utc}" if summary.first_utc else ""
        made.append(_save(out / STARTRAIL, with_words(trails.picture(), ("", span))))
    if wanted.keogram:
        made.append(_save(out / KEOGRAM, keogram(np.array(records) if stored is None else stored)))
    summary.made = tuple(made)
    write_whole(out / DONE, json.dumps(asdict(summary), indent=1).encode())
    return summary


def _frames(paths: Iterable[Path], summary: Summary) -> Iterable[Frame]:
    """In order; every one with a time, if only an even one."""
    for number, path in enumerate(paths):
        try:
            frame = read_frame(path, seq=number)
        except FileUnreadable:
            summary.unreadable += 1
            continue
        if frame.start_utc_ns <= 0:
            frame = replace(frame, start_utc_ns=_named_utc_ns(path) or round(number * UNDATED_S * 1e9) + 1)
        if frame.start_utc_ns > 86_400 * 10**9:
            instant = f"{datetime.fromtimestamp(frame.start_utc_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"
            summary.first_utc, summary.last_utc = summary.first_utc or instant, instant
        summary.frames += 1
        yield frame


def _named_utc_ns(path: Path) -> int:
    found = _STAMP.search(path.name)
    if found is None:
        return 0
    whole = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return (int(whole.timestamp()) * 1000 + int(found[2])) * 10**6


def _preview(frame: Frame) -> NDArray[np.uint8]:
    """A picture that was stretched already stays as it is."""
    if frame.pixels.dtype == np.uint8 and frame.mosaic != "RGGB":
        return np.asarray(frame.pixels if frame.pixels.ndim == 3 else np.dstack([frame.pixels] * 3), dtype=np.uint8)
    return preview_of(frame)


def _dated(preview: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """With its time, unless it is one of our previews, which bear it."""
    if frame.pixels.dtype == np.uint8 or frame.start_utc_ns < 86_400 * 10**9:
        return preview
    return with_words(
        preview.copy(), ("", f"{datetime.fromtimestamp(frame.start_utc_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC")
    )


class _Trails:
    """Whatever stood out of its surroundings in any picture, over the mean sky: twilight and Moon do not drown it."""

    def __init__(self) -> None:
        self._pictures = 0
        self._out: NDArray[np.int16] | None = None
        self._sky: NDArray[np.float32] | None = None

    def add(self, picture: NDArray[np.uint8]) -> None:
        if self._out is not None and picture.shape != self._out.shape:
            size = self._out.shape[1::-1]
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        height, width = picture.shape[:2]
        small = cv2.resize(picture, (max(width // 16, 1), max(height // 16, 1)), interpolation=cv2.INTER_AREA)
        smooth = cv2.resize(cv2.medianBlur(small, 3), (width, height), interpolation=cv2.INTER_LINEAR)
        out = np.asarray(picture.astype(np.int16) - smooth, dtype=np.int16)
        if self._out is None or self._sky is None:
            self._out, self._sky = out, smooth.astype(np.float32)
        else:
            np.maximum(self._out, out, out=self._out)
            self._sky += smooth
        self._pictures += 1

    def picture(self) -> NDArray[np.uint8]:
        """(h, w, 3), of at least one picture. The maximum of noise is bright everywhere: its own median is black."""
        assert self._out is not None
        assert self._sky is not None
        above = self._out - np.median(self._out[::5, ::5], axis=(0, 1))
        return np.asarray(
            np.clip(0.5 * self._sky / self._pictures + 1.5 * np.maximum(above, 0), 0, 255), dtype=np.uint8
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
