"""The station and its processes: `skyspotter demo | run | capture | vision | radio | replay | watch`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli_shared import PASS_ON, Broker, ConfigFile, broker_of, pass_on, site_of

if TYPE_CHECKING:
    import threading

    from edge.config import Config
    from edge.runtime.clock import Clock

app = typer.Typer()
radio_app = typer.Typer(help="The listening process; or `radio decode FILE`, `radio tracks DIR`.")
app.add_typer(radio_app, name="radio")


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Which night: the same seed gives the same.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.1, max=24 * 60, help="How long the night lasts.")] = 3.0,
    fast: Annotated[float, typer.Option(min=0.1, max=50, help="How many times faster than life the sky moves.")] = 1.0,
    broker: Broker = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep pictures, frames and logs there: 0.5 GB a minute.")
    ] = None,
) -> None:
    """A simulated night, end to end, without any device: see, hear, judge, publish."""
    address = None if broker is None else broker_of(broker)
    from edge.demo.command import demo as body

    raise typer.Exit(body(seed=seed, minutes=minutes, fast=fast, broker=address, keep=keep))


@app.command()
def run(config: ConfigFile) -> None:
    """The whole station in the field, under one small supervisor (the units in systemd/ do the same)."""
    import threading

    from edge.config import load_config
    from edge.runtime.lock import sole_instance
    from edge.runtime.place import runtime_directory
    from edge.runtime.stage import ask_to_stop_on_signals, set_up_log
    from edge.runtime.supervisor import Supervisor, station_children

    set_up_log()
    stop = threading.Event()
    ask_to_stop_on_signals(stop)
    with sole_instance("station"):
        supervisor = Supervisor(station_children(load_config(config), config), runtime=runtime_directory())
        code = supervisor.run(stop)
    if supervisor.reason:
        typer.echo(supervisor.reason, err=True)
    raise typer.Exit(code)


@app.command()
def capture(config: ConfigFile) -> None:
    """The camera's process: frames into the ring, nothing else."""
    _stage("capture", config, "edge.capture.process")


@app.command()
def vision(config: ConfigFile) -> None:
    """The judging process: detect, infer, fuse, guard, publish."""
    _stage("vision", config, "edge.vision.process", replaying="edge.replay.driver")


@radio_app.callback(invoke_without_command=True)
def radio(
    ctx: typer.Context, config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE")] = None
) -> None:
    """The listening process: 1090 MHz into aircraft states."""
    if ctx.invoked_subcommand is None:
        if config is None:
            raise typer.BadParameter("--config FILE is missing", ctx)
        _stage("radio", config, "edge.adsb.process")


@radio_app.command("decode", context_settings=PASS_ON, help="What a recording says, on the terminal.")
def radio_decode(ctx: typer.Context) -> None:
    pass_on(ctx, "edge.adsb.cli", "radio_app", "decode")


@radio_app.command(
    "tracks", context_settings=PASS_ON, help="Where every recorded aircraft was, from one time to another."
)
def radio_tracks(ctx: typer.Context) -> None:
    pass_on(ctx, "edge.adsb.cli", "radio_app", "tracks")


@app.command()
def replay(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATHS...", help="Frames, folders of frames, radio recordings.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Pictures and detections.jsonl.")] = Path(
        "skyspotter-replay"
    ),
    broker: Broker = None,
    site: Annotated[str | None, typer.Option(metavar="LAT,LON,HEIGHT_M", help="Where it was recorded.")] = None,
    plate: Annotated[Path | None, typer.Option(metavar="FILE", help="The camera's plate solution.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=50, help="Play the radio at so many times its pace; else at full speed."),
    ] = None,
    iq_rate: Annotated[
        int | None,
        typer.Option(metavar="HZ", help="Sample rate of IQ, 2400000 or 2000000; found out where not given."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew instead of resuming in DIR.")] = False,
) -> None:
    """Recorded frames and radio through the very same pipeline: every frame once, each with its line."""
    address = None if broker is None else broker_of(broker)
    place = None if site is None else site_of(site)
    if iq_rate not in (None, 2_400_000, 2_000_000):
        raise typer.BadParameter(f"{iq_rate}: only 2400000 and 2000000 are understood", param_hint="--iq-rate")
    from edge.replay.command import replay as body

    raise typer.Exit(
        body(paths, out=out, broker=address, site=place, plate=plate, rate=rate, iq_rate_hz=iq_rate, fresh=fresh)
    )


@app.command(
    context_settings=PASS_ON, help="For the control room: the permission as the contract says, countdown, tracks."
)
def watch(ctx: typer.Context) -> None:
    pass_on(ctx, "edge.watch.command", "watch_command", "watch")


def _stage(name: str, file: Path, module: str, *, replaying: str = "") -> None:
    """Runs `module.main(config, clock, stop)` as the process `name`; `replaying` in its place for a replay."""
    from edge.runtime.stage import run_stage

    def body(stop: threading.Event) -> None:
        from edge.config import load_config
        from edge.runtime.clock import clock_for

        config = load_config(file)
        main: Callable[[Config, Clock, threading.Event], None] = import_module(
            replaying if replaying and config.is_replay else module
        ).main
        main(config, clock_for(config), stop)

    raise typer.Exit(run_stage(name, body))
