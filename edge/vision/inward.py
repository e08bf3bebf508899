"""What the network may tell the judgement: where the telescope points, HOLD, a heartbeat, another box of our name.

Pure: bytes in, changes of the `Station` out. Nothing here can release anything or raise a mode. Retained copies are
refused: they say what was once, not what is.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.records import Pointing
from edge.vision.station import Station


class PointingMessage(BaseModel):
    """`<beam>/pointing`, at least 5 Hz. Unknown keys are ignored: telescope controllers say more than we ask."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    azimuth_deg: Annotated[float, Field(ge=-360, le=720)]
    elevation_deg: Annotated[float, Field(ge=-5, le=95)]
    azimuth_rate_dps: Annotated[float, Field(ge=-90, le=90)] = 0.0
    elevation_rate_dps: Annotated[float, Field(ge=-90, le=90)] = 0.0
    target_id: Annotated[str, Field(max_length=64)] = ""
    laser_state: Literal["on", "off"] | bool = "off"

    @property
    def laser_on(self) -> bool:
        return self.laser_state in ("on", True)


class HoldMessage(BaseModel):
    """`<beam>/hold`: anyone may hold, with a word on why. Even an empty or unreadable message holds."""

    model_config = ConfigDict(extra="ignore")

    words: Annotated[str, Field(max_length=200)] = ""


class Inward:
    """Counts what it refuses, by kind, in `refused`."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self.refused: Counter[str] = Counter()

    def take(self, kind: str, beam_name: str, payload: bytes, *, retained: bool, mono_s: float) -> None:
        """One message. `kind` and `beam_name` as the topic says; messages for a beam we do not have are refused."""
        if kind == "status":
            if self._station.twins is not None:
                self._station.twins.receive(payload, retained=retained, arrived_mono_s=mono_s)
        elif retained:
            self.refused[f"{kind}_retained"] += 1
        elif kind == "primary":
            self._station.primary_heard_mono_s = mono_s
        elif (beam := self._station.beams.get(beam_name)) is None:
            self.refused[f"{kind}_other_beam"] += 1
        elif kind == "hold":
            try:
                words = HoldMessage.model_validate_json(payload).words
            except ValidationError:
                words = ""
            beam.remote_hold = f"held over the network: {words or 'no reason given'}"
        elif kind == "pointing":
            try:
                message = PointingMessage.model_validate_json(payload)
            except ValidationError as err:
                fault = err.errors()[0]
                where = ".".join(str(part) for part in fault["loc"]) or "message"
                beam.pointing_refused = f"pointing: {where}: {fault['msg']}"
                self.refused["pointing"] += 1
                return
            beam.pointing_refused = ""
            beam.pointing = Pointing(
                received_mono_s=mono_s,
                azimuth_deg=message.azimuth_deg % 360.0,
                elevation_deg=message.elevation_deg,
                azimuth_rate_dps=message.azimuth_rate_dps,
                elevation_rate_dps=message.elevation_rate_dps,
                target_id=message.target_id,
                laser_on=message.laser_on,
            )
