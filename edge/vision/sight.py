"""One frame judged: what is on it, in which direction, and whether the camera could have seen an aircraft at all.

No thread, no connection, no clock but for its own timings: frame in, `Judged` out. The live process and a replay call
the same.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import numpy as np

from camera.device import Frame, PlateRefused
from camera.frames.dark import MasterRefused
from camera.frames.flat import Flattener, load_flat
from camera.frames.masters import Masters
from camera.mask import Hidden, Mask, load_mask
from camera.plate import Plate, check_plate, load_plate
from camera.platewatch import PlateHealth, PlateWatch, measure_turn
from camera.refresh import SkyKeeper
from camera.stack import Stack
from camera.starcheck import check_stars
from camera.visibility import SkyWatch, Visibility
from edge.config import Config
from edge.records import SkyTrail
from edge.vision.canary import Canary
from models.contract import Trail
from models.detect import Detector
from models.engines import NetworkEngine, load_engine

log = logging.getLogger(__name__)

LONGEST_STACKED_S = 4.0  # of one exposure; longer ones show slow trails by themselves
CANARY_EVERY = 30  # frames: the first, and once a minute with exposures of 2 s


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What one frame said. `sky_trails`, `visibility` and `plate_health` need a plate that fits the frame."""

    frame: Frame
    trails: tuple[Trail, ...]
    sky_trails: tuple[SkyTrail, ...]
    visibility: Visibility | None
    plate_fault: str  # why there are no directions; "" when there are
    timings_ms: dict[str, float]
    canary_missed: str = ""  # why an empty list of trails proves nothing; "" when it does
    plate_health: PlateHealth | None = None

    @property
    def begin_utc_ns(self) -> int:
        return self.frame.start_utc_ns

    @property
    def end_utc_ns(self) -> int:
        return self.frame.start_utc_ns + round(self.frame.exposure_s * 1e9)


@dataclass(frozen=True, slots=True, eq=False)
class JudgedStack:
    """What the stack of the last exposures showed."""

    sky_trails: tuple[SkyTrail, ...]
    begin_utc_ns: int
    end_utc_ns: int
    end_mono_s: float  # of the last exposure


class Sight:
    """Network, plate and star watch of one camera. Not thread-safe: the pipeline's thread owns it."""

    def __init__(
        self,
        detector: Detector,
        plate: Plate | None,
        plate_fault: str = "no plate: run `skyspotter calibrate`",
        *,
        lowest_deg: float = 0.0,
        canary: Canary | None = None,
        mask: Mask | None = None,
        masters: Masters | None = None,
        flattener: Flattener | None = None,
        masters_refused: str = "",
    ) -> None:
        """Args: mask: of the same camera and region as the plate; masters: the camera's darks; flattener: its flat;
        masters_refused: why one of the two that is configured is left out.
        """
        self.masters_refused = masters_refused
        self._canary, self._canary_missed, self._frames = canary, "", 0
        self._detector, self._plate, self._lowest_deg = detector, plate, lowest_deg
        self._plate_fault = "" if plate is not None else plate_fault
        self._mask = mask
        self._watch = SkyWatch(hidden=None if mask is None or plate is None else Hidden.behind(mask, plate))
        self._plate_watch = None if plate is None else PlateWatch(plate)
        self._stack = Stack()
        self._masters, self._flattener = masters or Masters(), flattener
        self._keeper = SkyKeeper()
        self._raw: Frame | None = None
        self._clean: Frame | None = None

    def judge(self, frame: Frame) -> Judged:
        """Frames without a date get trails in pixels only: a direction needs no date, but what the stars prove does."""
        if self._canary is not None and self._frames % CANARY_EVERY == 0:
            self._canary_missed = self._canary.missed()
        self._frames += 1
        frame = self._calibrated(frame)
        started = time.perf_counter()
        sky = self._keeper.sky_of(frame)
        background_ms = round(1e3 * (time.perf_counter() - started), 3)
        detection = self._detector.detect(frame, sky)
        timings = detection.timings
        started = time.perf_counter()
        fault = self._plate_fault or self._refused(frame)
        trails: tuple[SkyTrail, ...] = ()
        visibility = health = None
        if self._plate is not None and self._plate_watch is not None and not fault and frame.start_utc_ns > 0:
            trails = tuple(sky_trails(frame, detection.trails, self._plate, self._lowest_deg))
            check = check_stars(frame, self._plate, self._watch.reference_zero_mag, self._mask)
            visibility = self._watch.add(check)
            health = self._plate_watch.add(frame.end_mono_s, measure_turn(frame, self._plate, check))
        return Judged(
            frame, tuple(detection.trails), trails, visibility, fault,
            {
                "background": background_ms, "preprocess": timings.preprocess_ms, "network": timings.network_ms,
                "postprocess": timings.postprocess_ms, "stars": round(1e3 * (time.perf_counter() - started), 3),
            },
            self._canary_missed, health,
        )  # fmt: skip

    def judge_stack(self, frame: Frame, *, in_time: bool = True) -> JudgedStack | None:
        """After `judge`, of the same frame: slow and low trails, in the stack that this exposure completes.

        None for exposures that complete none, are long themselves or have no plate; with `in_time` False nothing is
        looked at, so that the next exposure does not wait.
        """
        if self._plate is None or frame.exposure_s > LONGEST_STACKED_S or self._plate_fault or self._refused(frame):
            return None
        stacked = self._stack.add(self._calibrated(frame))
        if stacked is None or not in_time:
            return None
        found = self._detector.detect(stacked).trails
        trails = tuple(sky_trails(stacked, found, self._plate, self._lowest_deg))
        end_utc_ns = stacked.start_utc_ns + round(stacked.exposure_s * 1e9)
        return JudgedStack(trails, stacked.start_utc_ns, end_utc_ns, stacked.end_mono_s)

    def _calibrated(self, raw: Frame) -> Frame:
        """Without its dark and shading; once per frame. Darks of another camera are said once, and left out."""
        if raw is not self._raw or self._clean is None:
            self._raw = raw
            try:
                self._clean = self._masters.apply(raw)
            except MasterRefused as err:
                log.warning("darks refused reason=%s", err)
                self.masters_refused = str(err)
                self._masters, self._clean = Masters(), raw
            if self._flattener is not None:
                self._clean = self._flattener.apply(self._clean)
        return self._clean

    def _refused(self, frame: Frame) -> str:
        assert self._plate is not None
        try:
            check_plate(self._plate, frame)
        except PlateRefused as err:
            return str(err)
        return ""


