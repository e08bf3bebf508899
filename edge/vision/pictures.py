"""Pictures that a replay or a demo leaves on disk, and the one of all frames: every trail of a night."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.whole import write_whole


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
    done, content = cv2.imencode(path.suffix, image_bgr)
    if not done:
        raise OSError(f"{path}: the picture could not be encoded")
    write_whole(path, content.tobytes(), durable=False)


def picture_path(directory: Path, name: str) -> Path:
    """Where the annotated picture of a frame goes: its name, flattened, as JPEG."""
    return directory / "pictures" / (name.replace("/", "__") + ".jpg")
