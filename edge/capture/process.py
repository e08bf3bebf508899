"""The camera's process: camera to ring, and once a second how the camera is. Nothing else.

The vendor's calls may hang for minutes, so they have a thread of their own; the main thread keeps telling the judgement
why there is no frame, and ends the process when a call does not come back. Recovery climbs a ladder, each rung named in
`CameraHealth.recovery`: retry, reopen (with back-off), restart (exit non-zero; the supervisor starts a fresh process).

The watchdog is beaten by every call to the camera that came back, also with "no frame yet": long exposures must
not look like a hang. A camera that answers and gives no frames is the ladder's matter, not the watchdog's.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TypeVar

from camera.asi import AsiCamera, AsiSettings
from camera.device import CameraLost, CameraRefused, Frame, FrameTimeout
from camera.frozen import FrozenWatch
from camera.store.recorder import FrameRecorder
from edge.capture.recorded import not_fitted, replay
from edge.capture.simulated import install_simulated_camera
from edge.config import Config
from edge.records import CameraHealth, SensorState
from edge.runtime.clock import Clock
from edge.runtime.datagram import DatagramSender
from edge.runtime.notify import Notifier
from edge.runtime.place import datagram_path, frames_directory
from edge.runtime.ring import RingWriter

T = TypeVar("T")
log = logging.getLogger(__name__)

HEALTH_EVERY_S = 1.0
SLICE_S = 1.0  # of waiting for a frame: as long as `stop` may have to wait
HUNG_AFTER_S = 20.0  # a call that takes so long never comes back
RESTART_AFTER_S = 90.0  # without a good frame, in spite of reopening
MISSED_BEFORE_REOPEN = 2
FROZEN_BEFORE_REOPEN = 3
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 15.0
REFUSED_AGAIN_S = 15.0  # a library or a permission may have been put right meanwhile
STOP_WAIT_S = 3.0  # for the camera to be closed in good order
DEAD_AFTER_S = 30.0  # STALE until then


def main(config: Config, clock: Clock, stop: threading.Event) -> None:
    """Runs until `stop`, or until a replay is over. Raises CameraLost as the last rung of the ladder."""
    if config.camera.source == "none":
        not_fitted(stop)
    elif config.camera.source == "replay":
        assert config.simulation is not None  # the configuration was checked
        replay(config.simulation, stop)
    else:
        _capture(config, clock, stop)


# -- a live camera, real or simulated --------------------------------------------------------------------------------


class _CameraFrozen(CameraLost):
    """It answers, but with the same picture again and again."""


@dataclass
class CameraLife:
    """What the reading thread knows, for the thread that tells it. Single values, each written whole."""

    started_mono_s: float
    counters: Counter[str] = field(default_factory=Counter)
    call_began_mono_s: float | None = None  # of the call to the camera in progress
    last_good: Frame | None = None
    trouble: str = ""
    recovery: str = ""
    refused: bool = False
    frozen: bool = False

    def without_frame_s(self, now_mono_s: float) -> float:
        return now_mono_s - (self.last_good.end_mono_s if self.last_good else self.started_mono_s)

    def health(self, now_mono_s: float, patience_s: float) -> CameraHealth:
        """State from the age of the last good frame; `patience_s` is how old it may be."""
        age_s = self.without_frame_s(now_mono_s)
        frame = self.last_good
        if frame is None or self.refused or age_s > patience_s + DEAD_AFTER_S:
            state = SensorState.DEAD
        elif age_s > patience_s or self.trouble:
            state = SensorState.STALE
        else:
            state = SensorState.OK
        reason = self.trouble
        if state is not SensorState.OK and not reason:
            reason = f"no frame for {age_s:.0f} s" if frame else "waiting for the first frame"
        known = frame is not None and isfinite(frame.sensor_celsius)
        return CameraHealth(
            mono_s=now_mono_s,
            state=state,
            reason=reason,
            frames=self.counters["frames"],
            timeouts=self.counters["timeouts"],
            reopened=self.counters["reopened"],
            dropped=self.counters["dropped"],
            sensor_celsius=frame.sensor_celsius if frame and known else None,
            cooler_percent=frame.cooler_percent if frame and known else None,
            recovery=self.recovery,
            cause="frozen" if self.frozen else "",
            counters=dict(self.counters),
        )


class _Reader:
    """The thread that owns the camera."""

    def __init__(
        self, camera: AsiCamera, ring: RingWriter, recorder: FrameRecorder | None, notifier: Notifier,
        stop: threading.Event,
    ) -> None:  # fmt: skip
        self.life = CameraLife(time.monotonic())
        self.error: BaseException | None = None
        self._camera, self._ring, self._recorder = camera, ring, recorder
        self._notifier, self._stop = notifier, stop
        self._watch = FrozenWatch()
        self._told_ready = False
        self._backoff_s = FIRST_BACKOFF_S
        self.thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._one_opening()
        except BaseException as err:  # carried to the main thread, which raises it
            self.error = err
        finally:
            self._call(self._camera.close)

    def _call(self, ask: Callable[[], T]) -> T:
        """One call to the camera; the main thread sees how long it takes. Its return is the watchdog's beat."""
        self.life.call_began_mono_s = time.monotonic()
        try:
            return ask()
        finally:
            self.life.call_began_mono_s = None
            self._notifier.beat()

    def _one_opening(self) -> None:
        """From opening the camera to losing it, and the pause that follows."""
        life = self.life
        try:
            self._call(self._camera.open)
            log.info("event=camera-open name=%r", self._camera.name)
            self._read_until_lost()
        except CameraRefused as err:
            self._told(str(err), "waiting for the cause to be put right", refused=True)
            self._pause(REFUSED_AGAIN_S)
        except CameraLost as err:
            self._told(str(err), f"reopen in {self._backoff_s:.1f} s", frozen=isinstance(err, _CameraFrozen))
            self._call(self._camera.close)
            self._pause(self._backoff_s)
            self._backoff_s = min(2 * self._backoff_s, LONGEST_BACKOFF_S)
            life.counters["reopened"] += 1

    def _read_until_lost(self) -> None:
        missed, frozen, last_seq = 0, 0, None
        self._watch.reopened()
        deadline_mono_s = time.monotonic() + self._camera.deadline_s
        while not self._stop.is_set():
            try:
                frame = self._call(lambda: self._camera.read(min(SLICE_S, self._camera.deadline_s)))
            except FrameTimeout as err:
                if time.monotonic() < deadline_mono_s:
                    continue
                missed += 1
                self.life.counters["timeouts"] += 1
                if missed >= MISSED_BEFORE_REOPEN:
                    raise CameraLost(f"no frame within {missed * self._camera.deadline_s:.1f} s") from err
                self._told(f"no frame within {self._camera.deadline_s:.1f} s", "retry")
                deadline_mono_s = time.monotonic() + self._camera.deadline_s
                continue
            deadline_mono_s, missed = time.monotonic() + self._camera.deadline_s, 0
            self.life.counters["dropped"] += 0 if last_seq is None else frame.seq - last_seq - 1
            last_seq = frame.seq
            if reason := self._watch.reason(frame):
                frozen += 1
                self.life.counters["frozen"] += 1
                self._told(reason, "retry", frozen=True)
                if frozen >= FROZEN_BEFORE_REOPEN:
                    raise _CameraFrozen(reason)
                continue
            frozen = 0
            self._pass_on(frame)

    def _pass_on(self, frame: Frame) -> None:
        self._ring.write(frame)
        if self._recorder is not None:
            self._recorder.offer(frame)
        life = self.life
        if life.trouble:
            log.info("event=camera-back after_s=%.1f", life.without_frame_s(time.monotonic()))
        life.counters["frames"] += 1
        life.last_good, life.trouble, life.recovery, life.refused, life.frozen = frame, "", "", False, False
        self._backoff_s = FIRST_BACKOFF_S
        self._ready()

    def _ready(self) -> None:
        """Once: the first frame, or the first word on why there is none. The process is then of use."""
        if not self._told_ready:
            self._told_ready = True
            self._notifier.ready()

    def _told(self, trouble: str, recovery: str, *, refused: bool = False, frozen: bool = False) -> None:
        life = self.life
        if trouble != life.trouble:
            log.warning("event=camera-trouble reason=%r recovery=%r", trouble, recovery)
        life.trouble, life.recovery, life.refused, life.frozen = trouble, recovery, refused, frozen
        self._ready()

    def _pause(self, pause_s: float) -> None:
        """Waits, while the process is alive and knows what it does."""
        until_mono_s = time.monotonic() + pause_s
        while (left_s := until_mono_s - time.monotonic()) > 0 and not self._stop.wait(min(left_s, SLICE_S)):
            self._notifier.beat()


