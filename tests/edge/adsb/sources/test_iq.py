import os

import numpy as np
import pytest

from edge.adsb.signal.resample import Resampler
from edge.adsb.sources.cu8 import recording_kind
from edge.adsb.sources.iq import RecordingRefused, SampleClock


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\x1a", "one byte"),
        (bytes([125, 130, 130, 125] * 250 + [127]), "odd length"),
        (b"odd, no radio " * 201 + b"!", "neither"),
        (bytes(2000), "neither"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_by_name(tmp_path, data, word):
    path = tmp_path / "wrong.bin"
    path.write_bytes(data)
    with pytest.raises(RecordingRefused, match=rf"wrong\.bin: .*{word}"):
        recording_kind(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(RecordingRefused, match="absent"):
        recording_kind(tmp_path / "absent")


def test_a_pipe_is_refused_before_it_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingRefused, match=r"pipe: is not a file"):
        recording_kind(tmp_path / "pipe")


def test_late_arrivals_do_not_make_samples_late():
    times = SampleClock(1000.0, sky_rate=10.0)
    for second, delay_s in enumerate((0.3, 0.0, 0.5)):
        mono_s = 100.0 + second + delay_s
        times.arrived(1000.0 * second, mono_s, round(mono_s * 10e9))
    assert times.at(2500.0) == (pytest.approx(102.5), pytest.approx(1025_000_000_000))


def test_resampling_keeps_a_tone_whatever_the_blocks():
    t = np.arange(20_000) / 2e6
    iq = np.stack((np.cos(2 * np.pi * 3e5 * t), np.sin(2 * np.pi * 3e5 * t)), axis=1) * 100 + 127.5
    data = np.rint(iq).astype(np.uint8).reshape(-1)
    resampler = Resampler()
    out = np.concatenate([resampler.feed(data[i : i + 2 * 777]) for i in range(0, len(data), 2 * 777)]) - 127.5
    expected = 100 * np.exp(2j * np.pi * 3e5 * np.arange(len(out)) / 2.4e6)
    assert len(out) > 23_950
    assert np.abs(out[20:, 0] + 1j * out[20:, 1] - expected[20:]).max() < 2.0
