"""Master darks: what they take off, whom they serve, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camera.device import Frame
from camera.frames.dark import Dark, MasterRefused, master_dark
from camera.frames.hot import HotWatch, hot_in_dark, replaced
from camera.frames.masters import Masters, load_dark, save_dark
from camera.sim.sensor import Sensor
from camera.sim.splat import stamps

HEIGHT, WIDTH = 300, 400
SENSOR = Sensor(120, 30, 7)
DATE = "2026-06-14T22:00:00"


def exposed(seed: int, light_e: float | np.ndarray = 0.0) -> Frame:
    dark_e = SENSOR.dark_e_per_s(WIDTH, HEIGHT) * 2.0
    hot = dark_e > 0.1
    dark_e[hot] = 40.0 + 300.0 * (np.arange(hot.sum()) % 5)
    rng = np.random.default_rng(seed)
    pixels = SENSOR.read_out((dark_e + light_e).astype(np.float32), rng)
    return Frame(
        seed, seed * 10**9, 0.0, 2.0, 120, SENSOR.e_per_stored, (8, 4), "RGGB", 65532, -5.0, 40.0, pixels, "abc",
    )  # fmt: skip


@pytest.fixture(scope="module")
def dark() -> Dark:
    return master_dark([exposed(seed) for seed in range(16)], DATE)


def test_a_dark_takes_its_pattern_off_and_leaves_the_level(dark: Dark) -> None:
    raw = exposed(99, 200.0)
    clean = Masters([dark]).apply(raw)
    assert np.median(clean.pixels) == pytest.approx(np.median(raw.pixels), abs=3)
    excess = raw.pixels.astype(float) - np.median(raw.pixels)
    assert (excess > 1000).sum() > 20  # hot photosites
    assert (np.abs(clean.pixels.astype(float) - np.median(clean.pixels)) > 450).sum() == 0
    assert not clean.pixels.flags.writeable
    assert raw.pixels is not clean.pixels


def test_a_cosmic_ray_in_one_dark_leaves_no_trace() -> None:
    frames = [exposed(seed) for seed in range(8)]
    plain = master_dark(frames, DATE)
    struck = frames[3].pixels.copy()
    struck[50:53, 60] += 9000
    frames[3] = replace(frames[3], pixels=struck)
    assert np.abs(master_dark(frames, DATE).pixels.astype(int) - plain.pixels)[50:53, 60].max() < 20


def test_a_dark_is_a_file_that_notices_damage(dark: Dark, tmp_path: Path) -> None:
    file = tmp_path / "abc.dark.fits"
    save_dark(file, dark)
    again = load_dark(file)
    assert (again.pixels == dark.pixels).all()
    assert again.sha256() == dark.sha256()
    assert list(tmp_path.iterdir()) == [file]
    save_dark(tmp_path / "other", replace(dark, gain_setting=200))
    content = (tmp_path / "other").read_bytes()
    file.write_bytes(content.replace(b"GAIN    =                  200", b"GAIN    =                  120"))
    with pytest.raises(MasterRefused, match="does not match its own hash"):
        load_dark(file)
    file.write_bytes(content[:3000])
    with pytest.raises(MasterRefused, match=r"abc\.dark\.fits"):
        load_dark(file)
    with pytest.raises(MasterRefused, match="cannot be read"):
        load_dark(tmp_path / "none.fits")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gain_setting": 60}, "at gain 120, the frame at 60"),
        ({"exposure_s": 1.0}, "exposed for 2 s, the frame for 1 s"),
        ({"sensor_celsius": 4.0}, "at -5.0 degC, the frame at 4.0 degC"),
        ({"sensor_celsius": float("nan")}, "only one of the dark and the frame says how warm"),
        ({"origin_px": (0, 0)}, "region"),
    ],
)
def test_a_dark_of_other_settings_is_left_out_but_its_hot_photosites_are_known(
    dark: Dark, change: dict[str, object], words: str
) -> None:
    frame = replace(exposed(99), **change)
    assert words in dark.unfit(frame)
    out = Masters([dark]).apply(frame)
    if "origin_px" in change:
        assert out.pixels is frame.pixels
    else:
        assert out.pixels.max() < 2400 < frame.pixels.max()


def test_a_dark_of_another_camera_is_refused(dark: Dark) -> None:
    with pytest.raises(MasterRefused, match="camera 'abc', the frame of camera 'xyz'"):
        Masters([dark]).apply(replace(exposed(1), camera_serial="xyz"))
    with pytest.raises(MasterRefused, match="different cameras"):
        Masters([dark, replace(dark, camera_serial="xyz")])


def test_no_dark_is_made_of_few_mixed_or_lit_frames() -> None:
    frames = [exposed(seed) for seed in range(6)]
    with pytest.raises(MasterRefused, match="4 frames"):
        master_dark(frames[:4], DATE)
    with pytest.raises(MasterRefused, match="gain 0 where the first frame has 120"):
        master_dark([*frames, replace(frames[0], gain_setting=0)], DATE)
    with pytest.raises(MasterRefused, match="degC"):
        master_dark([*frames, replace(frames[0], sensor_celsius=3.0)], DATE)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    circle = 30.0 * (np.hypot(x - WIDTH / 2, y - HEIGHT / 2) < 140)
    with pytest.raises(MasterRefused, match="cap on"):
        master_dark([exposed(seed, circle) for seed in range(6)], DATE)


def test_without_darks_a_frame_passes_untouched() -> None:
    frame = exposed(1)
    assert Masters().apply(frame) is frame
    assert Masters().refused(frame) == ""


def test_hot_photosites_are_learned_from_a_turning_sky_and_neither_stars_nor_lamps_are(dark: Dark) -> None:
    watch = HotWatch((HEIGHT, WIDTH))
    lamp = np.array([[222.0, 111.0]])
    for number in range(60):
        light = np.full(HEIGHT * WIDTH, 5.0, np.float32)
        star = np.array([[100.0 + 0.4 * number, 80.0 + 0.2 * number]])  # an hour of a star near the pole
        for place, electrons in ((star, 4000.0), (lamp, 20000.0)):
            where, values = stamps((HEIGHT, WIDTH), place, np.full((1, 3), electrons))
            np.add.at(light, where, values)
        watch.add(exposed(200 + number, light.reshape(HEIGHT, WIDTH)).pixels)
    learned, known = set(watch.hot().tolist()), set(hot_in_dark(dark.pixels).tolist())
    assert len(known) > 20
    assert len(learned & known) > 0.9 * len(known)
    assert not learned - known


def test_without_any_dark_an_hour_of_the_night_finds_what_is_hot() -> None:
    masters = Masters()
    for minute in range(60):
        raw = replace(exposed(300 + minute, 5.0), start_utc_ns=(1 + 60 * minute) * 10**9)
        clean = masters.apply(raw)
        assert (clean is raw) is (minute < 59)
        masters.apply(replace(raw, start_utc_ns=raw.start_utc_ns + 2 * 10**9))  # seconds later: not looked at
    assert clean.pixels.max() < 2400 < raw.pixels.max()


def test_a_hot_photosite_is_filled_from_its_own_colour() -> None:
    mosaic = np.zeros((10, 10), np.uint16)
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = 100, 300
    mosaic[4, 4] = mosaic[0, 0] = mosaic[9, 9] = 9000
    filled = replaced(mosaic, np.array([44, 0, 99]))
    assert (filled[4, 4], filled[0, 0], filled[9, 9]) == (100, 100, 300)
    assert mosaic[4, 4] == 9000
