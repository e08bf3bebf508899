"""Darks and flat come off before anything is judged; those of another camera are said once and left out."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from camera.background import Background
from camera.device import Frame
from camera.frames.dark import Dark
from camera.frames.flat import Flat, Flattener
from camera.frames.masters import Masters
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from edge.vision.sight import Sight
from models.detect import Detection, Timings

PLATE = simulated_plate(night(1), scale=0.25)
(WIDTH, HEIGHT), ORIGIN = PLATE.region.size_px, PLATE.region.origin_px


class Witness:
    """A detector that remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Frame] = []
        self.maps: list[Background | None] = []

    def detect(self, frame: Frame, sky: Background | None = None) -> Detection:
        self.shown.append(frame)
        self.maps.append(sky)
        return Detection([], Timings(0.0, 0.0, 0.0, 0.0))


def frame_of(seq: int, serial: str = PLATE.camera_serial) -> Frame:
    pixels = np.random.default_rng(seq).normal(2000, 9, (HEIGHT, WIDTH)).astype(np.uint16)
    pixels[100, 100] = 20_000
    return Frame(
        seq, 1_781_473_500_000_000_000 + seq * 2 * 10**9, 0.0, 2.0, 120, 0.25, ORIGIN, "RGGB", 65532, 0.0, 0.0, pixels,
        serial,
    )  # fmt: skip


def dark_of(serial: str) -> Dark:
    pixels = np.full((HEIGHT, WIDTH), 1920, np.uint16)
    pixels[100, 100] = 19_000
    return Dark(pixels, serial, ORIGIN, 120, 2.0, 0.0, 9, "")


def test_the_network_sees_frames_without_dark_and_shading() -> None:
    flat = Flat(camera_serial=PLATE.camera_serial, a=-0.5, b=0, c=0, stars=9, frames=1, rms_mag=0.1, extinction_mag=0.2)
    witness = Witness()
    sight = Sight(
        witness, None, masters=Masters([dark_of(PLATE.camera_serial)]), flattener=Flattener(flat, PLATE)  # type: ignore[arg-type]
    )  # fmt: skip
    judged = sight.judge(frame_of(1))
    assert judged.frame is witness.shown[0]
    assert witness.shown[0].pixels[100, 100] < 2200
    noise = [float(np.std(witness.shown[0].pixels[at])) for at in (np.s_[340:360, 330:350], np.s_[340:360, 20:40])]
    assert noise[1] > 1.4 * noise[0]  # the edge is lifted, its noise with it


def test_darks_of_another_camera_are_told_once_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    witness = Witness()
    sight = Sight(witness, None, masters=Masters([dark_of("other")]))  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        for seq in (1, 2):
            sight.judge(frame_of(seq))
    assert [record.getMessage() for record in caplog.records if "darks refused" in record.getMessage()] == [
        f"darks refused reason=the dark is of camera 'other', the frame of camera {PLATE.camera_serial!r}: "
        "make darks with this one"
    ]
    assert "of camera 'other'" in sight.masters_refused, "published with the health"
    assert witness.shown[0].pixels[100, 100] == 20_000


def test_one_map_serves_three_exposures() -> None:
    witness = Witness()
    sight = Sight(witness, None)  # type: ignore[arg-type]
    for seq in range(1, 7):
        sight.judge(frame_of(seq))
    assert [one is witness.maps[0] for one in witness.maps] == [True] * 3 + [False] * 3
