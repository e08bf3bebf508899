"""A night recorded by the station's own recorders becomes labels that lie on what the renderer really drew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import edge.weaklabels.command
from camera.files import read_frame
from camera.plate import Plate
from camera.sim.renderer import TruthTrail
from camera.store.fitsfile import encode, plate_in
from camera.store.header import Origin
from edge.cli import app as cli
from edge.weaklabels.command import LabelsRefused, labels
from models.importers.labelme import read_labelme
from models.lineoflight import middle_line
from models.own import OwnNights, prepare_own
from tests.camera.store.frames import frame
from tests.edge.weaklabels.station import CLOUDED, HONEST, LYING, NIGHT, SILENT, record

BESIDE_PX, BEYOND_PX = 6.0, 8.0  # stored: what is taught is 6 to 8 wide, and its ends are as blurred as its lights
PROJECTED_PX = 2.0


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, TruthTrail]]]:
    """What the recorders left; two damaged files, a frame without a plate and one after a knock among it."""
    root = tmp_path_factory.mktemp("station")
    truth = record(root)
    frames = root / "frames" / NIGHT
    first = min(frames.iterdir())
    (frames / "20260614T214520.000Z-90.fits.fz").write_bytes(first.read_bytes()[:30_000])
    (frames / "20260614T214530.000Z-91.fits.fz").write_bytes(encode(frame(0), Origin()))
    (frames / "20260614T214512.000Z-92.fits.fz").write_bytes(knocked(first))
    (next((root / "aircraft").iterdir()) / "21-7.parquet").write_bytes(b"PAR1 torn")
    return root, [{trail.id: trail for trail in trails} for trails in truth]


def knocked(path: Path) -> bytes:
    """The same frame with a plate from before the camera was moved by 2.5 pixels."""
    seen = read_frame(path)
    plate = plate_in(path, seen)
    assert plate is not None
    facts = plate.model_dump(exclude={"sha256"})
    facts["parameters"]["cx"] += 2.5
    return encode(seen, Origin(plate=Plate.sealed(**facts)))


@pytest.fixture(scope="module")
def labelled(night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("labels")
    assert labels(night[0] / "frames" / NIGHT, out, every_s=1.0) == 0
    return out


def shapes(labelled: Path) -> list[dict[str, list[dict]]]:
    """Of each frame in order of time, by label."""
    found = []
    for path in sorted((labelled / NIGHT).glob("*.json")):
        by_label: dict[str, list[dict]] = {}
        for shape in json.loads(path.read_text())["shapes"]:
            by_label.setdefault(shape["label"], []).append(shape)
        found.append(by_label)
    return found


def beside_px(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(N,) distance of each point from a polyline."""
    begin, way = line[:-1], np.diff(line, axis=0)
    share = np.clip(((points[:, None] - begin) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-9), 0, 1)
    return np.linalg.norm(begin + share[..., None] * way - points[:, None], axis=-1).min(axis=1)


def test_the_polygon_of_an_honest_transponder_has_the_trail_as_its_middle(night, labelled):
    for frame_shapes, truth in zip(shapes(labelled), night[1], strict=True):
        (honest,) = [s for s in frame_shapes["aircraft"] if s["description"].startswith("OWN001")]
        path, half_px = middle_line(np.array(honest["points"]))
        true = truth[HONEST].polyline_px
        assert beside_px(path[1:-1], true).max() < PROJECTED_PX
        assert beside_px(true, path).max() < PROJECTED_PX
        assert 6 <= half_px <= 36


@pytest.fixture(scope="module")
def own(labelled, tmp_path_factory: pytest.TempPathFactory) -> OwnNights:
    return prepare_own(labelled, tmp_path_factory.mktemp("cache"))


