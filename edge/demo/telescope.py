"""The simulated ranging telescope and its interlock: it points where the scenario says, and fires only with a permit.

Written from the consumer's side of the contract: it knows nothing but the messages on its topic and `PermitHolder`.
Every interval in which the laser was on is kept, so that the summary can say whom it would have lit, and handed to the
camera's simulator, so that the pictures show the beam that was fired.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from camera.sim.laser import Intervals, write_intervals
from camera.sim.scenario import Scenario
from edge.config import MqttSection
from edge.guard.consumer import PermitHolder
from edge.guard.inbound import PointingMessage
from edge.publish.link import MqttLink
from edge.publish.messages import Inbound, Outgoing
from edge.publish.topics import POINTING, SAFETY
from edge.runtime.clock import SkyClock

STEP_S = 0.05  # of the interlock
POINTING_S = 0.1  # 10 Hz; the station holds when pointing is older than 1 s
RATE_OVER_S = 1.0  # the telescope's rates are taken over one second of sky


class Telescope:
    """Use from one thread: `receive` for every safety message, `step` every STEP_S, `park` at the end."""

    def __init__(self, scenario: Scenario, clock: SkyClock, laser_file: Path) -> None:
        self._scenario, self._clock, self._laser_file = scenario, clock, laser_file
        self._holder = PermitHolder(simulation=True)
        self._fired: list[tuple[float, float]] = []
        self.laser_on = False
        self.laser_wanted = False
        self.azel_deg = (0.0, 90.0)
        self.lease_left_s = 0.0
        self.why_not = ""

    @property
    def fired(self) -> Intervals:
        """When the laser was on, seconds after the scenario's epoch; the last ends at infinity while it still is."""
        return tuple(self._fired)

    def receive(self, payload: bytes, retained: bool, mono_s: float, utc_s: float) -> None:
        """A safety message as it arrived, with this machine's clocks."""
        self._holder.receive(payload, retained, mono_s, utc_s)

    def step(self, mono_s: float) -> None:
        """Decide about the laser now."""
        t_s = self._t_s(mono_s)
        permitted, self.why_not, left_s = self._holder.permitted(mono_s)
        self.lease_left_s = max(left_s, 0.0)
        self.laser_wanted = self._scenario.beam.is_lasing(t_s)
        self._switch(permitted and self.laser_wanted, t_s)

    def pointing(self, mono_s: float) -> bytes:
        """The message on `.../pointing`."""
        t_s = self._t_s(mono_s)
        times = t_s + np.array([-0.5, 0.0, 0.5]) * RATE_OVER_S
        (az0, el0), (azimuth, elevation), (az1, el1) = self._scenario.beam.azel_deg(
            times, self._scenario.epoch_utc_ns, self._scenario.site
        )
        self.azel_deg = (float(azimuth), float(elevation))
        return PointingMessage(
            azimuth_deg=round(float(azimuth), 5),
            elevation_deg=round(float(elevation), 5),
            azimuth_rate_dps=round(float((az1 - az0 + 180.0) % 360.0 - 180.0) / RATE_OVER_S, 6),
            elevation_rate_dps=round(float(el1 - el0) / RATE_OVER_S, 6),
            target_id=self._scenario.beam.target.name,
            laser_state="on" if self.laser_on else "off",
        ).to_bytes()

    def park(self, mono_s: float) -> None:
        """Laser off, whatever the permit says."""
        self._switch(False, self._t_s(mono_s))

    def _t_s(self, mono_s: float) -> float:
        return self._scenario.t_s(self._clock.utc_at(mono_s))

    def _switch(self, on: bool, t_s: float) -> None:
        if on == self.laser_on:
            return
        if on:
            self._fired.append((t_s, float("inf")))
        else:
            self._fired[-1] = (self._fired[-1][0], t_s)
        self.laser_on = on
        write_intervals(self._laser_file, self._fired)


class TelescopeThread:
    """Runs a telescope beside the terminal view, over its own connection to the broker.

    Everything that arrives under the station's topics is also kept for the view: `heard`.
    """

    def __init__(self, telescope: Telescope, section: MqttSection, root: str, beam: str) -> None:
        self.telescope = telescope
        self.heard: SimpleQueue[Inbound] = SimpleQueue()
        self._safety, self._pointing = SAFETY.path(root, beam), POINTING.path(root, beam)
        self._link = MqttLink(section, client_id=f"telescope-{os.getpid()}", subscriptions=[(f"{root}/#", 0)])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telescope", daemon=True)

    @property
    def link_state(self) -> str:
        """The connection in one sentence."""
        return self._link.state

    def start(self) -> None:
        self._link.start()
        self._thread.start()

    def stop(self) -> None:
        """Laser off, then the thread ends; what the station says last is still heard until `close`."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(2.0)

    def close(self) -> None:
        """Hears what is left, ends the connection."""
        for message in self._link.received():
            self.heard.put(message)
        self._link.stop()

    def _run(self) -> None:
        next_pointing_mono_s = time.monotonic()
        try:
            while not self._stop.is_set():
                for message in self._link.received(STEP_S):
                    if message.topic == self._safety:
                        arrived_utc_s = time.time() - (time.monotonic() - message.arrived_mono_s)
                        self.telescope.receive(message.payload, message.retained, message.arrived_mono_s, arrived_utc_s)
                    self.heard.put(message)
                now = time.monotonic()
                self.telescope.step(now)
                if now >= next_pointing_mono_s:
                    self._link.publish(Outgoing(self._pointing, self.telescope.pointing(now), POINTING.qos))
                    next_pointing_mono_s = max(next_pointing_mono_s + POINTING_S, now)
        finally:
            self.telescope.park(time.monotonic())
