"""What the network may tell the judgement: where the telescope points, HOLD, a heartbeat, another box of our name.

Pure: bytes in, changes of the `Station` out. Nothing here can release anything or raise a mode. Retained copies are
refused, for they say what was once; but for a hold, which somebody left standing on purpose.
"""

from __future__ import annotations

from collections import Counter

from edge.guard.inbound import PointingRefused, parse_hold, parse_pointing, parse_primary
from edge.vision.station import Station


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
        elif retained and kind != "hold":
            self.refused[f"{kind}_retained"] += 1
        elif kind == "primary":
            if parse_primary(payload, retained=retained):
                self._station.primary_heard_mono_s = mono_s
            else:
                self.refused["primary"] += 1
        elif (beam := self._station.beams.get(beam_name)) is None:
            self.refused[f"{kind}_other_beam"] += 1
        elif kind == "hold":
            if words := parse_hold(payload):  # an empty message only deletes a retained one
                beam.remote_hold = f"held over the network: {words}"
        elif kind == "pointing":
            try:
                beam.pointing = parse_pointing(payload, retained=retained, arrived_mono_s=mono_s)
            except PointingRefused as err:
                beam.pointing_refused = str(err)
                self.refused["pointing"] += 1
            else:
                beam.pointing_refused = beam.rates.fault(beam.pointing)
