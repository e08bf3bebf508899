"""One Mode S frame -> what it says, in SI units: the only home of pyModeS, and the last place of feet and knots.

pyModeS returns fields of frames whose parity fails as well; parity and addresses are judged before (`demod`, `frames`),
and a squitter with broken parity is refused here once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyModeS
from pyModeS.util import altcode_to_altitude  # type: ignore[attr-defined]  # documented, not re-exported

from edge.adsb.frames import ModeSFrame
from edge.adsb.quality import Codes

FOOT_M = 0.3048
KNOT_MPS = 1852.0 / 3600.0
_CATEGORY_SET = {1: "D", 2: "C", 3: "B", 4: "A"}  # by type code: DO-260B 2.2.3.2.5.2
# DF18 by control field (DO-260B 2.2.3.2.1.2): what the address stands for. 3 is coarse TIS-B, of a format of its own
# that would be read as nonsense; 4 is management, says nothing of aircraft.
_ADDRESS_KIND = {0: "icao", 1: "anon", 2: "tisb", 5: "tisb-anon", 6: "adsr"}
_OWN_WORD = ("icao", "anon")  # said by the aircraft itself
# DO-260B table 2-78
_EMERGENCY = ("none", "general", "lifeguard", "minfuel", "nordo", "unlawful", "downed", "reserved")
_LATEST_VERSION = 3  # of ADS-B; what calls itself 4 to 7 is not defined


@dataclass(frozen=True, slots=True)
class CprField:
    y: int
    x: int
    odd: int
    surface: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What one frame says of one aircraft; None where it says nothing."""

    key: str
    icao: str
    downlink_format: int
    typecode: int | None = None
    callsign: str | None = None
    category: str | None = None
    squawk: str | None = None
    emergency: str | None = None
    on_ground: bool | None = None
    altitude_baro_m: float | None = None
    height_m: float | None = None  # above the ellipsoid, by GNSS
    height_if_metres_m: float | None = None  # the same, had its sender counted metres instead of 25 ft
    geo_minus_baro_m: float | None = None
    cpr: CprField | None = None
    speed_mps: float | None = None  # over ground
    track_deg: float | None = None
    airspeed_mps: float | None = None
    heading_deg: float | None = None
    vertical_rate_mps: float | None = None
    supplement_b: bool | None = None  # of this position alone
    codes: Codes | None = None


def decode(frame: ModeSFrame) -> Report | None:
    """None where the frame is broken, or of a kind that says nothing of an aircraft."""
    try:
        said = pyModeS.decode(frame.data.hex())
    except pyModeS.DecodeError:
        return None
    kind, icao = frame.downlink_format, said.get("icao")
    if not icao or said.get("crc_valid") is False:
        return None
    prefix = "icao"
    if kind == 18:
        control = frame.data[0] & 7
        if control not in _ADDRESS_KIND:
            return None
        prefix = _ADDRESS_KIND[control]
    key, typecode = f"{prefix}:{icao}", said.get("typecode")
    on_ground = _on_ground(frame, said.get("vertical_status"), said.get("flight_status"), typecode)
    if typecode is None:
        return Report(
            key, icao, kind,
            squawk=said.get("squawk"),
            on_ground=on_ground,
            altitude_baro_m=_scaled(said.get("altitude"), FOOT_M),
        )  # fmt: skip
    fields = _squitter(frame.data, said, typecode)
    if prefix not in _OWN_WORD:
        fields.pop("supplement_b", None)  # the ground puts another bit in its place
    return Report(key, icao, kind, typecode, on_ground=on_ground, **fields)


