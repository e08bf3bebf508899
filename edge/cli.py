"""The one command `skyspotter`. The functions here parse and call; whatever is heavy is imported inside them.

Exit codes: 0 done, 1 failed, 2 refused or wrong usage, with one sentence on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import threading

    from edge.config import Config
    from edge.runtime.clock import Clock

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sees and hears aircraft for a laser-ranging station and publishes an expiring permission to lase.",
)
config_app = typer.Typer(no_args_is_help=True, help="Write or check the configuration file.")
mask_app = typer.Typer(no_args_is_help=True, help="What hides the sky for good: learn it from a night, or draw it.")
radio_app = typer.Typer(help="The listening process; or `radio decode FILE`, `radio tracks DIR`.")
app.add_typer(config_app, name="config")
app.add_typer(mask_app, name="mask")
app.add_typer(radio_app, name="radio")

ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The station's TOML file.")]
Broker = Annotated[
    str | None, typer.Option(metavar="HOST[:PORT]", help="Publish to this MQTT broker instead of one of our own.")
]
# A command that belongs to another part parses its own arguments, --help included.
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


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


# -- the station -----------------------------------------------------------------------------------------------------


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
    address = _broker(broker)
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
    _pass_on(ctx, "edge.adsb.cli", "radio_app", "decode")


@radio_app.command(
    "tracks", context_settings=PASS_ON, help="Where every recorded aircraft was, from one time to another."
)
def radio_tracks(ctx: typer.Context) -> None:
    _pass_on(ctx, "edge.adsb.cli", "radio_app", "tracks")


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
    address, place = _broker(broker), _site(site)
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
    _pass_on(ctx, "edge.watch", "watch_command", "watch")


# -- looking after it ------------------------------------------------------------------------------------------------


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


@app.command()
def doctor(config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE")] = None) -> None:
    """Looks at everything a station needs and says what to do. Exit code 1 when something fails."""
    from edge.doctor import show_findings

    raise typer.Exit(show_findings(config))


@app.command()
def calibrate(
    frames: Annotated[list[Path], typer.Argument(metavar="FRAMES...", help="Frames of a clear, dark sky, or folders.")],
    site: Annotated[str, typer.Option(metavar="LAT,LON,HEIGHT_M", help="Where the camera stands.")],
    time: Annotated[
        str | None, typer.Option(metavar="UTC", help="Start of the exposure, in place of the frame's own.")
    ] = None,
    utc_offset: Annotated[
        float | None, typer.Option(metavar="H", min=-14, max=14, help="Times are local, so far ahead of UTC.")
    ] = None,
    prior: Annotated[
        Path | None, typer.Option(metavar="PLATE", help="An earlier plate of this camera, to be refined.")
    ] = None,
    any_tilt: Annotated[
        bool, typer.Option("--any-tilt", help="Believe a camera that leans by over 5 degrees.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The plate file.")] = Path("plate.json"),
    picture: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw what was found there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Finds where a camera looks from the stars in its frames. Exit code 1, with the reason, when it cannot tell."""
    place = _site(site)
    assert place is not None
    from edge.calibrate import calibrate as body

    raise typer.Exit(
        body(
            frames,
            site=place,
            time=time,
            utc_offset=utc_offset,
            prior=prior,
            any_tilt=any_tilt,
            out=out,
            picture=picture,
            as_json=as_json,
        )
    )


@app.command()
def darks(
    frames: Annotated[list[Path], typer.Argument(metavar="FRAMES...", help="Taken with the cap on; or folders.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the master darks go.")] = Path("darks"),
) -> None:
    """Makes master darks, one for each gain, exposure and temperature among the frames; camera.darks_directory uses
    them."""
    from edge.darks import darks as body

    raise typer.Exit(body(frames, out=out))


PlateFile = Annotated[Path, typer.Option("--plate", metavar="FILE", help="The camera's plate, by `calibrate`.")]


@app.command()
def flat(
    frames: Annotated[list[Path], typer.Argument(metavar="FRAMES...", help="Frames of a clear night, or folders.")],
    plate: PlateFile,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The flat; camera.flat_file uses it.")] = Path("flat.json"),
) -> None:
    """Measures the lens's shading by the stars of some frames, the better the more of the night they span."""
    from edge.flat import flat as body

    raise typer.Exit(body(frames, plate_file=plate, out=out))


MaskFile = Annotated[Path, typer.Option("--out", metavar="FILE", help="The mask file.")]


@mask_app.command("learn")
def mask_learn(
    frames: Annotated[list[Path], typer.Argument(metavar="FRAMES...", help="Frames of a clear night, or folders.")],
    plate: PlateFile,
    out: MaskFile = Path("mask.json"),
    picture: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the mask on the last frame.")] = None,
) -> None:
    """Lamps, and places where stars never show: what does not turn with the sky over half an hour or more."""
    from edge.masking import learn

    raise typer.Exit(learn(frames, plate=plate, out=out, picture=picture))


@mask_app.command("draw")
def mask_draw(
    drawing: Annotated[Path, typer.Argument(metavar="DRAWING", help="PNG, black is hidden; or JSON outlines.")],
    plate: PlateFile,
    out: MaskFile = Path("mask.json"),
) -> None:
    """A drawing on a frame of the camera, or outlines [[azimuth, elevation], ...] in degrees, into a mask file."""
    from edge.masking import draw

    raise typer.Exit(draw(drawing, plate=plate, out=out))


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


# -- helpers ---------------------------------------------------------------------------------------------------------


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


def _pass_on(ctx: typer.Context, module: str, attribute: str, name: str) -> None:
    _invoke(getattr(import_module(module), attribute), name, ctx.command_path, ctx.args)


def _invoke(target: Any, name: str, path: str, arguments: Iterable[str]) -> None:
    """`target`: a typer app, or the function of a single command."""
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        target.command(name)(function)
    command: Any = typer.main.get_command(target)
    command = getattr(command, "commands", {}).get(name, command)
    command.main(args=list(arguments), prog_name=path)


def _mount_other_parts() -> None:
    """Commands of parts that `edge` must not import, such as `models`: found by entry point, loaded when asked for."""
    for entry in entry_points(group="skyspotter.commands"):
        help_line = f"More: `skyspotter {entry.name} --help`."
        app.command(entry.name, context_settings=PASS_ON, help=help_line)(_forward_to(entry))


def _forward_to(entry: EntryPoint) -> Callable[[typer.Context], None]:
    def forward(ctx: typer.Context) -> None:
        _invoke(entry.load(), entry.name, ctx.command_path, ctx.args)

    return forward


def _broker(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "1883")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{text!r} is no HOST[:PORT]", param_hint="--broker")
    return host.strip("[]"), int(port)


def _site(text: str | None) -> tuple[float, float, float] | None:
    """Degrees north, degrees east, metres above the ellipsoid."""
    if text is None:
        return None
    try:
        latitude_deg, longitude_deg, height_m = (float(part) for part in text.split(","))
    except ValueError as err:
        raise typer.BadParameter(f"{text!r} is no LAT,LON,HEIGHT_M, like 40.52,-3.09,980", param_hint="--site") from err
    if not (abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180 and -430 <= height_m <= 9000):
        raise typer.BadParameter(f"{text!r} is nowhere on Earth", param_hint="--site")
    return latitude_deg, longitude_deg, height_m


_mount_other_parts()
