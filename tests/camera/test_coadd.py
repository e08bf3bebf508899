from dataclasses import replace

import numpy as np
import pytest

from camera.coadd import FRAMES, Coadd
from camera.device import Frame

START_NS = 1_780_000_000_000_000_000


def exposure(number: int, *, level: int = 400, gap_s: float = 0.05, **changes: object) -> Frame:
    rng = np.random.default_rng(number)
    pixels = rng.poisson(level, (40, 60)).astype(np.uint16)
    frame = Frame(
        seq=number, start_utc_ns=START_NS + round(number * (2.0 + gap_s) * 1e9), end_mono_s=100.0 + 2.05 * number,
        exposure_s=2.0, gain_setting=120, gain_e_per_adu=0.25, origin_px=(700, 0), mosaic="RGGB", white_adu=65535,
        sensor_celsius=-5.0, cooler_percent=40.0, pixels=pixels, camera_serial="ab",
    )  # fmt: skip
    return replace(frame, **changes)  # type: ignore[arg-type]


def test_five_exposures_are_one_of_their_summed_light() -> None:
    coadd, frames = Coadd(), [exposure(k) for k in range(FRAMES)]
    *early, total = [coadd.add(frame) for frame in frames]
    assert early == [None] * (FRAMES - 1)
    assert total is not None
    assert np.array_equal(total.pixels, sum(frame.pixels for frame in frames))
    assert total.start_utc_ns == frames[0].start_utc_ns
    assert total.exposure_s == pytest.approx(5 * 2.0 + 4 * 0.05)
    assert total.end_mono_s == frames[-1].end_mono_s
    assert [coadd.add(exposure(k)) for k in range(FRAMES, 2 * FRAMES - 1)] == [None] * (FRAMES - 1)


@pytest.mark.parametrize("level", [5_000, 13_000, 30_000])
def test_a_bright_sky_fits_in_coarser_steps_of_the_same_light(level: int) -> None:
    coadd, frames = Coadd(), [exposure(k, level=level) for k in range(FRAMES)]
    total = [coadd.add(frame) for frame in frames][-1]
    assert total is not None
    light_e = sum(frame.pixels.astype(float) * frame.gain_e_per_adu for frame in frames)
    assert np.abs(total.pixels * total.gain_e_per_adu - light_e).max() <= total.gain_e_per_adu
    assert total.pixels.max() < 40_000


@pytest.mark.parametrize(("white_adu", "dtype"), [(255, np.uint8), (4095, np.uint16), (16383, np.uint16)])
def test_a_camera_of_few_bits_is_no_white_picture_in_the_sum(white_adu: int, dtype: type) -> None:
    level = white_adu // 4
    frames = [exposure(k, level=level, white_adu=white_adu) for k in range(FRAMES)]
    frames = [replace(frame, pixels=np.minimum(frame.pixels, white_adu).astype(dtype)) for frame in frames]
    coadd = Coadd()
    total = [coadd.add(frame) for frame in frames][-1]
    assert total is not None
    light_e = sum(frame.pixels.astype(float) * frame.gain_e_per_adu for frame in frames)
    assert np.abs(total.pixels * total.gain_e_per_adu - light_e).max() <= total.gain_e_per_adu
    assert total.white_adu == min(5 * white_adu, 65535)


def test_a_pixel_saturated_once_stays_saturated() -> None:
    frames = [exposure(k) for k in range(FRAMES)]
    burnt = frames[2].pixels.copy()
    burnt[3, 4] = 65535
    frames[2] = replace(frames[2], pixels=burnt)
    coadd = Coadd()
    total = [coadd.add(frame) for frame in frames][-1]
    assert total is not None
    assert total.pixels[3, 4] == 65535


@pytest.mark.parametrize(
    "changes",
    [
        {"start_utc_ns": START_NS + 60_000_000_000},  # a gap
        {"start_utc_ns": START_NS},  # the calendar went back
        {"gain_setting": 90},
        {"exposure_s": 1.0},
        {"origin_px": (702, 0)},
        {"pixels": np.zeros((38, 60), np.uint16)},
    ],
)
def test_no_sum_reaches_over_a_gap_or_another_setting(changes: dict[str, object]) -> None:
    coadd = Coadd()
    for k in range(3):
        assert coadd.add(exposure(k)) is None
    assert coadd.add(exposure(3, **changes)) is None
    assert coadd.add(exposure(4)) is None


def test_frames_without_a_date_are_never_summed() -> None:
    coadd = Coadd()
    assert all(coadd.add(exposure(k, start_utc_ns=0)) is None for k in range(3 * FRAMES))
