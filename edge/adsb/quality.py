"""How far an aircraft may be from where it says: integrity and accuracy codes of every ADS-B version, in metres.

Version 0 tells by the type code of the position alone, later ones by type code, NIC supplements and the operational
status. An aircraft that has not told its version counts as version 0, as DO-260B 2.2.3.2.7.2.5 asks of a receiver.
Tables: ICAO Doc 9871 A.2.3.1 (version 0), B.2.3.10.6 (1), C.2.3.1 (2), which are those of DO-260, DO-260A and DO-260B;
what version 0 means in the words of version 2: DO-260B (ED-102A) appendix N.
Accuracies are 95 %: a circular normal error has them at 2.45 standard deviations, one along a line at 1.96.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

NAUTICAL_MILE_M = 1852.0
_SIGMAS_95_CIRCLE, _SIGMAS_95_LINE = 2.4477, 1.96
_RC_M = {  # containment radius by NIC; NIC 6 is told apart by its supplements
    11: 7.5, 10: 25.0, 9: 75.0, 8: 0.1 * NAUTICAL_MILE_M, 7: 0.2 * NAUTICAL_MILE_M, 6: 0.5 * NAUTICAL_MILE_M,
    5: 1 * NAUTICAL_MILE_M, 4: 2 * NAUTICAL_MILE_M, 3: 4 * NAUTICAL_MILE_M, 2: 8 * NAUTICAL_MILE_M,
    1: 20 * NAUTICAL_MILE_M,
}  # fmt: skip
_VPL_M = {11: 11.0, 10: 37.5, 9: 112.0}  # vertical protection limit, Doc 9871 table B.2.3.10.6
_EPU_M = {  # by NACp
    11: 3.0, 10: 10.0, 9: 30.0, 8: 0.05 * NAUTICAL_MILE_M, 7: 0.1 * NAUTICAL_MILE_M, 6: 0.3 * NAUTICAL_MILE_M,
    5: 0.5 * NAUTICAL_MILE_M, 4: 1 * NAUTICAL_MILE_M, 3: 2 * NAUTICAL_MILE_M, 2: 4 * NAUTICAL_MILE_M,
    1: 10 * NAUTICAL_MILE_M,
}  # fmt: skip
_VERTICAL_95_M = {11: 4.0, 10: 15.0, 9: 45.0}  # by NACp, versions 0 and 1; later by GVA
_GVA_95_M = {2: 45.0, 1: 150.0}
_VELOCITY_95_MPS = {4: 0.3, 3: 1.0, 2: 3.0, 1: 10.0}  # by NACv; version 0 calls it NUCr
_NIC_PLAIN = {5: 11, 6: 10, 9: 11, 10: 10, 12: 7, 14: 5, 15: 4, 17: 1, 20: 11, 21: 10}  # the same in versions 1 and 2
_NIC_0 = {5: 11, 6: 10, 7: 8, 9: 11, 10: 10, 11: 8, 12: 7, 13: 6, 14: 5, 15: 4, 16: 1, 17: 1, 20: 11, 21: 10}
_RC_0_M = {16: 10 * NAUTICAL_MILE_M}  # of version 0 where it is not that of its NIC
_EPU_0_M = {  # by type code: half the containment radius above 0.1 NM
    5: 3.0, 6: 10.0, 7: 0.05 * NAUTICAL_MILE_M, 9: 3.0, 10: 10.0, 11: 0.05 * NAUTICAL_MILE_M,
    12: 0.1 * NAUTICAL_MILE_M, 13: 0.25 * NAUTICAL_MILE_M, 14: 0.5 * NAUTICAL_MILE_M, 15: 1 * NAUTICAL_MILE_M,
    16: 5 * NAUTICAL_MILE_M, 17: 10 * NAUTICAL_MILE_M, 20: 3.0, 21: 10.0,
}  # fmt: skip
_SIL_0 = 2  # what version 0 is taken for where it tells a containment radius at all

_FLOOR_M = 15.0  # CPR rounding, antenna offset, and up to a tenth of a second of uncompensated delay
_HEIGHT_FLOOR_M = 10.0  # 25 ft steps, antenna offset
UNKNOWN_M = 1000.0
UNKNOWN_VELOCITY_MPS = 5.0  # 1 sigma of a velocity whose accuracy is not told: NACv 1 and a little
POOR_NIC, POOR_NACP = 3, 4  # below what separates aircraft by 5 NM without radar: NIC 4, NACp 5, SIL 2 (ED-126, DO-303)


@dataclass(frozen=True, slots=True)
class Codes:
    """What one message says, or one aircraft last said, of itself; None: nothing."""

    version: int | None = None
    nac_p: int | None = None
    nac_v: int | None = None
    sil: int | None = None
    sda: int | None = None
    gva: int | None = None
    supplement_a: bool | None = None
    supplement_c: bool | None = None

    def updated(self, newer: Codes) -> Codes:
        """With what the newer says; what it leaves open stays."""
        return replace(self, **{name: told for name in self.__slots__ if (told := getattr(newer, name)) is not None})


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one position; None: unknown, which is never good."""

    nic: int
    rc_m: float | None  # containment radius, exceeded with the probability of `sil`
    vpl_m: float | None
    epu_m: float | None  # 95 %
    sil: int
    sigma_m: float  # standard deviation of each horizontal axis
    flags: tuple[str, ...]


