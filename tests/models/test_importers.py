"""Whatever people bring: what can be used is used, what cannot is named and counted, and nothing else happens."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from models.importers.draw import draw
from models.importers.labelme import read_labelme
from models.importers.masks import UNKNOWN, parse_colours, read_mask, read_pairs
from models.importers.patches import PARTS, assemble, group_of, load_part, part_of
from models.importers.records import Imported, Labelled, Region
from models.importers.via import read_via

CLASSES = ("background", "aircraft", "satellite")
NUMBERS = {name: k for k, name in enumerate(CLASSES)}
SHAPES = [
    {"name": "polygon", "all_points_x": [10, 60, 60, 10], "all_points_y": [10, 12, 16, 14]},
    {"name": "polyline", "all_points_x": [5, 40, 70], "all_points_y": [50, 40, 45]},
    {"name": "rect", "x": 70, "y": 70, "width": 20, "height": 5},
    {"name": "circle", "cx": 30, "cy": 80, "r": 6},
    {"name": "ellipse", "cx": 80, "cy": 30, "rx": 12, "ry": 4, "theta": 0.5},
]
jsonish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def picture(path: Path, height: int = 100, width: int = 120) -> Path:
    sky = np.random.default_rng(len(path.name)).normal(60, 5, (height, width, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(sky).save(path)
    return path


def via_json(folder: Path, form: str) -> Path:
    regions = [{"shape_attributes": s, "region_attributes": {"class": "satellite"}} for s in SHAPES]
    numbered = {str(k): r for k, r in enumerate(regions)} if form == "version 1" else regions
    pictures = {
        "a.png123": {"filename": "a.png", "size": 123, "regions": numbered, "file_attributes": {}},
        "b.png7": {"filename": "b.png", "size": 7, "regions": [], "file_attributes": {}},
    }
    path = folder / "via.json"
    path.write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": pictures} if form == "project" else pictures))
    return path


def via_csv(folder: Path) -> Path:
    path = folder / "via.csv"
    columns = ("filename", "file_size", "file_attributes", "region_count", "region_id", "region_shape_attributes",
               "region_attributes")  # fmt: skip
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow([f"#{columns[0]}", *columns[1:]])
        for k, shape in enumerate(SHAPES):
            rows.writerow(["a.png", 123, "{}", len(SHAPES), k, json.dumps(shape), '{"class":"satellite"}'])
        rows.writerow(["b.png", 7, "{}", 0, 0, "{}", "{}"])
    return path


@pytest.mark.parametrize("form", ["csv", "version 1", "version 2", "project"])
def test_every_export_of_the_annotator_says_the_same(tmp_path: Path, form: str):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    found = read_via(via_csv(tmp_path) if form == "csv" else via_json(tmp_path, form))
    assert found.faults == []
    first, second = found.images
    assert (first.file.name, len(first.regions), second.file.name, second.regions) == ("a.png", 5, "b.png", ())
    assert {r.class_name for r in first.regions} == {"satellite"}
    assert [r.closed for r in first.regions] == [True, False, True, True, True]
    assert first.regions[1].points_px.tolist() == [[5, 50], [40, 40], [70, 45]]


def test_drawn_regions_cover_what_was_drawn():
    circle = Region(
        "aircraft", np.array([[60 + 20 * np.cos(t), 50 + 20 * np.sin(t)] for t in np.arange(0, 6.28, 0.1)]), True
    )
    line = Region("satellite", np.array([[5.0, 5.0], [95.0, 5.0]]), False)
    alien = Region("kite", np.array([[0, 90], [10, 90], [10, 99], [0, 99]]), True)
    labels = draw([circle, line, alien], (100, 120), NUMBERS)
    assert (labels == 1).sum() == pytest.approx(np.pi * 20**2, rel=0.06)
    assert (labels[4:7, 10:90] == 2).all()
    assert (labels[10] == 0).all()
    assert (labels == UNKNOWN).sum() == 110
    half = draw([circle], (50, 60), NUMBERS, scale=0.5)
    assert (half > 0).sum() == pytest.approx(np.pi * 10**2, rel=0.12)
    assert np.argwhere(half).mean(axis=0) == pytest.approx([24.75, 29.75], abs=0.2)


def test_a_region_that_means_nothing_is_named_and_the_others_stay(tmp_path: Path):
    picture(tmp_path / "a.png")
    bad = [
        {"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]},
        {"name": "polyline", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]},
        {"name": "point", "cx": 1, "cy": 1}, {"name": "rect", "x": "1"}, None, SHAPES[0],
    ]  # fmt: skip
    regions = [{"shape_attributes": s, "region_attributes": {}} for s in bad]
    (tmp_path / "v.json").write_text(
        json.dumps(
            {"a": {"filename": "C:\\skies\\a.png", "regions": regions}, "x": {"filename": "x.png", "regions": []}}
        )
    )
    found = read_via(tmp_path / "v.json")
    assert len(found.images) == 1
    assert len(found.images[0].regions) == 1
    assert found.images[0].regions[0].class_name == "aircraft"
    whys = [f.why for f in found.faults]
    for part in (
        "of 2 points",
        "do not pair",
        "'point' has no area",
        "x of a rect",
        "has no shape",
        "x.png is missing",
    ):
        assert any(part in why for why in whys), part


def test_a_picture_none_of_whose_regions_can_be_used_is_not_taken_for_an_empty_one(tmp_path: Path):
    picture(tmp_path / "a.png")
    (tmp_path / "v.json").write_text(json.dumps({"a": {"filename": "a.png", "regions": [{"shape_attributes": {}}]}}))
    found = read_via(tmp_path / "v.json")
    assert found.images == []
    assert any("not known to be empty" in f.why for f in found.faults)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(regions=st.lists(jsonish, max_size=5), whole=jsonish)
def test_no_content_does_more_than_be_refused(tmp_path: Path, regions, whole):
    if not (tmp_path / "a.png").exists():
        picture(tmp_path / "a.png")
    entry = {"filename": "a.png", "regions": regions}
    boxed = [{"shape_attributes": r, "region_attributes": r} for r in regions]
    for content in (whole, {"a": entry}, {"a": {**entry, "regions": boxed}}):
        (tmp_path / "v.json").write_text(json.dumps(content))
        try:
            found = read_via(tmp_path / "v.json")
        except ValueError:
            continue
        for image in found.images:
            draw(image.regions, (100, 120), NUMBERS)
    (tmp_path / "v.json").write_text(json.dumps({"shapes": regions, "imagePath": "a.png"}))
    found = read_labelme(tmp_path)
    assert len(found.images) + len(found.faults) >= 1


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b'{"a": {"regions": 3}}', b"[" * 100_000])
def test_a_file_that_is_no_export_is_refused_by_name(tmp_path: Path, content: bytes):
    for name in ("v.json", "v.csv"):
        (tmp_path / name).write_bytes(content)
        if (name, content) != ("v.json", b""):
            with pytest.raises(ValueError, match=name.replace(".", r"\.")):
                read_via(tmp_path / name)


def test_labelme_shapes(tmp_path: Path):
    picture(tmp_path / "a.png")
    shapes = [
        {"label": "aircraft", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]]},
        {"label": "aircraft", "shape_type": "rectangle", "points": [[1, 1], [9, 5]]},
        {"label": "satellite", "shape_type": "line", "points": [[1, 1], [90, 50]]},
        {"label": "aircraft", "shape_type": "circle", "points": [[50, 50], [50, 60]]},
        {"label": "aircraft", "shape_type": "point", "points": [[1, 1]]},
        {"shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]]},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"shapes": shapes, "imagePath": "a.png", "imageData": None}))
    (tmp_path / "b.json").write_text(json.dumps({"shapes": [], "imagePath": "gone.jpg"}))
    found = read_labelme(tmp_path)
    assert [len(r.points_px) for r in found.images[0].regions] == [3, 4, 2, 32]
    assert sorted(f.why.split(":")[0] for f in found.faults) == [
        "its picture gone.jpg is missing",
        "region 4",
        "region 5",
    ]


COLOURS = parse_colours({"#000000": "background", "#3C1098": "aircraft", "FEDD3A": "satellite"}, NUMBERS)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_hex_colours_become_classes_in_any_mode(tmp_path: Path, mode: str):
    rgb = np.zeros((8, 9, 3), np.uint8)
    rgb[2], rgb[3], rgb[4, :2] = (0x3C, 0x10, 0x98), (0xFE, 0xDD, 0x3A), (1, 2, 3)
    image = Image.fromarray(rgb)
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "m.png")
    labels, unlisted = read_mask(tmp_path / "m.png", COLOURS)
    assert (labels[2] == 1).all()
    assert (labels[3] == 2).all()
    assert (labels[4] == [UNKNOWN, UNKNOWN, 0, 0, 0, 0, 0, 0, 0]).all()
    assert unlisted == 2


@pytest.mark.parametrize("depth", ["1", "L", "I;16"])
def test_grey_masks_of_any_depth(tmp_path: Path, depth: str):
    on = np.zeros((8, 9), bool)
    on[3] = True
    pixels = {"1": on, "L": on.astype(np.uint8) * 255, "I;16": on.astype(np.uint16) * 65535}[depth]
    Image.fromarray(pixels).save(tmp_path / "m.png")
    labels, unlisted = read_mask(
        tmp_path / "m.png", parse_colours({"#000000": "background", "#ffffff": "aircraft"}, NUMBERS)
    )
    assert (labels == on).all()
    assert unlisted == 0


@pytest.mark.parametrize(("colour", "name"), [("#12345", "aircraft"), ("red", "aircraft"), ("#123456", "kite")])
def test_a_colour_table_with_a_slip_is_refused(colour: str, name: str):
    with pytest.raises(ValueError, match=colour):
        parse_colours({colour: name}, NUMBERS)


def test_bad_pairs_are_named_counted_and_the_rest_goes_on(tmp_path: Path):
    for name in ("good-0", "good-1", "small-0", "torn-0", "torn-1", "alone-0"):
        picture(tmp_path / f"{name}.png")
        mask = np.zeros((100, 120, 3), np.uint8)
        mask[40:44, 10:90] = (0x3C, 0x10, 0x98) if name != "good-1" else 0
        Image.fromarray(mask[: 50 if name == "small-0" else None]).save(tmp_path / f"{name}_mask.png")
    (tmp_path / "alone-0_mask.png").unlink()
    (tmp_path / "torn-0.png").write_bytes(b"\x89PNG torn")
    (tmp_path / "torn-1_mask.png").write_bytes(b"")
    picture(tmp_path / "widow_mask.png")
    data = assemble(read_pairs(tmp_path, tmp_path), CLASSES, size=64, colours=COLOURS)
    whys = {Path(f.file).name: f.why for f in data.faults}
    assert set(whys) == {"alone-0.png", "widow_mask.png", "small-0.png", "torn-0.png", "torn-1.png"}
    assert "differ in size" in whys["small-0.png"]
    assert "torn-1_mask.png cannot be read" in whys["torn-1.png"]
    assert sum(data.pictures.values()) == 2
    assert data.empty_pictures == 1
    card = data.card()
    assert "5 things could not be used" in card
    assert "torn-0.png" in card
    data.save(tmp_path / "set")
    loaded = [load_part(tmp_path / "set", part) for part in PARTS]
    assert sum(len(patches) for patches, _ in loaded) == sum(len(patches) for patches in data.parts.values()) > 0
    assert {classes for _, classes in loaded} == {CLASSES}
    with pytest.raises(ValueError, match="models import"):
        load_part(tmp_path, "train")


@pytest.mark.parametrize("view", ["classical", "enhanced"])
def test_fits_of_any_number_become_patches_in_both_views(tmp_path: Path, view: str):
    from astropy.io import fits

    rng = np.random.default_rng(1)
    sky = rng.normal(900, 20, (301, 203)).astype(np.float32)
    sky[5, 5], sky[6, 6] = np.nan, np.inf
    fits.writeto(tmp_path / "mono.fits", sky)
    raw = rng.normal(900, 20, (300, 204)).clip(0).astype(np.uint16)
    raw[150:153, 20:180] += 600
    header = fits.Header([("BAYERPAT", "RGGB"), ("DATE-OBS", "2024-03-02T03:00:00")])
    fits.writeto(tmp_path / "raw.fits", raw, header)
    trail = Region("aircraft", np.array([[20.0, 151.0], [180.0, 151.0]]), False)
    images = [Labelled(tmp_path / "mono.fits"), Labelled(tmp_path / "raw.fits", (trail,))]
    data = assemble(Imported(images), CLASSES, view=view, split="night", size=64)
    assert data.faults == []
    patches = [p for part in data.parts.values() for p in part]
    assert {p.group for p in patches} >= {"2024-03-01"}
    labelled = [p for p in patches if (p.labels == 1).any()]
    light = np.concatenate([p.image[p.labels == 1] for p in labelled]).mean()
    dark = np.concatenate([p.image[p.labels == 0] for p in labelled]).mean()
    assert light > dark + 40


def test_no_group_is_in_two_parts_and_groups_stay_where_they_are():
    assert group_of(Path("12-3.jpg"), 0, "source") == group_of(Path("12-0.jpg"), 0, "source") == "12"
    assert group_of(Path("sky_20240302_010000.png"), 0, "night") == "2024-03-02"
    assert group_of(Path("x/lowell/7.png"), 0, "night") == "lowell"
    parts = [part_of(str(k), (0.6, 0.2)) for k in range(2000)]
    assert [parts.count(p) / 2000 for p in PARTS] == pytest.approx([0.6, 0.2, 0.2], abs=0.03)
    assert parts != [part_of(str(k), (0.6, 0.2), seed=1) for k in range(2000)]


@pytest.mark.realdata
def test_the_real_photographs_come_in_whole(real_data: Path):
    found = read_labelme(real_data / "streaks512")
    assert found.faults == []
    assert len(found.images) == 414
    assert sum(len(image.regions) for image in found.images) == 525
    few = Imported(found.images[:6])
    data = assemble(few, ("background", "streak"), size=256)
    assert data.faults == []
    assert any((p.labels == 1).any() for part in data.parts.values() for p in part)
    assert cv2.countNonZero(draw(found.images[0].regions, (512, 512), {"streak": 1})) > 50


@pytest.mark.slow
def test_rendered_nights_become_patches_with_their_truth():
    from models.importers.nights import from_nights

    data = from_nights([129], frames=1)  # under two banks of cloud
    patches = [p for part in data.parts.values() for p in part]
    labelled = [p for p in patches if ((p.labels > 0) & (p.labels < 5)).any()]
    assert 1 <= len(labelled) <= len(patches) <= 132
    assert {int(n) for p in patches for n in np.unique(p.labels)} <= {0, 1, 2, 3, 255}  # cloud would count as a trail
    light = [float(p.image[(p.labels > 0) & (p.labels < 5)].mean()) - float(np.median(p.image)) for p in labelled]
    assert np.median(light) > 10
