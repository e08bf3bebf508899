"""`skyspotter radio decode FILE`: a recording of the radio as messages, BaseStation lines or JSON;
`skyspotter radio tracks DIR`: where every aircraft was, from what a station has recorded.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.adsb.recording import RecordingSummary, decode_messages, read_frames
from edge.adsb.share.sbs import sbs_line
from edge.adsb.sources.iq import RecordingRefused
from edge.adsb.sources.rate import RATES_HZ

if TYPE_CHECKING:
    from edge.adsb.archive.tracks import Track

radio_app = typer.Typer(no_args_is_help=True, help="The radio: recordings and what is in them.")


class TrackFormat(StrEnum):
    json = "json"
    csv = "csv"


class Format(StrEnum):
    hex = "hex"
    sbs = "sbs"
    json = "json"


@radio_app.command()
def decode(
    file: Annotated[Path, typer.Argument(help="Beast or 8-bit IQ (cu8); told apart by content.")],
    rate: Annotated[
        int | None, typer.Option(help="Samples per second of a cu8 file: 2400000 or 2000000; not given: found out.")
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="hex: messages; sbs: BaseStation; json: states.")
    ] = Format.hex,
) -> None:
    """Print everything believed of a recording; the summary goes to the error stream."""
    if rate not in (None, *RATES_HZ):
        typer.echo(f"--rate {rate}: only 2400000 and 2000000 samples per second are understood", err=True)
        raise typer.Exit(2)
    summary = RecordingSummary()
    try:
        for line in _lines(file, rate, format_, summary):
            sys.stdout.write(line + "\n")
    except RecordingRefused as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(2) from err
    if format_ is not Format.hex:
        typer.echo(
            f"{file}: {summary.kind}, {summary.duration_s:.1f} s, {summary.messages} messages, "
            f"{summary.positions} positions, {summary.aircraft} aircraft",
            err=True,
        )


def _lines(file: Path, rate_hz: int | None, format_: Format, summary: RecordingSummary) -> Iterator[str]:
    if format_ is Format.hex:
        for frame in read_frames(file, rate_hz=rate_hz):
            yield frame.data.hex()
        return
    for item in decode_messages(file, rate_hz=rate_hz, summary=summary):
        line = item.state.model_dump_json() if format_ is Format.json else sbs_line(item)
        if line is not None:
            yield line


@radio_app.command()
def tracks(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that recorder.directory names.")],
    begin: Annotated[str, typer.Option("--from", metavar="UTC", help="Like 2026-11-21T18:00:00.")],
    end: Annotated[str, typer.Option("--to", metavar="UTC", help="The same; an exposure is from begin to end.")],
    format_: Annotated[
        TrackFormat, typer.Option("--format", help="json: one aircraft a line; csv: one position a line.")
    ] = TrackFormat.json,
) -> None:
    """Print where every recorded aircraft was between two instants, and its positions just before and after."""
    begin_utc_ns, end_utc_ns = _utc_ns("--from", begin), _utc_ns("--to", end)
    if end_utc_ns < begin_utc_ns:
        typer.echo(f"--to {end} is before --from {begin}", err=True)
        raise typer.Exit(2)
    from edge.adsb.archive.tracks import tracks as read_tracks

    try:
        found = read_tracks(directory, begin_utc_ns, end_utc_ns)
    except FileNotFoundError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(2) from err
    if format_ is TrackFormat.json:
        for track in found:
            sys.stdout.write(json.dumps({**_names(track), "positions": list(_positions(track))}) + "\n")
        return
    rows = ({**_names(track), **position} for track in found for position in _positions(track))
    writer = csv.DictWriter(sys.stdout, (*_NAMES, *_COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "flags": " ".join(row["flags"])} for row in rows)


_NAMES = ("key", "icao", "callsign", "on_ground", "flags")
_COLUMNS = ("utc_ns", "latitude_deg", "longitude_deg", "height_m", "horizontal_sigma_m", "height_sigma_m")


def _names(track: Track) -> dict[str, Any]:
    return {name: getattr(track, name) for name in _NAMES}


def _positions(track: Track) -> Iterator[dict[str, float | int | None]]:
    """NaN, which JSON does not know, is nothing."""
    for values in zip(*(getattr(track, name).tolist() for name in _COLUMNS), strict=True):
        yield {name: None if value != value else value for name, value in zip(_COLUMNS, values, strict=True)}


def _utc_ns(option: str, text: str) -> int:
    """Of ISO 8601, which is UTC unless it says otherwise."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as err:
        raise typer.BadParameter(f"{text!r} is no time like 2026-11-21T18:00:00", param_hint=option) from err
    since = when.replace(tzinfo=when.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    if not timedelta(days=1) < since < timedelta(days=100_000):
        raise typer.BadParameter(f"{text} is no time at which anything can have been recorded", param_hint=option)
    return (since // timedelta(microseconds=1)) * 1000
