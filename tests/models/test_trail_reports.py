"""What `evaluate` and `study` leave behind can be read: by people, by programs, as pictures."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("matplotlib")

from models.cli import app
from models.contract import Trail
from models.cutouts import Gallery
from models.study import NAMES, TRUTHS, study
from models.trail_reports import of_study, show_study
from models.zoo import zoo_path
from tests.models.test_study import by_hand, seen_as

run = CliRunner().invoke


def spread(path: Path) -> float:
    return float(np.asarray(Image.open(path).convert("L")).std())


def test_a_study_of_two_networks_is_written_whole(tmp_path: Path) -> None:
    networks = {
        "good": lambda frame: [seen_as("aircraft", 10, 45), seen_as("unknown", 60, 25), seen_as("satellite", 30, 70)],
        "blind": lambda frame: list[Trail](),
    }
    galleries = {name: Gallery() for name in networks}

    def each(seen, verdicts) -> None:
        for name, gallery in galleries.items():
            show_study(gallery, seen, verdicts[name])

    sums = study([by_hand()], networks, each)
    assert galleries["good"].offered == {"hits": 2, "misses": 1, "false alarms": 1}
    assert galleries["blind"].offered == {"misses": 3}
    written = of_study(tmp_path, sums, galleries, {"nights": 1})
    text, facts = written.read_text(), json.loads((tmp_path / "report.json").read_text())
    assert "| ADS-B traces missed, all above the mask | 1, 0.33 of blind's | 3 |  |" in text
    assert "## good: 2 hits, 1 misses, 1 false alarms; some of each" in text
    good, blind = facts["networks"]
    assert good["detections"] == {"adsb": 2, "other real": 0, "false": 1}
    assert good["confusion"]["nothing"] == dict.fromkeys(NAMES, 0) | {"satellite": 1}
    assert set(blind["confusion"]) == set(TRUTHS)
    assert blind["from_to_found_traces"]["elevation, degrees"] == [[10, 20, 0, 1], [20, 30, 0, 1], [30, 90, 0, 1]]
    assert good["from_to_found_traces"]["peak SNR"][-1] == [20, None, 1, 1]
    for picture in tmp_path.glob("*.png"):
        assert f"({picture.name})" in text
        assert spread(picture) > 10
    assert len(list(tmp_path.glob("*.png"))) == 6


def test_an_evaluation_is_written_whole_by_its_command(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "streaks512"
    folder.mkdir(parents=True)
    light = np.random.default_rng(2).normal(60, 4, (256, 256)).clip(0, 255).astype(np.uint8)
    for name, drawn in (("3-0", 60), ("6-0", 150), ("4-0", 150)):  # labelled where it is; elsewhere; for training
        picture = light.copy()
        cv2.line(picture, (40, 60), (220, 90), 200, 3)
        Image.fromarray(picture).save(folder / f"{name}.png")
        corners = [[40, drawn - 4], [220, drawn + 26], [220, drawn + 34], [40, drawn + 4]]
        shape = {"label": "streak", "shape_type": "polygon", "points": corners}
        (folder / f"{name}.json").write_text(json.dumps({"shapes": [shape], "imagePath": f"{name}.png"}))
    (tmp_path / "data" / "sky").mkdir()
    (tmp_path / "data" / "sky" / "labels.json").write_text(json.dumps({"images": []}))
    into = tmp_path / "report"
    done = run(app, ["evaluate", "--data", str(tmp_path / "data"), "--nights", "0", "--report", str(into)])
    assert done.exit_code == 0, done.output
    photographs, skies = json.loads((into / "report.json").read_text())["tables"]
    assert (photographs["images"], photographs["labelled"], skies["images"]) == (2, 2, 0)
    assert photographs["missed_in"] == photographs["false_in"] == {"6-0.png": 1}
    text = (into / "report.md").read_text()
    assert "| photographs, held-out sources | 2 | 2 | 0.500 | 0.500 |" in text
    assert "false in 6-0.png: 1" in text
    assert "1 hits, 1 misses, 1 false alarms" in text
    assert spread(into / "found_against_false.png") > 10
    assert spread(into / "gallery-1.png") > 10


def test_the_study_command_judges_the_networks_it_is_given_on_the_frames_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def one_frame(seeds, **how):
        asked.append((list(seeds), how))
        yield by_hand()  # black: nothing to be found

    monkeypatch.setattr("models.study.study_frames", one_frame)
    copy = tmp_path / "other.onnx"
    copy.write_bytes(zoo_path().read_bytes())
    what = ["study", "--network", str(zoo_path()), "--network", str(copy), "--report", str(tmp_path / "report")]
    done = run(app, [*what, "--nights", "2", "--first", "7", "--exposure", "2", "--stack", "5", "--brightness", "0.5"])
    assert done.exit_code == 0, done.output
    assert asked == [([7, 8], {"exposure_s": 2.0, "exposures": 5, "brightness": 0.5})]
    facts = json.loads((tmp_path / "report" / "report.json").read_text())
    assert facts["settings"]["exposures stacked"] == 5
    assert [(n["network"], n["frames"], n["missed"]) for n in facts["networks"]] == [
        (zoo_path().stem, 1, 3), ("other", 1, 3),
    ]  # fmt: skip
    (tmp_path / "torn.onnx").write_bytes(b"no network")
    refused = run(app, ["study", "--network", str(tmp_path / "torn.onnx")])
    assert refused.exit_code == 2
    assert "torn.onnx" in refused.output
