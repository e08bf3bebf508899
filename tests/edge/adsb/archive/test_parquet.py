from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.adsb.archive.parquet import COLUMNS, RecordingDamaged, merge, merged_into, read_columns, write_states
from edge.records import AircraftState

ALL = (-(2**63), 2**63 - 1)
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**62),
        st.builds(
            AircraftState,
            key=st.text(max_size=12), icao=st.text(max_size=6), callsign=st.none() | st.text(max_size=8),
            on_ground=st.booleans(), latitude_deg=st.none() | st.floats(-90, 90), altitude_baro_m=NUMBER,
            height_m=NUMBER, height_basis=st.sampled_from([None, "gnss", "baro"]), speed_mps=NUMBER,
            position_utc_ns=st.none() | st.integers(0, 2**62), seen_mono_s=st.just(0.0), messages=st.integers(0, 2**40),
            nic=st.none() | st.integers(0, 11), flags=st.lists(st.text(max_size=5), max_size=3).map(tuple),
        ),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


def rows_of(path: Path) -> list[tuple]:
    columns = read_columns(path, ("utc_ns", *COLUMNS), "utc_ns", *ALL)
    return list(zip(*columns.values(), strict=True))


def plain(rows) -> list[tuple]:
    return [
        (utc_ns, *(list(value) if isinstance(value := getattr(state, name), tuple) else value for name in COLUMNS))
        for utc_ns, state in rows
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("parquet")


@given(ROWS, ROWS)
@settings(max_examples=15, deadline=None)
def test_every_field_comes_back_from_a_file_and_from_two_merged(folder, first, second):
    minutes, hour = [folder / "13-1.parquet", folder / "13-2.parquet"], folder / "13.parquet"
    for path, rows in zip(minutes, (first, second), strict=True):
        write_states(path, rows)
        assert rows_of(path) == plain(rows)
    merge(minutes, hour)
    assert rows_of(hour) == plain([*first, *second])
    assert merged_into(hour) == {"13-1.parquet", "13-2.parquet"}
    assert [path.name for path in folder.iterdir()] == ["13.parquet"]


def test_an_hour_takes_in_later_minutes_and_forgets_the_earlier_names(folder):
    states = [(n, AircraftState(key=f"icao:{n:06X}", icao=f"{n:06X}", seen_mono_s=0.0)) for n in range(3)]
    hour = folder / "14.parquet"
    write_states(folder / "14-1.parquet", states[:1])
    merge([folder / "14-1.parquet"], hour)
    write_states(folder / "14-2.parquet", states[1:])
    merge([hour, folder / "14-2.parquet"], hour)
    assert rows_of(hour) == plain(states)
    assert merged_into(hour) == {"14-2.parquet"}


def test_a_file_of_another_version_is_read_for_what_it_has(folder):
    path = folder / "15-1.parquet"
    pq.write_table(pa.table({"utc_ns": [5], "key": ["icao:ABCDEF"], "of_old": [1.0]}), path)
    assert read_columns(path, ("key", "nic"), "utc_ns", 0, 10) == {"key": ["icao:ABCDEF"], "nic": [None]}
    merge([path], folder / "15.parquet")
    assert read_columns(folder / "15.parquet", ("key", "nic"), "utc_ns", 0, 10)["key"] == ["icao:ABCDEF"]


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 500])
def test_a_damaged_file_is_refused_by_name_wherever_it_is_met(folder, damage):
    path = folder / "16-1.parquet"
    write_states(path, [(1, AircraftState(key="icao:ABCDEF", icao="ABCDEF", seen_mono_s=0.0))])
    path.write_bytes(damage(path.read_bytes()))
    for use in (
        lambda: read_columns(path, ("key",), "utc_ns", *ALL),
        lambda: merged_into(path),
        lambda: merge([path], folder / "16.parquet"),
    ):
        with pytest.raises(RecordingDamaged) as refused:
            use()
        assert refused.value.path == path
    assert path.exists()
    assert not (folder / "16.parquet").exists()
    assert not list(folder.glob("*.passing"))
    path.unlink()


def test_other_tools_read_a_day_folder_as_it_is(tmp_path):
    states = [(n, AircraftState(key="icao:ABCDEF", icao="ABCDEF", seen_mono_s=0.0)) for n in range(4)]
    write_states(tmp_path / "13-1.parquet", states[:2])
    write_states(tmp_path / "14.parquet", states[2:])
    assert sorted(pq.read_table(tmp_path)["utc_ns"].to_pylist()) == [0, 1, 2, 3]


def test_whatever_happened_to_a_file_it_is_called_damaged_or_read(folder):
    path, source = folder / "hurt.parquet", random.Random(1)
    write_states(path, [(k, AircraftState(key="icao:1", icao="1", seen_mono_s=0.0)) for k in range(50)])
    whole = path.read_bytes()
    damaged = 0
    for k in range(300):
        hurt = bytearray(whole)
        at = source.randrange(len(hurt))
        if k % 3 == 0:
            hurt[at] ^= 1 << source.randrange(8)
        elif k % 3 == 1:
            del hurt[at:]
        else:
            hurt[at : at + 20] = bytes(20)
        path.write_bytes(hurt)
        for read in (rows_of, merged_into, lambda path: merge([path], folder / "hour.parquet")):
            try:
                read(path)
            except RecordingDamaged:
                damaged += 1
    assert damaged > 300


def test_a_file_that_is_not_there_is_not_called_damaged(folder):
    with pytest.raises(FileNotFoundError):
        rows_of(folder / "absent.parquet")
