"""A time-lapse as a file that every browser plays: H.264 in MP4.

*Why* PyAV and not OpenCV's writer: of what the OpenCV wheels can write, only VP8 and VP9 play in browsers, and their
bit rate cannot be set. Measured on noisy previews of 960 px, per picture: VP8 0.19 core-seconds and 246 kB, H.264
0.013 core-seconds and 6 kB. PyAV's wheels (also for aarch64) bring their own ffmpeg and x264, which is GPL as we are.
"""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np
from numpy.typing import NDArray

PER_S = 25
QUALITY = "24"  # x264's constant rate factor: stars stay, noise goes


class Movie:
    """Use it in a `with`: the file appears whole at its end, or not at all. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.pictures = 0
        self._path, self._part = path, path.with_name(f".{path.stem}.part{path.suffix}")
        self._size: tuple[int, int] | None = None

    def __enter__(self) -> Movie:
        # The index in front (faststart): a browser plays before it has all.
        self._file = av.open(os.fspath(self._part), "w", options={"movflags": "+faststart"})
        self._stream = self._file.add_stream("libx264", rate=Fraction(PER_S))
        self._stream.options = {"crf": QUALITY, "preset": "veryfast"}
        self._stream.pix_fmt = "yuv420p"  # what browsers can
        self._stream.codec_context.thread_count = 1  # it has the whole day
        return self

    def add(self, picture: NDArray[np.uint8]) -> None:
        """(h, w, 3) red, green, blue; the first one decides the size of all."""
        if self._size is None:
            self._size = (picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2)  # colours at half resolution: even
            self._stream.width, self._stream.height = self._size
        if picture.shape[1::-1] != self._size:
            picture = np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        self._file.mux(self._stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        self.pictures += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.pictures:
                self._file.mux(self._stream.encode())
            self._file.close()
            if kind is None and self.pictures:
                os.replace(self._part, self._path)
        finally:
            self._part.unlink(missing_ok=True)
