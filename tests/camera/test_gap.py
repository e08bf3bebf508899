"""The gap between exposures is measured on their ends, lost ones included."""

from __future__ import annotations

import numpy as np
import pytest

from camera.device import Frame
from camera.gap import GapMeter

PIXELS = np.zeros((2, 2), np.uint16)


def frame(seq: int, end_mono_s: float, exposure_s: float = 2.0) -> Frame:
    return Frame(seq, 0, end_mono_s, exposure_s, 120, 0.25, (0, 0), "RGGB", 65532, -5.0, 40.0, PIXELS)


def test_a_steady_camera_has_its_readout_as_gap() -> None:
    meter = GapMeter()
    assert (meter.usual_ms, meter.worst_ms) == (None, None)
    for seq in range(5):
        meter.add(frame(seq, seq * 2.06))
    assert meter.usual_ms == pytest.approx(60.0)
    assert meter.worst_ms == pytest.approx(60.0)


def test_lost_frames_are_not_taken_for_a_gap_and_a_delay_is() -> None:
    meter = GapMeter()
    for seq, end_s in ((0, 0.0), (1, 2.06), (4, 4 * 2.06), (5, 5 * 2.06 + 0.5)):
        meter.add(frame(seq, end_s))
    assert meter.usual_ms == pytest.approx(60.0)
    assert meter.worst_ms == pytest.approx(560.0)


def test_neither_reopening_nor_another_exposure_is_a_gap() -> None:
    meter = GapMeter()
    meter.add(frame(0, 0.0))
    meter.reopened()
    meter.add(frame(1, 60.0))
    meter.add(frame(2, 61.0, exposure_s=1.0))
    assert meter.usual_ms is None


def test_a_sky_that_runs_fast_is_measured_on_this_machines_clock() -> None:
    meter = GapMeter(rate=10.0)
    meter.add(frame(0, 0.0))
    meter.add(frame(1, 0.25))
    assert meter.usual_ms == pytest.approx(50.0)
