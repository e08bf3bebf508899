"""The judging process: threads, clocks and the loop. What is judged stands in the other files of this folder.

    eye       newest frame from the ring -> `Sight` -> station            (ONNX Runtime and sep work here)
    ear       datagrams of the radio and the camera -> station
    main      ten times a second: what the network said, decide every beam, publish, status file, watchdog
    paho, outbox   their own threads, inside `edge.publish`

The main thread never waits for the eye: a picture that takes too long grows old, and old evidence holds. The watchdog
is beaten by finished decisions, and only while the eye comes back from its work.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version

from edge.config import Config
from edge.fusion.satellites import SatelliteBook
from edge.guard.payload import Message, Stamp, rfc3339
from edge.publish.publisher import Publisher
from edge.publish.twins import TwinWatch
from edge.records import SensorReport, SensorState
from edge.runtime.clock import Clock, Moment
from edge.runtime.datagram import DatagramReceiver
from edge.runtime.notify import Notifier
from edge.runtime.place import datagram_path, evidence_spool, frames_directory
from edge.runtime.ring import RingReader
from edge.runtime.timesync import clock_quality, kernel_time_words
from edge.status import StatusFile, write_status
from edge.vision.evidence import EvidenceAsked
from edge.vision.eye import Eye
from edge.vision.inward import Inward
from edge.vision.journal import Journal, detection_record
from edge.vision.local import LatchedFile, local_hold, read_latched, take_releases
from edge.vision.outward import Outward
from edge.vision.pictures import Stack
from edge.vision.sight import Judged, JudgedStack, load_sight
from edge.vision.station import Station

TICK_S = 0.1
EYE_LATE_S = 20.0  # the slowest board needs 2 s for a frame; later than this it hangs
SLOW_S = 1.0  # what need not be asked ten times a second


def main(config: Config, clock: Clock, stop: threading.Event) -> None:
    """Runs until `stop`; the last thing published is HOLD. Raises ModelRefused, StartRefused."""
    judgement = Judgement(config, clock)
    try:
        judgement.run(stop)
    finally:
        judgement.close()


class Judgement:
    """The live judging process, from open sockets to closed ones."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._sight, self._engine, plate, fault, refused = load_sight(config)
        book = SatelliteBook(config.satellites.directory, config.satellites.maximum_age_days)
        self._lock = threading.RLock()
        self._station = Station(
            config, plate=plate, plate_fault=fault, plate_refused=refused, book=book, latched=read_latched()
        )
        self._latched = LatchedFile(self._station.latched)
        stamp = Stamp.of_boot(config, self._engine.sha256)
        self._publisher = Publisher(
            config, stamp, self._station.wills(stamp, time.time_ns()), version=version("skyspotter")
        )
        self._outward = Outward(self._station, stamp, self._send, version=version("skyspotter"))
        self._inward = Inward(self._station)
        self._station.twins = TwinWatch(stamp.boot_id)
        keeps = config.recorder.keep_frames and not config.is_replay
        self._evidence = EvidenceAsked(evidence_spool(), config.recorder.evidence_beside_s) if keeps else None
        self._receiver = DatagramReceiver(datagram_path())
        self._ring = RingReader(frames_directory())
        self._notifier = Notifier()
        self._eye = Eye(
            self._sight,
            self._ring,
            saw=self._saw,
            saw_stack=self._saw_stack,
            sky_rate=1.0 if config.simulation is None else config.simulation.rate,
        )
        self._error: Exception | None = None  # of the eye's or the ear's thread
        self._wake, self._end = threading.Event(), threading.Event()
        output = config.simulation.output if config.simulation is not None else None
        self._journal = None if output is None else Journal(output)
        self._stack = None if output is None else Stack(output / "stack.png")
        self._threads = [
            threading.Thread(target=self._repeat, args=(turn,), name=name, daemon=True)
            for name, turn in (("eye", self._eye.turn), ("ear", self._listen))
        ]

    def run(self, stop: threading.Event) -> None:
        self._publisher.start()
        for thread in self._threads:
            thread.start()
        slow_mono_s = float("-inf")
        told_ready = False
        while not stop.is_set():
            self._wake.wait(TICK_S)
            self._wake.clear()
            if self._error is not None:
                raise self._error
            now = self._now()
            if now.mono_s - slow_mono_s >= SLOW_S:
                slow_mono_s = now.mono_s
                self._once_a_second(now)
            self._decide(now)
            if not told_ready:
                told_ready = True
                self._notifier.ready()
            if now.mono_s - self._eye.came_back_mono_s < EYE_LATE_S:
                self._notifier.beat()
            else:
                self._notifier.status("the eye does not come back from its work")
        self._notifier.stopping()
        self._station.stopping = True
        self._decide(self._now())  # HOLD goes out before the socket closes

    def close(self) -> None:
        self._end.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(3.0)
        if self._outward.newest_safety:  # otherwise nothing was ever said, so there is nothing to take back
            self._send("status", "", self._outward.status("offline", self._now()))
        self._publisher.close(timeout_s=2.0)
        self._receiver.close()
        if not self._threads[0].is_alive():
            self._ring.close()
            self._engine.close()
            if self._stack is not None:
                self._stack.save()
        if self._journal is not None:
            self._journal.close()

    # -- main thread -------------------------------------------------------------------------------------------------

    def _now(self) -> Moment:
        return Moment(self._clock.utc_ns(), time.time_ns(), self._clock.mono_s())

    def _decide(self, now: Moment) -> None:
        with self._lock:
            self._station.local_hold = local_hold()
            for message in self._publisher.receive():
                self._inward.take(
                    message.kind, message.beam, message.payload, retained=message.retained, mono_s=message.mono_s
                )
            for name in self._station.beams:
                verdict = self._station.decide(name, now)
                self._outward.say(name, verdict, now)
                if self._evidence is not None:
                    self._evidence.notice(name, verdict, self._station.beams[name].objects, now)
            self._latched.keep(self._station.latched, now.mono_s)
            self._outward.station_wide(now, self._parts)

    def _once_a_second(self, now: Moment) -> None:
        station = self._station
        with self._lock:
            station.disk_full = self._latched.trouble or self._publisher.disk_full
            station.forget_old(now.mono_s)
            for code, who in take_releases():
                for beam in station.beams.values():
                    beam.guard.release(code, who)
            if self._config.simulation is None:
                quality = clock_quality()
                station.clock_error_s = quality.error_s if quality.synchronised else None
                state = SensorState.OK if quality.good else SensorState.STALE
                station.clock = SensorReport(state, "" if quality.good else kernel_time_words())
            sent = self._outward.newest_safety
            if sent:
                first = next(iter(sent.values()))
                write_status(
                    StatusFile(
                        pid=os.getpid(),
                        written_mono_s=now.mono_s,
                        station=self._config.station.id,
                        topic_root=self._config.topic_root,
                        safety=dict(sent),
                        sensors={name: getattr(first.sensors, name) for name in type(first.sensors).model_fields},
                        counters=self._parts(),
                        versions={"skyspotter": version("skyspotter"), "network": self._engine.sha256[:12]},
                    )
                )
                self._notifier.status("; ".join(f"{name} {message.state}" for name, message in sent.items()))

    def _parts(self) -> dict[str, dict[str, float | int | str | None]]:
        """Counters of every part, for the health topic and the status file."""
        station = self._station
        parts: dict[str, dict[str, float | int | str | None]] = {
            "vision": {
                "frames": self._eye.frames,
                "stacks_left_out": self._eye.stacks_left_out,
                "darks_or_flat_refused": self._sight.masters_refused or None,
                "skipped": self._ring.skipped,
                "datagrams_refused": self._receiver.refused,
                "visible_fraction": station.visible_fraction(),
                **{f"{name}_ms": ms for name, ms in self._eye.timings_ms.items()},
                **({} if self._evidence is None else self._evidence.counters),
            },
            "fusion": dict(next(iter(station.beams.values())).fusion.counters),
            "mqtt": {
                "link": self._publisher.state,
                **self._publisher.counters,
                **{f"refused_{k}": n for k, n in self._inward.refused.items()},
            },
        }
        if station.plate_health is not None:
            parts["plate"] = asdict(station.plate_health)
        for name, health in (("camera", station.camera_health), ("radio", station.radio_health)):
            if health is not None:
                facts = health.model_dump(mode="json", exclude={"kind", "version", "counters"})
                parts[name] = facts | dict(health.counters)
        return parts

    def _send(self, kind: str, beam: str, message: Message) -> None:
        self._publisher.publish(kind, beam, message)
        if self._journal is not None and kind in ("safety", "tracks", "sky", "events"):
            record = {"mono_s": round(self._clock.mono_s(), 4), "sky_utc_ns": self._clock.utc_ns()}
            self._journal.write(kind, record | message.model_dump(mode="json", by_alias=True))

    # -- the eye's and the ear's threads -----------------------------------------------------------------------------

    def _repeat(self, turn: Callable[[], None]) -> None:
        try:
            while not self._end.is_set():
                turn()
        except Exception as err:  # the main thread ends the process with it: a thread that is gone is never missed
            self._error = err
            self._wake.set()

    def _saw(self, judged: Judged) -> None:
        with self._lock:
            self._station.saw(judged)
        self._wake.set()
        self._keep(judged)

    def _saw_stack(self, judged: JudgedStack) -> None:
        with self._lock:
            self._station.saw_stack(judged)

    def _keep(self, judged: Judged) -> None:
        """The demo's record of what was seen; after publishing, so that nobody waits for the disk."""
        if self._journal is None or self._stack is None:
            return
        name = f"frame-{judged.frame.seq:06d}"
        record = detection_record(judged.frame, name, judged.trails)
        record |= {"start_utc_ns": judged.frame.start_utc_ns, "sky_utc": rfc3339(judged.frame.start_utc_ns)}
        with self._lock:
            self._journal.write("detections", record)
        self._stack.add(judged.frame)

    def _listen(self) -> None:
        records = self._receiver.receive(0.5)
        if records:
            with self._lock:
                self._station.heard(records)
