"""Mode S messages of a simulated aircraft: the inverse of `decode`, for the simulator and for tests.

Fields: ICAO Doc 9871 (2nd edition) tables A-2-5 (airborne position), A-2-8 (identification), A-2-9 (velocity), B-2-101
(status, version 2 in DO-260B 2.2.3.2.7.2); surveillance replies: Annex 10 volume IV, 3.1.2.6.
"""

from __future__ import annotations

from math import cos, radians, sin

from edge.adsb.cpr import encode
from edge.adsb.signal.crc import with_parity

KNOT_MPS = 1852.0 / 3600.0
FOOT_M = 0.3048
_CHARACTERS = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ##### ###############0123456789######"


def _pack(*fields: tuple[int, int]) -> bytes:
    """(value, bits) fields, most significant first, to whole bytes."""
    value = bits = 0
    for number, width in fields:
        value, bits = value << width | number & (1 << width) - 1, bits + width
    return value.to_bytes(bits // 8, "big")


def squitter(icao: int, payload: bytes) -> bytes:
    """DF17 of an airborne transponder with a 7-byte ME field."""
    return with_parity(_pack((17, 5), (5, 3), (icao, 24)) + payload)


def altitude_code_12(altitude_ft: float) -> int:
    """12-bit altitude in 25 ft steps (Q = 1)."""
    n = max(0, min(2047, round((altitude_ft + 1000) / 25)))
    return (n >> 4) << 5 | 1 << 4 | n & 15


def position(icao: int, latitude_deg: float, longitude_deg: float, altitude_ft: float, odd: int) -> bytes:
    """DF17 type code 11 (NIC 8): airborne position with barometric altitude."""
    y, x = encode(latitude_deg, longitude_deg, odd)
    return squitter(
        icao, _pack((11, 5), (0, 3), (altitude_code_12(altitude_ft), 12), (0, 1), (odd, 1), (y, 17), (x, 17))
    )


def velocity(icao: int, track_deg: float, speed_mps: float, climb_mps: float, geo_minus_baro_ft: float) -> bytes:
    """DF17 type code 19, subtype 1: ground velocity in knots, NACv 2."""
    east = round(speed_mps * sin(radians(track_deg)) / KNOT_MPS)
    north = round(speed_mps * cos(radians(track_deg)) / KNOT_MPS)
    climb = round(climb_mps / FOOT_M * 60 / 64)
    difference = round(geo_minus_baro_ft / 25)
    return squitter(
        icao,
        _pack(
            (19, 5), (1, 3), (0, 2), (2, 3), (east < 0, 1), (abs(east) + 1, 10), (north < 0, 1), (abs(north) + 1, 10),
            (0, 1), (climb < 0, 1), (abs(climb) + 1, 9), (0, 2), (difference < 0, 1), (abs(difference) + 1, 7),
        ),
    )  # fmt: skip


def identification(icao: int, callsign: str) -> bytes:
    """DF17 type code 4, category A3."""
    codes = [(_CHARACTERS.index(letter), 6) for letter in callsign.ljust(8)[:8]]
    return squitter(icao, _pack((4, 5), (3, 3), *codes))


def operational_status(icao: int) -> bytes:
    """DF17 type code 31, airborne, version 2: NACp 9 (30 m), GVA 2, SIL 3."""
    fields = ((31, 5), (0, 3), (0x2300, 16), (0, 16), (2, 3), (0, 1), (9, 4), (2, 2), (3, 2), (1, 1), (0, 1), (0, 1))
    return squitter(icao, _pack(*fields, (0, 1)))


def all_call(icao: int) -> bytes:
    """DF11 acquisition squitter, interrogator code 0."""
    return with_parity(_pack((11, 5), (5, 3), (icao, 24)))


def altitude_reply(icao: int, altitude_ft: float) -> bytes:
    """DF4."""
    code = altitude_code_12(altitude_ft)
    return with_parity(_pack((4, 5), (0, 14), (code >> 6, 6), (0, 1), (code & 63, 6)), icao)


def identity_reply(icao: int, squawk: str) -> bytes:
    """DF5: the four octal digits interleaved as C1 A1 C2 A2 C4 A4 0 B1 D1 B2 D2 B4 D4."""
    a, b, c, d = (int(digit) for digit in squawk)
    code = 0
    for high, low in ((c, a), (b, d)):
        code <<= 1  # the X or Q position between the two halves stays 0
        for bit in (1, 2, 4):
            code = code << 2 | bool(high & bit) << 1 | bool(low & bit)
    return with_parity(_pack((5, 5), (0, 14), (code, 13)), icao)
