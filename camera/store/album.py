"""Pictures for people, made while the night goes on, and the night's own pictures after it.

    pictures/newest.jpg               always there, always whole: for control rooms and web pages
    pictures/<night>/<time>.jpg       the same, kept
    pictures/<night>/keogram.columns  a record per frame (`camera.store.keogram`)
    pictures/<night>/keogram.jpg      made of it every quarter of an hour
    pictures/<night>/startrail.jpg, timelapse.mp4, night.json   made after dawn (`camera.store.nightbook`)

*Why* in the recorder's thread of the capture process, and not in the judgement, which knows the background: a disk that
hangs must not stop anybody from judging, a picture of the sky is wanted most when the judgement is down, and what is
kept on disk has one owner. The thread is niced and works from a copy, so the next exposure never waits for it. What
takes minutes after dawn is a process of its own, niced further: a video library that crashes takes no camera with it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.background import Background
from camera.device import Frame
from camera.store.disk import Disk
from camera.store.evidence import stamp
from camera.store.header import Origin
from camera.store.keogram import RECORD, Line, append, line_of, record_of
from camera.store.night import DUSK_DEG, night_name, sun_deg
from camera.views import classical, enhanced
from camera.whole import PART

log = logging.getLogger(__name__)

NEWEST, COLUMNS, DONE = "newest.jpg", "keogram.columns", "night.json"
LONGEST_PX = 960
JPEG_QUALITY = 80
BUILD_LIMIT_S = 3600.0
KEOGRAM_EVERY_S = 900.0
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Album:
    """`counters`: previews made, nights finished, nights whose pictures could not be made."""

    def __init__(self, disk: Disk, every_s: float, build_command: tuple[str, ...] = ()) -> None:
        """`every_s` between previews. `build_command` gets the folder of a finished night as its last argument."""
        self.counters: Counter[str] = Counter(previews=0, nights_built=0, nights_failed=0)
        self._disk, self._every_s, self._build_command = disk, every_s, build_command
        self._newest_mono_s = float("-inf")
        self._line: tuple[object, Line] | None = None
        self._night: str | None = None  # whose pictures grow; "" by day, None before the first frame
        self._tried: set[str] = set()
        self._keogram_mono_s = time.monotonic()
        self._builder: tuple[str, float, subprocess.Popen[bytes]] | None = None

    def due(self, frame: Frame) -> bool:
        """Whether the next picture should be made of this frame; half an exposure early is better than one late."""
        return frame.end_mono_s - self._newest_mono_s >= self._every_s - 0.5 * frame.exposure_s

    def take(self, frame: Frame, origin: Origin, *, preview: bool) -> None:
        """Adds the frame to the night, and makes it the newest picture. Raises OSError when the disk refuses."""
        night = night_name(frame.start_utc_ns, origin.site)
        self._night = night if sun_deg(frame.start_utc_ns, origin.site) < DUSK_DEG else ""
        if self._night:
            self._grow_keogram(frame, origin, self._night)
        if preview:
            self._newest_mono_s = frame.end_mono_s
            content = jpeg(with_words(preview_of(frame), words_of(frame, origin)))
            folder = self._disk.shelves["pictures"].folder
            if self._night:
                path = self._disk.keep("pictures", f"{night}/{stamp(frame.start_utc_ns)}.jpg", content)
                path.chmod(0o644)
            self._replace_newest(folder / NEWEST, content)
            self.counters["previews"] += 1

    def tend(self) -> None:
        """Starts and watches what makes the pictures of nights; call it every few seconds."""
        now_mono_s = time.monotonic()
        if self._builder is not None:
            self._look_at_builder(*self._builder)
        elif not self._build_command or self._night is None:
            return
        elif night := self._unfinished():
            self._tried.add(night)
            self._start_builder(night)
        elif self._night and now_mono_s - self._keogram_mono_s >= KEOGRAM_EVERY_S:
            self._keogram_mono_s = now_mono_s
            self._start_builder(self._night, "--keogram")

    def _start_builder(self, night: str, *options: str) -> None:
        command = [*self._build_command, *options, os.fspath(self._disk.shelves["pictures"].folder / night)]
        try:
            builder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        except OSError as err:
            self._failed(night, str(err))
            return
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, builder.pid, 19)
        self._builder = (night, time.monotonic(), builder)

    def close(self) -> None:
        """Ends a builder; the next process of ours starts it again."""
        if self._builder is not None:
            self._builder[2].kill()
            self._builder[2].wait()
            self._builder = None

    def _grow_keogram(self, frame: Frame, origin: Origin, night: str) -> None:
        key = (origin.plate and origin.plate.sha256, frame.origin_px, frame.width, frame.height, frame.mosaic)
        if self._line is None or self._line[0] != key:
            fits = origin.plate is not None and origin.plate.camera_serial == frame.camera_serial
            self._line = (key, line_of(frame, origin.plate if fits else None))
        shelf = self._disk.shelves["pictures"]
        shelf.make_room(RECORD.itemsize)
        self._disk.free(RECORD.itemsize)
        path = shelf.folder / night / COLUMNS
        path.parent.mkdir(parents=True, exist_ok=True)
        shelf.add(f"{night}/{COLUMNS}", append(path, record_of(frame, self._line[1])))

    def _replace_newest(self, path: Path, content: bytes) -> None:
        """No wait for the disk: what a power cut takes is replaced seconds after."""
        temporary = path.with_name(f".{path.name}{PART}")
        try:
            temporary.write_bytes(content)
            temporary.chmod(0o644)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _unfinished(self) -> str:
        """The newest night that is over and has no pictures of its own yet; "" when there is none."""
        folder = self._disk.shelves["pictures"].folder
        with contextlib.suppress(OSError):
            for night in sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True):
                if night != self._night and night not in self._tried and not (folder / night / DONE).exists():
                    return night
        return ""

    def _look_at_builder(self, night: str, begun_mono_s: float, builder: subprocess.Popen[bytes]) -> None:
        code = builder.poll()
        if code is None:
            if time.monotonic() - begun_mono_s > BUILD_LIMIT_S:
                builder.kill()
            return
        self._builder = None
        if code:
            self._failed(night, f"exit code {code}")
            return
        self.counters["nights_built"] += night in self._tried
        shelf = self._disk.shelves["pictures"]
        for path in (shelf.folder / night).iterdir():
            if path.suffix != ".jpg" or not path.stem[0].isdigit():
                shelf.put(f"{night}/{path.name}", path.stat().st_size)

    def _failed(self, night: str, why: str) -> None:
        self.counters["nights_failed"] += 1
        log.warning("event=night-failed night=%s reason=%s", night, why)


def preview_of(frame: Frame, sky: Background | None = None) -> NDArray[np.uint8]:
    """(h, w, 3) red, green, blue, at most LONGEST_PX to a side: averaging the rest away is also what removes noise.

    The classical view, or with `sky` the enhanced one.
    """
    picture = classical(frame) if sky is None else enhanced(frame, sky)
    scale = LONGEST_PX / max(picture.shape[:2])
    if scale >= 1.0:
        return picture
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def words_of(frame: Frame, origin: Origin) -> tuple[str, str]:
    """Where and when: a picture that stands still must be seen to be old."""
    instant = datetime.fromtimestamp(0, UTC) + timedelta(seconds=frame.start_utc_ns / 1e9)
    return ("SIMULATED  " if origin.simulated else "") + origin.station, f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def with_words(picture: NDArray[np.uint8], words: tuple[str, str]) -> NDArray[np.uint8]:
    """The corners of a fisheye's picture are free: first words bottom left, second ones below them. Draws in place."""
    lettered = np.ascontiguousarray(picture)
    height, line_px = lettered.shape[0], _line_px(picture)
    for text, y in zip(words, (height - line_px - line_px // 3, height - line_px // 3), strict=True):
        # Black around it first. A thicker stroke would not do: OpenCV 5 spaces bold letters differently.
        for dx, dy, grey in ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, 230)):
            cv2.putText(lettered, text, (8 + dx, y + dy), _FONT, line_px / 45, (grey, grey, grey), 1, cv2.LINE_AA)
    return lettered


def without_time(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy whose second words are gone: they differ from picture to picture."""
    cleared = picture.copy()
    cleared[-_line_px(picture) :, : 14 * _line_px(picture)] = 0
    return cleared


def _line_px(picture: NDArray[np.uint8]) -> int:
    return max(int(picture.shape[0]) // 40, 16)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Red, green, blue in, a whole file out."""
    done, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise OSError("a preview could not be encoded")
    return content.tobytes()
