"""The table as `aircraft.json` and `receiver.json`: the files of readsb and dump1090-fa, which maps like tar1090 draw.

Keys and units by wiedehopf/readsb README-json.md: feet, knots, feet per minute. What the table does not know is left
out; so is what readsb would guess: an airspeed that may be indicated or true, a height that is only barometric.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from camera.geodesy import Site
from camera.whole import write_whole
from edge.adsb.decode import FOOT_M, KNOT_MPS
from edge.adsb.worker import Worker
from edge.records import AircraftState

log = logging.getLogger(__name__)

PERIOD_S = 1.0
# Kind of address -> source, and whether it is an airframe's. Without a position an own address is only Mode S.
_TYPES = {
    "icao": ("adsb_icao", True), "adsr": ("adsr_icao", True), "tisb": ("tisb_icao", True),
    "anon": ("adsb_other", False), "tisb-anon": ("tisb_other", False),
}  # fmt: skip
_TISB_KEYS = ("alt_baro", "alt_geom", "gs", "track", "baro_rate", "lat", "lon", "nic", "rc")


def aircraft_json(
    states: Iterable[AircraftState], *, utc_ns: int, mono_s: float, messages: int, simulated: bool = False
) -> bytes:
    """`messages`: all that were ever believed. `simulated` becomes a key of ours, which other programs pass over."""
    document: dict[str, Any] = {
        "now": round(utc_ns / 1e9, 3),
        "messages": messages,
        "aircraft": [_aircraft(state, mono_s) for state in states],
    }
    if simulated:
        document["simulated"] = True
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def receiver_json(version: str, site: Site) -> bytes:
    """Read once by maps: how often to come back, and where the middle is."""
    return json.dumps(
        {
            "version": f"skyspotter {version}",
            "refresh": round(1e3 * PERIOD_S),
            "history": 0,
            "lat": round(site.latitude_deg, 4),
            "lon": round(site.longitude_deg, 4),
        }
    ).encode()


def _aircraft(state: AircraftState, mono_s: float) -> dict[str, Any]:
    prefix = state.key.partition(":")[0]
    type_, airframe = _TYPES.get(prefix, ("other", False))
    located = state.position_mono_s is not None
    if prefix == "icao" and not located and state.adsb_version is None and state.callsign is None:
        type_ = "mode_s"
    told = {
        "hex": ("" if airframe else "~") + state.icao.lower(),
        "type": type_,
        "flight": None if state.callsign is None else state.callsign.ljust(8),
        "alt_baro": "ground" if state.on_ground else _scaled(state.altitude_baro_m, FOOT_M),
        "alt_geom": _scaled(state.height_m, FOOT_M) if state.height_basis in ("gnss", "own-difference") else None,
        "gs": _scaled(state.speed_mps, KNOT_MPS, 1),
        "track": _scaled(state.track_deg, 1.0, 2),
        "baro_rate": _scaled(state.vertical_rate_mps, FOOT_M / 60),
        "squawk": state.squawk,
        "emergency": state.emergency,
        "category": state.category,
        "lat": _scaled(state.latitude_deg, 1.0, 6),
        "lon": _scaled(state.longitude_deg, 1.0, 6),
        "nic": state.nic,
        "rc": _scaled(state.rc_m, 1.0),
        "seen_pos": None if state.position_mono_s is None else _age_s(mono_s - state.position_mono_s),
        "version": state.adsb_version,
        "nac_p": state.nac_p,
        "nac_v": state.nac_v,
        "gva": state.gva,
        "sil": state.sil,
        "sda": state.sda,
    }
    told = {key: value for key, value in told.items() if value is not None}
    return told | {
        "mlat": [],
        "tisb": [key for key in _TISB_KEYS if key in told] if prefix.startswith("tisb") else [],
        "messages": state.messages,
        "seen": _age_s(mono_s - state.seen_mono_s),
        **({} if state.rssi_dbfs is None else {"rssi": round(state.rssi_dbfs, 1)}),
    }


def _age_s(age_s: float) -> float:
    return round(max(0.0, age_s), 1)


def _scaled(value: float | None, unit: float, digits: int | None = None) -> float | None:
    """Whole numbers where no digits are asked for."""
    return None if value is None else round(value / unit, digits)


class JsonFiles:
    """Both files in one folder, replaced in one step, by a thread of its own. `lost` counts what was not written."""

    def __init__(self, directory: Path, receiver: bytes) -> None:
        self.lost, self.failure = 0, ""
        self._directory = directory
        self._worker: Worker[tuple[str, bytes]] = Worker("aircraft.json", self._write, waiting=2)
        self._clear()  # a killed process left it
        self._worker.offer(("receiver.json", receiver))

    def offer(self, aircraft: bytes) -> None:
        """Returns at once; where the disk is behind, the newest is lost: another comes in a second."""
        if not self._worker.offer(("aircraft.json", aircraft)):
            self.lost += 1

    def close(self, timeout_s: float = 5.0) -> None:
        """Takes aircraft.json away: a map must not show the last sky for ever."""
        self._worker.close(timeout_s)
        self._clear()

    def _clear(self) -> None:
        try:
            (self._directory / "aircraft.json").unlink(missing_ok=True)
        except OSError as err:
            log.warning("event=aircraft-json-left error=%s", err)

    def _write(self, item: tuple[str, bytes]) -> None:
        name, data = item
        try:
            write_whole(self._directory / name, data, durable=False)
        except OSError as err:
            self.lost += 1
            if not self.failure:
                log.warning("event=aircraft-json-failing directory=%s error=%s", self._directory, err)
            self.failure = f"{self._directory}: {name} cannot be written: {err.strerror}; check share.json_directory"
        else:
            self.failure = ""
