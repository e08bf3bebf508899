"""A message as a BaseStation line, as PlanePlotter, Virtual Radar Server and tar1090 read it on port 30003.

22 fields by woodair.net/SBS/Article/Barebones42_Socket_Data.htm: MSG, type, session, aircraft and flight number (always
1: nobody has a database here) around the address, date and time made, date and time logged, callsign, altitude (ft),
ground speed (kt), track, latitude, longitude, vertical rate (ft/min), squawk, alert, emergency, ident, on ground.
A line holds what its own message says, as dump1090 does it; a flag is -1 or 0, empty where the message leaves it open.
"""

from __future__ import annotations

from datetime import UTC, datetime

from edge.adsb.decode import FOOT_M, KNOT_MPS
from edge.adsb.ear import Decoded

END = "\r\n"
# Transmission type by downlink format: the same source, "Transmission messages". Extended squitters go by type code.
_BY_FORMAT = {0: 7, 4: 5, 5: 6, 11: 8, 16: 7, 20: 5, 21: 6}
_BY_TYPECODE = {
    **dict.fromkeys(range(1, 5), 1), **dict.fromkeys(range(5, 9), 2), **dict.fromkeys(range(9, 19), 3),
    19: 4, **dict.fromkeys(range(20, 23), 3),
}  # fmt: skip
_EMERGENCIES = ("7500", "7600", "7700")
_SURVEILLANCE, _ALERT, _IDENT = (4, 5, 20, 21), (2, 3, 4), (4, 5)  # flight status: Annex 10 volume IV, 3.1.2.6.5.1
_OWN_ADDRESS = ("icao", "tisb", "adsr")  # kinds whose address is an airframe's; readers take every address for one


def sbs_line(item: Decoded) -> str | None:
    """None where BaseStation has no such line."""
    report, state, utc_ns = item.report, item.state, item.heard.utc_ns
    number = _BY_FORMAT.get(report.downlink_format) if report.typecode is None else _BY_TYPECODE.get(report.typecode)
    if number is None or report.key.partition(":")[0] not in _OWN_ADDRESS:
        return None
    when = datetime.fromtimestamp(utc_ns // 1_000_000 / 1000, tz=UTC)
    stamp = (f"{when:%Y/%m/%d}", f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}")
    located = report.cpr is not None and state.position_utc_ns == utc_ns
    squawk, kind = report.squawk, report.downlink_format
    status = item.heard.frame.data[0] & 7 if kind in _SURVEILLANCE else None
    return ",".join(
        (
            "MSG", str(number), "1", "1", report.icao, "1", *stamp, *stamp,
            report.callsign or "",
            _number(report.altitude_baro_m, FOOT_M, 0),
            _number(report.speed_mps, KNOT_MPS, 1),
            _number(report.track_deg, 1.0, 1),
            _number(state.latitude_deg if located else None, 1.0, 5),
            _number(state.longitude_deg if located else None, 1.0, 5),
            _number(report.vertical_rate_mps, FOOT_M / 60, 0),
            squawk or "",
            _flag(None if status is None else status in _ALERT),
            _flag(None if squawk is None else squawk in _EMERGENCIES),
            _flag(None if status is None else status in _IDENT),
            _flag(report.on_ground),
        )
    )  # fmt: skip


def _number(value: float | None, unit: float, digits: int) -> str:
    return "" if value is None else f"{round(value / unit, digits) + 0.0:.{digits}f}"  # never -0


def _flag(on: bool | None) -> str:
    return "" if on is None else "-1" if on else "0"
