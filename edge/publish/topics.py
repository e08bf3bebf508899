"""The one table of topics. Everything under `skyspotter/<station>/`; a simulation under `skyspotter-sim/<station>/`.

A connection has one last will. Hence one connection per beam, whose will says FAULT on its safety topic, and one for
the station, whose will says offline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BEAM = "<beam>"


@dataclass(frozen=True, slots=True)
class Topic:
    suffix: str
    direction: Literal["out", "in"]
    qos: Literal[0, 1]
    retain: bool
    expiry_s: int | None  # MQTT 5: the broker forgets it by then
    schema: str
    words: str

    def path(self, root: str, beam: str | None = None) -> str:
        """Args: root: `Config.topic_root`; beam: needed by the topics of a beam."""
        if BEAM in self.suffix and not beam:
            raise ValueError(f"topic {self.suffix} needs a beam")
        return f"{root}/{self.suffix.replace(BEAM, beam or '')}"


SAFETY = Topic(
    f"{BEAM}/safety", "out", 0, False, 2, "skyspotter.safety/1", "the permission: twice a second and on every change"
)
TRACKS = Topic(f"{BEAM}/tracks", "out", 0, False, 5, "skyspotter.tracks/1", "everything on the sky, once a second")
POINTING = Topic(f"{BEAM}/pointing", "in", 0, False, None, "skyspotter.pointing/1", "from the telescope, at least 5 Hz")
HOLD = Topic(f"{BEAM}/hold", "in", 1, False, None, "skyspotter.hold/1", "anyone may hold; released only on the box")
PRIMARY = Topic("primary", "in", 0, False, None, "skyspotter.primary/1", "heartbeat of the station's primary measure")
SKY = Topic("sky", "out", 0, False, 30, "skyspotter.sky/1", "where the camera sees, and whether its plate holds")
HEALTH = Topic("health", "out", 0, False, 30, "skyspotter.health/1", "numbers by part, every few seconds")
EVENTS = Topic("events", "out", 1, False, None, "skyspotter.event/1", "what must not be lost, out of the outbox")
STATUS = Topic("status", "out", 1, True, None, "skyspotter.status/1", "online or offline; the station's last will")

TABLE = (SAFETY, TRACKS, POINTING, HOLD, PRIMARY, SKY, HEALTH, EVENTS, STATUS)


def topic_root(station: str, *, simulation: bool) -> str:
    """The same as `Config.topic_root`, for a subscriber that has no configuration."""
    return f"{'skyspotter-sim' if simulation else 'skyspotter'}/{station}"
