import numpy as np
import pytest
from typer.testing import CliRunner

from camera.sim.scenario import night
from edge.adsb.cli import radio_app
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources.iq import RecordingRefused
from edge.adsb.sources.rate import recorded_rate_hz


@pytest.fixture(scope="module", params=[2_400_000, 2_000_000])
def recording(request, tmp_path_factory):
    rate_hz = request.param
    path = tmp_path_factory.mktemp("iq") / f"{rate_hz}.cu8"
    path.write_bytes(SkySignal(night(1), rate_hz=rate_hz).block(60 * rate_hz, rate_hz * 6 // 10).tobytes())
    return path, rate_hz


def test_the_rate_of_a_recording_is_told_by_its_messages(recording):
    path, rate_hz = recording
    assert recorded_rate_hz(path) == rate_hz
    assert recorded_rate_hz(path, rate_hz) == rate_hz


def test_a_rate_declared_wrong_is_refused_by_name(recording):
    path, rate_hz = recording
    with pytest.raises(RecordingRefused, match=rf"{path.name}: declared as \d+ .* only at {rate_hz} "):
        recorded_rate_hz(path, 4_400_000 - rate_hz)


def test_radio_decode_needs_no_rate_and_refuses_a_wrong_one(recording):
    path, rate_hz = recording
    found = CliRunner().invoke(radio_app, ["decode", str(path)])
    assert found.exit_code == 0
    lines = found.stdout.split()
    assert len(lines) > 10
    assert all(len(line) in (14, 28) and set(line) <= set("0123456789abcdef") for line in lines)
    wrong = CliRunner().invoke(radio_app, ["decode", str(path), "--rate", str(4_400_000 - rate_hz)])
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "declared as" in wrong.stderr


def test_noise_alone_tells_no_rate_and_asks_for_it(tmp_path):
    path = tmp_path / "noise.cu8"
    path.write_bytes(np.random.default_rng(1).normal(127.5, 5, 2_000_000).astype(np.uint8).tobytes())
    assert recorded_rate_hz(path, 2_000_000) == 2_000_000
    with pytest.raises(RecordingRefused, match=r"noise\.cu8: too few messages .*--rate"):
        recorded_rate_hz(path)
