"""The one command `skyspotter`. The functions of the cli files parse and call; whatever is heavy they import inside.

Exit codes: 0 done, 1 failed, 2 refused or wrong usage, with one sentence on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points, version
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
