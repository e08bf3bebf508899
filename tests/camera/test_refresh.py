"""A map of the sky serves some seconds, and no longer than the sky stays as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from camera.background import background
from camera.device import Frame
from camera.refresh import EVERY_S, SkyKeeper

SIDE = 1200
BEGIN_UTC_NS = 1_781_473_500_000_000_000


def frame_at(
    t_s: float, *, change: float = 0.0, where=np.s_[:], mosaic: str = "RGGB", seed: int | None = None
) -> Frame:
    rng = np.random.default_rng(int(t_s) if seed is None else seed)
    shape = (SIDE, SIDE, 3) if mosaic == "rgb" else (SIDE, SIDE)
    sky = rng.normal(2200, 20, shape) + np.linspace(0, 300, SIDE)[:, None].reshape(SIDE, *[1] * (len(shape) - 1))
    sky[where] += change
    return Frame(
        int(t_s), BEGIN_UTC_NS + round(t_s * 1e9), t_s, 2.0, 120, 0.25, (0, 0), mosaic, 65532, 0.0, 0.0,  # type: ignore[arg-type]
        sky.astype(np.uint16), "abc",
    )  # fmt: skip


def test_a_steady_sky_is_mapped_once_in_a_while() -> None:
    keeper = SkyKeeper()
    for t in range(0, 24, 2):
        keeper.sky_of(frame_at(float(t)))
    assert (keeper.made, keeper.kept) == (4, 8)


def kept(first: Frame, then: Frame) -> bool:
    keeper = SkyKeeper()
    keeper.sky_of(first)
    keeper.sky_of(then)
    return keeper.kept == 1


@pytest.mark.parametrize("mosaic", ["RGGB", "rgb", "mono"])
def test_noise_alone_moves_nothing_and_a_cloud_at_one_side_does(mosaic: str) -> None:
    first = frame_at(0.0, mosaic=mosaic)
    assert kept(first, frame_at(2.0, mosaic=mosaic))
    side = np.s_[: SIDE // 4, : SIDE // 4]
    assert not kept(first, frame_at(2.0, change=30.0, where=side, mosaic=mosaic))


def test_a_trail_does_not_count_as_sky() -> None:
    assert kept(frame_at(0.0), frame_at(2.0, change=5000.0, where=np.s_[600:604, :]))


def test_whatever_changes_the_picture_as_a_whole_asks_for_a_new_map() -> None:
    first = frame_at(0.0)
    for other in (
        replace(frame_at(2.0), exposure_s=1.0),
        replace(frame_at(2.0), gain_setting=60),
        replace(frame_at(2.0), camera_serial="other"),
        replace(frame_at(2.0), start_utc_ns=0),
        replace(frame_at(2.0), start_utc_ns=BEGIN_UTC_NS - 10**9),
        frame_at(EVERY_S),
        frame_at(2.0, change=30.0),
        replace(frame_at(2.0), pixels=frame_at(2.0).pixels[:600]),
    ):
        keeper = SkyKeeper()
        keeper.sky_of(first)
        assert keeper.sky_of(other).level_adu.shape == background(other).level_adu.shape
        assert keeper.made == 2


def test_a_small_picture_is_always_mapped() -> None:
    keeper = SkyKeeper()
    tiny = replace(frame_at(0.0), pixels=frame_at(0.0).pixels[:20, :20])
    keeper.sky_of(tiny)
    keeper.sky_of(replace(tiny, start_utc_ns=tiny.start_utc_ns + 1))
    assert keeper.made == 2
