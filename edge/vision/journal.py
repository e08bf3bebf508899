"""What a replay or a demo leaves on disk: one JSON object a line, and the brightest-of-all-frames picture.

Lines are appended whole and flushed, so a crash costs at most an unfinished last line, which the next run removes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from models.contract import Trail


class Journal:
    """Append-only `<name>.jsonl` files in one folder. One writer per file; call from one thread, or lock outside."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, IO[str]] = {}

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = (self.directory / f"{name}.jsonl").open("a", encoding="utf-8")
        file.write(json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n")
        file.flush()

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


def detection_record(frame: Frame, name: str, trails: Sequence[Trail]) -> dict[str, Any]:
    """The line of `detections.jsonl`: 0-based x, y of the stored image (design: Interfaces)."""
    return {
        "file": name,
        "width": frame.width,
        "height": frame.height,
        "trails": [
            {
                "class": trail.trail_class,
                "score": round(float(trail.score), 4),
                "polyline_px": np.round(trail.polyline_px, 2).tolist(),
            }
            for trail in trails
        ],
    }


def picture_bgr(frame: Frame, *, half: bool = False) -> NDArray[np.uint8]:
    """A frame as people look at it: colour, square-root stretch between the 1 % and 99.8 % levels, 8-bit BGR.

    The published "classical view" (IT-CDT 2023-08) stretches between minimum and maximum; percentiles keep one hot
    pixel from blackening the sky. `half` gives half the resolution (a Bayer cell becomes one pixel: no interpolation).
    """
    bgr = _colour(frame, half=half)
    thin = bgr[::7, ::7]
    low = np.array([np.quantile(thin[..., i], 0.01) for i in range(3)], dtype=np.float32)
    high = max(float(np.quantile(thin - low, 0.998)), 1.0)
    return np.asarray(np.clip(np.sqrt(np.clip(bgr - low, 0, None) / high) * 255, 0, 255), dtype=np.uint8)


def _colour(frame: Frame, *, half: bool) -> NDArray[np.float32]:
    """(H, W, 3) blue, green, red."""
    pixels = frame.pixels
    if frame.mosaic == "RGGB":
        if not half:
            # OpenCV names a mosaic by its second row: RGGB is its "BG".
            return cv2.cvtColor(np.ascontiguousarray(pixels, dtype=np.uint16), cv2.COLOR_BayerBG2BGR).astype(np.float32)
        green = (pixels[0::2, 1::2].astype(np.float32) + pixels[1::2, 0::2]) / 2
        return np.dstack((pixels[1::2, 1::2], green, pixels[0::2, 0::2])).astype(np.float32)
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    step = 2 if half else 1
    return rgb[::step, ::step, ::-1].astype(np.float32)


class Stack:
    """Brightest of all frames, at half resolution: every trail of a night in one picture."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._brightest: NDArray[np.uint16] | None = None

    def add(self, frame: Frame) -> None:
        stored = half_size_bgr(frame)
        if self._brightest is None or self._brightest.shape != stored.shape:
            self._brightest = stored
        else:
            np.maximum(self._brightest, stored, out=self._brightest)

    def save(self) -> None:
        if self._brightest is not None:
            write_picture(self._path, stack_picture(self._brightest))


def half_size_bgr(frame: Frame) -> NDArray[np.uint16]:
    """(H/2, W/2, 3) stored units at half resolution, blue first; of a mosaic one of the two greens."""
    pixels = frame.pixels
    if frame.mosaic == "RGGB":
        return np.dstack((pixels[1::2, 1::2], pixels[0::2, 1::2], pixels[0::2, 0::2])).astype(np.uint16)
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return rgb[::2, ::2, ::-1].astype(np.uint16)


def stack_picture(brightest: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """A maximum of many frames as people want to see it: a dark grey sky, on it whatever stood out, 8-bit BGR.

    The maximum of many noisy pixels is bright everywhere; its own smooth part is taken off per colour (which also takes
    the colour of the sky glow away), the rest is stretched by asinh in units of its noise (Lupton et al., PASP 116,
    2004, 133), and a little of the smooth part is put back, so that skyline and clouds stay visible.
    """
    height, width = brightest.shape[:2]
    small = cv2.resize(brightest, (max(width // 16, 1), max(height // 16, 1)), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(cv2.medianBlur(small, 5), (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    rest = brightest.astype(np.float32) - smooth
    noise = np.maximum(1.4826 * np.median(np.abs(rest[::7, ::7]), axis=(0, 1)), 0.5)
    bright = np.arcsinh(np.maximum(rest / noise - 1.5, 0.0) / 3.0) / np.arcsinh(60.0)
    glow = smooth.mean(axis=2, keepdims=True)
    low, high = np.percentile(glow[::7, ::7], (1, 99))
    glow = np.clip((glow - low) / max(float(high - low), 1.0), 0, 1)
    return np.asarray(np.clip(255 * (0.03 + 0.2 * glow + bright), 0, 255), dtype=np.uint8)


def write_picture(path: Path, image_bgr: NDArray[np.uint8]) -> None:
    """PNG or JPEG by suffix, whole or not at all. Raises OSError naming the file."""
    ok, data = cv2.imencode(path.suffix, image_bgr)
    if not ok:
        raise OSError(f"{path}: the picture could not be encoded")
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data.tobytes())
    os.replace(part, path)


def picture_path(directory: Path, name: str) -> Path:
    """Where the annotated picture of a frame goes: its name, flattened, as JPEG."""
    return directory / "pictures" / (name.replace("/", "__") + ".jpg")
