"""What commands share: options that several have, their parsing, and commands that another part parses itself."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The station's TOML file.")]
PlateFile = Annotated[Path, typer.Option("--plate", metavar="FILE", help="The camera's plate, by `calibrate`.")]
Broker = Annotated[
    str | None, typer.Option(metavar="HOST[:PORT]", help="Publish to this MQTT broker instead of one of our own.")
]
# A command that belongs to another part parses its own arguments, --help included.
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def broker_of(text: str) -> tuple[str, int]:
    """Host and port, where none is said the customary one."""
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "1883")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{text!r} is no HOST[:PORT]", param_hint="--broker")
    return host.strip("[]"), int(port)


def site_of(text: str) -> tuple[float, float, float]:
    """Degrees north, degrees east, metres above the ellipsoid."""
    try:
        latitude_deg, longitude_deg, height_m = (float(part) for part in text.split(","))
    except ValueError as err:
        raise typer.BadParameter(f"{text!r} is no LAT,LON,HEIGHT_M, like 40.52,-3.09,980", param_hint="--site") from err
    if not (abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180 and -430 <= height_m <= 9000):
        raise typer.BadParameter(f"{text!r} is nowhere on Earth", param_hint="--site")
    return latitude_deg, longitude_deg, height_m


def pass_on(ctx: typer.Context, module: str, attribute: str, name: str) -> None:
    invoke(getattr(import_module(module), attribute), name, ctx.command_path, ctx.args)


def invoke(target: Any, name: str, path: str, arguments: Iterable[str]) -> None:
    """`target`: a typer app, or the function of a single command."""
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        target.command(name)(function)
    command: Any = typer.main.get_command(target)
    command = getattr(command, "commands", {}).get(name, command)
    command.main(args=list(arguments), prog_name=path)
