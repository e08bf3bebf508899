from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.geodesy import separation_deg
from camera.satellites import view
from camera.sim.scenario import night
from edge.fusion.satellites import SatelliteBook, parse_elements
from tests.edge.fusion.watch import write_elements

NIGHT = night(3)
SATELLITE = NIGHT.satellites[0].elements
NOON_NS = NIGHT.utc_ns(90.0)


def test_all_at_once_agree_with_one_by_one(tmp_path):
    write_elements(tmp_path, NIGHT)
    utc_ns = NOON_NS + np.array([-10, 0, 10]) * 1_000_000_000
    sky = SatelliteBook(tmp_path).predict(utc_ns, NIGHT.site)
    row = sky.names.index(SATELLITE.name)
    alone = view(SATELLITE, utc_ns, NIGHT.site)
    assert separation_deg(sky.unit_enu[row], alone.enu_m).max() < 1e-6
    assert sky.sunlit[row].tolist() == alone.sunlit.tolist()
    assert sky.range_m[row] == pytest.approx(np.linalg.norm(alone.enu_m, axis=1))


def test_old_elements_and_satellites_below_the_horizon_are_not_on_the_sky(tmp_path):
    write_elements(tmp_path, NIGHT)
    book = SatelliteBook(tmp_path, maximum_age_days=7.0)
    week_ns = 7 * 86_400_000_000_000
    assert book.predict(np.array([NOON_NS + week_ns + 60 * 10**9]), NIGHT.site).names == ()
    assert book.predict(np.array([NOON_NS + 2800 * 10**9]), NIGHT.site).names == ()
    assert book.age_days(NOON_NS + week_ns) == pytest.approx(7.0, abs=0.01)


def test_a_bad_line_is_named_with_file_and_line_and_spoils_no_neighbour():
    one, two = SATELLITE.line1, SATELLITE.line2
    damaged = one[:-1] + str((int(one[-1]) + 1) % 10)
    lines = ["# a comment", "GOOD", one, two, "BAD SUM", damaged, two, "SHORT", one[:40], two, "0 GOOD TOO", one, two]
    text = "\n".join(lines)
    found, errors = parse_elements(text, "night.tle")
    assert [name for name, _ in found] == ["GOOD", "GOOD TOO"]
    assert [e.split(": ")[0] for e in errors] == ["night.tle:6", "night.tle:7", "night.tle:9", "night.tle:10"]
    assert "checksum" in errors[0]
    assert "69" in errors[2]


def test_the_folder_is_watched(tmp_path):
    book = SatelliteBook(tmp_path)
    assert book.counters["tle_sets"] == 0
    assert book.age_days(NOON_NS) is None
    write_elements(tmp_path, NIGHT)
    book.refresh()
    assert book.counters["tle_sets"] == 2
    (tmp_path / "night.tle").write_text("nothing here")
    os.utime(tmp_path / "night.tle", ns=(1, 1))
    book.refresh()
    assert book.counters["tle_sets"] == 0


def test_no_folder_and_a_missing_folder_are_an_empty_book(tmp_path):
    for folder in (None, tmp_path / "absent"):
        assert SatelliteBook(folder).predict(np.array([NOON_NS]), NIGHT.site).names == ()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_any_text_is_read_without_a_crash(text):
    one, two = SATELLITE.line1, SATELLITE.line2
    parse_elements(text, "x")
    parse_elements(one[: len(text)] + text + "\n" + two, "x")
    found, _ = parse_elements(
        "\n" + "A" + text.replace("\r", " ").replace("\n", " ")[:20] + "\n" + one + "\n" + two, "x"
    )
    assert len(found) <= 1


@pytest.mark.realdata
def test_real_element_files_are_read_whole(real_data: Path):
    text = (real_data / "tle" / "skyfield_stations.tle").read_text()
    found, errors = parse_elements(text, "skyfield_stations.tle")
    assert errors == []
    assert len(found) == sum(line.startswith("1 ") for line in text.splitlines())
    assert any(name.startswith("ISS") for name, _ in found)
