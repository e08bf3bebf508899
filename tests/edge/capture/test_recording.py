"""From the configuration to what lies on the disk, and from anybody's request to the frames that were kept."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from astropy.io import fits

from camera.geodesy import Site
from camera.store.recorder import FrameRecorder
from edge import desk
from edge.capture.recording import recorder_for
from edge.config import Config
from edge.runtime.place import evidence_spool
from tests.camera.store.frames import START_UTC_NS, eventually, frame
from tests.edge.test_config import a_config

CAMERA = SimpleNamespace(name="ZWO ASI294MC Pro", pixel_um=4.63)


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


def configured(**recorder: Any) -> Config:
    config = a_config()
    return config.model_copy(update={"recorder": config.recorder.model_copy(update=recorder)})


def started(config: Config) -> FrameRecorder:
    recorder = recorder_for(config, CAMERA)
    assert recorder is not None
    return recorder


def test_nothing_is_recorded_where_there_is_no_place_or_no_wish(tmp_path: Path):
    assert recorder_for(configured(keep_frames=True), CAMERA) is None
    assert recorder_for(configured(directory=tmp_path, preview_every_s=0.0), CAMERA) is None


def test_systemds_state_directory_is_the_place_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path / 'state'}:/elsewhere")
    recorder = started(configured())
    recorder.offer(frame(1))
    recorder.close()
    assert (tmp_path / "state" / "pictures" / "newest.jpg").exists()


def test_a_recorded_frame_names_station_camera_and_settings(tmp_path: Path):
    config = configured(directory=tmp_path, keep_frames=True, keep_free_gb=0.0)
    recorder = started(config)
    recorder.offer(frame(1))
    recorder.close()
    with fits.open(next(tmp_path.rglob("*.fits.fz"))) as units:
        header = units[1].header
    site: Site = config.station.site
    assert (header["OBSERVAT"], header["INSTRUME"], header["XPIXSZ"]) == (config.station.id, CAMERA.name, 4.63)
    assert (header["SITELAT"], header["OFFSET"]) == (site.latitude_deg, config.camera.offset_setting)
    assert header["SWCREATE"].startswith("Skyspotter ")


def test_what_a_person_asks_to_keep_lies_among_the_evidence_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("camera.store.recorder._TEND_EVERY_S", 0.0)
    monkeypatch.setattr(desk.time, "time_ns", lambda: START_UTC_NS + 9 * 10**9)
    recorder = started(configured(directory=tmp_path, keep_frames=True, keep_free_gb=0.0))
    said = desk.keep("strange light", back_s=4.0, on_s=2.0)
    for seq in range(30):
        recorder.offer(frame(seq))
        eventually(lambda: recorder.written == seq + 1)  # noqa: B023
    recorder.close()
    (manifest,) = tmp_path.rglob("manifest.json")
    assert manifest.parent.name in said
    content = json.loads(manifest.read_text())
    assert (content["words"], content["complete"]) == ("strange light", True)
    assert [int(name.split("-")[1].split(".")[0]) for name in content["frames"]] == [3, 4, 5]
    assert not list(evidence_spool().iterdir())


def test_a_request_that_nobody_can_take_is_refused_with_a_sentence():
    with pytest.raises(desk.ReleaseRefused, match="should begin before it ends"):
        desk.keep("", back_s=4000.0, on_s=0.0)