def test_only_light_of_the_honest_aircraft_is_taught_and_it_lies_on_its_trail(night, own):
    assert (len(own.pictures), own.taught, own.unlit, own.faults) == (2, 2, 2, [])
    for picture, truth in zip(own.pictures, night[1], strict=True):
        rows, columns = np.nonzero(picture.labels == 1)
        taught_px = np.column_stack((columns, rows)) * 2 + 0.5
        true = truth[HONEST].polyline_px
        assert beside_px(taught_px, true).max() < BEYOND_PX
        length_px = float(np.linalg.norm(true[-1] - true[0]))
        along = (true[-1] - true[0]) / length_px
        assert np.ptp(taught_px @ along) > 0.7 * length_px
        assert np.abs((taught_px - true[0]) @ (-along[1], along[0])).max() < BESIDE_PX
        assert set(np.unique(picture.labels)) == {0, 1, 255}


def test_light_that_no_transponder_explains_is_without_an_opinion(night, own):
    for picture, truth in zip(own.pictures, night[1], strict=True):
        for icao in (SILENT, LYING):  # the liar's light is where nobody says that it flies
            x, y = ((truth[icao].polyline_px - 0.5) / 2).round().astype(int).T
            assert (picture.labels[y, x] == 255).all()


def test_behind_a_cloud_an_aircraft_is_doubtful(night, labelled):
    for frame_shapes, truth in zip(shapes(labelled), night[1], strict=True):
        (clouded,) = frame_shapes["doubtful"]
        assert "no stars prove" in clouded["description"]
        path, _ = middle_line(np.array(clouded["points"]))
        assert beside_px(truth[CLOUDED].polyline_px, path).max() < PROJECTED_PX


def test_what_is_left_out_is_named_or_counted_on_the_card_and_the_rest_goes_on(night, labelled):
    card = (labelled / NIGHT / "card.md").read_text()
    assert "2 frames labelled" in card
    assert "-90.fits.fz: " in card
    assert "| it cannot be read | 1 |" in card
    assert "| it carries no plate | 1 |" in card
    assert "| its stars are not where its plate puts them | 1 |" in card
    assert "1 damaged files of the recording" in card
    assert "21-7.parquet" in card


def test_labels_are_read_as_labelme_writes_them_beside_frames_that_keep_their_plate(labelled):
    found = read_labelme(labelled / NIGHT)
    assert not found.faults
    for image in found.images:
        assert plate_in(image.file, read_frame(image.file)) is not None
        assert {region.class_name for region in image.regions} == {"aircraft", "doubtful", "unannounced"}


def test_a_failure_leaves_nothing_half_written(night, tmp_path, monkeypatch):
    def full(path: Path, content: bytes, **_: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(edge.weaklabels.command, "write_whole", full)
    with pytest.raises(LabelsRefused, match="No space left"):
        labels(night[0] / "frames" / NIGHT, tmp_path, every_s=3600.0)
    assert list(tmp_path.iterdir()) == []


def test_a_night_nobody_was_heard_in_gives_no_labels_and_says_why(night, tmp_path, capsys):
    deaf = tmp_path / "deaf"
    (deaf / "aircraft").mkdir(parents=True)
    assert labels(night[0] / "frames" / NIGHT, tmp_path / "out", recordings=deaf, every_s=3600.0) == 1
    assert "| nobody was heard | 1 |" in capsys.readouterr().out
    assert list((tmp_path / "out").iterdir()) == []


def test_what_cannot_be_labelled_is_refused_with_what_to_do(night, labelled, tmp_path):
    frames = night[0] / "frames" / NIGHT
    with pytest.raises(LabelsRefused, match="no folder of frames"):
        labels(tmp_path / "absent", tmp_path)
    with pytest.raises(LabelsRefused, match="--recordings"):
        labels(frames, tmp_path / "out", recordings=tmp_path)
    again = tmp_path / "again"
    shutil.copytree(labelled, again)
    with pytest.raises(LabelsRefused, match="is there already"):
        labels(frames, again, every_s=3600.0)
    assert CliRunner().invoke(cli, ["labels", str(frames)]).exit_code == 2
