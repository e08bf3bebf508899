"""A frozen camera is known; a dark, a bright and a steady one are not taken for frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from camera.device import Frame
from camera.frozen import STUCK_AFTER_S
from camera.frozen import FrozenWatch as Watch


class FrozenWatch(Watch):
    """With the reason alone: what most of these tests ask for."""

    def reason(self, frame: Frame) -> str:
        doubt = self.doubt(frame)
        return doubt.reason if doubt else ""


def frame(pixels: NDArray[Any], mono_s: float = 0.0, celsius: float = -5.0) -> Frame:
    return Frame(1, 0, mono_s, 2.0, 120, 0.25, (0, 0), "RGGB", 65532, celsius, 40.0, pixels)


def noise(seed: int) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(400, 500, (200, 300), dtype=np.uint16)


def test_the_same_picture_twice_is_frozen_and_a_new_one_is_not():
    watch = FrozenWatch()
    assert watch.reason(frame(noise(1))) == ""
    assert watch.reason(frame(noise(2))) == ""
    assert "the same picture" in watch.reason(frame(noise(2)))
    assert watch.reason(frame(noise(3))) == ""


@pytest.mark.parametrize("half", [slice(None), slice(100, None)])
def test_pixels_that_all_agree_are_no_picture_because_sensors_are_never_still(half: slice):
    pixels = noise(1)
    pixels[half] = 0
    doubt = FrozenWatch().doubt(frame(pixels))
    assert doubt is not None
    assert doubt.kind == "spoilt"
    assert "one value only" in doubt.reason


def test_a_half_written_buffer_is_new_above_old_below_and_spoilt():
    watch = FrozenWatch()
    watch.reason(frame(noise(1)))
    doubt = watch.doubt(frame(np.concatenate((noise(2)[:100], noise(1)[100:]))))
    assert doubt is not None
    assert doubt.kind == "spoilt"
    assert "4 of 8 strips are of an older one" in doubt.reason


def test_full_daylight_white_everywhere_is_not_frozen():
    watch = FrozenWatch()
    assert [watch.reason(frame(np.full((200, 300), 65532, np.uint16))) for _ in range(3)] == ["", "", ""]


def test_a_thermometer_that_stands_still_for_half_an_hour_is_frozen():
    watch = FrozenWatch()
    assert watch.reason(frame(noise(1), 10.0)) == ""
    assert watch.reason(frame(noise(2), 9.0 + STUCK_AFTER_S)) == ""
    assert "exactly -5.0 degC" in watch.reason(frame(noise(3), 10.0 + STUCK_AFTER_S))
    assert watch.reason(frame(noise(4), 20.0 + STUCK_AFTER_S, celsius=-4.9)) == ""


def test_reopening_forgives_the_thermometer_but_not_the_picture():
    watch = FrozenWatch()
    watch.reason(frame(noise(1), 0.0))
    assert watch.reason(frame(noise(2), STUCK_AFTER_S))
    watch.reopened()
    assert "the same picture" in watch.reason(frame(noise(2), STUCK_AFTER_S + 2.0))
    assert watch.reason(frame(noise(3), STUCK_AFTER_S + 4.0)) == ""


def test_a_driver_that_hands_out_its_buffers_in_turn_is_frozen():
    watch = FrozenWatch()
    said = [watch.reason(frame(noise(number % 3))) for number in range(9)]
    assert said[:3] == ["", "", ""]
    assert all("the same picture" in words for words in said[3:])
