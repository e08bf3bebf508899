"""Codes -> metres, against the tables as published and against those that pyModeS carries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyModeS import _uncertainty as oracle

from edge.adsb.quality import UNKNOWN_M, Codes, height_sigma_m, nic_and_rc, quality, velocity_sigma_mps

NM = 1852.0
# ICAO Doc 9871, table C-2 (version 2): type code, supplements A, B, C: NIC, containment radius in metres.
VERSION_2 = [
    (5, 0, 0, 0, 11, 7.5), (6, 0, 0, 0, 10, 25.0), (7, 1, 0, 0, 9, 75.0), (7, 0, 0, 0, 8, 0.1 * NM),
    (8, 1, 0, 1, 7, 0.2 * NM), (8, 1, 0, 0, 6, 0.3 * NM), (8, 0, 0, 1, 6, 0.6 * NM), (8, 0, 0, 0, 0, None),
    (9, 0, 0, 0, 11, 7.5), (10, 0, 0, 0, 10, 25.0), (11, 1, 1, 0, 9, 75.0), (11, 0, 0, 0, 8, 0.1 * NM),
    (12, 0, 0, 0, 7, 0.2 * NM), (13, 0, 1, 0, 6, 0.3 * NM), (13, 0, 0, 0, 6, 0.5 * NM), (13, 1, 1, 0, 6, 0.6 * NM),
    (14, 0, 0, 0, 5, NM), (15, 0, 0, 0, 4, 2 * NM), (16, 1, 1, 0, 3, 4 * NM), (16, 0, 0, 0, 2, 8 * NM),
    (17, 0, 0, 0, 1, 20 * NM), (18, 0, 0, 0, 0, None), (20, 0, 0, 0, 11, 7.5), (21, 0, 0, 0, 10, 25.0),
    (22, 0, 0, 0, 0, None), (0, 0, 0, 0, 0, None),
]  # fmt: skip
# The same, table of B.2.3.10.6 (version 1): type code, its one supplement.
VERSION_1 = [
    (5, 0, 11, 7.5), (6, 0, 10, 25.0), (7, 1, 9, 75.0), (7, 0, 8, 0.1 * NM), (8, 0, 0, None), (9, 0, 11, 7.5),
    (10, 0, 10, 25.0), (11, 1, 9, 75.0), (11, 0, 8, 0.1 * NM), (12, 0, 7, 0.2 * NM), (13, 1, 6, 0.6 * NM),
    (13, 0, 6, 0.5 * NM), (14, 0, 5, NM), (15, 0, 4, 2 * NM), (16, 1, 3, 4 * NM), (16, 0, 2, 8 * NM),
    (17, 0, 1, 20 * NM), (18, 0, 0, None), (20, 0, 11, 7.5), (21, 0, 10, 25.0), (22, 0, 0, None),
]  # fmt: skip


@pytest.mark.parametrize(("typecode", "a", "b", "c", "nic", "rc_m"), VERSION_2)
def test_version_2_is_as_published(typecode, a, b, c, nic, rc_m):
    codes = Codes(version=2, supplement_a=bool(a), supplement_c=bool(c))
    assert nic_and_rc(codes, typecode, supplement_b=bool(b)) == (nic, pytest.approx(rc_m) if rc_m else None)


@pytest.mark.parametrize(("typecode", "supplement", "nic", "rc_m"), VERSION_1)
@pytest.mark.parametrize("b", [False, True])  # in version 1 that bit says something else
def test_version_1_is_as_published(typecode, supplement, nic, rc_m, b):
    got = nic_and_rc(Codes(version=1, supplement_a=bool(supplement)), typecode, supplement_b=b)
    assert got == (nic, pytest.approx(rc_m) if rc_m else None)


@pytest.mark.parametrize("version", [None, 0])
def test_version_0_and_who_has_not_told_are_read_by_type_code_as_pymodes_has_it(version):
    for typecode, nuc_p in oracle.TC_NUCp_lookup.items():
        said = quality(Codes(version=version), typecode)
        theirs = oracle.NUCp[nuc_p]
        if typecode == 8:  # "0.1 NM or worse": no bound at all, where pyModeS has that of the airborne code
            assert (said.rc_m, said.epu_m, said.sil) == (None, None, 0)
            continue
        assert said.rc_m == (theirs["HPL"] and pytest.approx(theirs["HPL"], rel=0.01))
        assert said.epu_m == (theirs["RCu"] and pytest.approx(theirs["RCu"], rel=0.01))
        assert said.sil == (2 if theirs["HPL"] else 0)


def test_versions_1_and_2_give_the_nic_that_pymodes_has():
    for version, table in ((1, oracle.TC_NICv1_lookup), (2, oracle.TC_NICv2_lookup)):
        for typecode, entry in table.items():
            if (version, typecode) == (1, 7):
                continue  # NIC 9 whatever the supplement, where Doc 9871 has 8 without it
            for supplement, nic in entry.items() if isinstance(entry, dict) else [(0, entry)]:
                first, second = (bool(supplement), False) if version == 1 else (supplement & 2, supplement & 1)
                codes = Codes(version=version, supplement_a=bool(first), supplement_c=bool(second) and typecode <= 8)
                assert nic_and_rc(codes, typecode, supplement_b=bool(second))[0] == nic, (version, typecode, supplement)


def test_accuracies_are_those_of_pymodes():
    for nac_p, entry in oracle.NACp.items():
        epu_m = quality(Codes(version=2, nac_p=nac_p), 11).epu_m
        assert epu_m == (entry["EPU"] and pytest.approx(entry["EPU"], rel=0.01))
    for nac_v, of_velocity in oracle.NACv.items():
        if of_velocity["HFOMr"]:
            assert velocity_sigma_mps(nac_v) == pytest.approx(max(0.5, of_velocity["HFOMr"] / 2.4477), rel=0.01)
    assert velocity_sigma_mps(None) == velocity_sigma_mps(0) == velocity_sigma_mps(7) > velocity_sigma_mps(1)


def test_height_accuracy_is_gva_in_version_2_nacp_in_1_and_the_type_code_before():
    assert height_sigma_m(Codes(version=2, gva=2)) == pytest.approx(45 / 1.96)
    assert height_sigma_m(Codes(version=2, gva=1, nac_p=11)) == pytest.approx(150 / 1.96)
    assert height_sigma_m(Codes(version=2, gva=0)) is None
    assert height_sigma_m(Codes(version=1, nac_p=9, gva=2)) == pytest.approx(45 / 1.96)
    assert height_sigma_m(Codes(version=1, nac_p=8)) is None
    assert height_sigma_m(Codes(), 21) == 10.0
    assert height_sigma_m(Codes(), 11) is None


@pytest.mark.parametrize(
    ("codes", "typecode", "flags"),
    [
        (Codes(version=2, nac_p=9, sil=3), 11, ()),
        (Codes(version=2, nac_p=9, sil=0), 11, ("sil",)),
        (Codes(version=2, nac_p=9), 11, ("sil",)),
        (Codes(version=2, nac_p=0, sil=3), 11, ("nacp",)),
        (Codes(version=2, sil=3), 11, ("nacp",)),
        (Codes(version=2, nac_p=4, sil=3), 15, ("nacp",)),
        (Codes(version=2, nac_p=5, sil=3), 16, ("nic",)),
        (Codes(version=2, nac_p=9, sil=3), 18, ("nic",)),
        (Codes(), 11, ()),
        (Codes(), 18, ("nic", "nacp", "sil")),
    ],
)
def test_what_would_not_separate_aircraft_without_radar_is_flagged(codes, typecode, flags):
    assert quality(codes, typecode).flags == flags


@settings(deadline=None)
@given(
    st.builds(
        Codes,
        version=st.none() | st.integers(0, 3),
        nac_p=st.none() | st.integers(0, 15),
        sil=st.none() | st.integers(0, 3),
        supplement_a=st.booleans(),
        supplement_c=st.booleans(),
    ),
    st.integers(0, 31),
    st.booleans(),
)
def test_whatever_is_told_the_doubt_is_a_number_and_what_is_unknown_is_never_good(codes, typecode, b):
    said = quality(codes, typecode, supplement_b=b)
    assert 15.0 <= said.sigma_m <= 18520
    assert (said.rc_m is None) == (said.nic == 0)
    assert said.rc_m is not None or "nic" in said.flags
    assert said.epu_m is not None or ("nacp" in said.flags and said.sigma_m == UNKNOWN_M)
