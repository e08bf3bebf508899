"""Frames for the tests of what is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from camera.device import Frame

START_UTC_NS = 1_781_473_500_250_000_000  # 2026-06-14 21:45:00.25 UTC
NIGHT, STAMP = "2026-06-14", "20260614T214500.250Z"


def frame(seq: int, pixels: np.ndarray[Any, Any] | None = None, **changes: Any) -> Frame:
    """One every two seconds, noise unless told otherwise."""
    if pixels is None:
        pixels = np.random.default_rng(seq).integers(0, 65535, (40, 60), dtype=np.uint16)
    fields: dict[str, Any] = dict(
        seq=seq, start_utc_ns=START_UTC_NS + seq * 2 * 10**9, end_mono_s=2.0 * seq, exposure_s=2.0, gain_setting=120,
        gain_e_per_adu=0.25, origin_px=(700, 4), mosaic="RGGB", white_adu=65532, sensor_celsius=-5.0,
        cooler_percent=40.0, pixels=pixels, camera_serial="51d0c0de00000001",
    )  # fmt: skip
    return Frame(**(fields | changes))


def eventually(true: Callable[[], Any], timeout_s: float = 10.0) -> None:
    give_up_mono_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < give_up_mono_s, "never became true"
        time.sleep(0.02)
