import pyModeS
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.adsb.sim import encode
from edge.adsb.sim.encode import FOOT_M, KNOT_MPS

ICAO = 0x3409F1


def test_every_message_decodes_in_pymodes_to_what_was_put_in():
    said = pyModeS.decode(encode.position(ICAO, 40.5, -3.1, 35_000, 1).hex(), reference=(40.0, -3.0))
    assert said["crc_valid"]
    assert (said["icao"], said["altitude"], said["cpr_format"]) == ("3409F1", 35_000, 1)
    assert (said["latitude"], said["longitude"]) == pytest.approx((40.5, -3.1), abs=1e-4)
    assert pyModeS.decode(encode.identification(ICAO, "SIM123").hex())["callsign"] == "SIM123"
    status = pyModeS.decode(encode.operational_status(ICAO).hex())
    assert (status["version"], status["nac_p"], status["sil"]) == (2, 9, 3)
    assert pyModeS.decode(encode.all_call(ICAO).hex())["icao"] == "3409F1"


@given(st.floats(0, 359.9), st.floats(10, 450), st.floats(-60, 60), st.integers(-120, 120))
def test_velocity_survives_to_a_knot_and_half_a_step(track, speed, climb, steps):
    said = pyModeS.decode(encode.velocity(ICAO, track, speed, climb, steps * 25).hex())
    assert said["groundspeed"] * KNOT_MPS == pytest.approx(speed, abs=2 * KNOT_MPS)
    assert said["vertical_rate"] * FOOT_M / 60 == pytest.approx(climb, abs=33 * FOOT_M / 60)
    assert said["geo_minus_baro"] == steps * 25


@given(st.integers(0, 0o7777), st.integers(-40, 2000))
def test_replies_carry_squawk_and_altitude_and_the_address_in_their_parity(squawk, steps):
    reply = pyModeS.decode(encode.identity_reply(ICAO, f"{squawk:04o}").hex())
    assert (reply["squawk"], reply["icao"]) == (f"{squawk:04o}", "3409F1")
    assert pyModeS.decode(encode.altitude_reply(ICAO, steps * 25).hex())["altitude"] == steps * 25
