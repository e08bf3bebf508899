"""`skyspotter radio decode FILE`: a recording of the radio as messages, BaseStation lines or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edge.adsb.frames import TICK_HZ
from edge.adsb.recording import RecordingSummary, decode_recording, read_frames
from edge.adsb.sim.encode import FOOT_M, KNOT_MPS
from edge.adsb.sources.iq import RecordingRefused
from edge.records import AircraftState

radio_app = typer.Typer(no_args_is_help=True, help="The radio: recordings and what is in them.")


class Format(StrEnum):
    hex = "hex"
    sbs = "sbs"
    json = "json"


@radio_app.callback()
def _radio() -> None:
    """Keeps `decode` a command of its own."""


@radio_app.command()
def decode(
    file: Annotated[Path, typer.Argument(help="Beast or 8-bit IQ (cu8); told apart by content.")],
    rate: Annotated[int, typer.Option(help="Samples per second of a cu8 file: 2400000 or 2000000.")] = TICK_HZ,
    format_: Annotated[
        Format, typer.Option("--format", help="hex: messages; sbs: BaseStation; json: states.")
    ] = Format.hex,
) -> None:
    """Print everything believed of a recording; the summary goes to the error stream."""
    if rate not in (2_400_000, 2_000_000):
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


def _lines(file: Path, rate_hz: int, format_: Format, summary: RecordingSummary) -> Iterator[str]:
    if format_ is Format.hex:
        for frame in read_frames(file, rate_hz=rate_hz):
            yield frame.data.hex()
        return
    for utc_ns, t_s, state in decode_recording(file, rate_hz=rate_hz, summary=summary):
        yield state.model_dump_json() if format_ is Format.json else sbs_line(state, utc_ns, t_s)


def sbs_line(state: AircraftState, utc_ns: int | None, t_s: float) -> str:
    """One BaseStation line (MSG, 22 fields; woodair.net/sbs/article/barebones42_socket_data.htm), feet and knots.

    A recording that does not know when it began counts from 1970-01-01.
    """
    when = datetime.fromtimestamp(t_s if utc_ns is None else utc_ns / 1e9, tz=UTC)
    stamp = [when.strftime("%Y/%m/%d"), when.strftime("%H:%M:%S.") + f"{when.microsecond // 1000:03d}"]
    fields = [
        "MSG", "3" if state.latitude_deg is not None else "8", "1", "1", state.icao, "1", *stamp, *stamp,
        state.callsign or "",
        _number(state.altitude_baro_m, FOOT_M),
        _number(state.speed_mps, KNOT_MPS),
        _number(state.track_deg, 1.0),
        "" if state.latitude_deg is None else f"{state.latitude_deg:.5f}",
        "" if state.longitude_deg is None else f"{state.longitude_deg:.5f}",
        _number(state.vertical_rate_mps, FOOT_M / 60),
        state.squawk or "",
        "", "", "", "-1" if state.on_ground else "0",
    ]  # fmt: skip
    return ",".join(fields)


def _number(value: float | None, unit: float) -> str:
    return "" if value is None else f"{value / unit:.0f}"
