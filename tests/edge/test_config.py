"""The configuration: refused with the path of what is wrong, explained by an example that is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from edge.config import BeamSection, Config, ConfigRefused, Section, SimulationSection, load_config, parse_config
from edge.example import example_text, summary, write_example

STATION = {"id": "test", "latitude_deg": 40.5, "longitude_deg": -3.1, "height_m": 980.0}
SIMULATION = {"epoch_utc_ns": 1, "mono_zero_s": 0.0}


def a_config(**sections: Any) -> Config:
    return Config.model_validate({"station": STATION, **sections})


def uncommented(text: str, marks: str) -> str:
    """Takes the comment mark from every line that holds a key or a table."""
    return re.sub(rf"^({marks}) (?=\w+ = |\[)", "", text, flags=re.MULTILINE)


def test_the_example_as_written_is_the_defaults() -> None:
    config = parse_config(example_text(), "example.toml")
    assert config == Config(station=config.station)


def test_every_default_the_example_names_is_the_default() -> None:
    text = uncommented(example_text(), "#")
    config = parse_config(text, "example.toml")
    assert config == Config(station=config.station)
    assert tomllib.loads(text)["guard"]["beams"], "the beam's keys were uncommented as well"


def test_the_example_names_every_key_once_and_its_examples_are_accepted() -> None:
    given = tomllib.loads(uncommented(example_text(), "##?"))
    config = parse_config(uncommented(example_text(), "##?"), "example.toml")
    assert config.camera.library is not None
    given["guard"]["beams"] = given["guard"]["beams"][0]

    def compare(section: type[BaseModel], table: dict[str, Any], path: str) -> None:
        assert set(table) == set(section.model_fields) - {"simulation"}, path
        for name, field in section.model_fields.items():
            inner = BeamSection if name == "beams" else field.annotation
            if isinstance(inner, type) and issubclass(inner, Section) and inner is not SimulationSection:
                compare(inner, table[name], f"{path}.{name}")

    compare(Config, given, "")
    assert SimulationSection in get_args(Config.model_fields["simulation"].annotation)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[guard]\nbeams = [{cone_deg = 0}]",
            "s.toml: guard.beams.0.cone_deg: Input should be greater than or equal to 2",
        ),
        ("[camera]\nexposure = 2", "s.toml: camera.exposure: unknown key; remove it or correct its spelling"),
        ("[camera]\nexposure_s = nan", "s.toml: camera.exposure_s: "),
        ("[camera]\nsource = 'sim'", "there is no [simulation] section"),
        ("[camera]\nsource = 'none'\n[radio]\nsource = 'none'", "at least one sense"),
        ("[radio]\nsource = 'beast'\nfiles = ['yesterday.bin']", "there is no [simulation] section"),
        ("[radio]\nsource = 'rtl_tcp'\nport = 30005", 's.toml: radio: port 30005 is customary for source = "beast"'),
        ("[radio]\nsource = 'beast'\nport = 1234", 's.toml: radio: port 1234 is customary for source = "rtl_tcp"'),
        ("[radio]\nsource = 'rtl_tcp'\nserial = '1'", "the server chooses its dongle"),
        ("[radio]\ngain_db = 99", 's.toml: radio: gain_db should be "auto" or -10 to 60, not 99'),
        ("[share]\nbeast_port = 3\nsbs_port = 3", "s.toml: share: beast_port and sbs_port must differ"),
        ("[radio]\nsource = 'beast'\n[share]\nbeast_port = 30005", "the radio would listen to itself"),
        ("[radio]\nsource = 'rtl_tcp'\n[share]\nsbs_port = 1234", "share.sbs_port are both 1234"),
        ("[radio]\nhost = ''", "s.toml: radio.host: "),
        ("[share]\nhost = ''", "s.toml: share.host: "),
        (
            "[share]\nhost = '0.0.0.0'\n[simulation]\nepoch_utc_ns = 1\nmono_zero_s = 0.0",
            "share.host must be 127.0.0.1 in a simulation",
        ),
        ("[network]\nthreshold = 0.99", "reports nothing"),
        ("[guard]\nbeams = [{region = 'whole-sky', minimum_elevation_deg = 90}]", "less than or equal to 60"),
        ("[guard]\nsmallest_range_m = 1e9", "less than or equal to 5000"),
        ("[guard]\nbeams = [{region = 'fixed'}]", "needs azimuth_deg and elevation_deg"),
        ("[guard]\nbeams = [{}, {}]", "two beams have one name"),
        ("[mqtt]\nkey_file = 'k'", "certificate_file and key_file go together"),
        ("[camera", "s.toml: not valid TOML"),
        ("[mqtt]\nport = '1883'", "s.toml: mqtt.port: Input should be a valid integer, not '1883'"),
        ("[camera]\ndew_heater = 1", "s.toml: camera.dew_heater: Input should be a valid boolean, not 1"),
        ("[guard.beams]\ncone_deg = 6", "s.toml: guard.beams: should be a list"),
        ("[guard]\nbeams = [{name = 'Main beam'}]", "s.toml: guard.beams.0.name: 'Main beam' does not fit: a-z"),
        ("[plate]\nfile = 2026-06-14\n[camera]\nsource = 'sky'", "s.toml: camera.source: Input should be 'asi'"),
    ],
)
def test_a_fault_is_refused_with_its_path(text: str, words: str) -> None:
    station = "[station]\nid = 'x'\nlatitude_deg = 1\nlongitude_deg = 2\nheight_m = 3\n"
    with pytest.raises(ConfigRefused) as refused:
        parse_config(station + text, "s.toml")
    assert words in str(refused.value)


def test_a_long_exposure_is_said_to_be_no_basis() -> None:
    assert "permission may rest on: nothing, so it never permits" in summary(a_config(camera={"exposure_s": 10.0}))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    for name in ("x.toml", "absent.toml"):
        with pytest.raises(ConfigRefused, match=rf"{name}: cannot be read"):
            load_config(tmp_path / name)


def test_simulated_things_publish_only_under_their_own_root() -> None:
    assert a_config().topic_root == "skyspotter/test"
    simulated = a_config(camera={"source": "sim"}, radio={"source": "sim"}, simulation=SIMULATION)
    assert simulated.topic_root == "skyspotter-sim/test"
    assert simulated.sha256() != a_config().sha256()


def test_init_writes_whole_and_never_over_a_file(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    write_example(file)
    assert file.read_text() == example_text()
    file.write_text("mine")
    with pytest.raises(ConfigRefused, match="exists already"):
        write_example(file)
    with pytest.raises(ConfigRefused, match="cannot be written"):
        write_example(tmp_path / "absent" / "s.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["s.toml"]
    assert file.read_text() == "mine"


def test_the_summary_says_what_a_permission_may_rest_on(tmp_path: Path) -> None:
    (tmp_path / "plate.json").touch()
    plate = {"file": str(tmp_path / "plate.json")}
    assert "permission may rest on: camera and radio" in summary(a_config(plate=plate))
    deaf = summary(a_config(radio={"source": "none"}))
    assert "permission may rest on: nothing, so it never permits" in deaf
    assert any(line.startswith("no plate:") for line in deaf)
    seeing = a_config(radio={"source": "none"}, guard={"allow_camera_basis": True}, plate=plate)
    assert "permission may rest on: camera alone" in summary(seeing)


def test_the_summary_names_a_plate_that_is_not_there(tmp_path: Path) -> None:
    lines = summary(a_config(plate={"file": str(tmp_path / "gone.json")}))
    assert "permission may rest on: nothing, so it never permits" in lines
    assert any(line.startswith(f"no plate at {tmp_path / 'gone.json'}:") for line in lines)
