"""Everywhere the ear's findings go besides the judgement: other programs, the disk, and what is learned of every hour.

None of it may cost the ear a sample: ports, files and disks have threads of their own, and what fails becomes a counter
and a warning, never a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from edge.adsb.archive.messages import MessageRecorder
from edge.adsb.archive.shelf import Shelf
from edge.adsb.archive.states import StateRecorder
from edge.adsb.baseline import BaselineKeeper
from edge.adsb.ear import Decoded, TimedFrame
from edge.adsb.noisewatch import NoiseWatch
from edge.adsb.share.aircraft_json import JsonFiles, aircraft_json, receiver_json
from edge.adsb.share.beast import HEARTBEAT, beast_message
from edge.adsb.share.sbs import END, sbs_line
from edge.adsb.share.server import StreamServer
from edge.config import Config
from edge.records import AircraftState, RadioHealth, SensorState
from edge.runtime.clock import Clock
from edge.runtime.place import record_directory, runtime_directory

# An aircraft's first message is believed with its second, up to a minute later: others want messages in order of time.
LATE_S = 2.0


class Outlets:
    """What the configuration asks for. A simulated sky teaches no hours and never lies among a station's recordings."""

    def __init__(self, config: Config, clock: Clock) -> None:
        share, recorder = config.share, config.recorder
        self._clock, self._simulated = clock, config.simulation is not None
        self._messages, self._unlearned, self._look_mono_s = 0, 0, clock.mono_s()
        self._noise = NoiseWatch()
        self._beast = self._sbs = None
        if share.beast_port is not None:
            self._beast = StreamServer("beast", share.host, share.beast_port, heartbeat=HEARTBEAT)
        if share.sbs_port is not None:
            self._sbs = StreamServer("sbs", share.host, share.sbs_port)
        self._json = None
        if share.aircraft_json:
            receiver = receiver_json(version("skyspotter"), config.station.site)
            self._json = JsonFiles(share.json_directory or runtime_directory(), receiver)
        directory = recorder.directory if self._simulated else record_directory(recorder.directory)
        self._shelf = self._states = self._raw = self._usual = None
        if directory is not None:
            self._shelf = Shelf(directory, round(recorder.radio_quota_gb * 1e9))
            self._states = StateRecorder(self._shelf) if recorder.keep_aircraft else None
            self._raw = MessageRecorder(self._shelf) if recorder.keep_messages else None
            if not self._simulated:
                self._usual = BaselineKeeper(directory / "radio-baseline.json")

    def take(self, frames: Sequence[TimedFrame], decoded: Sequence[Decoded]) -> None:
        """What one read brought."""
        self._messages += len(frames)
        self._unlearned += len(frames)
        late_mono_s = self._clock.mono_s() - LATE_S
        if self._beast is not None and self._beast.wanted:
            fresh = sorted((timed for timed in frames if timed.mono_s > late_mono_s), key=lambda timed: timed.mono_s)
            self._beast.offer([beast_message(timed.frame) for timed in fresh])
        if self._sbs is not None and self._sbs.wanted:
            lines = (sbs_line(item) for item in decoded if item.heard.mono_s > late_mono_s)
            self._sbs.offer([f"{line}{END}".encode() for line in lines if line is not None])
        if self._states is not None:
            self._states.offer([(item.heard.utc_ns, item.state) for item in decoded])
        if self._raw is not None:
            self._raw.offer(frames)

    def look(self, health: RadioHealth, states: Sequence[AircraftState]) -> RadioHealth:
        """Once a second: aircraft.json, the hour's baseline, and the health with our counters and warnings."""
        now_utc_ns = self._clock.utc_ns()
        elapsed_s, self._look_mono_s = health.mono_s - self._look_mono_s, health.mono_s
        messages, self._unlearned = self._unlearned, 0
        warnings = [self._noise.take(health.mono_s, health.noise_dbfs, health.gain_db)]
        if self._usual is not None:
            hears = health.state is SensorState.OK
            warnings.append(self._usual.take(now_utc_ns, elapsed_s, messages, hears=hears))
        if self._json is not None and (states or health.state is SensorState.OK):  # a deaf ear tells no empty sky
            self._json.offer(
                aircraft_json(
                    states,
                    utc_ns=now_utc_ns,
                    mono_s=health.mono_s,
                    messages=self._messages,
                    simulated=self._simulated,
                )
            )
        helpers = (self._beast, self._sbs, self._json, self._states, self._raw)
        warnings += [helper.failure for helper in helpers if helper is not None]
        return health.model_copy(
            update={
                "warning": "; ".join(warning for warning in warnings if warning),
                "counters": health.counters | self.counters(),
            }
        )

    def counters(self) -> dict[str, int]:
        """Of every outlet in use, by name."""
        counted: dict[str, int] = {}
        for name, server in (("beast", self._beast), ("sbs", self._sbs)):
            if server is not None:
                counted |= {f"{name}_{what}": count for what, count in server.counters.items()}
        if self._json is not None:
            counted["json_lost"] = self._json.lost
        if self._states is not None:
            counted |= {
                "states_recorded": self._states.written,
                "states_lost": self._states.lost,
                "recordings_damaged": self._states.damaged,
            }
        if self._raw is not None:
            counted |= {"messages_recorded": self._raw.written, "messages_lost": self._raw.lost}
        if self._shelf is not None:
            counted["recordings_expired"] = self._shelf.expired
        return counted | (dict(self._usual.counters) if self._usual is not None else {})

    def close(self, timeout_s: float = 5.0) -> None:
        """Closes the ports and writes what waits, for so long together and hardly more. Safe to call twice."""
        deadline_mono_s = self._clock.mono_s() + timeout_s
        for outlet in (self._states, self._raw, self._usual, self._json, self._beast, self._sbs):
            if outlet is not None:
                outlet.close(max(0.2, deadline_mono_s - self._clock.mono_s()))
