"""The one command `skyspotter`. The functions of the cli files parse and call; whatever is heavy they import inside.

Exit codes: 0 done, 1 failed, 2 refused or wrong usage, with one sentence on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from typing import Annotated

import typer

from edge import cli_camera, cli_desk, cli_station
from edge.cli_shared import PASS_ON, invoke

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sees and hears aircraft for a laser-ranging station and publishes an expiring permission to lase.",
)
for part in (cli_station, cli_desk, cli_camera):
    app.add_typer(part.app)


def main() -> None:
    """The console script."""
    from edge.runtime.stage import is_refusal

    try:
        app(prog_name="skyspotter")
    except Exception as err:
        if not is_refusal(err):
            raise
        print(err, file=sys.stderr)  # noqa: T201
        sys.exit(2)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skyspotter {version('skyspotter')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    pass


@app.command()
def night(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Frames or previews of one night, searched down.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; else beside the frames.")] = None,
    keogram: Annotated[bool, typer.Option("--keogram", help="The meridian through the night.")] = False,
    timelapse: Annotated[bool, typer.Option("--timelapse", help="H.264 in MP4, for any browser.")] = False,
    startrail: Annotated[bool, typer.Option("--startrail", help="The brightest of all frames.")] = False,
    enhanced: Annotated[bool, typer.Option("--enhanced", help="The sky's level subtracted; of raw frames.")] = False,
    plate: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the meridian lies.")] = None,
) -> None:
    """Keogram, time-lapse and star trails of a folder of frames; without a choice all three."""
    from edge.night import night as body

    chosen = {"keogram": keogram, "timelapse": timelapse, "startrail": startrail, "enhanced": enhanced}
    raise typer.Exit(body(folder, out or folder, plate=plate, **chosen))


@app.command()
def labels(
    night: Annotated[Path, typer.Argument(metavar="NIGHT", help="Recorded frames, like record/frames/2026-06-14.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder for the night is made there.")],
    recordings: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Has aircraft/ in it; else two folders above NIGHT.")
    ] = None,
    every: Annotated[float, typer.Option(metavar="S", min=0, max=3600, help="One frame in so many seconds.")] = 30.0,
    lowest: Annotated[float, typer.Option(metavar="DEG", min=0, max=60, help="Aircraft below are not taught.")] = 10.0,
    mask: Annotated[Path | None, typer.Option(metavar="FILE", help="What hides the sky, by `mask`.")] = None,
    network: Annotated[Path | None, typer.Option(metavar="FILE", help="Else the one that comes with it.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=16)] = 2,
) -> None:
    """Weak labels to train on: where transponders say that aircraft were on the frames of one night."""
    from edge.weaklabels.command import labels as body

    raise typer.Exit(
        body(
            night,
            out,
            recordings=recordings,
            every_s=every,
            lowest_deg=lowest,
            mask=mask,
            network=network,
            threads=threads,
        )
    )


def _mount_other_parts() -> None:
    """Commands of parts that `edge` must not import, such as `models`: found by entry point, loaded when asked for."""
    for entry in entry_points(group="skyspotter.commands"):
        help_line = f"More: `skyspotter {entry.name} --help`."
        app.command(entry.name, context_settings=PASS_ON, help=help_line)(_forward_to(entry))


def _forward_to(entry: EntryPoint) -> Callable[[typer.Context], None]:
    def forward(ctx: typer.Context) -> None:
        invoke(entry.load(), entry.name, ctx.command_path, ctx.args)

    return forward


_mount_other_parts()
