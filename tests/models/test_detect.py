"""From a frame to its trails with the shipped network: simulated nights, every size, real pictures."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import models.detect
from camera.background import background
from camera.device import Frame
from camera.files import list_frames, read_frame
from camera.sim.scenario import night
from models.contract import CLASSES
from models.detect import Detector
from models.engine_onnx import OnnxEngine
from models.rendered import render
from models.score import score_image
from models.zoo import zoo_path


@pytest.fixture(scope="module")
def detector():
    with OnnxEngine(zoo_path(), threads=1) as engine:
        yield Detector(engine)


@pytest.fixture(scope="module")
def rendered():
    return next(render(night(4), [70.0]))


def frame_of(pixels: np.ndarray, mosaic: str) -> Frame:
    return Frame(1, 0, 0.0, 2.0, 0, 1.0, (0, 0), mosaic, 65535, 0.0, 0.0, pixels)


def test_a_simulated_night_shows_its_bright_trails_and_no_others(detector: Detector, rendered):
    detection = detector.detect(rendered.frame)
    bright = [t.polyline_px for t in rendered.truth if t.line_snr > 8 and len(t.polyline_px) >= 3]
    every = [t.polyline_px for t in rendered.truth]
    found = score_image(bright, [t.polyline_px for t in detection.trails], rendered.frame.width).found
    false = score_image(every, [t.polyline_px for t in detection.trails], rendered.frame.width).false
    assert len(bright) >= 2
    assert all(found)
    assert sum(false) <= 1  # two stars side by side


def test_a_background_of_before_may_be_given_and_is_then_not_made_again(detector: Detector, rendered):
    detection = detector.detect(rendered.frame, background(rendered.frame))
    assert detection.timings.background_ms < 1.0
    assert len(detection.trails) == len(detector.detect(rendered.frame).trails)


def test_bands_of_a_large_picture_see_what_the_whole_picture_shows(
    detector: Detector, rendered, monkeypatch: pytest.MonkeyPatch
):
    whole = detector.detect(rendered.frame).trails
    monkeypatch.setattr(models.detect, "BAND_PIXELS", 600_000)
    banded = detector.detect(rendered.frame).trails
    lines = [t.polyline_px for t in whole]
    result = score_image(lines, [t.polyline_px for t in banded], rendered.frame.width)
    assert all(result.found)
    assert not any(result.false)


@pytest.mark.parametrize(
    ("shape", "mosaic"),
    [
        ((64, 64), "RGGB"), ((64, 64), "mono"), ((64, 64, 3), "rgb"), ((2, 2), "RGGB"), ((1, 1), "mono"),
        ((7, 300), "mono"), ((65, 67), "RGGB"), ((301, 3, 3), "rgb"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["black", "white", "noise"])
def test_any_size_and_any_emptiness_gives_an_answer(detector: Detector, shape: tuple[int, ...], mosaic: str, kind: str):
    rng = np.random.default_rng(1)
    pixels = {"black": np.zeros(shape), "white": np.full(shape, 65535), "noise": rng.normal(1000, 30, shape)}[kind]
    detection = detector.detect(frame_of(pixels.astype(np.uint16), mosaic))
    for trail in detection.trails:
        assert np.isfinite(trail.polyline_px).all()


def test_a_line_in_a_mosaic_is_reported_where_it_is_stored(detector: Detector):
    rng = np.random.default_rng(2)
    pixels = rng.normal(1000, 30, (512, 512))
    for x in range(100, 400):
        pixels[300 + (x - 100) // 5, x] += 1500
        pixels[301 + (x - 100) // 5, x] += 1500
    (trail,) = detector.detect(frame_of(pixels.astype(np.uint16), "RGGB")).trails
    x, y = trail.polyline_px.T
    assert y == pytest.approx(300.5 + (x - 100) / 5, abs=1.5)
    assert x.min() == pytest.approx(100, abs=8)
    assert x.max() == pytest.approx(399, abs=8)


@pytest.mark.realdata
def test_real_pictures_of_every_kind_give_trails_inside_the_picture(detector: Detector, real_data: Path):
    labels = json.loads((real_data / "sky" / "labels.json").read_text())
    skies = [real_data / "sky" / entry["file"] for entry in labels["images"]]
    small = [file for file in skies if file.stat().st_size < 1_500_000][::4]
    for file in [*small, *list_frames([real_data / "streaks512"])[::70]]:
        frame = read_frame(file)
        for trail in detector.detect(frame).trails:
            assert (trail.polyline_px > -8).all()
            assert (trail.polyline_px < (frame.width + 8, frame.height + 8)).all()


@pytest.mark.slow
def test_a_large_photograph_goes_through_in_bounded_memory(detector: Detector):
    pixels = np.random.default_rng(0).normal(90, 4, (3456, 5184, 3)).clip(0, 255).astype(np.uint8)
    frame = replace(frame_of(pixels, "rgb"), white_adu=255)
    assert detector.detect(frame).trails == []


class Drawn:
    """Answers "aircraft" on the pixels it was given, whatever it is shown."""

    precision = "float32"

    def __init__(self, marked: np.ndarray, of_trail: float = 12.0) -> None:
        self._marked, self._of_trail = marked, of_trail

    def infer(self, planes: np.ndarray) -> np.ndarray:
        logits = np.zeros((1, len(CLASSES), *planes.shape[2:]), np.float32)
        height, width = self._marked.shape
        logits[0, 0] = 6.0
        logits[0, 1, :height, :width] = np.where(self._marked > 0, self._of_trail, 0.0)
        return logits


def test_the_rim_of_the_lens_is_no_trail_and_one_that_leaves_it_is():
    side, middle, radius = 600, (300, 300), 280
    circle = cv2.circle(np.zeros((side, side), np.uint8), middle, radius, 1, -1)
    sky = np.random.default_rng(1).normal(1000, 30, (side, side)) * circle + 20
    rim, leaving = np.zeros((2, side, side), np.uint8)
    cv2.ellipse(rim, middle, (radius - 1, radius - 1), 0, 20, 60, 1, 3)
    cv2.line(leaving, (300, 25), (320, 200), 1, 3)
    frame = frame_of(sky.astype(np.uint16), "mono")
    assert background(frame).outside.any()
    assert Detector(Drawn(rim)).detect(frame).trails == []
    assert len(Detector(Drawn(leaving)).detect(frame).trails) == 1


def test_what_rounding_may_take_from_a_score_is_given_back_to_a_network_of_bytes():
    drawn = np.zeros((256, 256), np.uint8)
    cv2.line(drawn, (40, 60), (200, 170), 1, 3)
    frame, network = frame_of(np.full((256, 256), 900, np.uint16), "mono"), Drawn(drawn, of_trail=7.5)
    (exact,) = Detector(network, 0.1).detect(frame).trails
    network.precision = "int8-u8"
    (rounded,) = Detector(network, 0.1).detect(frame).trails
    log_odds = [np.log(trail.score / (1 - trail.score)) for trail in (exact, rounded)]
    assert log_odds[1] - log_odds[0] == pytest.approx(models.detect.ROUNDING_LOG_ODDS)
