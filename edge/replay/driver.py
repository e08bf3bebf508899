"""The judgement of a replay: the same sight, station, guard and messages as live; only who drives the time differs.

Frames come from the ring with back-pressure, each exactly once; sky time is the frame's own; aircraft of a recording
are heard up to that time and no further. A frame without a date is judged for its trails and meets no aircraft.

    detections.jsonl   one line a frame, also when empty; `{file, error}` for one that could not be read
    pictures/          the annotated frames
    aircraft.jsonl     every new position heard; aircraft.json: who was heard, once each
    tracks.jsonl, safety.jsonl, sky.jsonl, events.jsonl   what was published
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from camera.device import Frame
from camera.geodesy import enu_to_azel
from camera.views import classical
from camera.whole import write_whole
from edge.config import Config
from edge.fusion.satellites import SatelliteBook
from edge.guard.payload import Message, Stamp
from edge.picture import DrawnPath, DrawnTrail, draw_sky
from edge.publish.publisher import Publisher
from edge.records import AircraftState
from edge.replay.plan import sole_writer
from edge.replay.radio import RadioReplay
from edge.runtime.clock import Clock, Moment
from edge.runtime.notify import Notifier
from edge.runtime.place import frames_directory
from edge.runtime.ring import EndOfFrames, ReadError, RingReader
from edge.vision.journal import Journal, detection_record
from edge.vision.outward import Outward
from edge.vision.pictures import picture_path, write_picture
from edge.vision.sight import Judged, load_sight
from edge.vision.station import Station

log = logging.getLogger(__name__)

STEP_NS = 1_000_000_000  # of sky time, where no frame sets the pace
LARGEST_PICTURE_PX = 2000  # on its longer side: pictures are for people
BEGIN, NAMES = "begin", "names.json"  # beside the list of frames


def main(config: Config, _clock: Clock, stop: threading.Event) -> None:
    """Runs to the end of frames and recordings, or until `stop`. Raises RecordingRefused, ModelRefused, OSError."""
    assert config.simulation is not None
    assert config.simulation.output is not None
    with sole_writer(config.simulation.output, 1.0):
        driver = Driver(config)
        try:
            driver.run(stop)
        finally:
            driver.close()


class Driver:
    """One replay."""

    def __init__(self, config: Config) -> None:
        simulation = config.simulation
        assert simulation is not None  # the configuration was checked
        assert simulation.output is not None
        self._config, self._output = config, simulation.output
        self._rate = simulation.rate
        self._paced = simulation.paced
        self._sight, self._engine, plate, fault, refused = load_sight(config)
        book = SatelliteBook(config.satellites.directory, config.satellites.maximum_age_days)
        self._station = Station(config, plate=plate, plate_fault=fault, plate_refused=refused, book=book)
        stamp = Stamp.of_boot(config, self._engine.sha256)
        self._publisher = Publisher(
            config, stamp, self._station.wills(stamp, time.time_ns()), version=version("skyspotter")
        )
        self._outward = Outward(self._station, stamp, self._send, version=version("skyspotter"))
        self._journal = Journal(self._output)
        (self._output / "pictures").mkdir(exist_ok=True)
        self._notifier = Notifier()
        self._ring = RingReader(frames_directory()) if config.camera.source == "replay" else None
        names = simulation.file_list.parent / NAMES if simulation.file_list is not None else None
        self._names: dict[str, str] = json.loads(names.read_text(encoding="utf-8")) if names is not None else {}
        self._radio = RadioReplay(
            config.radio.files, rate_hz=config.radio.sample_rate_hz, site=config.station.site if plate else None
        )
        self._done = 0
        self._sky_utc_ns = self._radio.begin_utc_ns

    def run(self, stop: threading.Event) -> None:
        self._publisher.start()
        self._notifier.ready()
        frames_over = self._ring is None
        while not stop.is_set() and not (frames_over and self._radio.over):
            if frames_over:
                self._sky_utc_ns += STEP_NS
                self._hear(self._sky_utc_ns)
                if self._paced:
                    stop.wait(STEP_NS / 1e9 / self._rate)
            else:
                assert self._ring is not None
                found = self._ring.newest(0.5)
                if isinstance(found, EndOfFrames):
                    frames_over = True
                elif isinstance(found, ReadError):
                    name = self._names.get(found.file, found.file)
                    self._journal.write("detections", {"file": name, "error": found.error})
                    self._done += 1
                elif found is not None:
                    self._judge(found)
                    self._done += 1
            self._decide()
            self._notifier.status(f"frames={self._done} aircraft={len(self._radio.aircraft)}")
            self._notifier.beat()
        if self._radio.aircraft:
            heard = [asdict(one) for one in sorted(self._radio.aircraft.values(), key=lambda one: one.icao)]
            public = [{key: value for key, value in one.items() if not key.startswith("_")} for one in heard]
            write_whole(self._output / "aircraft.json", (json.dumps(public, indent=1) + "\n").encode())
        self._station.stopping = True
        self._decide()

    def close(self) -> None:
        self._publisher.close(timeout_s=5.0)
        self._journal.close()
        self._engine.close()
        if self._ring is not None:
            self._ring.close()

    def _judge(self, frame: Frame) -> None:
        name = self._names.get(frame.file, Path(frame.file).name)
        judged = self._sight.judge(frame)
        if judged.begin_utc_ns > 0:
            self._sky_utc_ns = judged.end_utc_ns
            self._hear(judged.end_utc_ns)
        self._station.saw(judged)
        if (judged_stack := self._sight.judge_stack(frame)) is not None:
            self._station.saw_stack(judged_stack)
        self._draw(judged, name)
        self._journal.write("detections", detection_record(frame, name, judged.trails))  # last: the frame is done

    def _hear(self, utc_ns: int) -> None:
        now_mono_s = time.monotonic()
        states: dict[str, AircraftState] = {}
        for state, new_position in self._radio.states_until(utc_ns):
            if new_position:
                self._journal.write("aircraft", state.model_dump(mode="json", exclude_none=True))
            states[state.key] = _dated(state, utc_ns, now_mono_s)
        self._station.heard(states.values())

    def _decide(self) -> None:
        now = Moment(self._sky_utc_ns, time.time_ns(), time.monotonic())
        for _ in self._publisher.receive():  # a replay follows no telescope and no hold
            pass
        for name in self._station.beams:
            self._outward.say(name, self._station.decide(name, now), now)
        self._outward.station_wide(now, lambda: {"vision": {"frames": self._done}})

    def _send(self, kind: str, beam: str, message: Message) -> None:
        self._publisher.publish(kind, beam, message)
        if kind in ("safety", "tracks", "sky", "events"):
            self._journal.write(kind, message.model_dump(mode="json", by_alias=True))

    def _draw(self, judged: Judged, name: str) -> None:
        frame = judged.frame
        image = classical(frame)[..., ::-1]
        if max(image.shape) > LARGEST_PICTURE_PX:
            image = image[::2, ::2]
        trails = [
            DrawnTrail(t.polyline_px, t.trail_class, t.score, f"{t.trail_class} {t.score:.2f}") for t in judged.trails
        ]
        paths = []
        beam = next(iter(self._station.beams.values()))
        for thing in beam.objects if not judged.plate_fault else ():
            if "radio" in thing.senses:
                paths.append(DrawnPath(enu_to_azel(thing.hypotheses[0].unit_enu), "radio", thing.label))
        drawn = draw_sky(
            image,
            None if judged.plate_fault else self._station.plate,
            scale=image.shape[1] / frame.width,
            origin_px=frame.origin_px,
            trails=trails,
            paths=paths,
            blind=() if judged.visibility is None else judged.visibility.unseen,
        )
        write_picture(picture_path(self._output, name), drawn)


def _dated(state: AircraftState, now_utc_ns: int, now_mono_s: float) -> AircraftState:
    """The state with its monotonic times as if it had been heard live, now being `now_utc_ns` of the recording."""
    position_mono_s = None
    if state.position_utc_ns is not None:
        position_mono_s = now_mono_s - (now_utc_ns - state.position_utc_ns) / 1e9
    return state.model_copy(update={"position_mono_s": position_mono_s, "seen_mono_s": now_mono_s})
