"""Compact position reporting: 17 bits a coordinate, ambiguous until paired or placed near a reference.

Formulae: RTCA DO-260B, A.1.7 (encoding A.1.7.3, local decoding A.1.7.5 and A.1.7.6, global A.1.7.7 and A.1.7.8).
"""

from __future__ import annotations

from math import acos, cos, floor, pi, radians

_STEPS = 131072  # 2^17


def longitude_zones(latitude_deg: float) -> int:
    """NL of DO-260B A.1.7.2 d: 59 at the equator, 1 beyond 87 degrees."""
    latitude = abs(latitude_deg)
    if latitude >= 87.0:
        return 2 if latitude == 87.0 else 1
    ratio = 1 - (1 - cos(pi / 30)) / cos(radians(latitude)) ** 2
    return floor(2 * pi / acos(ratio))


def encode(latitude_deg: float, longitude_deg: float, odd: int) -> tuple[int, int]:
    """Airborne 17-bit (latitude, longitude) fields."""
    zone_deg = 360.0 / (60 - odd)
    y = floor(_STEPS * (latitude_deg % zone_deg) / zone_deg + 0.5)
    rounded_latitude = zone_deg * (y / _STEPS + floor(latitude_deg / zone_deg))
    zone_deg = 360.0 / max(longitude_zones(rounded_latitude) - odd, 1)
    x = floor(_STEPS * (longitude_deg % zone_deg) / zone_deg + 0.5)
    return y % _STEPS, x % _STEPS


def decode_local(
    y: int, x: int, odd: int, near_deg: tuple[float, float], *, surface: bool = False
) -> tuple[float, float]:
    """(latitude, longitude) of the solution nearest to `near_deg`: right within 180 NM (surface: 45 NM) of it."""
    turn_deg = 90.0 if surface else 360.0
    zone_deg = turn_deg / (60 - odd)
    latitude = zone_deg * (floor(near_deg[0] / zone_deg - y / _STEPS + 0.5) + y / _STEPS)
    zone_deg = turn_deg / max(longitude_zones(latitude) - odd, 1)
    longitude = zone_deg * (floor(near_deg[1] / zone_deg - x / _STEPS + 0.5) + x / _STEPS)
    return latitude, (longitude + 180.0) % 360.0 - 180.0


def decode_pair(even: tuple[int, int], odd: tuple[int, int], *, odd_is_newer: bool) -> tuple[float, float] | None:
    """Airborne (latitude, longitude) of the newer of two fields (y, x); None where the pair straddles a zone border."""
    j = floor((59 * even[0] - 60 * odd[0]) / _STEPS + 0.5)
    latitudes = [360.0 / (60 - i) * (j % (60 - i) + field[0] / _STEPS) for i, field in enumerate((even, odd))]
    latitudes = [value - 360.0 if value >= 270.0 else value for value in latitudes]
    zones = longitude_zones(latitudes[0])
    if max(map(abs, latitudes)) > 90.0 or zones != longitude_zones(latitudes[1]):
        return None
    newer = int(odd_is_newer)
    m = floor((even[1] * (zones - 1) - odd[1] * zones) / _STEPS + 0.5)
    count = max(zones - newer, 1)
    longitude = 360.0 / count * (m % count + (even, odd)[newer][1] / _STEPS)
    return latitudes[newer], (longitude + 180.0) % 360.0 - 180.0
