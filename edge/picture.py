"""The annotated sky: what the camera found, what the radio heard, who it was, what was guarded, on the picture itself.

Everything is placed through the plate's own projection, so a wrong plate shows (rings off the horizon, paths beside
their trails); seen from below, east lies left of north unless the lens mirrors. Without a plate the detections are
drawn alone. OpenCV draws the lines, `lettering` the text; a picture of 2822 x 2744 costs under 0.1 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.geodesy import small_circle
from camera.plate import Plate
from edge.lettering import Bgr, Labels, text_size, write

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

COLOURS: dict[str, Bgr] = {
    "aircraft": (110, 235, 120),
    "unknown": (70, 175, 255),
    "satellite": (255, 205, 95),
    "meteor": (245, 140, 225),
    "own-beam": (150, 255, 60),
    "own-target": (235, 235, 160),
    "radio": (85, 85, 255),
    "cone": (60, 220, 255),
    "grid": (175, 170, 160),
    "blind": (190, 165, 150),
    "text": (236, 236, 232),
    "dim": (165, 160, 155),
    "good": (110, 235, 120),
    "bad": (85, 85, 255),
}
_LABELS_AT_MOST = 40  # on a picture with hundreds of detections the best are named
_SHIFT = 4  # OpenCV's fixed-point bits: sub-pixel lines


@dataclass(frozen=True, slots=True, eq=False)
class DrawnTrail:
    """A detection in stored pixels of the frame. Trails of one non-empty `group` are named once."""

    polyline_px: Array  # (N, 2)
    trail_class: str  # a key of COLOURS
    score: float = 1.0
    label: str = ""  # "": class and score
    group: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPath:
    """A known path over the sky, in time order: an arrow stands at its end."""

    azel_deg: Array  # (N, 2); not-a-number rows break the line
    kind: Literal["radio", "satellite"]
    label: str = ""


def draw_sky(
    image_bgr: Image,
    plate: Plate | None,
    *,
    scale: float = 1.0,
    origin_px: tuple[int, int] | None = None,
    trails: Sequence[DrawnTrail] = (),
    paths: Sequence[DrawnPath] = (),
    beam_azel_deg: Array | None = None,
    cone_deg: float = 6.0,
    blind: Sequence[tuple[float, float, float, float]] = (),
    simulated: bool = False,
) -> Image:
    """An annotated copy.

    Args:
        image_bgr: (H, W) or (H, W, 3) uint8: the frame at `scale` times its stored size.
        plate: where its pixels look; None draws detections only.
        origin_px: of the stored frame on the full sensor; None: the plate's own region.
        beam_azel_deg: (N, 2) path of the beam over the picture's time; the cone is drawn around it.
        blind: sectors (azimuth from, azimuth to, elevation from, elevation to) in degrees where nothing could be seen.
    Returns: (H, W, 3) uint8.
    """
    image = cv2.cvtColor(image_bgr, cv2.COLOR_GRAY2BGR) if image_bgr.ndim == 2 else image_bgr.copy()
    image = np.ascontiguousarray(image[..., :3], dtype=np.uint8)
    sky = _Canvas(image, plate, scale, origin_px or (plate.region.origin_px if plate else (0, 0)))
    if plate is not None:
        if simulated:
            sky.watermark("SIMULATED")
        sky.blind(blind)
        if beam_azel_deg is not None and len(beam_azel_deg):
            sky.cone(np.asarray(beam_azel_deg, dtype=float), cone_deg)
        sky.grid()
        for path in paths:
            sky.path(path)
    sky.trails(trails)
    for path in paths if plate is not None else ():
        sky.path_label(path)
    if plate is not None and beam_azel_deg is not None and len(beam_azel_deg):
        sky.cone_label(np.asarray(beam_azel_deg, dtype=float), cone_deg)
    if simulated:
        sky.tag("SIMULATED")
    return image


class _Canvas:
    """One picture while it is drawn on."""

    def __init__(self, image: Image, plate: Plate | None, scale: float, origin_px: tuple[int, int]) -> None:
        self.image, self.plate, self.scale, self.origin_px = image, plate, scale, origin_px
        self.side = min(image.shape[:2])
        self.thin = max(1, round(self.side / 1100))
        self.font = max(11, round(self.side / 72))
        self.labels = Labels(image, self.font)

    # -- geometry ------------------------------------------------------------------------------------------------------

    def place(self, xy_px: Array) -> Array:
        """(..., 2) stored pixels -> pixels of this picture: a pixel of half size has its centre between two."""
        return (np.asarray(xy_px, dtype=float) + 0.5) * self.scale - 0.5

    def project(self, azel_deg: Array) -> Array:
        """(N, 2) azimuth, elevation -> (N, 2) pixels of this picture, not-a-number where the lens does not reach."""
        assert self.plate is not None
        return self.place(self.plate.azel_to_pixel(np.asarray(azel_deg, dtype=float), self.origin_px))

    def line(self, xy: Array, colour: Bgr, width: int | None = None, *, closed: bool = False) -> None:
        """Anti-aliased, broken where a point is not a number."""
        whole: NDArray[np.bool_] = np.all(np.abs(np.nan_to_num(xy, nan=np.inf)) < 1e5, axis=1)
        pieces = [xy[group] for group in _runs(whole)]
        fixed = [np.round(piece * 2**_SHIFT).astype(np.int32)[:, None] for piece in pieces if len(piece) > 1]
        closed = closed and bool(whole.all())
        cv2.polylines(self.image, fixed, closed, colour, width or self.thin, cv2.LINE_AA, _SHIFT)

    def tint(self, mask: NDArray[np.uint8], colour: Bgr, opacity: float) -> None:
        """Blend a colour in where `mask` is set."""
        x, y, width, height = cv2.boundingRect(mask)
        if width == 0 or height == 0:
            return
        part = np.s_[y : y + height, x : x + width]
        under = self.image[part]
        over = cv2.addWeighted(under, 1 - opacity, np.full_like(under, colour), opacity, 0)
        cv2.copyTo(over, mask[part], under)

    # -- what is known beforehand --------------------------------------------------------------------------------------

    def grid(self) -> None:
        """Horizon, 30 and 60 degrees, azimuth ticks, zenith and the four winds."""
        azimuth = np.arange(0.0, 360.0, 2.0)
        for elevation in (0.0, 30.0, 60.0):
            ring = self.project(np.column_stack((azimuth, np.full_like(azimuth, elevation))))
            self.line(ring, faded("grid", 0.8 if elevation == 0 else 0.55), closed=True)
        for tick in range(0, 360, 10):
            low = 0.0 if tick % 30 else -1.0
            self.line(self.project(np.array([[tick, low], [tick, 1.2 if tick % 30 else 2.5]])), faded("grid", 0.8))
        zenith = self.project(np.array([[0.0, 90.0]]))[0]
        arm = self.side / 120
        for step in (np.array([arm, 0.0]), np.array([0.0, arm])):
            self.line(np.array([zenith - step, zenith + step]), faded("grid", 0.8))
        for letter, bearing in (("N", 0.0), ("E", 90.0), ("S", 180.0), ("W", 270.0)):
            edge = self.project(np.array([[bearing, 0.0]]))[0]
            if np.isfinite(edge).all():
                out = (edge - zenith) / max(float(np.linalg.norm(edge - zenith)), 1.0)
                x, y = edge + out * self.font * 1.3
                self.labels.centred(letter, (float(x), float(y)), COLOURS["text"], round(self.font * 1.5))
        for elevation, text in ((30.0, "30°"), (60.0, "60°")):
            x, y = self.project(np.array([[45.0, elevation]]))[0]
            if np.isfinite(x + y):
                self.labels.centred(text, (float(x), float(y)), COLOURS["dim"], round(self.font * 0.85))

    def blind(self, sectors: Sequence[tuple[float, float, float, float]]) -> None:
        """Sectors without sight, hatched: a dark sky there says nothing."""
        if not sectors:
            return
        mask = np.zeros(self.image.shape[:2], np.uint8)
        for az_from, az_to, el_from, el_to in sectors:
            span = az_from + np.linspace(0.0, (az_to - az_from) % 360.0 or 360.0, 24)
            azimuth = np.concatenate((span, span[::-1]))
            xy = self.project(np.column_stack((azimuth, np.repeat((el_from, el_to), 24))))
            cv2.fillPoly(mask, [np.round(xy[np.isfinite(xy).all(axis=1)]).astype(np.int32)], 255)
        self.tint(mask, COLOURS["blind"], 0.12)
        step = max(8, self.side // 60)
        height, width = self.image.shape[:2]
        diagonal = np.add.outer(np.arange(height), np.arange(width)) % step
        stripes = np.where(diagonal < self.thin, mask, np.uint8(0))
        self.tint(stripes, COLOURS["blind"], 0.35)

    def cone(self, beam_azel_deg: Array, cone_deg: float) -> None:
        """The cone around everything the beam swept, and the beam's path in it."""
        mask = np.zeros(self.image.shape[:2], np.uint8)
        for azimuth, elevation in beam_azel_deg[:: max(1, len(beam_azel_deg) // 60)]:
            xy = self.project(small_circle(float(azimuth), float(elevation), cone_deg))
            if np.isfinite(xy).all():
                cv2.fillConvexPoly(mask, np.round(xy).astype(np.int32), 255)
        self.tint(mask, COLOURS["cone"], 0.10)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(self.image, outlines, -1, COLOURS["cone"], self.thin, cv2.LINE_AA)
        path = self.project(beam_azel_deg)
        self.line(path, COLOURS["own-beam"], self.thin)
        end = path[-1]
        if np.isfinite(end).all():
            centre = (round(float(end[0])), round(float(end[1])))
            cv2.circle(self.image, centre, self.thin * 4, COLOURS["own-beam"], self.thin, cv2.LINE_AA)
        self.labels.keep_off([path[np.isfinite(path).all(axis=1)]])

    def cone_label(self, beam_azel_deg: Array, cone_deg: float) -> None:
        middle = beam_azel_deg[len(beam_azel_deg) // 2]
        edge = self.project(small_circle(float(middle[0]), float(middle[1]), cone_deg))
        if np.isfinite(edge).all():
            x, y = edge[int(np.argmin(edge[:, 1]))]
            self.labels.beside(f"guarded cone {cone_deg:g}°", (float(x), float(y)), COLOURS["cone"])

    def path(self, path: DrawnPath) -> None:
        xy = self.project(path.azel_deg)
        colour = COLOURS[path.kind]
        self.line(xy, faded(path.kind, 0.8))
        whole = xy[np.isfinite(xy).all(axis=1)]
        self.labels.keep_off([whole])
        if len(whole) < 2:
            return
        along = whole[-1] - whole[-2]
        along = along / max(float(np.linalg.norm(along)), 1e-9) * self.side / 90
        across = np.array([-along[1], along[0]]) * 0.42
        head = np.array([whole[-1] + along * 0.3, whole[-1] - along * 0.7 + across, whole[-1] - along * 0.7 - across])
        cv2.fillConvexPoly(self.image, np.round(head * 2**_SHIFT).astype(np.int32), colour, cv2.LINE_AA, _SHIFT)

    def path_label(self, path: DrawnPath) -> None:
        xy = self.project(path.azel_deg)
        height, width = self.image.shape[:2]
        inside = xy[np.isfinite(xy).all(axis=1) & (xy > 0).all(axis=1) & (xy < (width, height)).all(axis=1)]
        if path.label and len(inside):
            x, y = inside[-1]
            self.labels.beside(path.label, (float(x), float(y)), COLOURS[path.kind], gap_px=self.side / 120)

    # -- what was found ------------------------------------------------------------------------------------------------

    def trails(self, trails: Sequence[DrawnTrail]) -> None:
        """A tube around each detection, so that the light itself stays visible; one name per label."""
        trails = [t for t in trails if len(t.polyline_px) and np.isfinite(t.polyline_px).all()]
        for trail_class in sorted({trail.trail_class for trail in trails}):
            lines = [self.place(t.polyline_px) for t in trails if t.trail_class == trail_class]
            self._tubes(lines, COLOURS.get(trail_class, COLOURS["unknown"]))
            self.labels.keep_off(lines)
        groups: dict[str, list[DrawnTrail]] = {}
        for number, trail in enumerate(trails):
            groups.setdefault(trail.group or f"\0{number}", []).append(trail)
        best = sorted(groups.values(), key=lambda group: (not group[0].label, -max(t.score for t in group)))
        for group in best[:_LABELS_AT_MOST]:
            middle = self.place(group[len(group) // 2].polyline_px)
            x, y = middle[len(middle) // 2] if len(middle) > 2 else middle.mean(axis=0)
            text = group[0].label or f"{group[0].trail_class} {group[0].score:.2f}"
            colour = COLOURS.get(group[0].trail_class, COLOURS["unknown"])
            self.labels.beside(
                text,
                (float(x), float(y)),
                colour,
                gap_px=self.side / 130,
                wanted="always" if group[0].label else "if room",
            )

    def _tubes(self, polylines: Sequence[Array], colour: Bgr) -> None:
        """Outlines of the lines drawn thick; what touches becomes one tube."""
        lines = [np.round(line).astype(np.int32)[:, None] for line in polylines]
        radius = max(3, round(self.side / 190))
        left, top, width, height = cv2.boundingRect(np.concatenate(lines))
        x0, y0 = max(left - radius - 2, 0), max(top - radius - 2, 0)
        x1 = min(left + width + radius + 2, self.image.shape[1])
        y1 = min(top + height + radius + 2, self.image.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        shift = np.array([x0, y0], np.int32)
        cv2.polylines(mask, [line - shift for line in lines], False, 255, 2 * radius)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(self.image, outlines, -1, colour, self.thin, cv2.LINE_AA, offset=(x0, y0))

    # -- that nobody takes it for the sky ------------------------------------------------------------------------------

    def watermark(self, text: str) -> None:
        size = max(11, round(self.side / 14))
        width, height = text_size(text, size)
        x, y = (self.image.shape[1] - width) // 2, round(self.image.shape[0] * 0.80) - height // 2
        write(self.image, text, x, y, size, COLOURS["text"], opacity=0.10, rim=False)

    def tag(self, text: str) -> None:
        write(self.image, text, self.font, self.font, round(self.font * 1.3), COLOURS["cone"])


def faded(name: str, share: float) -> Bgr:
    blue, green, red = (round(channel * share) for channel in COLOURS[name])
    return blue, green, red


def _runs(whole: NDArray[np.bool_]) -> list[slice]:
    """Slices of consecutive True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], whole, [False])).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
