"""What is made of stored frames: `skyspotter night | labels | calibrate | darks | flat | mask`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.cli_shared import PlateFile, site_of

app = typer.Typer()
mask_app = typer.Typer(no_args_is_help=True, help="What hides the sky for good: learn it from a night, or draw it.")
app.add_typer(mask_app, name="mask")


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
    place = site_of(site)
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