def _squitter(data: bytes, said: dict[str, Any], typecode: int) -> dict[str, Any]:
    """The fields of one extended squitter by its type code."""
    if 1 <= typecode <= 4:
        category = said.get("category")
        return {
            "callsign": (said.get("callsign") or "").strip("_ #") or None,
            "category": f"{_CATEGORY_SET[typecode]}{category}" if category else None,
        }
    if 5 <= typecode <= 8:
        return {
            "cpr": _cpr(said, surface=True),
            "speed_mps": _scaled(said.get("groundspeed"), KNOT_MPS),
            "track_deg": said.get("track"),
        }
    if 9 <= typecode <= 18:
        return {
            "cpr": _cpr(said, surface=False),
            "altitude_baro_m": _scaled(said.get("altitude"), FOOT_M),
            "supplement_b": bool(said["nic_b"]),
        }
    if 20 <= typecode <= 22:
        return {"cpr": _cpr(said, surface=False), **_gnss_height(data)}
    if typecode == 19:
        return {
            "speed_mps": _scaled(said.get("groundspeed"), KNOT_MPS),
            "track_deg": said.get("track"),
            "airspeed_mps": _scaled(said.get("airspeed"), KNOT_MPS),
            "heading_deg": said.get("heading"),
            "vertical_rate_mps": _scaled(said.get("vertical_rate"), FOOT_M / 60.0),
            "geo_minus_baro_m": _scaled(said.get("geo_minus_baro"), FOOT_M),
            "codes": Codes(nac_v=said["nac_v"]),
        }
    if typecode == 28 and said["subtype"] == 1:
        return {"squawk": said["squawk"], "emergency": _EMERGENCY[said["emergency_state"]]}
    if typecode == 29 and said["subtype"] <= 1:  # the others are not defined
        return {"codes": Codes(nac_p=said["nac_p"], sil=said["sil"])}
    if typecode == 31 and said["subtype"] <= 1 and said["version"] <= _LATEST_VERSION:
        return {"codes": _status(data, said)}
    return {}


def _status(data: bytes, said: dict[str, Any]) -> Codes:
    """Operational status, type code 31: DO-260A and DO-260B 2.2.3.2.7.2; version 0 tells its version and no more."""
    version = said["version"]
    if version == 0:
        return Codes(version=0)
    on_ground, latest = said["subtype"] == 1, version >= 2
    return Codes(
        version=version,
        nac_p=said["nac_p"],
        nac_v=said["capability_class"] >> 5 & 7 if on_ground else None,  # ME bits 17 to 19
        sil=said["sil"],
        sda=said["operational_mode"] >> 8 & 3 if latest else None,  # ME bits 31 and 32
        gva=data[10] >> 6 if latest and not on_ground else None,  # ME bits 49 and 50, which pyModeS leaves aside
        supplement_a=bool(said["nic_supplement_a"]),
        supplement_c=bool(said["capability_class"] >> 4 & 1) if latest and on_ground else None,  # ME bit 20
    )


def _gnss_height(data: bytes) -> dict[str, float | None]:
    """Type codes 20 to 22 carry the altitude code of the barometric ones (DO-260B 2.2.3.2.3.4); pyModeS takes it for
    metres, as some of its senders may: which it is, the table judges by the barometric altitude."""
    code = data[5] << 4 | data[6] >> 4
    feet = altcode_to_altitude(code >> 6 << 7 | code & 63) if code else None
    return {"height_m": _scaled(feet, FOOT_M), "height_if_metres_m": float(code) if code else None}


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit


def _cpr(said: dict[str, Any], *, surface: bool) -> CprField:
    return CprField(said["cpr_lat"], said["cpr_lon"], said["cpr_format"], surface)


def _on_ground(
    frame: ModeSFrame, vertical_status: str | None, flight_status: int | None, typecode: int | None
) -> bool | None:
    """None where the frame leaves it open. Annex 10 volume IV: CA 3.1.2.5.2.2.1, FS 3.1.2.6.5.1."""
    if typecode is not None and 5 <= typecode <= 8:
        return True
    if typecode is not None and (9 <= typecode <= 18 or 20 <= typecode <= 22):
        return False
    if frame.downlink_format in (11, 17) and frame.data[0] & 7 in (4, 5):
        return frame.data[0] & 7 == 4
    if vertical_status is not None:
        return vertical_status == "on-ground"
    return {0: False, 1: True, 2: False, 3: True}.get(-1 if flight_status is None else flight_status)
