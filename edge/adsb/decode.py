"""One Mode S frame -> what it says, in SI units: the only home of pyModeS, and the last place of feet and knots.

pyModeS returns fields of frames whose parity fails as well; parity and addresses are judged before (`demod`, `frames`),
and a squitter with broken parity is refused here once more.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyModeS

from edge.adsb.frames import ModeSFrame

FOOT_M = 0.3048
KNOT_MPS = 1852.0 / 3600.0
_CATEGORY_SET = {1: "D", 2: "C", 3: "B", 4: "A"}  # by type code: DO-260B 2.2.3.2.5.2
# DF18 by control field (DO-260B 2.2.3.2.1.2): what the address stands for. 4 is management, says nothing of aircraft.
_ADDRESS_KIND = {0: "icao", 1: "anon", 2: "tisb", 3: "tisb", 5: "tisb-anon", 6: "adsr"}


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
    on_ground: bool | None = None
    altitude_baro_m: float | None = None
    height_m: float | None = None  # above the ellipsoid, by GNSS
    geo_minus_baro_m: float | None = None
    cpr: CprField | None = None
    speed_mps: float | None = None  # over ground
    track_deg: float | None = None
    vertical_rate_mps: float | None = None
    nac_p: int | None = None
    version: int | None = None


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
    typecode = said.get("typecode")
    gnss = typecode in (20, 21, 22)
    height_m = _scaled(said.get("altitude"), FOOT_M)
    category = said.get("category")
    return Report(
        key=f"{prefix}:{icao}",
        icao=icao,
        downlink_format=kind,
        typecode=typecode,
        callsign=(said.get("callsign") or "").strip("_ #") or None,
        category=f"{_CATEGORY_SET[typecode]}{category}" if category and typecode in _CATEGORY_SET else None,
        squawk=said.get("squawk"),
        on_ground=_on_ground(frame, said.get("vertical_status"), said.get("flight_status"), typecode),
        altitude_baro_m=None if gnss else height_m,
        height_m=height_m if gnss else None,
        geo_minus_baro_m=_scaled(said.get("geo_minus_baro"), FOOT_M),
        cpr=_cpr(said, typecode),
        speed_mps=_scaled(said.get("groundspeed"), KNOT_MPS),
        track_deg=said.get("track"),
        vertical_rate_mps=_scaled(said.get("vertical_rate"), FOOT_M / 60.0),
        nac_p=said.get("nac_p"),
        version=said.get("version"),
    )


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit


def _cpr(said: dict[str, int], typecode: int | None) -> CprField | None:
    if typecode is None or said.get("cpr_lat") is None:
        return None
    return CprField(said["cpr_lat"], said["cpr_lon"], said["cpr_format"], 5 <= typecode <= 8)


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