def load_sight(config: Config) -> tuple[Sight, NetworkEngine, Plate | None, str, bool]:
    """Network and plate as configured: (sight, engine, plate, why there is none, whether one was refused).

    Raises ModelRefused; a plate that is refused does not stop the station, it holds.
    """
    engine = load_engine(config.network.engine, config.network.file, threads=config.network.threads)
    plate, mask, fault, refused = None, None, "no plate: run `skyspotter calibrate`", False
    if config.plate.file is not None:
        try:
            plate, fault = load_plate(config.plate.file), ""
            mask = None if config.plate.mask_file is None else load_mask(config.plate.mask_file, plate)
        except PlateRefused as err:
            plate, fault, refused = None, str(err), True  # without its mask nobody knows what the plate may vouch for
            log.warning("plate refused reason=%s", err)
    masters, flattener, masters_refused = None, None, ""
    try:
        if config.camera.darks_directory is not None:
            masters = Masters.of(config.camera.darks_directory)
        if config.camera.flat_file is not None and plate is not None:
            flattener = Flattener(load_flat(config.camera.flat_file), plate)
    except MasterRefused as err:
        log.warning("darks or flat refused reason=%s", err)
        masters_refused = str(err)
    sight = Sight(
        Detector(engine, config.network.threshold),
        plate,
        fault,
        lowest_deg=config.plate.minimum_elevation_deg,
        canary=Canary(engine),
        mask=mask,
        masters=masters,
        flattener=flattener,
        masters_refused=masters_refused,
    )
    return sight, engine, plate, fault, refused


def sky_trails(frame: Frame, trails: list[Trail], plate: Plate, lowest_deg: float = 0.0) -> list[SkyTrail]:
    """Trails with a direction for every point, lamps on the skyline left out.

    A point that the lens cannot have seen goes, and so does a trail that lies wholly below `lowest_deg`: the guard is
    told that nothing is seen there.
    """
    end_utc_ns = frame.start_utc_ns + round(frame.exposure_s * 1e9)
    found = []
    for trail in trails:
        units = plate.pixel_to_unit(trail.polyline_px, frame.origin_px)
        usable = np.isfinite(units).all(axis=1)
        above = units[usable, 2] >= np.sin(np.radians(lowest_deg))
        if usable.sum() >= 2 and above.any():
            found.append(
                SkyTrail(
                    trail_class=trail.trail_class,
                    score=trail.score,
                    polyline_px=trail.polyline_px[usable],
                    unit_enu=units[usable],
                    begin_utc_ns=frame.start_utc_ns,
                    end_utc_ns=end_utc_ns,
                )
            )
    return found