def _capture(config: Config, clock: Clock, stop: threading.Event) -> None:
    section = config.camera
    settings = AsiSettings(
        mode=section.mode,
        exposure_s=section.exposure_s,
        width_px=section.width_px,
        height_px=section.height_px,
        gain_setting=section.gain_setting,
        offset_setting=section.offset_setting,
        bandwidth_percent=section.bandwidth_percent,
        target_celsius=section.target_celsius,
        cooler_ramp_celsius_per_min=section.cooler_ramp_celsius_per_min,
        dew_heater=section.dew_heater,
        serial=section.serial,
        library=section.library,
    )
    rate = config.simulation.rate if config.simulation else 1.0
    if section.source == "sim":
        assert config.simulation is not None
        install_simulated_camera(config, config.simulation)
    camera = AsiCamera(settings, utc_ns=clock.utc_ns, rate=rate)
    ring = RingWriter(frames_directory(), slot_bytes=2 * section.width_px * section.height_px)
    recorder = _recorder(config)
    sender, notifier = DatagramSender(datagram_path()), Notifier()
    reader = _Reader(camera, ring, recorder, notifier, stop)
    reader.thread.start()
    patience_s = camera.deadline_s + 1.0
    try:
        while not stop.wait(HEALTH_EVERY_S):
            if reader.error is not None:
                raise reader.error
            health = _with_last_rung(reader.life, time.monotonic(), patience_s, recorder)
            sender.send(health)
            notifier.status(health.reason or f"{health.frames} frames")
            if health.recovery == "restart":
                raise CameraLost(f"{health.reason}: ending, so that a fresh process can try")
    finally:
        stop.set()  # on the last rung as well
        reader.thread.join(STOP_WAIT_S)  # a hung call does not come back: its thread ends with the process
        if recorder is not None:
            recorder.close(2.0)
        if not reader.thread.is_alive():
            ring.close()
        sender.close()


