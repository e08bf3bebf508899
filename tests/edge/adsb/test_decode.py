import pytest

from edge.adsb.decode import decode
from edge.adsb.frames import ModeSFrame
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


def test_gnss_height_is_kept_apart_from_barometric_altitude():
    payload = (20 << 51 | 1000 << 36 | 1 << 34 | 5 << 17 | 7).to_bytes(7, "big")  # type code 20, 1000 m, odd
    said = report(encode.squitter(ICAO, payload))
    assert said.altitude_baro_m is None
    assert said.height_m == pytest.approx(1000.0, abs=0.4)


def test_a_squitter_with_broken_parity_says_nothing():
    data = bytearray(encode.identification(ICAO, "SIM1"))
    data[6] ^= 4
    assert report(bytes(data)) is None


def test_addresses_of_different_kinds_have_different_keys():
    body = encode.identification(ICAO, "SIM1")[1:11]
    keys = [report(with_parity(bytes([18 << 3 | control]) + body)) for control in range(7)]
    assert [said and said.key.split(":")[0] for said in keys] == [
        "icao", "anon", "tisb", "tisb", None, "tisb-anon", "adsr",
    ]  # fmt: skip


def test_names_are_trimmed_and_categories_spelled():
    said = report(encode.identification(ICAO, "SIM1"))
    assert (said.callsign, said.category) == ("SIM1", "A3")
