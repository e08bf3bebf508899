"""Aircraft states as Parquet: the only home of pyarrow.

A file is half a minute (`13-<number>.parquet`) or an hour (`13.parquet`) of a UTC day, zstd-compressed, one row per
message: `utc_ns` of the message and every field of AircraftState but those that mean nothing after a boot. DuckDB,
Polars and pandas read a day folder as it is.

*Why minutes merged into hours:* Parquet ends with its table of contents, so an open file that is cut off is lost whole;
Arrow's stream format is not, but few tools read it and it is three times as large. Minute files appear whole or not at
all, and an hour's merge is small enough never to keep the recorder from its queue. The hour's file names the minutes it
took in, so that a cut between its appearance and their removal doubles nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq

from camera.whole import sync_folder
from edge.adsb.archive.shelf import PASSING
from edge.records import AircraftState

SUFFIX = ".parquet"
LEFT_OUT = frozenset({"kind", "version", "seen_mono_s", "position_mono_s"})
COLUMNS = tuple(name for name in AircraftState.model_fields if name not in LEFT_OUT)
_MERGED = b"skyspotter.merged"
_GROUP_ROWS = 100_000
_ARROW: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


class RecordingDamaged(Exception):
    """A file that is no whole Parquet file; `path` says which."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"{path}: is damaged: {why}")
        self.path = path


@contextlib.contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """Arrow tells of a damaged file in many ways; only an OSError with a number is the disk's."""
    try:
        yield
    except (OSError, pa.ArrowException, ValueError, TypeError) as err:
        if isinstance(err, OSError) and err.errno is not None:
            raise
        raise RecordingDamaged(path, " ".join(str(err).split())) from err


def _arrow_type(annotation: Any) -> pa.DataType:
    """Of a field's Python type: `X | None` as X, literals as strings, tuples as lists."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _arrow_type(next(kind for kind in inner if kind is not NoneType))
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_arrow_type(inner[0]))
    return _ARROW[annotation]


SCHEMA = pa.schema(
    [("utc_ns", pa.int64())]
    + [(name, _arrow_type(AircraftState.model_fields[name].annotation)) for name in COLUMNS]
)  # fmt: skip


def write_states(path: Path, rows: Iterable[tuple[int, AircraftState]]) -> None:
    """(utc_ns of the message, state after it), to a file that appears whole or not at all. Raises OSError."""
    stamps, states = zip(*rows, strict=True)
    columns = [pa.array(stamps, SCHEMA.field(0).type)]
    columns += [pa.array([getattr(state, name) for state in states], SCHEMA.field(name).type) for name in COLUMNS]
    _write_whole(path, [pa.table(columns, schema=SCHEMA)], ())


def merge(sources: Sequence[Path], target: Path) -> None:
    """All rows of `sources` (`target` may be one of them) into `target`, then the others are removed.

    Raises OSError, and RecordingDamaged for a source.
    """
    _write_whole(target, (_whole(path) for path in sources), [path.name for path in sources if path != target])
    for path in sources:
        if path != target:
            path.unlink(missing_ok=True)


def merged_into(path: Path) -> frozenset[str]:
    """Names of the files whose rows it has taken in. Raises OSError, RecordingDamaged."""
    with _parsing(path):
        metadata = pq.read_schema(path).metadata or {}
        return frozenset(json.loads(metadata.get(_MERGED, b"[]")))


def read_columns(path: Path, columns: Sequence[str], key: str, begin: int, end: int) -> dict[str, list[Any]]:
    """Rows with `begin <= key <= end`; None where the file lacks a column. Raises OSError, RecordingDamaged."""
    with _parsing(path):
        known = pq.read_schema(path).names
        table = pq.read_table(
            path,
            columns=[name for name in columns if name in known],
            filters=[(key, ">=", begin), (key, "<=", end)],
            partitioning=None,
        )
        return {name: table.column(name).to_pylist() if name in known else [None] * len(table) for name in columns}


def _whole(path: Path) -> pa.Table:
    with _parsing(path):
        return _in_schema(pq.read_table(path, partitioning=None))


def _write_whole(path: Path, tables: Iterable[pa.Table], merged: Sequence[str]) -> None:
    """Row groups large enough to compress well; a column that one version did not know is empty there."""
    passing = path.with_name(path.name + PASSING)
    schema = SCHEMA.with_metadata({_MERGED: json.dumps(list(merged)).encode()})
    try:
        with pq.ParquetWriter(passing, schema, compression="zstd") as writer:
            waiting: list[pa.Table] = []
            for table in tables:
                waiting.append(table)
                if sum(map(len, waiting)) >= _GROUP_ROWS:
                    writer.write_table(pa.concat_tables(waiting), row_group_size=_GROUP_ROWS)
                    waiting.clear()
            if waiting:
                writer.write_table(pa.concat_tables(waiting), row_group_size=_GROUP_ROWS)
        with passing.open("rb+") as file:
            os.fsync(file.fileno())
        passing.replace(path)
        sync_folder(path.parent)
    finally:
        passing.unlink(missing_ok=True)


def _in_schema(table: pa.Table) -> pa.Table:
    known = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in SCHEMA
    ]
    return pa.table(known, schema=SCHEMA)
