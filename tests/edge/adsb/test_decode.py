import pytest

from edge.adsb.decode import decode
from edge.adsb.frames import ModeSFrame
from edge.adsb.quality import Codes
from edge.adsb.signal.crc import with_parity
from edge.adsb.sim import encode

ICAO = 0x3409F1


def report(data: bytes):
    return decode(ModeSFrame(data, 0.0, -10.0))


def test_feet_and_knots_end_here():
    assert report(encode.position(ICAO, 40.0, -3.0, 10_000, 0)).altitude_baro_m == pytest.approx(3048.0)
    flight = report(encode.velocity(ICAO, 90.0, 200.0, 5.0, -250))
    assert flight.speed_mps == pytest.approx(200.0, abs=0.5)
    assert flight.track_deg == pytest.approx(90.0, abs=0.1)
    assert flight.vertical_rate_mps == pytest.approx(5.0, abs=0.2)
    assert flight.geo_minus_baro_m == pytest.approx(-76.2)


def me(*fields: tuple[int, int]) -> bytes:
    """A 7-byte ME field of (value, bits), most significant first; the rest is zero."""
    value = bits = 0
    for number, width in fields:
        value, bits = value << width | number, bits + width
    return (value << (56 - bits)).to_bytes(7, "big")


def test_gnss_height_is_kept_apart_from_barometric_altitude_and_read_as_feet_and_as_metres():
    code = encode.altitude_code_12(35_000)
    said = report(encode.squitter(ICAO, me((20, 5), (0, 3), (code, 12), (0, 1), (1, 1), (5, 17), (7, 17))))
    assert said.altitude_baro_m is None
    assert said.height_m == pytest.approx(35_000 * 0.3048)
    assert said.height_if_metres_m == code


def test_the_operational_status_tells_every_code_of_its_version():
    airborne = report(
        encode.squitter(ICAO, me((31, 5), (0, 3), (0, 16), (0x0300, 16), (2, 3), (1, 1), (9, 4), (2, 2), (3, 2)))
    )
    assert airborne.codes == Codes(version=2, supplement_a=True, nac_p=9, gva=2, sil=3, sda=3)
    # On the ground NACv 3 in ME bits 17 to 19 and supplement C in bit 20 of the capability codes, which begin at bit 9.
    ground = report(
        encode.squitter(ICAO, me((31, 5), (1, 3), (3 << 5 | 1 << 4, 16), (0x0200, 16), (2, 3), (0, 1), (8, 4)))
    )
    assert ground.codes == Codes(version=2, supplement_a=False, supplement_c=True, nac_p=8, nac_v=3, sil=0, sda=2)


def test_version_0_and_undefined_versions_and_subtypes_tell_no_codes():
    old = report(encode.squitter(ICAO, me((31, 5), (0, 3), (0, 32), (0, 3), (1, 1), (9, 4), (2, 2), (3, 2))))
    assert old.codes == Codes(version=0)
    for subtype, version in ((2, 2), (0, 4), (0, 7)):
        said = report(encode.squitter(ICAO, me((31, 5), (subtype, 3), (0, 32), (version, 3), (0, 1), (9, 4))))
        assert said.codes is None
    assert report(encode.squitter(ICAO, me((29, 5), (3, 2), (0, 32), (9, 4)))).codes is None


def test_an_emergency_is_heard_with_its_squawk():
    squawk_7600 = int.from_bytes(encode.identity_reply(ICAO, "7600")[2:4], "big") & 0x1FFF
    said = report(encode.squitter(ICAO, me((28, 5), (1, 3), (4, 3), (squawk_7600, 13))))
    assert (said.squawk, said.emergency) == ("7600", "nordo")
    assert report(encode.squitter(ICAO, me((28, 5), (2, 3), (4, 3)))).emergency is None


@pytest.mark.parametrize(("subtype", "knots"), [(1, 99), (2, 396), (3, 99), (4, 396)])
def test_every_kind_of_velocity_is_told_apart_from_the_others(subtype, knots):
    over_ground = (0, 1), (100, 10), (0, 1), (1, 10)
    through_air = (1, 1), (256, 10), (1, 1), (100, 10)
    fields = over_ground if subtype <= 2 else through_air
    said = report(encode.squitter(ICAO, me((19, 5), (subtype, 3), (0, 2), (2, 3), *fields, (0, 1), (1, 1), (11, 9))))
    assert (said.codes, said.vertical_rate_mps) == (Codes(nac_v=2), pytest.approx(-640 * 0.3048 / 60))
    speed_mps = pytest.approx(knots * 1852 / 3600)
    if subtype <= 2:
        assert (said.speed_mps, said.track_deg, said.airspeed_mps) == (speed_mps, 90.0, None)
    else:
        assert (said.airspeed_mps, said.heading_deg, said.speed_mps) == (speed_mps, 90.0, None)


def test_an_aircraft_on_the_ground_tells_speed_track_and_place():
    # Movement 24: 2 kt in the 13th step and 0.5 kt more a step; track 32 of 128.
    said = report(encode.squitter(ICAO, me((7, 5), (24, 7), (1, 1), (32, 7), (0, 1), (1, 1), (5, 17), (7, 17))))
    assert (said.on_ground, said.cpr.surface, said.cpr.odd, said.cpr.y, said.cpr.x) == (True, True, 1, 5, 7)
    assert said.speed_mps == pytest.approx((2 + (24 - 13) * 0.5) * 1852 / 3600)
    assert said.track_deg == 90.0


def test_a_squitter_with_broken_parity_says_nothing():
    data = bytearray(encode.identification(ICAO, "SIM1"))
    data[6] ^= 4
    assert report(bytes(data)) is None


def test_addresses_of_different_kinds_have_different_keys():
    body = encode.identification(ICAO, "SIM1")[1:11]
    keys = [report(with_parity(bytes([18 << 3 | control]) + body)) for control in range(7)]
    assert [said and said.key.split(":")[0] for said in keys] == [
        "icao", "anon", "tisb", None, None, "tisb-anon", "adsr",
    ]  # fmt: skip


def test_names_are_trimmed_and_categories_spelled():
    said = report(encode.identification(ICAO, "SIM1"))
    assert (said.callsign, said.category) == ("SIM1", "A3")
