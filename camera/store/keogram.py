"""The keogram: one line of the sky per frame, side by side through the night (after Eather et al., 1976).

The line runs from the north horizon (top) through the zenith to the south, by the plate; without one it is the middle
column of the picture. A night grows as a file of fixed-size records that are only ever appended: a crash costs at most
the last one. The picture is made from it whenever somebody wants it, with one stretch for the whole night.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.plate import Plate

ROWS = 480
RECORD = np.dtype([("utc_ns", "<i8"), ("exposure_s", "<f4"), ("e_per_adu", "<f4"), ("rgb", "<u2", (ROWS, 3))])
NARROWEST_PX, WIDEST_PX = 480, 3600
MIDDLE = 0.3  # of white: the dark sky of the night
GAP_S = 120.0  # without a frame for longer: the night shows it black
MORE_THAN_A_NIGHT_S = 36 * 3600.0
_HALF = 2  # cells to each side of the line that are averaged: a star counts, noise does not
_SCALE_PX = 26  # below: hours

Line = NDArray[np.intp]


def line_of(frame: Frame, plate: Plate | None) -> Line:
    """(ROWS, 2) x, y of colour cells along the meridian, north first; -1 where the picture does not show it."""
    cell = 2 if frame.mosaic == "RGGB" else 1
    width, height = frame.width // cell, frame.height // cell
    if plate is None:
        middle = np.full(ROWS, width // 2)
        return np.stack((middle, np.linspace(0, height - 1, ROWS).astype(np.intp)), axis=-1)
    along = np.linspace(0.0, 180.0, ROWS)  # from the north horizon over the zenith
    azel = np.stack((np.where(along <= 90.0, 0.0, 180.0), np.minimum(along, 180.0 - along)), axis=-1)
    xy = np.nan_to_num(plate.azel_to_pixel(azel, frame.origin_px) / cell, nan=-1.0)
    inside = (xy >= 0).all(axis=-1) & (xy[:, 0] < width) & (xy[:, 1] < height)
    return np.where(inside[:, None], xy, -1.0).astype(np.intp)


def record_of(frame: Frame, line: Line) -> NDArray[np.void]:
    """One record: stored units, the mean of the cells around each point of the line."""
    record = np.zeros((), RECORD)
    record["utc_ns"], record["exposure_s"], record["e_per_adu"] = (
        frame.start_utc_ns, frame.exposure_s, frame.gain_e_per_adu,
    )  # fmt: skip
    cell = 2 if frame.mosaic == "RGGB" else 1
    width, height = frame.width // cell, frame.height // cell
    step = np.arange(-_HALF, _HALF + 1)
    x = np.clip(line[:, 0, None, None] + step[None, :, None], 0, width - 1) * cell
    y = np.clip(line[:, 1, None, None] + step[None, None, :], 0, height - 1) * cell
    pixels = frame.pixels
    if frame.mosaic == "RGGB":
        green = (pixels[y, x + 1].astype(np.uint32) + pixels[y + 1, x]) // 2
        colours = np.stack((pixels[y, x], green, pixels[y + 1, x + 1]), axis=-1)
    elif pixels.ndim == 3:
        colours = pixels[y, x]
    else:
        colours = np.repeat(pixels[y, x][..., None], 3, axis=-1)
    record["rgb"] = np.where(line[:, :1] >= 0, colours.mean(axis=(1, 2)), 0)
    return record


def append(path: Path, record: NDArray[np.void]) -> int:
    """Adds a record; what a crash left unfinished is cut off first. Returns the bytes added. Raises OSError."""
    with path.open("ab") as out:
        if odd := out.tell() % RECORD.itemsize:
            out.truncate(out.tell() - odd)
        return out.write(record.tobytes())


def read_records(path: Path) -> NDArray[np.void]:
    """(N,) RECORD in the order of their times. Raises OSError."""
    content = path.read_bytes()
    records = np.frombuffer(content, RECORD, count=len(content) // RECORD.itemsize)
    return np.asarray(records[np.argsort(records["utc_ns"], kind="stable")])


def keogram(records: NDArray[np.void]) -> NDArray[np.uint8]:
    """(ROWS + scale, W, 3) red, green, blue: time runs to the right, evenly; hours in UTC below, N and S at the left.

    Brightness is that of the light (electrons per second), not of the stored numbers, so a change of the exposure does
    not show; its stretch is asinh (Lupton et al., PASP 116, 2004, 133): twilight and Milky Way in one picture.
    Raises ValueError without records.
    """
    if not len(records):
        raise ValueError("no frames, no keogram")
    seconds = (records["utc_ns"] - records["utc_ns"][0]) / 1e9
    if seconds[-1] > MORE_THAN_A_NIGHT_S:  # frames of many nights: one after the other, no scale would be true
        return np.ascontiguousarray(_stretched(records).transpose(1, 0, 2))
    every_s = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    width = int(np.clip(seconds[-1] / max(every_s, 1e-3) + 1, NARROWEST_PX, WIDEST_PX))
    at_s = np.linspace(0.0, max(seconds[-1], 1e-3), width)
    newest = np.clip(np.searchsorted(seconds, at_s + 1e-6, side="right") - 1, 0, len(seconds) - 1)
    picture = _stretched(records[newest])
    picture[at_s - seconds[newest] > max(GAP_S, 3 * every_s)] = 0
    return _with_scale(np.ascontiguousarray(picture.transpose(1, 0, 2)), int(records["utc_ns"][0]), at_s)


def _stretched(records: NDArray[np.void]) -> NDArray[np.uint8]:
    """(N, ROWS, 3)."""
    light = _light(records)
    seen = light[..., 1] > 0
    if not seen.any():
        return np.zeros(light.shape, np.uint8)
    low = np.quantile(light[seen], 0.01, axis=0)
    above = np.maximum(light - low, 0.0)
    soft = max(float(np.quantile(above[seen], 0.4)), 1e-6)
    top = max(float(np.quantile(above[seen], 0.999)), 4 * soft)
    bright = np.clip(np.arcsinh(above / soft) / np.arcsinh(top / soft), 0, 1)
    middle = float(np.median(bright[seen]))  # the dark sky; beside a bright dawn it would be nearly black
    bright **= np.clip(np.log(MIDDLE) / np.log(np.clip(middle, 1e-3, 0.9)), 0.3, 1.0)
    return np.asarray(255 * bright * seen[..., None], dtype=np.uint8)


def _light(records: NDArray[np.void]) -> NDArray[np.float32]:
    """(N, ROWS, 3) electrons per second above the darkest number of the night; 0 where the picture shows nothing."""
    rgb = records["rgb"].astype(np.float32)
    seen = rgb > 0
    black = float(rgb[seen].min()) if seen.any() else 0.0  # nearest to the camera's offset that a night can know
    per_s = records["e_per_adu"] / np.maximum(records["exposure_s"], 1e-3)
    return np.asarray(np.where(seen, (rgb - black) * per_s[:, None, None] + 1e-3, 0.0), dtype=np.float32)


def _with_scale(picture: NDArray[np.uint8], begin_utc_ns: int, at_s: NDArray[np.float64]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    whole = np.zeros((height + _SCALE_PX, width, 3), np.uint8)
    whole[:height] = picture
    first_s = begin_utc_ns / 1e9
    span_s = float(at_s[-1] - at_s[0])
    step_s = next((s for s in (60, 300, 900, 3600, 7200) if span_s / s <= max(width / 90, 2)), 14_400)
    for tick in range(int(-(-first_s // step_s)), int((first_s + span_s) // step_s) + 1):
        x = round((tick * step_s - first_s) / max(span_s, 1e-3) * (width - 1))
        cv2.line(whole, (x, height), (x, height + 5), (200, 200, 200), 1)
        label = f"{tick * step_s % 86_400 // 3600:02d}:{tick * step_s % 3600 // 60:02d}"
        cv2.putText(whole, label, (min(x + 3, width - 44), height + 19), _FONT, 0.45, (200, 200, 200), 1, cv2.LINE_AA)
    for words, y in (("N", 16), ("S", height - 6)):
        cv2.putText(whole, words, (4, y), _FONT, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return whole


_FONT = cv2.FONT_HERSHEY_SIMPLEX