def quality(codes: Codes, typecode: int, *, supplement_b: bool = False) -> Quality:
    """Of a position of that type code, whose own message carried supplement B."""
    nic, rc_m = nic_and_rc(codes, typecode, supplement_b=supplement_b)
    if codes.version:
        epu_m, sil = _EPU_M.get(codes.nac_p or 0), codes.sil or 0
    else:
        epu_m, sil = _EPU_0_M.get(typecode), _SIL_0 if rc_m is not None else 0
    poor = (("nic", nic <= POOR_NIC), ("nacp", epu_m is None or epu_m >= _EPU_M[POOR_NACP]), ("sil", sil == 0))
    return Quality(
        nic=nic,
        rc_m=rc_m,
        vpl_m=_VPL_M.get(nic),
        epu_m=epu_m,
        sil=sil,
        sigma_m=UNKNOWN_M if epu_m is None else max(_FLOOR_M, epu_m / _SIGMAS_95_CIRCLE),
        flags=tuple(name for name, is_poor in poor if is_poor),
    )


def nic_and_rc(codes: Codes, typecode: int, *, supplement_b: bool) -> tuple[int, float | None]:
    """NIC and its containment radius; supplements that contradict each other mean the larger one."""
    a, b, c = bool(codes.supplement_a), supplement_b, bool(codes.supplement_c)
    if not codes.version:
        nic = _NIC_0.get(typecode, 0)
        return nic, _RC_0_M.get(typecode, _RC_M.get(nic))
    if codes.version == 1:
        b = a  # one supplement, which says what two say later
        c = False
    match typecode:
        case 7:
            nic = 9 if a and not c else 8
        case 8 if codes.version >= 2 and (a or c):
            if a and c:
                return 7, _RC_M[7]
            return 6, (0.3 if a else 0.6) * NAUTICAL_MILE_M
        case 11:
            nic = 9 if a and b else 8
        case 13:
            return 6, (0.6 if a else 0.3 if b else 0.5) * NAUTICAL_MILE_M
        case 16:
            nic = 3 if a and b else 2
        case _:
            nic = _NIC_PLAIN.get(typecode, 0)
    return nic, _RC_M.get(nic)


def height_sigma_m(codes: Codes, typecode: int | None = None) -> float | None:
    """Standard deviation of its GNSS height; None where it tells none."""
    if (codes.version or 0) >= 2:
        vertical_m = _GVA_95_M.get(codes.gva or 0)
    elif codes.version == 1:
        vertical_m = _VERTICAL_95_M.get(codes.nac_p or 0)
    else:
        vertical_m = _VERTICAL_95_M.get({20: 11, 21: 10}.get(typecode or 0, 0))
    return None if vertical_m is None else max(_HEIGHT_FLOOR_M, vertical_m / _SIGMAS_95_LINE)


def velocity_sigma_mps(nac_v: int | None) -> float:
    """Standard deviation of each horizontal axis of its velocity; a knot of rounding included."""
    accuracy_mps = _VELOCITY_95_MPS.get(nac_v or 0)
    return UNKNOWN_VELOCITY_MPS if accuracy_mps is None else max(0.5, accuracy_mps / _SIGMAS_95_CIRCLE)
