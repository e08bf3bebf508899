"""Clock quality from the kernel's own structure, and steps of UTC against the monotonic clock."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.runtime.timesync import ClockQuality, StepDetector, clock_quality, parse_timex


def timex(maxerror_us: int, status: int) -> bytes:
    return struct.pack("@I4xqqqqi", 0, 0, 0, maxerror_us, 500, status).ljust(208, b"\0")


def test_what_the_kernel_says_of_its_clock() -> None:
    # Disciplined: TIME_OK 0, status STA_PLL 0x0001 and STA_NANO 0x2000 (timex.h).
    assert parse_timex(0, timex(1240, 0x2001)) == ClockQuality(True, 0.00124)
    # Read on a machine that nobody disciplines: adjtimex -> 5 (TIME_ERROR), status STA_UNSYNC 0x40, maxerror 16 s.
    assert parse_timex(5, timex(16_000_000, 0x40)) == ClockQuality(False, float("inf"))
    assert not parse_timex(0, timex(150_000, 0x2001)).good, "worse than 100 ms"


def test_this_machine_answers() -> None:
    quality = clock_quality()
    assert quality.error_s > 0


@given(
    st.lists(st.floats(0.01, 10), min_size=1, max_size=20),
    st.floats(0.2, 1e6) | st.floats(-1e6, -0.2),
    st.floats(-500e-6, 500e-6),
)
def test_a_step_is_seen_once_and_slewing_is_none(gaps_s: list[float], step_s: float, drift: float) -> None:
    detector = StepDetector()
    utc_s, mono_s = 1.7e9, 1000.0
    for gap_s in gaps_s:
        assert detector.look(round(utc_s * 1e9), mono_s) is None
        utc_s, mono_s = utc_s + gap_s * (1 + drift), mono_s + gap_s
    assert detector.look(round((utc_s + step_s) * 1e9), mono_s) == pytest.approx(step_s, abs=0.01)
    assert detector.look(round((utc_s + step_s) * 1e9), mono_s) is None
    assert detector.steps == 1
