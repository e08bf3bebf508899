"""The camera's process: camera to ring, and once a second how the camera is. Nothing else.

The vendor's calls may hang for minutes, so they have a thread of their own (`reader`); the main thread keeps telling
the judgement why there is no frame, and acts when a call does not come back: it shakes the device from outside, or ends
the process, which the supervisor starts anew. What is tried when is the ladder's matter (`ladder`).

The watchdog is beaten by every call to the camera that came back, also with "no frame yet": long exposures must
not look like a hang. A camera that answers and gives no frames is the ladder's matter, not the watchdog's.
"""

from __future__ import annotations

import logging
import threading
import time

from camera import exposure
from camera.asi import AsiCamera, AsiSettings
from camera.device import CameraLost
from camera.exposure import ExposureLimits
from camera.gap import GapMeter
from camera.sky import sun_elevation_deg
from edge.capture.climbing import Climbing
from edge.capture.ladder import Rung, Step, Trouble
from edge.capture.life import CameraLife
from edge.capture.reader import SETTLE_S, Reader
from edge.capture.recorded import not_fitted, replay
from edge.capture.recording import recorder_for
from edge.capture.shaker import Shaker
from edge.capture.simulated import install_simulated_camera
from edge.config import CameraSection, Config
from edge.records import CameraHealth, SensorState
from edge.runtime import usb
from edge.runtime.clock import Clock
from edge.runtime.datagram import DatagramSender
from edge.runtime.notify import Notifier
from edge.runtime.place import datagram_path, frames_directory, runtime_directory
from edge.runtime.ring import RingWriter

log = logging.getLogger(__name__)

HEALTH_EVERY_S = 1.0
PATIENCE_S = 1.0  # beyond the deadline of a frame: it has to travel
STOP_WAIT_S = 3.0  # for the camera to be warmed and closed in good order
LADDER_FILE = "camera-ladder.json"  # in the runtime directory


def main(config: Config, clock: Clock, stop: threading.Event) -> None:
    """Runs until `stop`, or until a replay is over. Raises CameraLost where a fresh process is the next rung."""
    if config.camera.source == "none":
        not_fitted(stop)
    elif config.camera.source == "replay":
        assert config.simulation is not None  # the configuration was checked
        replay(config.simulation, stop)
    else:
        _capture(config, clock, stop)


def _capture(config: Config, clock: Clock, stop: threading.Event) -> None:
    section = config.camera
    rate = config.simulation.rate if config.simulation else 1.0
    bus: usb.UsbBus = usb
    if section.source == "sim":
        assert config.simulation is not None
        bus = install_simulated_camera(config, config.simulation)
    camera = AsiCamera(_settings(section), utc_ns=clock.utc_ns, rate=rate)
    climbing = Climbing(runtime_directory() / LADDER_FILE, Shaker(bus))
    life = CameraLife(time.monotonic(), climbing.counters, GapMeter(rate))
    ring = RingWriter(frames_directory(), slot_bytes=2 * section.width_px * section.height_px)
    recorder = recorder_for(config, camera)
    sender, notifier = DatagramSender(datagram_path()), Notifier()
    limits = _limits(section)
    reader = Reader(
        camera, climbing, life, ring, recorder, notifier, stop,
        limits=limits, begin=exposure.begin(limits, sun_elevation_deg(clock.utc_ns(), config.station.site)),
    )  # fmt: skip
    lookout = Lookout(camera, climbing, notifier)
    reader.thread.start()

    def tell() -> None:
        health = life.health(time.monotonic(), camera.deadline_s + PATIENCE_S)
        if recorder is not None:
            health = health.model_copy(update={"counters": health.counters | recorder.counters()})
        sender.send(lookout.seen_in(health))
        notifier.status(health.reason or f"{health.frames} frames")

    try:
        while not stop.wait(HEALTH_EVERY_S):
            lookout.look()
            tell()
            climbing.save()
            if error := reader.error or lookout.act():
                raise error
    finally:
        stop.set()  # on the last rung as well
        reader.thread.join(STOP_WAIT_S)  # a hung call does not come back: its thread ends with the process
        reader.count_dropped()
        climbing.save()
        if recorder is not None:
            recorder.close(2.0)
        if not reader.thread.is_alive():
            ring.close()
        sender.close()


class Lookout:
    """The main thread's eye on calls that do not come back; the reader, inside such a call, can do nothing."""

    def __init__(self, camera: AsiCamera, climbing: Climbing, notifier: Notifier) -> None:
        self._camera, self._climbing, self._notifier = camera, climbing, notifier
        self._step: Step | None = None  # decided on; its time may not have come
        self._reason = ""

    def look(self) -> None:
        """Decides on the next step for a call that hangs; told before it is taken."""
        overdue = self._camera.overdue(time.monotonic())
        if overdue is None:
            self._step, self._reason = None, ""
            return
        self._reason = f"the camera's library has not come back from {overdue[0]} for {overdue[1]:.0f} s"
        self._step = self._step or self._climbing.next(Trouble.HUNG)
        self._notifier.beat()  # a step with a date is progress, and the ladder bounds the date

    def seen_in(self, health: CameraHealth) -> CameraHealth:
        """The health with what the reader cannot say."""
        if self._step is None:
            return health
        words = self._step.words(health.mono_s)
        return health.model_copy(update={"state": SensorState.DEAD, "reason": self._reason, "recovery": words})

    def act(self) -> CameraLost | None:
        """Takes the step when it is due; the error to end with where that is the step."""
        if self._step is None or time.monotonic() < self._step.at_mono_s:
            return None
        rung, self._step = self._step.rung, None
        if rung is Rung.RESTART:
            return CameraLost(f"{self._reason}: ending, so that a fresh process can try")
        assert rung is not None  # a refusal does not hang
        if not self._climbing.shake(rung):
            time.sleep(SETTLE_S)  # the call may now come back with an error
        self._notifier.beat()
        return None


def _settings(section: CameraSection) -> AsiSettings:
    return AsiSettings(
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


def _limits(section: CameraSection) -> ExposureLimits:
    return ExposureLimits(
        section.exposure_s, section.shortest_exposure_s, section.gain_setting, section.lowest_gain_setting
    )