def _with_last_rung(
    life: CameraLife, now_mono_s: float, patience_s: float, recorder: FrameRecorder | None
) -> CameraHealth:
    """The health of this second; recovery "restart" when nothing else is left."""
    health = life.health(now_mono_s, patience_s)
    changes: dict[str, object] = {}
    if recorder is not None:
        counted = {"recorded": recorder.written, "record_dropped": recorder.dropped, "expired": recorder.expired}
        changes["counters"] = health.counters | counted
    began = life.call_began_mono_s
    silent_s = now_mono_s - began if began is not None else 0.0
    late_s = SLICE_S + patience_s
    if silent_s > late_s:
        changes["reason"] = f"a call to the camera has not come back for {silent_s:.0f} s"
    if silent_s > max(HUNG_AFTER_S, late_s):
        changes |= {"recovery": "restart", "state": SensorState.DEAD}
    elif not life.refused and life.without_frame_s(now_mono_s) > max(RESTART_AFTER_S, 2 * patience_s):
        changes["recovery"] = "restart"
    return health.model_copy(update=changes)


def _recorder(config: Config) -> FrameRecorder | None:
    section = config.recorder
    directory = section.directory or (Path(state) if (state := os.environ.get("STATE_DIRECTORY")) else None)
    if not section.keep_frames or directory is None:
        return None
    return FrameRecorder(directory / "frames", round(section.frames_quota_gb * 1e9))
