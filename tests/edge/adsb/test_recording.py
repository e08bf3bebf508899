import json

import pytest
from typer.testing import CliRunner

from camera.geodesy import Site
from camera.sim.scenario import night
from edge.adsb.cli import radio_app
from edge.adsb.recording import RecordingSummary, decode_recording
from edge.adsb.sim.signal import SkySignal

BEAST = "modes_logs/beastblackbox/ulss7-beast-bin-utc--1522782148.136310917--.log"


@pytest.mark.realdata
def test_the_real_beast_recording_gives_its_eleven_aircraft(real_data):
    summary = RecordingSummary()
    states = list(decode_recording(real_data / BEAST, summary=summary))
    listed = (real_data / "modes_logs/beastblackbox/ICAOs.txt").read_text().split()
    assert summary.icaos == {
        word for word in listed if len(word) == 6 and word != "Total" and set(word) <= set("0123456789ABCDEF")
    }
    assert summary.aircraft == 11
    assert summary.positions >= 1430  # another decoder: 1456; the same message doubled confirms nothing
    assert states[0][0] == pytest.approx(1_522_782_148_136_000_000, abs=1_000_000)
    assert summary.duration_s == pytest.approx(60.9, abs=0.1)


@pytest.mark.realdata
def test_positions_of_the_real_recording_agree_with_the_other_decoder(real_data):
    places: dict[str, set[tuple[float, float]]] = {}
    for line in (real_data / "modes_logs/beastblackbox/beast_decoded_sbs.txt").read_text().splitlines():
        fields = line.split(",")
        if fields[0] == "MSG" and fields[1] == "3" and fields[14]:
            places.setdefault(fields[4], set()).add((float(fields[14]), float(fields[15])))
    heard = {(s.icao, s.latitude_deg, s.longitude_deg) for _, _, s in decode_recording(real_data / BEAST)}
    heard = {item for item in heard if item[1] is not None}
    near = sum(any(abs(a - la) < 2e-5 and abs(o - lo) < 4e-5 for la, lo in places[icao]) for icao, a, o in heard)
    assert near > 0.99 * len(heard)


@pytest.fixture(scope="module")
def cu8(tmp_path_factory):
    path = tmp_path_factory.mktemp("iq") / "sim.cu8"
    path.write_bytes(SkySignal(night(1)).block(60 * 2_400_000, 2 * 2_400_000).tobytes())
    return path


def test_a_recording_of_the_simulated_sky_is_decoded_to_its_aircraft(cu8):
    summary = RecordingSummary()
    site = Site(40.5247, -3.0883, 980.0)
    assert all(utc_ns is None for utc_ns, _, _ in decode_recording(cu8, site=site, summary=summary))
    assert summary.kind == "iq"
    assert summary.icaos == {plane.icao for plane in night(1).aircraft if plane.transponder}


def test_the_command_prints_messages_lines_or_states(cu8):
    run = CliRunner()
    lines = run.invoke(radio_app, ["decode", str(cu8)]).stdout.splitlines()
    assert all(line == line.lower() and len(bytes.fromhex(line)) in (7, 14) for line in lines)
    lines = run.invoke(radio_app, ["decode", str(cu8), "--format", "sbs"]).stdout.splitlines()
    assert lines
    assert all(len(line.split(",")) == 22 for line in lines)
    done = run.invoke(radio_app, ["decode", str(cu8), "--format", "json"])
    assert json.loads(done.stdout.splitlines()[0])["kind"] == "aircraft"
    assert "aircraft" in done.stderr


def test_nonsense_is_refused_with_one_sentence_and_code_two(tmp_path):
    path = tmp_path / "cut.cu8"
    path.write_bytes(bytes([127, 128, 126, 129] * 500 + [127]))
    done = CliRunner().invoke(radio_app, ["decode", str(path)])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{path}: 2001 bytes is an odd length")
    assert done.stdout == ""
    assert CliRunner().invoke(radio_app, ["decode", str(path), "--rate", "1000000"]).exit_code == 2
