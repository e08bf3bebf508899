import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camera.sim.scenario import night
from edge.adsb.sim.signal import SkySignal

RATE = 2_400_000
NIGHT = night(1)


@pytest.fixture(scope="module")
def signal():
    return SkySignal(NIGHT)


def test_any_cut_of_the_signal_is_the_same_signal(signal):
    first = 61 * RATE + 17
    whole = signal.block(first, 100_000)
    parts = [signal.block(first, 33_333), signal.block(first + 33_333, 1), signal.block(first + 33_334, 66_666)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_one_seed_gives_one_signal_and_another_another(signal):
    assert np.array_equal(SkySignal(night(1)).block(0, 5000), signal.block(0, 5000))
    assert not np.array_equal(SkySignal(replace(NIGHT, seed=2)).block(0, 5000), signal.block(0, 5000))


def test_aircraft_without_transponder_are_silent_and_all_others_speak(signal):
    sent = signal.transmissions(60.0, 63.0)
    assert {item.icao for item in sent} == {plane.icao for plane in NIGHT.aircraft if plane.transponder}
    assert [item.t_s for item in sent] == sorted(item.t_s for item in sent)


def test_messages_neither_double_nor_vanish_at_the_borders_of_blocks(signal):
    whole = signal.transmissions(60.0, 62.0)
    assert whole == signal.transmissions(60.0, 60.7) + signal.transmissions(60.7, 62.0)


def test_the_noise_floor_is_the_one_asked_for():
    quiet = SkySignal(replace(NIGHT, aircraft=()), clutter_hz=0.0, noise_counts=4.0).block(0, 200_000)
    assert quiet.astype(float).std() == pytest.approx(4.0, rel=0.02)


@pytest.mark.skipif(shutil.which("dump1090-mutability") is None, reason="dump1090-mutability is not installed")
def test_another_decoder_hears_nearly_every_message_and_nothing_else(signal, tmp_path: Path):
    recording = tmp_path / "sim.cu8"
    recording.write_bytes(signal.block(60 * RATE, 3 * RATE).tobytes())
    done = subprocess.run(
        ["dump1090-mutability", "--ifile", os.fspath(recording), "--raw", "--no-fix"],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    heard = {line.strip("*;\n") for line in done.stdout.splitlines() if line.startswith("*")}
    sent = {item.frame.hex() for item in signal.transmissions(60.0, 63.0)}
    assert heard <= sent
    assert len(heard) > 0.95 * len(sent)
