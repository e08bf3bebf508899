from dataclasses import replace

import numpy as np
import pytest

from camera.device import Frame
from camera.stack import FRAMES, Stack

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


def test_five_exposures_are_one_of_the_brightest_that_each_pixel_was() -> None:
    stack, frames = Stack(), [exposure(k) for k in range(FRAMES)]
    given = [frame.pixels.copy() for frame in frames]
    *early, made = [stack.add(frame) for frame in frames]
    assert early == [None] * (FRAMES - 1)
    assert made is not None
    assert np.array_equal(made.pixels, np.max(given, axis=0))
    assert all(np.array_equal(frame.pixels, pixels) for frame, pixels in zip(frames, given, strict=True))
    assert not made.pixels.flags.writeable
    assert made.start_utc_ns == frames[0].start_utc_ns
    assert made.exposure_s == pytest.approx(5 * 2.0 + 4 * 0.05)
    assert made.end_mono_s == frames[-1].end_mono_s
    assert [stack.add(exposure(k)) for k in range(FRAMES, 2 * FRAMES - 1)] == [None] * (FRAMES - 1)


@pytest.mark.parametrize(("white_adu", "dtype"), [(255, np.uint8), (4095, np.uint16), (65535, np.uint16)])
def test_every_camera_keeps_its_range(white_adu: int, dtype: type) -> None:
    level = white_adu // 2
    frames = [exposure(k, level=level, white_adu=white_adu) for k in range(FRAMES)]
    frames = [replace(frame, pixels=np.minimum(frame.pixels, white_adu).astype(dtype)) for frame in frames]
    stack = Stack()
    made = [stack.add(frame) for frame in frames][-1]
    assert made is not None
    assert made.pixels.dtype == dtype
    assert made.white_adu == white_adu
    assert made.gain_e_per_adu == frames[0].gain_e_per_adu
    assert np.array_equal(made.pixels, np.max([frame.pixels for frame in frames], axis=0))


@pytest.mark.parametrize("brighter_adu", [0, 90, 2000])  # one exposure in headlights hides nothing in the others
@pytest.mark.parametrize("mosaic", ["RGGB", "rgb", "mono"])
def test_a_moving_light_stands_out_more_than_in_the_sum(brighter_adu: int, mosaic: str) -> None:
    rng = np.random.default_rng(5)
    slope = np.linspace(0.2, 1.0, 300)
    frames = []
    for k in range(FRAMES):
        pixels = rng.normal(400 + brighter_adu * slope * (k == 2), 20, (200, 300))
        pixels[100, 60 * k : 60 * (k + 1)] += 60 * (k != 2)  # three times the noise, a piece of a line in each
        pixels = pixels.astype(np.uint16)
        pixels = np.repeat(pixels[..., None], 3, axis=2) if mosaic == "rgb" else pixels
        frames.append(exposure(k, pixels=pixels, mosaic=mosaic))
    stack = Stack()
    made = [stack.add(frame) for frame in frames][-1]
    assert made is not None

    def contrast(picture: np.ndarray) -> float:
        picture = picture[..., 0] if mosaic == "rgb" else picture
        sky = np.delete(picture, 100, axis=0)
        pieces = [np.s_[5:115], np.s_[185:295]]
        return float(np.mean([(picture[100, x].mean() - sky[:, x].mean()) / sky[:, x].std() for x in pieces]))

    assert contrast(made.pixels) > 1.5 * contrast(np.sum([frame.pixels for frame in frames], axis=0))


def test_a_pixel_saturated_once_stays_saturated() -> None:
    frames = [exposure(k) for k in range(FRAMES)]
    burnt = frames[2].pixels.copy()
    burnt[3, 4] = 65535
    frames[2] = replace(frames[2], pixels=burnt)
    stack = Stack()
    made = [stack.add(frame) for frame in frames][-1]
    assert made is not None
    assert made.pixels[3, 4] == 65535


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
def test_no_stack_reaches_over_a_gap_or_another_setting(changes: dict[str, object]) -> None:
    stack = Stack()
    frames = [*(exposure(k) for k in range(3)), exposure(3, **changes), exposure(4)]
    assert all(stack.add(frame) is None for frame in frames)


def test_frames_without_a_date_are_never_stacked() -> None:
    stack, frames = Stack(), [exposure(k, start_utc_ns=0) for k in range(3 * FRAMES)]
    assert all(stack.add(frame) is None for frame in frames)
