"""Looking after a station: `skyspotter status | hold | release | keep | doctor | config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
config_app = typer.Typer(no_args_is_help=True, help="Write or check the configuration file.")
app.add_typer(config_app, name="config")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """What the station on this box is doing. Exit code 1 when it is not running."""
    from edge.status import show_status

    raise typer.Exit(show_status(as_json=as_json))


@app.command()
def hold(
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORDS]...", help="Why, for all to read.")] = None,
) -> None:
    """Holds every beam of the station on this box until `skyspotter release local`."""
    from edge.desk import hold as body

    typer.echo(body(" ".join(words or [])))


@app.command()
def release(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Of the latched reason, or `local`: ends our own hold.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who releases a latched fault; it is logged.")] = "",
) -> None:
    """Releases one latched fault, or the local hold. Only here on the box: nothing on the network can."""
    from edge.desk import release as body

    typer.echo(body(code, by.strip()))


@app.command()
def keep(
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORDS]...", help="Why, for the manifest.")] = None,
    back: Annotated[float, typer.Option(metavar="S", min=0, max=3000, help="So far back.")] = 120.0,
    on: Annotated[float, typer.Option(metavar="S", min=0, max=600, help="And so long from now.")] = 30.0,
) -> None:
    """Keeps the raw frames of these minutes as evidence, beyond the ring that forgets."""
    from edge.desk import keep as body

    typer.echo(body(" ".join(words or []), back_s=back, on_s=on))


@app.command()
def doctor(config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE")] = None) -> None:
    """Looks at everything a station needs and says what to do. Exit code 1 when something fails."""
    from edge.doctor import show_findings

    raise typer.Exit(show_findings(config))


@config_app.command("init")
def config_init(path: Annotated[Path, typer.Argument(metavar="PATH")] = Path("skyspotter.toml")) -> None:
    """Writes the commented example; refuses to overwrite."""
    from edge.example import write_example

    write_example(path)
    typer.echo(f"{path}: written; set [station], then `skyspotter config check {path}`")


@config_app.command("check")
def config_check(path: Annotated[Path, typer.Argument(metavar="PATH")]) -> None:
    """Says what is wrong with a configuration, each fault with its path, or what the station will be."""
    from edge.config import load_config
    from edge.example import summary

    config = load_config(path)
    typer.echo(f"{path}: ok")
    for line in summary(config):
        typer.echo(f"  {line}")
