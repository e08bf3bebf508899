"""Two boxes with one station id: each notices the other by its status, and both withdraw their permits.

Only live messages count. A retained status is what some box, perhaps this one before its restart, left behind.
"""

from __future__ import annotations

from pydantic import ValidationError

from edge.guard.payload import StatusMessage

STATUS_EVERY_S = 2.0  # how often a box repeats its status
REMEMBER_S = 3 * STATUS_EVERY_S


class TwinWatch:
    def __init__(self, boot_id: str) -> None:
        self._boot_id = boot_id
        self._other = ""
        self._seen_mono_s = float("-inf")

    def receive(self, payload: bytes, *, retained: bool, arrived_mono_s: float) -> None:
        """A message on the station's own status topic."""
        if retained:
            return
        try:
            status = StatusMessage.model_validate_json(payload)
        except ValidationError:
            return
        if status.boot_id != self._boot_id and status.status == "online":
            self._other, self._seen_mono_s = status.boot_id, arrived_mono_s

    def noticed(self, now_mono_s: float) -> str:
        """For `Situation.twin`: empty, or who else speaks as this station."""
        if now_mono_s - self._seen_mono_s > REMEMBER_S:
            return ""
        return f"another box (boot {self._other[:8]}) also speaks as this station: give one of them another station.id"
