"""How far an aircraft may be from where it says: standard deviations from its own integrity and accuracy codes.

NACp, 95 % of horizontal error: DO-260B table 2-71 (EPU). Before version 1: NUCp by type code, DO-260 table 2-11 (95 %).
A circular normal error has its 95 % radius at 2.45 standard deviations.
"""

from __future__ import annotations

_RADIUS_95 = 2.4477
_EPU_M = {
    11: 3.0,
    10: 10.0,
    9: 30.0,
    8: 92.6,
    7: 185.2,
    6: 555.6,
    5: 926.0,
    4: 1852.0,
    3: 3704.0,
    2: 7408.0,
    1: 18520.0,
}
_NUCP_95_M = {  # by type code of the position message
    5: 3.0, 6: 10.0, 7: 92.6, 8: 185.2, 9: 3.0, 10: 10.0, 11: 92.6, 12: 185.2, 13: 463.0, 14: 926.0, 15: 1852.0,
    16: 9260.0, 17: 18520.0, 20: 3.0, 21: 10.0,
}  # fmt: skip
_FLOOR_M = 15.0  # CPR rounding, antenna offset, and up to a tenth of a second of uncompensated delay
UNKNOWN_M = 1000.0
POOR_NACP = 4  # half a nautical mile and worse is what interference with GNSS looks like


def horizontal_sigma_m(nac_p: int | None, typecode: int) -> float:
    """Standard deviation of each horizontal axis; `typecode` of the position message serves where NACp is not known."""
    radius_m = _EPU_M.get(nac_p) if nac_p is not None else _NUCP_95_M.get(typecode)
    return UNKNOWN_M if radius_m is None else max(_FLOOR_M, radius_m / _RADIUS_95)


def doubts(nac_p: int | None, typecode: int) -> tuple[str, ...]:
    """Flags for a position its own aircraft does not vouch for: containment unknown, or accuracy poor."""
    flags = ("nic",) if typecode in (8, 17, 18, 22) else ()
    return (*flags, "nacp") if nac_p is not None and nac_p <= POOR_NACP else flags
