"""The picture of a calibration: what was found, what the catalogue says should be there, what was rejected.

Green ring: a star found where it should be. Blue cross: a catalogue star nothing was found at (cloud, tree, faint).
Yellow ring: found, but no catalogue star. Red dot: stood out and is no star (drawn out, single pixel, too large).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.device import Frame
from camera.solve.fit import SMALLEST_GATE_PX, match
from camera.solve.solver import Solution
from edge.lettering import Bgr, write
from edge.picture import draw_sky

Image = NDArray[np.uint8]

MATCHED: Bgr = (110, 235, 120)
MISSED: Bgr = (235, 170, 80)
UNKNOWN: Bgr = (90, 220, 240)
REJECTED: Bgr = (80, 80, 240)
_EXPECTED_STARS = 350  # of the brightest, marked where nothing was found
SIDE_PX = 1400  # of the longer side, at most


def star_chart(frame: Frame, solution: Solution) -> Image:
    """(H, W, 3) uint8 BGR; without a plate, the detections and the lens's circle alone."""
    grey = grey_picture(frame)
    scale = min(2.0, SIDE_PX / max(grey.shape))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=method), dtype=np.uint8)
    image = draw_sky(grey, solution.plate, scale=scale, origin_px=frame.origin_px)
    size = max(13, image.shape[0] // 60)

    def mark(xy_px: NDArray[np.float64], colour: Bgr, radius: int, *, cross: bool = False) -> None:
        for x, y in (xy_px - frame.origin_px + 0.5) * scale - 0.5:
            at = (round(float(x)), round(float(y)))
            if cross:
                cv2.drawMarker(image, at, colour, cv2.MARKER_CROSS, 2 * radius, 1, cv2.LINE_AA)
            else:
                cv2.circle(image, at, radius, colour, 1, cv2.LINE_AA)

    mark(solution.field.rejected_px, REJECTED, 2)
    found = solution.field.xy_px
    if solution.plate is not None and solution.outcome.fit is not None:
        lens, sky = solution.outcome.fit.lens, solution.sky
        gate_px = max(0.15 * lens.px_per_deg, SMALLEST_GATE_PX)
        star, detection = match(lens, sky, solution.detections, gate_px, len(sky.unit_enu))
        mark(np.delete(found, detection, axis=0), UNKNOWN, 4)
        mark(found[detection], MATCHED, 7)
        missed = np.setdiff1d(np.arange(min(_EXPECTED_STARS, len(sky.unit_enu))), star)
        at = lens.project(sky.unit_enu[missed])
        mark(at[np.isfinite(at).all(axis=1)], MISSED, 4, cross=True)
    else:
        mark(found, UNKNOWN, 4)
        circle = solution.field.circle
        x, y = (np.asarray(circle.centre_px) - frame.origin_px + 0.5) * scale - 0.5
        cv2.circle(image, (round(x), round(y)), round(circle.radius_px * scale), REJECTED, 1, cv2.LINE_AA)
    for number, (line, colour) in enumerate(_legend(solution)):
        write(image, line, size, size + round(1.4 * size * number), size, colour)
    return image


def _legend(solution: Solution) -> list[tuple[str, Bgr]]:
    evidence = solution.outcome.evidence
    lines: list[tuple[str, Bgr]] = []
    if solution.plate is not None and evidence is not None:
        lines.append((f"{evidence.stars} stars, {evidence.rms_px:.2f} px rms", MATCHED))
        lines.append(("catalogue star, nothing found", MISSED))
    else:
        lines.append(("not solved", REJECTED))
    return [*lines, ("found, no catalogue star", UNKNOWN), ("no star", REJECTED)]


def grey_picture(frame: Frame) -> Image:
    """(height, width) uint8: square-root stretch between the darkest and all but the brightest pixels."""
    pixels = frame.pixels.mean(axis=2) if frame.mosaic == "rgb" else frame.pixels
    light = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 0.8)
    low, high = np.percentile(light[::4, ::4], (1, 99.8))
    share = np.clip((light - low) / max(float(high - low), 1.0), 0, 1)
    return np.asarray(200 * np.sqrt(share), dtype=np.uint8)
