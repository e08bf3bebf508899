"""The annotated sky: placed by the plate, harmless to the light it marks, at home with any image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera.plate import Plate
from edge.lettering import Labels, text_size
from edge.panel import Panel, PanelRow, with_panel
from edge.picture import DrawnPath, DrawnTrail, draw_sky

SIZE = (720, 700)  # height, width of a picture at half scale
ORIGIN = (700, 20)


@pytest.fixture(scope="module")
def plate() -> Plate:
    """A level camera."""
    names = ("rx", "ry", "rz", "p1", "p2", "b1", "b2", "k1", "k2", "k3")
    parameters = dict.fromkeys(names, 0.0) | {"cx": 1400.0, "cy": 740.0, "f": 420.0}
    return Plate.sealed(
        parameters=parameters, flip=-1, r0=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        camera_serial="", region={"origin_px": ORIGIN, "size_px": (2 * SIZE[1], 2 * SIZE[0])}, date="2026-06-14",
        station={"latitude_deg": 40.0, "longitude_deg": -3.0, "height_m": 900.0}, rms_px=0.3, stars=100,
    )  # fmt: skip


def _black(height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def _near(image: np.ndarray, x: float, y: float, reach: int = 1) -> np.ndarray:
    column, row = round(x), round(y)
    return image[row - reach : row + reach + 1, column - reach : column + reach + 1].reshape(-1, 3).max(axis=0)


def test_rings_paths_and_horizon_lie_where_the_plate_says(plate: Plate) -> None:
    azel = np.array([[200.0, 30.0], [310.0, 60.0], [103.0, 0.0]])
    path = np.column_stack((np.linspace(10, 40, 20), np.full(20, 45.0)))
    picture = draw_sky(_black(), plate, scale=0.5, paths=[DrawnPath(path, "radio")])
    for x, y in (plate.azel_to_pixel(azel, ORIGIN) + 0.5) * 0.5 - 0.5:
        assert _near(picture, x, y).max() > 60
    x, y = (plate.azel_to_pixel(path[5:6], ORIGIN)[0] + 0.5) * 0.5 - 0.5
    blue, green, red = _near(picture, x, y)
    assert red > 2 * max(blue, green)


def test_a_tube_leaves_the_light_inside_untouched(plate: Plate) -> None:
    night = _black()
    night[300:303, 200:260] = (200, 220, 255)
    line = np.array([[2 * 200.0, 2 * 301.0], [2 * 260.0, 2 * 301.0]])
    picture = draw_sky(night, None, scale=0.5, trails=[DrawnTrail(line, "aircraft", 0.9)])
    assert np.array_equal(picture[300:303, 205:255], night[300:303, 205:255])
    assert picture[303:312, 230, 1].max() > 100
    assert night[303:312, 230].max() == 0  # the caller's image is not drawn on


def test_a_simulation_is_marked_with_and_without_a_plate(plate: Plate) -> None:
    for known in (plate, None):
        plain, marked = draw_sky(_black(), known), draw_sky(_black(), known, simulated=True)
        assert (plain[:40, :200] != marked[:40, :200]).any()


def test_the_cone_is_tinted_and_blind_sectors_hatched(plate: Plate) -> None:
    beam = np.column_stack((np.linspace(90, 120, 30), np.linspace(40, 60, 30)))
    picture = draw_sky(_black(), plate, scale=0.5, beam_azel_deg=beam, blind=[(330.0, 20.0, 10.0, 50.0)])
    places = np.array([[100.0, 43.0], [250.0, 45.0], [350.0, 35.0]])
    inside, outside, hatched = (plate.azel_to_pixel(places, ORIGIN) + 0.5) * 0.5 - 0.5
    assert _near(picture, *inside, 0).max() > 0
    assert _near(picture, *outside, 0).max() == 0
    assert _near(picture, *hatched, 6).max() > 30


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 400), width=st.integers(1, 400), mono=st.booleans(), use_plate=st.booleans(),
    points=st.lists(st.tuples(*[st.floats(-500, 900) | st.just(float("nan"))] * 2), max_size=4),
    scale=st.sampled_from((0.25, 0.5, 1.0)),
)  # fmt: skip
def test_any_image_and_any_polyline_is_drawn(
    plate: Plate, height: int, width: int, mono: bool, use_plate: bool, points: list[tuple[float, float]], scale: float
) -> None:
    image = np.zeros((height, width) if mono else (height, width, 3), np.uint8)
    trail = DrawnTrail(np.array(points, dtype=float).reshape(-1, 2), "insect", 0.5, "who")
    path = DrawnPath(np.array([[0.0, np.nan], [10.0, 20.0], [30.0, 95.0], [40.0, 10.0]]), "radio", "SIM1")
    picture = draw_sky(
        image, plate if use_plate else None, scale=scale, trails=[trail], paths=[path],
        beam_azel_deg=np.array([[10.0, 50.0]]), blind=[(0.0, 360.0, 0.0, 90.0)], simulated=True,
    )  # fmt: skip
    assert picture.shape == (height, width, 3)


def test_labels_keep_off_each_other_and_give_up_when_told_to() -> None:
    image = _black(200, 200)
    labels = Labels(image, 14)
    placed = [labels.beside("SIM123", (100, 100), (255, 255, 255), wanted="if room") for _ in range(60)]
    assert placed[:4] == [True] * 4
    assert not placed[-1]
    ink = int((image.max(axis=2) > 128).sum())
    alone = _black(200, 200)
    Labels(alone, 14).beside("SIM123", (100, 100), (255, 255, 255))
    assert ink >= 0.95 * sum(placed) * int((alone.max(axis=2) > 128).sum())


def test_letters_have_a_degree_sign() -> None:
    assert text_size("30°", 20)[0] > text_size("30", 20)[0]


def test_the_panel_stands_beside_the_sky_and_shortens_what_is_too_long() -> None:
    long = "an aircraft with a very long description indeed"
    rows = tuple(PanelRow(f"{long} {i}", "seen", "good", "tube") for i in range(80))
    picture = with_panel(_black(300, 280), Panel("Skyspotter", ("one line",), (("Who", rows),)), simulated=True)
    assert picture.shape[0] == 300
    assert picture.shape[1] > 400
    assert picture[:, 280:].max() > 200
