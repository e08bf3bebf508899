"""The thread that owns the camera: opens it, reads it, passes good frames on, and climbs the ladder when it fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from camera import exposure
from camera.asi import AsiCamera
from camera.device import CameraLost, CameraRefused, Frame, FrameTimeout
from camera.exposure import ExposureLimits, ExposureState
from camera.frozen import FrozenWatch
from edge.capture.climbing import Climbing
from edge.capture.ladder import Rung, Step, Trouble
from edge.capture.life import CameraLife
from edge.runtime.notify import Notifier
from edge.runtime.ring import RingWriter

T = TypeVar("T")
log = logging.getLogger(__name__)

SLICE_S = 1.0  # of waiting for a frame: as long as `stop` may have to wait
SETTLE_S = 2.0  # until a device that was reset is on the bus again


class FrameTaker(Protocol):
    """The recorder, as the camera's thread sees it: never waits."""

    def offer(self, frame: Frame) -> bool: ...


class Reader:
    """Start `thread`; `error` is why it ended, None while it runs or when it was asked to."""

    def __init__(
        self, camera: AsiCamera, climbing: Climbing, life: CameraLife, ring: RingWriter, recorder: FrameTaker | None,
        notifier: Notifier, stop: threading.Event, *, limits: ExposureLimits, begin: ExposureState,
    ) -> None:  # fmt: skip
        self.life = life
        self.error: BaseException | None = None
        self._camera, self._climbing, self._ring, self._recorder = camera, climbing, ring, recorder
        self._notifier, self._stop = notifier, stop
        self._limits, self._exposure = limits, begin
        self._watch = FrozenWatch()
        self._dropped_before = life.counters["dropped"]
        self._next_pass_mono_s = float("-inf")
        self._told_ready = False
        self.thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                step = self._one_opening()
                if step is not None:
                    self._take(step)
            self._call(lambda: self._camera.close(for_good=True))
        except BaseException as err:  # carried to the main thread, which raises it
            self.error = err

    def _call(self, ask: Callable[[], T]) -> T:
        """One call to the camera. Its return is the watchdog's beat; one that hangs is seen by the main thread."""
        try:
            return ask()
        finally:
            self.count_dropped()
            self._notifier.beat()

    def count_dropped(self) -> None:
        """What the camera counted itself. For the main thread too: this one may hang just after it was told."""
        self.life.counters["dropped"] = self._dropped_before + self._camera.dropped

    def _one_opening(self) -> Step | None:
        """From opening the camera to losing it; the step that is to follow, None: asked to stop."""
        try:
            self._call(self._camera.open)
            log.info("event=camera-open name=%r", self._camera.name)
            self._set_exposure()
            return self._read_until_trouble()
        except CameraRefused as err:
            return self._trouble(Trouble.REFUSED, str(err))
        except CameraLost as err:
            return self._trouble(Trouble.LOST, str(err))

    def _read_until_trouble(self) -> Step | None:
        """Raises CameraLost or CameraRefused; a trouble that reading on may cure is told and read on."""
        self._watch.reopened()
        self.life.gap.reopened()
        deadline_mono_s = time.monotonic() + self._camera.deadline_s
        while not self._stop.is_set():
            try:
                frame = self._call(lambda: self._camera.read(min(SLICE_S, self._camera.deadline_s)))
            except FrameTimeout:
                if time.monotonic() < deadline_mono_s:
                    continue
                self.life.counters["timeouts"] += 1
                step = self._trouble(Trouble.SILENT, f"no frame within {self._camera.deadline_s:.1f} s")
            else:
                if (doubt := self._watch.doubt(frame)) is None:
                    self._pass_on(frame)
                    deadline_mono_s = time.monotonic() + self._camera.deadline_s
                    continue
                self.life.counters[doubt.kind] += 1
                step = self._trouble(Trouble(doubt.kind), doubt.reason)
            if step.rung is not Rung.RETRY:
                return step
            deadline_mono_s = time.monotonic() + self._camera.deadline_s
        return None

    def _pass_on(self, frame: Frame) -> None:
        life = self.life
        self._climbing.picture(frame.end_mono_s, self._camera.longest_s)
        life.gap.add(frame)
        shortened = frame.exposure_s < 0.9 * self._limits.wanted_s
        if shortened and frame.end_mono_s < self._next_pass_mono_s:  # a bright sky: no more frames than by night
            life.counters["thinned"] += 1
            return
        self._next_pass_mono_s = frame.end_mono_s + 0.9 * self._camera.longest_s
        self._ring.write(frame)
        if self._recorder is not None:
            self._recorder.offer(frame)
        if life.trouble:
            log.info("event=camera-back after_s=%.1f", life.without_frame_s(time.monotonic()))
        life.counters["frames"] += 1
        life.well(frame)
        self._ready()
        self._exposure = exposure.step(self._limits, self._exposure, exposure.sky_level(frame))
        self._set_exposure()

    def _set_exposure(self) -> None:
        """Tells the camera what the law wants, where that is news."""
        wanted = exposure.setting(self._limits, self._exposure)
        self._call(lambda: self._camera.expose(wanted.exposure_s, wanted.gain_setting))

    def _trouble(self, trouble: Trouble, reason: str) -> Step:
        step = self._climbing.next(trouble)
        self._tell(reason, step, frozen=trouble is Trouble.FROZEN)
        return step

    def _tell(self, reason: str, step: Step, *, frozen: bool = False) -> None:
        life = self.life
        if reason != life.trouble:
            log.warning("event=camera-trouble reason=%r", reason)
        life.rung, life.recovery = step.rung, step.words(time.monotonic())
        life.trouble, life.frozen = reason, frozen
        self._ready()

    def _take(self, step: Step) -> None:
        """One step of the ladder, the camera closed. Raises CameraLost where the process must end."""
        if step.rung is Rung.RESTART:
            raise CameraLost(f"{self.life.trouble}: ending, so that a fresh process can try")
        self._call(self._camera.close)
        self._pause_until(step.at_mono_s)
        if step.rung in (Rung.USB_RESET, Rung.POWER_CYCLE) and not self._stop.is_set():
            if failed := self._climbing.shake(step.rung):
                self._tell(f"{self.life.trouble}; {failed}", step, frozen=self.life.frozen)
            else:
                self._pause_until(time.monotonic() + SETTLE_S)

    def _pause_until(self, mono_s: float) -> None:
        """Waits, while the process is alive and knows what it does."""
        while (left_s := mono_s - time.monotonic()) > 0 and not self._stop.wait(min(left_s, SLICE_S)):
            self._notifier.beat()

    def _ready(self) -> None:
        """Once: the first frame, or the first word on why there is none. The process is then of use."""
        if not self._told_ready:
            self._told_ready = True
            self._notifier.ready()
